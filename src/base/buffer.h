/*
 * A buffer: bytes that are put together piece by piece before they go anywhere.
 */
#ifndef MEMDIAL_BUFFER_H
#define MEMDIAL_BUFFER_H

#include <stddef.h>

struct buffer {
    char *bytes;                 /* owned; a NUL follows them; NULL: none yet */
    size_t count, capacity;
};

void buffer_done(struct buffer *);

void buffer_add(struct buffer *, const void *bytes, size_t count);
void buffer_text(struct buffer *, const char *text);
void buffer_print(struct buffer *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
