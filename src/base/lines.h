/*
 * Lines from a descriptor that must not block, of a peer that is not trusted:
 * whatever it writes, no more than LINES_MAX bytes of a line are kept, and a
 * longer one is told of once and skipped to its end. A last line without a
 * newline is a line like others.
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
    bool too_long;               /* text is how it begins */
};

void lines_init(struct lines *);

/* The next line, valid until the next lines_fill() or lines_put(); false if
 * none is complete. */
bool lines_next(struct lines *, struct line *);

/* What follows may only be called when lines_next() has said false. */

/* One read(): what that returns, with its errno. */
ssize_t lines_fill(struct lines *, int fd);

/* There will be no more; whether that ends a line that had no newline. */
bool lines_end(struct lines *);

/* The same as lines_fill() from memory; returns how many bytes it took. */
size_t lines_put(struct lines *, const void *data, size_t bytes);

#endif
