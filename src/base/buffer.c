#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { BUFFER_LEAST = 256 };

void buffer_done(struct buffer *b)
{
    free(b->bytes);
    *b = (struct buffer){ NULL, 0, 0 };
}

/* Makes room for more bytes, and a NUL. */
static void buffer_reserve(struct buffer *b, size_t more)
{
    size_t needed = b->count + more + 1;

    if (needed <= b->capacity)
        return;
    b->capacity = 2 * needed > BUFFER_LEAST ? 2 * needed : BUFFER_LEAST;
    b->bytes = xrealloc(b->bytes, b->capacity, 1);
}

void buffer_add(struct buffer *b, const void *bytes, size_t count)
{
    buffer_reserve(b, count);
    if (count)
        memcpy(b->bytes + b->count, bytes, count);
    b->count += count;
    b->bytes[b->count] = '\0';
}

void buffer_text(struct buffer *b, const char *text)
{
    buffer_add(b, text, strlen(text));
}

void buffer_print(struct buffer *b, const char *format, ...)
{
    va_list args, again;
    int length;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0) {
        buffer_reserve(b, (size_t)length);
        vsnprintf(b->bytes + b->count, (size_t)length + 1, format, again);
        b->count += (size_t)length;
    }
    va_end(again);
}
