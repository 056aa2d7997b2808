/*
 * Errors as text. Text that the user typed stands in them as it is, and is
 * cleaned where it is shown.
 */
#define _GNU_SOURCE

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/print.h"

/* Paths have no bound, and stand first: the middle of the message is the middle
 * of a path. */
static void leave_out_middle(char text[ERROR_TEXT_SIZE], const char *whole,
                             size_t length)
{
    static const char gap[] = " ... ";
    const size_t head = ERROR_TEXT_SIZE / 4;
    const size_t tail = ERROR_TEXT_SIZE - head - sizeof(gap);

    snprintf(text, ERROR_TEXT_SIZE, "%.*s%s%s", (int)head, whole, gap,
             whole + length - tail);
}

bool error_set(struct error *e, enum exit_code code, const char *format, ...)
{
    char *whole = NULL;
    va_list args;
    int length;

    if (!e)
        return false;
    e->code = code;
    e->reason = REASON_OTHER;
    va_start(args, format);
    length = vasprintf(&whole, format, args);
    va_end(args);
    if (length < 0)
        error_no_memory();
    if (length < ERROR_TEXT_SIZE)
        strcpy(e->text, whole);
    else
        leave_out_middle(e->text, whole, (size_t)length);
    free(whole);
    return false;
}

bool error_because(struct error *e, enum error_reason reason)
{
    if (e)
        e->reason = reason;
    return false;
}

static void (*last_words)(const char *message);

void error_last_words(void (*say)(const char *message))
{
    last_words = say;
}

/* No caller could handle this error: there is no memory to do so. */
void error_no_memory(void)
{
    static const char message[] = "out of host memory";

    if (last_words)
        last_words(message);
    print_error("memdial: %s\n", message);
    exit(EXIT_RUN);
}

static void *require(void *memory)
{
    if (!memory)
        error_no_memory();
    return memory;
}

void *xcalloc(unsigned long count, unsigned long size)
{
    return require(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *old, unsigned long count, unsigned long size)
{
    return require(reallocarray(old, count ? count : 1, size ? size : 1));
}

void *xgrow(void *array, int count, unsigned long size)
{
    if (count & (count - 1))
        return array;
    return xrealloc(array, count ? 2 * (unsigned long)count : 1, size);
}

char *xstrdup(const char *text)
{
    return require(strdup(text));
}

void xreplace(char **owned, const char *text)
{
    char *copy;

    if (text == *owned)
        return;
    copy = text ? xstrdup(text) : NULL;
    free(*owned);
    *owned = copy;
}
