#include "data/bpe.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/text.h"
#include "data/bpe_merges.h"

static const char version[] = "#version: 0.2";
static const char end_mark[] = BPE_END_MARK;

/* Bytes of a key beside those of its pieces. */
enum { KEY_EXTRA = 2 };

/* Writes two pieces as one word, which no other two are: no piece of a merge
 * has NUL in it. */
static struct word key_of(const struct piece *left, const struct piece *right,
                          char *key)
{
    char *to = key;

    memcpy(to, left->at, left->bytes);
    to += left->bytes;
    *to++ = '\0';
    memcpy(to, right->at, right->bytes);
    to += right->bytes;
    *to++ = (char)(2 * left->ends + right->ends);
    return (struct word){ key, (size_t)(to - key) };
}

/* Of merges that are there twice, the first counts. */
static void index_merge(struct bpe *b, int rank, char *key)
{
    const struct merge *m = &b->merge[rank];
    int before = words_count(b->by_pieces);
    int number = words_add(b->by_pieces, key_of(&m->left, &m->right, key));

    if (number == before)
        b->rank[number] = rank;
}

void bpe_index(struct bpe *b)
{
    char *key;

    for (int i = 0; i < b->count; i++) {
        size_t bytes = b->merge[i].left.bytes + b->merge[i].right.bytes;

        b->longest = bytes > b->longest ? bytes : b->longest;
    }
    b->by_pieces = words_new();
    b->rank = xcalloc((unsigned long)b->count, sizeof(*b->rank));
    key = xcalloc(b->longest + KEY_EXTRA, 1);
    for (int i = 0; i < b->count; i++)
        index_merge(b, i, key);
    free(key);
}

void bpe_free(struct bpe *b)
{
    if (!b)
        return;
    words_free(b->by_pieces);
    free(b->rank);
    free(b->merge);
    free(b->text);
    free(b);
}

int bpe_merges(const struct bpe *b)
{
    return b->count;
}

uint64_t bpe_checksum(const struct bpe *b)
{
    char *key = xcalloc(b->longest + KEY_EXTRA, 1);
    uint64_t sum = CHECKSUM_START;

    for (int i = 0; i < b->count; i++) {
        struct word both = key_of(&b->merge[i].left, &b->merge[i].right, key);

        sum = checksum_add(sum, both.at, both.bytes);
    }
    free(key);
    return sum;
}

enum { NO_RANK = INT_MAX, STALE_RANK = -1 };

/* The rank of the merge of two pieces, or NO_RANK; `key` has room for one. */
static int rank_of(const struct bpe *b, const struct piece *left,
                   const struct piece *right, char *key)
{
    int number;

    if (left->bytes + right->bytes > b->longest)
        return NO_RANK;
    number = words_find(b->by_pieces, key_of(left, right, key));
    return number < 0 ? NO_RANK : b->rank[number];
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

/* rank[] is of the merges of pieces with those behind them. A rank is stale
 * where one of the two has changed. */
static void find_ranks(const struct bpe *b, const struct piece *piece,
                       int *rank, int n, char *key)
{
    for (int i = 0; i + 1 < n; i++)
        if (rank[i] == STALE_RANK)
            rank[i] = rank_of(b, &piece[i], &piece[i + 1], key);
    if (n > 0)
        rank[n - 1] = NO_RANK;
}

static int least_rank(const int *rank, int n)
{
    int least = NO_RANK;

    for (int i = 0; i < n; i++)
        least = rank[i] < least ? rank[i] : least;
    return least;
}

/* Joins pieces wherever the two of a merge stand beside each other; returns how
 * many there are then. */
static int join_pieces(int merge, struct piece *piece, int *rank, int n)
{
    int to = 0;

    for (int i = 0; i < n; i++, to++) {
        bool joins = rank[i] == merge;

        piece[to] = piece[i];
        rank[to] = joins ? STALE_RANK : rank[i];
        if (!joins)
            continue;
        i++;
        piece[to].bytes += piece[i].bytes;
        piece[to].ends = piece[i].ends;
        if (to > 0)
            rank[to - 1] = STALE_RANK;
    }
    return to;
}

int bpe_cut(const struct bpe *b, const char *word, size_t bytes,
            size_t ends[])
{
    struct piece *piece = xcalloc(bytes + 1, sizeof(*piece));
    int *rank = xcalloc(bytes + 1, sizeof(*rank));
    char *key = xcalloc(b->longest + KEY_EXTRA, 1);
    int n = bpe_characters(word, bytes, piece), least;

    for (int i = 0; i < n; i++)
        rank[i] = STALE_RANK;
    for (find_ranks(b, piece, rank, n, key);
         (least = least_rank(rank, n)) != NO_RANK;
         find_ranks(b, piece, rank, n, key))
        n = join_pieces(least, piece, rank, n);
    for (int i = 0; i < n; i++)
        ends[i] = (size_t)(piece[i].at - word) + piece[i].bytes;
    free(piece);
    free(rank);
    free(key);
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
    if (!draft_write(draft, version, strlen(version), e) ||
        !draft_write(draft, "\n", 1, e))
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

static bool parse_merge(struct word line, struct merge *m)
{
    const char *space = memchr(line.at, ' ', line.bytes);
    size_t left;

    if (!space)
        return false;
    left = (size_t)(space - line.at);
    return !memchr(space + 1, ' ', line.bytes - left - 1) &&
           !memchr(line.at, 0, line.bytes) &&
           parse_piece(line.at, left, &m->left) &&
           parse_piece(space + 1, line.bytes - left - 1, &m->right);
}

/* Takes a line off a text, without spaces at its end: the carriage return of
 * other systems is one by now (text_file.h). */
static struct word trimmed_line(struct word *text)
{
    const char *end = memchr(text->at, '\n', text->bytes);
    struct word line = { text->at, end ? (size_t)(end - text->at)
                                       : text->bytes };
    size_t taken = line.bytes + (end ? 1 : 0);

    *text = (struct word){ text->at + taken, text->bytes - taken };
    while (line.bytes > 0 && line.at[line.bytes - 1] == ' ')
        line.bytes--;
    return line;
}

/* Parses the lines of a copy of the text, behind the version. */
static bool parse_lines(struct bpe *b, const char *path, struct word text,
                        struct error *e)
{
    for (int line = 2; text.bytes > 0; line++) {
        if (!parse_merge(trimmed_line(&text), &b->merge[b->count]))
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
    struct bpe *b = xcalloc(1, sizeof(*b));
    struct word text;

    b->text = xcalloc(file.bytes + 1, 1);
    memcpy(b->text, file.data, file.bytes);
    b->merge = xcalloc(count_lines(file.data, file.bytes), sizeof(*b->merge));
    text = (struct word){ b->text, file.bytes };
    if (!word_is(trimmed_line(&text), word_of(version))) {
        error_set(e, EXIT_INPUT, "%s: line 1 is not \"%s\", as subword-nmt "
                  "begins a file of merges", path, version);
    } else if (parse_lines(b, path, text, e)) {
        bpe_index(b);
        *out = b;
        return true;
    }
    bpe_free(b);
    return false;
}
