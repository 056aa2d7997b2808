#define _GNU_SOURCE

#include "base/print.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ending.h"
#include "base/text.h"

enum { OUT_SIZE = 8192, CONVERSION_SIZE = 512, SPEC_SIZE = 16 };

/* Seconds between looks at whether to stop, and seconds that a reader may still
 * read when it is time to stop. */
enum { LOOK_SECONDS = 1, PATIENCE_SECONDS = 1 };

/* A stream: bytes that wait to be written, and the first failure. */
struct out {
    int fd;
    int failure;                 /* errno, or 0 */
    int columns;                 /* printed within one call */
    size_t used;
    char data[OUT_SIZE];
};

static struct out output = { .fd = STDOUT_FILENO };
static struct out errors = { .fd = STDERR_FILENO };

/* Waits for room. A pipe with any room has room for PIPE_BUF bytes, and a write
 * of that size does not wait. */
static bool has_room(struct out *o)
{
    struct pollfd fd = { o->fd, POLLOUT, 0 };

    for (;;) {
        bool last = ending_signal() != 0;
        struct timespec wait = { last ? PATIENCE_SECONDS : LOOK_SECONDS, 0 };
        int ready = ppoll(&fd, 1, &wait, ending_let_in());

        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR) {
            o->failure = errno;
            return false;
        }
        if (last)
            break;
    }
    o->failure = EINTR;
    return false;
}

static void write_out(struct out *o)
{
    size_t at = 0;

    while (at < o->used && !o->failure && has_room(o)) {
        size_t left = o->used - at;
        ssize_t n = write(o->fd, o->data + at,
                          left < PIPE_BUF ? left : PIPE_BUF);

        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR && errno != EAGAIN)
            o->failure = errno;
    }
    o->used = 0;
}

static void put_bytes(struct out *o, const char *bytes, size_t count)
{
    while (count > 0) {
        size_t part = OUT_SIZE - o->used;

        if (part > count)
            part = count;
        memcpy(o->data + o->used, bytes, part);
        o->used += part;
        bytes += part;
        count -= part;
        if (o->used == OUT_SIZE)
            write_out(o);
    }
}

static void put_spaces(struct out *o, int count)
{
    for (int i = 0; i < count; i++, o->columns++)
        put_bytes(o, " ", 1);
}

/* Puts text of unknown origin, cleaned. */
static void put_text(struct out *o, const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        struct text_cell cell;

        at += text_cell(text + at, length - at, &cell);
        put_bytes(o, cell.text, strlen(cell.text));
        o->columns += cell.columns;
    }
}

/* Puts text of the program's own, with its control characters. */
static void put_plain(struct out *o, const char *text, size_t length)
{
    while (length > 0) {
        size_t n = 0;

        while (n < length && (unsigned char)text[n] >= ' ')
            n++;
        put_text(o, text, n);
        if (n < length)
            put_bytes(o, text + n++, 1);
        text += n;
        length -= n;
    }
}

/* A conversion of a format: "%-*.3lld". */
struct conversion {
    char spec[SPEC_SIZE];        /* for a number, with '*' for both ... */
    int width, precision;        /* ... of these; precision -1: none */
    bool left;
    int longs;
    bool of_size;                /* %zu */
    char type;
};

static int take_number(const char **at, va_list *args)
{
    char *end;
    long number;

    if (**at == '*') {
        (*at)++;
        return va_arg(*args, int);
    }
    number = strtol(*at, &end, 10);
    *at = end;
    return (int)number;
}

static void take_length(const char **at, struct conversion *c)
{
    for (; **at == 'l'; (*at)++)
        c->longs++;
    c->of_size = **at == 'z';
    *at += c->of_size;
}

/* Reads a conversion that begins at `at`; returns its end. */
static const char *read_conversion(const char *at, struct conversion *c,
                                   va_list *args)
{
    size_t flags = strspn(++at, "-+ 0#");
    bool real;

    *c = (struct conversion){ .left = memchr(at, '-', flags) != NULL,
                              .precision = -1 };
    assert(flags < SPEC_SIZE - sizeof("%*.*lld"));
    snprintf(c->spec, SPEC_SIZE, "%%%.*s*.*", (int)flags, at);
    at += flags;
    c->width = take_number(&at, args);
    if (*at == '.') {
        at++;
        c->precision = take_number(&at, args);
    }
    take_length(&at, c);
    c->type = *at;
    real = c->type == 'f' || c->type == 'g';
    strcat(c->spec, real ? "" : "ll");
    strncat(c->spec, &c->type, 1);
    return at + 1;
}

static long long signed_argument(const struct conversion *c, va_list *args)
{
    return c->longs == 2 ? va_arg(*args, long long) :
           c->longs == 1 ? va_arg(*args, long) : va_arg(*args, int);
}

static unsigned long long unsigned_argument(const struct conversion *c,
                                            va_list *args)
{
    return c->of_size    ? va_arg(*args, size_t) :
           c->longs == 2 ? va_arg(*args, unsigned long long) :
           c->longs == 1 ? va_arg(*args, unsigned long) :
                           va_arg(*args, unsigned);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void put_number(struct out *o, const struct conversion *c,
                       va_list *args)
{
    char text[CONVERSION_SIZE];

    if (c->type == 'd')
        snprintf(text, sizeof(text), c->spec, c->width, c->precision,
                 signed_argument(c, args));
    else if (c->type == 'u')
        snprintf(text, sizeof(text), c->spec, c->width, c->precision,
                 unsigned_argument(c, args));
    else
        snprintf(text, sizeof(text), c->spec, c->width, c->precision,
                 va_arg(*args, double));
    put_text(o, text, strlen(text));
}
#pragma GCC diagnostic pop

static void put_string(struct out *o, const struct conversion *c,
                       const char *text, size_t length)
{
    bool left = c->left || c->width < 0;
    int blanks = abs(c->width) - text_columns(text, length);

    if (!left)
        put_spaces(o, blanks);
    put_text(o, text, length);
    if (left)
        put_spaces(o, blanks);
}

static size_t string_length(const struct conversion *c, const char *text)
{
    return c->precision < 0 ? strlen(text)
                            : strnlen(text, (size_t)c->precision);
}

static void put_conversion(struct out *o, const struct conversion *c,
                           va_list *args)
{
    const char *text;
    char character;

    switch (c->type) {
    case '%':
        put_text(o, "%", 1);
        break;
    case 'c':
        character = (char)va_arg(*args, int);
        put_string(o, c, &character, 1);
        break;
    case 's':
        text = va_arg(*args, const char *);
        put_string(o, c, text, string_length(c, text));
        break;
    default:
        assert(c->type && strchr("dufg", c->type));
        put_number(o, c, args);
    }
}

static void put_format(struct out *o, const char *format, va_list *args)
{
    o->columns = 0;
    while (*format) {
        size_t plain = strcspn(format, "%");
        struct conversion c;

        put_plain(o, format, plain);
        format += plain;
        if (*format) {
            format = read_conversion(format, &c, args);
            put_conversion(o, &c, args);
        }
    }
}

int print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    put_format(&output, format, &args);
    va_end(args);
    return output.columns;
}

void print_error(const char *format, ...)
{
    va_list args;

    write_out(&output);
    va_start(args, format);
    put_format(&errors, format, &args);
    va_end(args);
    write_out(&errors);
}

bool print_error_shows(void)
{
    return isatty(STDERR_FILENO);
}

void print_bytes(const char *bytes, size_t count)
{
    put_bytes(&output, bytes, count);
}

bool print_flush(void)
{
    write_out(&output);
    errno = output.failure;
    return !output.failure;
}

bool print_goes_to(int fd)
{
    struct stat file, other;

    if (fstat(fd, &file) != 0)
        return false;
    for (int i = STDOUT_FILENO; i <= STDERR_FILENO; i++)
        if (fstat(i, &other) == 0 && other.st_dev == file.st_dev &&
            other.st_ino == file.st_ino)
            return true;
    return false;
}
