/*
 * Lines from a descriptor that must not block, of a peer that is not trusted.
 * At most LINES_MAX bytes of a line are kept; a longer line is given out once,
 * cut, and skipped to its end. A last line without a newline is a line like
 * others.
 */
#ifndef MEMDIAL_LINES_H
#define MEMDIAL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { LINES_MAX = 1 << 16 /* bytes, the newline included */ };

struct lines {
    size_t begin, end;           /* of bytes not given out yet */
    bool skipping;               /* to the end of a line that is too long */
    char data[LINES_MAX];
};

struct line {
    const char *text;            /* not terminated; may hold any bytes */
    size_t length;               /* without the newline */
    bool too_long;               /* text is only its beginning */
};

void lines_init(struct lines *);

/* The next line, valid until the next lines_fill() or lines_put(); false if
 * none is complete. */
bool lines_next(struct lines *, struct line *);

/* The functions below may only be called when lines_next() has said false. */

/* One read(): its result, with its errno. */
ssize_t lines_fill(struct lines *, int fd);

/* Says that no more bytes come; whether a line without a newline ends. */
bool lines_end(struct lines *);

/* lines_fill() from memory; returns how many bytes it took. */
size_t lines_put(struct lines *, const void *data, size_t bytes);

#endif
