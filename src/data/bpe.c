#define _GNU_SOURCE

#include "data/bpe.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/bpe_merges.h"

static const char version[] = "#version: 0.2\n";
static const char end_mark[] = BPE_END_MARK;

int bpe_compare_bytes(const struct piece *a, const struct piece *b)
{
    size_t both = a->bytes < b->bytes ? a->bytes : b->bytes;
    int order = both > 0 ? memcmp(a->at, b->at, both) : 0;

    if (order != 0 || a->bytes == b->bytes)
        return order;
    return a->bytes < b->bytes ? -1 : 1;
}

int bpe_compare_pieces(const struct piece *a, const struct piece *b)
{
    int order = bpe_compare_bytes(a, b);

    return order != 0 ? order : a->ends - b->ends;
}

static int compare_merges(const void *a, const void *b)
{
    const struct merge *x = a, *y = b;
    int order = bpe_compare_pieces(&x->left, &y->left);

    return order != 0 ? order : bpe_compare_pieces(&x->right, &y->right);
}

void *bpe_add(void **root, void *key,
              int (*compare)(const void *, const void *))
{
    void **node = tsearch(key, root, compare);

    if (!node)
        error_no_memory();
    return *node;
}

/* Of merges that are there twice, the first counts. */
void bpe_index(struct bpe *b)
{
    for (int i = 0; i < b->count; i++) {
        b->merge[i].rank = i;
        bpe_add(&b->by_pieces, &b->merge[i], compare_merges);
    }
}

static void keep_key(void *key)
{
    (void)key;
}

void bpe_free(struct bpe *b)
{
    if (!b)
        return;
    tdestroy(b->by_pieces, keep_key);
    free(b->merge);
    free(b->text);
    free(b);
}

int bpe_merges(const struct bpe *b)
{
    return b->count;
}

/* The rank of the merge of two pieces; -1: there is none. */
static int rank_of(const struct bpe *b, const struct piece *left,
                   const struct piece *right)
{
    struct merge wanted = { *left, *right, 0 };
    void *found = tfind(&wanted, &b->by_pieces, compare_merges);

    return found ? (*(struct merge **)found)->rank : -1;
}

int bpe_characters(const char *word, size_t bytes, struct piece piece[])
{
    int n = 0;

    for (size_t at = 0; at < bytes; n++) {
        uint32_t character;
        size_t length = text_decode(word + at, bytes - at, &character);

        at += length;
        piece[n] = (struct piece){ word + at - length, length, at == bytes };
    }
    return n;
}

/* Joins pieces wherever the two of a merge stand beside each other; returns how
 * many there are then. */
static int join_pieces(const struct merge *m, struct piece *piece, int n)
{
    int to = 0;

    for (int i = 0; i < n; i++, to++) {
        piece[to] = piece[i];
        if (i + 1 < n && bpe_compare_pieces(&piece[i], &m->left) == 0 &&
            bpe_compare_pieces(&piece[i + 1], &m->right) == 0) {
            i++;
            piece[to].bytes += piece[i].bytes;
            piece[to].ends = piece[i].ends;
        }
    }
    return to;
}

/* The merge of lowest rank that a word's pieces have; -1: none. */
static int best_merge(const struct bpe *b, const struct piece *piece, int n)
{
    int best = -1;

    for (int i = 0; i + 1 < n; i++) {
        int rank = rank_of(b, &piece[i], &piece[i + 1]);

        if (rank >= 0 && (best < 0 || rank < best))
            best = rank;
    }
    return best;
}

int bpe_cut(const struct bpe *b, const char *word, size_t bytes,
            size_t ends[])
{
    struct piece *piece = xcalloc(bytes + 1, sizeof(*piece));
    int n = bpe_characters(word, bytes, piece), rank;

    while ((rank = best_merge(b, piece, n)) >= 0)
        n = join_pieces(&b->merge[rank], piece, n);
    for (int i = 0; i < n; i++)
        ends[i] = (size_t)(piece[i].at - word) + piece[i].bytes;
    free(piece);
    return n;
}

static bool write_piece(const struct piece *p, const char *after,
                        struct draft *draft, struct error *e)
{
    return draft_write(draft, p->at, p->bytes, e) &&
           (!p->ends || draft_write(draft, end_mark, strlen(end_mark), e)) &&
           draft_write(draft, after, 1, e);
}

bool bpe_write(const struct bpe *b, struct draft *draft, struct error *e)
{
    if (!draft_write(draft, version, strlen(version), e))
        return false;
    for (int i = 0; i < b->count; i++)
        if (!write_piece(&b->merge[i].left, " ", draft, e) ||
            !write_piece(&b->merge[i].right, "\n", draft, e))
            return false;
    return true;
}

/* A piece of a file of merges; false if it is empty. */
static bool parse_piece(const char *text, size_t bytes, struct piece *p)
{
    size_t mark = strlen(end_mark);

    *p = (struct piece){ text, bytes, false };
    if (bytes > mark && memcmp(text + bytes - mark, end_mark, mark) == 0) {
        p->bytes -= mark;
        p->ends = true;
    }
    return bytes > 0;
}

static bool parse_merge(const char *line, size_t bytes, struct merge *m)
{
    const char *space = memchr(line, ' ', bytes);
    size_t left;

    if (!space)
        return false;
    left = (size_t)(space - line);
    return !memchr(space + 1, ' ', bytes - left - 1) &&
           !memchr(line, 0, bytes) && parse_piece(line, left, &m->left) &&
           parse_piece(space + 1, bytes - left - 1, &m->right);
}

/* Parses the lines of a copy of the text, behind the version. */
static bool parse_lines(struct bpe *b, const char *path, const char *text,
                        size_t bytes, struct error *e)
{
    int line = 2;

    for (size_t at = 0; at < bytes; line++) {
        const char *begin = text + at, *end = memchr(begin, '\n', bytes - at);
        size_t length = end ? (size_t)(end - begin) : bytes - at;

        at += length + 1;
        if (length > 0 && begin[length - 1] == '\r')
            length--;
        if (!parse_merge(begin, length, &b->merge[b->count]))
            return error_set(e, EXIT_INPUT, "%s: line %d: not two pieces with "
                             "a space between them", path, line);
        b->count++;
    }
    return true;
}

static size_t count_lines(const char *text, size_t bytes)
{
    size_t n = 1;

    for (size_t i = 0; i < bytes; i++)
        n += text[i] == '\n';
    return n;
}

bool bpe_parse(struct bpe **out, const char *path, struct bpe_text file,
               struct error *e)
{
    size_t head = strlen(version);
    struct bpe *b;

    if (file.bytes < head || memcmp(file.data, version, head) != 0)
        return error_set(e, EXIT_INPUT, "%s: line 1 is not \"#version: 0.2\", "
                         "as subword-nmt begins a file of merges", path);
    b = xcalloc(1, sizeof(*b));
    b->text = xcalloc(file.bytes + 1, 1);
    memcpy(b->text, file.data, file.bytes);
    b->merge = xcalloc(count_lines(file.data, file.bytes), sizeof(*b->merge));
    if (!parse_lines(b, path, b->text + head, file.bytes - head, e)) {
        bpe_free(b);
        return false;
    }
    bpe_index(b);
    *out = b;
    return true;
}
