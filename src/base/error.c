/*
 * Errors as text. What the user typed ends up in them as it is, and is cleaned
 * where it is shown.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/print.h"

bool error_set(struct error *e, enum exit_code code, const char *format, ...)
{
    va_list args;

    if (!e)
        return false;
    e->code = code;
    va_start(args, format);
    vsnprintf(e->text, sizeof(e->text), format, args);
    va_end(args);
    return false;
}

static void (*last_words)(const char *message);

void error_last_words(void (*say)(const char *message))
{
    last_words = say;
}

/* Not an error that a caller could handle: there is no memory to do it in. */
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

char *xstrdup(const char *text)
{
    return require(strdup(text));
}

void xreplace(char **owned, const char *text)
{
    char *copy = text ? xstrdup(text) : NULL;

    free(*owned);
    *owned = copy;
}
