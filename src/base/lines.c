#include "base/lines.h"

#include <string.h>
#include <unistd.h>

void lines_init(struct lines *l)
{
    l->begin = l->end = 0;
    l->skipping = false;
}

/* One line fills the buffer and leaves no room for its newline. */
static bool is_full(const struct lines *l)
{
    return l->begin == 0 && l->end == LINES_MAX;
}

bool lines_next(struct lines *l, struct line *line)
{
    char *text = l->data + l->begin;
    char *newline = memchr(text, '\n', l->end - l->begin);
    size_t length = newline ? (size_t)(newline - text) : l->end - l->begin;
    bool skipped = l->skipping;

    if (!newline && !skipped && !is_full(l))
        return false;
    l->begin += length + (newline != NULL);
    l->skipping = !newline;
    if (skipped) /* the rest of a line that was given out as too long */
        return newline && lines_next(l, line);
    *line = (struct line){ text, length, !newline };
    return true;
}

/* Moves the incomplete line to the front; returns the room left. */
static size_t move_to_front(struct lines *l)
{
    memmove(l->data, l->data + l->begin, l->end - l->begin);
    l->end -= l->begin;
    l->begin = 0;
    return LINES_MAX - l->end;
}

ssize_t lines_fill(struct lines *l, int fd)
{
    size_t room = move_to_front(l);
    ssize_t n = read(fd, l->data + l->end, room);

    if (n > 0)
        l->end += (size_t)n;
    return n;
}

size_t lines_put(struct lines *l, const void *data, size_t bytes)
{
    size_t room = move_to_front(l);

    if (bytes > room)
        bytes = room;
    memcpy(l->data + l->end, data, bytes);
    l->end += bytes;
    return bytes;
}

bool lines_end(struct lines *l)
{
    return l->end > l->begin && lines_put(l, "\n", 1) == 1;
}
