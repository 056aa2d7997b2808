#include "data/text_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

/* Where a check of the text has come to. */
struct place {
    size_t at;           /* bytes before it */
    size_t line_begin;
    int line;            /* from 1 */
    bool has_words;      /* the line, so far */
};

static bool refuse_byte(const struct text_file *t, const struct place *p,
                        const char *trouble, struct error *e)
{
    return error_set(e, EXIT_INPUT, "%s: line %d: byte %zu %s", t->path,
                     p->line, p->at - p->line_begin + 1, trouble);
}

static bool refuse_control(const struct text_file *t, const struct place *p,
                           uint32_t c, struct error *e)
{
    char trouble[96];

    snprintf(trouble, sizeof(trouble), "is a control character, U+%04X; "
             "remove it, or put a space in its place", (unsigned)c);
    return refuse_byte(t, p, trouble, e);
}

static bool end_line(const struct text_file *t, struct place *p,
                     struct error *e)
{
    if (!p->has_words && t->gaps == GAPS_REFUSED)
        return error_set(e, EXIT_INPUT, "%s: line %d is empty; remove it, and "
                         "the line of the other language that belongs to it",
                         t->path, p->line);
    p->line++;
    p->line_begin = p->at;
    p->has_words = false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Takes a character beyond ASCII. */
static bool take_wide(const struct text_file *t, struct place *p,
                      struct error *e)
{
    uint32_t c;
    size_t bytes = text_decode(t->data + p->at, t->bytes - p->at, &c);

    if (c == TEXT_NO_CHARACTER)
        return refuse_byte(t, p, "is not UTF-8; convert the text with iconv, "
                           "from the encoding that it is in", e);
    if (c < 0xa0)
        return refuse_control(t, p, c, e);
    p->at += bytes;
    p->has_words = true;
    return true;
}

/* Takes a character, and makes it a space if it divides words. */
static bool take_character(struct text_file *t, struct place *p,
                           struct error *e)
{
    char *c = &t->data[p->at];

    if (*c & 0x80)
        return take_wide(t, p, e);
    if (*c == '\0')
        return refuse_byte(t, p, "is NUL; this is no text", e);
    if (iscntrl((unsigned char)*c) && *c != '\n' && !is_space(*c))
        return refuse_control(t, p, (unsigned char)*c, e);
    p->at++;
    if (*c == '\n')
        return end_line(t, p, e);
    if (is_space(*c))
        *c = ' ';
    else
        p->has_words = true;
    return true;
}

static bool check_text(struct text_file *t, struct error *e)
{
    struct place p = { .line = 1 };

    while (p.at < t->bytes)
        if (!take_character(t, &p, e))
            return false;
    if (p.at > p.line_begin && !end_line(t, &p, e))
        return false;
    t->lines = p.line - 1;
    return t->lines > 0 || t->gaps == GAPS_ALLOWED ||
           error_set(e, EXIT_INPUT, "%s: the file is empty; put a sentence on "
                     "each line", t->path);
}

static bool read_whole(struct text_file *t, int fd, struct error *e)
{
    t->data = xcalloc(t->bytes + 1, 1);
    return file_read_at(fd, t->data, t->bytes, 0) ||
           error_set(e, EXIT_INPUT, "%s: %s; see that it can be read", t->path,
                     errno ? strerror(errno) : "the file grew shorter");
}

/* Reads on to the end of a stream, of any length up to the most. */
static bool read_to_end(struct text_file *t, int fd, struct error *e)
{
    size_t room = 0;
    ssize_t n;

    do {
        if (t->bytes == room)
            t->data = xrealloc(t->data, room = 2 * room + (1 << 16), 1);
        n = read(fd, t->data + t->bytes, room - t->bytes);
        if (n < 0 && errno != EINTR)
            return error_set(e, EXIT_INPUT, "%s: %s; see that it can be read",
                             t->path, strerror(errno));
        t->bytes += n > 0 ? (size_t)n : 0;
        if (t->bytes > TEXT_FILE_MOST)
            return error_set(e, EXIT_INPUT, "%s: more than 1 GiB; divide it "
                             "into parts", t->path);
    } while (n != 0);
    return true;
}

/* The text is kept if it was read and is good. */
static bool keep_good(struct text_file *t, bool whole, struct error *e)
{
    if (whole && check_text(t, e))
        return true;
    text_file_free(t);
    return false;
}

bool text_file_read(struct text_file *t, const char *path,
                    enum text_gaps gaps, struct error *e)
{
    struct error why;
    uint64_t bytes;
    int fd = file_open(path, TEXT_FILE_MOST, &bytes, &why);
    bool whole;

    if (fd < 0)
        return error_set(e, EXIT_INPUT, "%s; see that it is a file that can be "
                         "read, of 1 GiB at most", why.text);
    *t = (struct text_file){ .path = xstrdup(path), .gaps = gaps,
                             .bytes = (size_t)bytes };
    whole = read_whole(t, fd, e);
    close(fd);
    return keep_good(t, whole, e);
}

bool text_file_read_input(struct text_file *t, struct error *e)
{
    *t = (struct text_file){ .path = xstrdup("standard input"),
                             .gaps = GAPS_ALLOWED };
    return keep_good(t, read_to_end(t, STDIN_FILENO, e), e);
}

void text_file_free(struct text_file *t)
{
    free(t->path);
    free(t->data);
    *t = (struct text_file){ 0 };
}

bool text_file_next(const struct text_file *t, size_t *at, struct word *line)
{
    const char *begin = t->data + *at, *end;

    if (*at >= t->bytes)
        return false;
    end = memchr(begin, '\n', t->bytes - *at);
    *line = (struct word){ begin, end ? (size_t)(end - begin)
                                      : t->bytes - *at };
    *at += line->bytes + 1;
    return true;
}
