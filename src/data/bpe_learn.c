/*
 * Learning: the vocabulary is counted, each word a row of symbols, numbers of
 * pieces. Then, as often as a merge is wanted, the two symbols that stand
 * beside each other most often become one. Of equal counts the couple whose
 * pieces come last counts, as in subword-nmt. Words that have a couple are
 * listed with it, so that a merge changes no others.
 */
#define _GNU_SOURCE

#include "data/bpe_merges.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "data/bpe.h"

/* A couple that is seen less often is not merged. */
enum { LEAST_COUNT = 2 };

struct lexeme {           /* of the vocabulary */
    struct piece word;
    long long count;     /* in the text */
    int *symbol;
    int symbols;
};

/* Two symbols beside each other. */
struct couple {
    int left, right;
    long long count;
    int *entry;          /* words that have had it */
    int entries;
};

struct lesson {
    struct lexeme **entry;
    int entries;
    void *by_word;       /* of tsearch(), as are the others */
    struct piece *symbol;
    int symbols;
    void *by_piece;
    struct couple **couple;
    int couples;
    void *by_symbols;
};

static int compare_entries(const void *a, const void *b)
{
    const struct lexeme *x = a, *y = b;

    return bpe_compare_bytes(&x->word, &y->word);
}

static void count_word(struct lesson *l, const char *word, size_t bytes)
{
    struct lexeme wanted = { .word = { word, bytes, true } }, *e;
    void *found = tfind(&wanted, &l->by_word, compare_entries);

    if (found) {
        (*(struct lexeme **)found)->count++;
        return;
    }
    e = xcalloc(1, sizeof(*e));
    *e = wanted;
    e->count = 1;
    bpe_add(&l->by_word, e, compare_entries);
    l->entry = xgrow(l->entry, l->entries, sizeof(struct lexeme *));
    l->entry[l->entries++] = e;
}

static void count_words(struct lesson *l, const struct bpe_text *text)
{
    const char *end = text->data + text->bytes;

    for (const char *at = text->data; at < end;) {
        const char *begin = at;

        while (at < end && !strchr(" \n\r", *at))
            at++;
        if (at > begin)
            count_word(l, begin, (size_t)(at - begin));
        else
            at++;
    }
}

static int compare_couples(const void *a, const void *b)
{
    const struct couple *x = a, *y = b;

    return x->left != y->left ? (x->left < y->left ? -1 : 1)
                              : (x->right > y->right) - (x->right < y->right);
}

static struct couple *couple_of(struct lesson *l, int left, int right)
{
    struct couple wanted = { .left = left, .right = right }, *c;
    void *found = tfind(&wanted, &l->by_symbols, compare_couples);

    if (found)
        return *(struct couple **)found;
    c = xcalloc(1, sizeof(*c));
    *c = wanted;
    bpe_add(&l->by_symbols, c, compare_couples);
    l->couple = xgrow(l->couple, l->couples, sizeof(struct couple *));
    l->couple[l->couples++] = c;
    return c;
}

/* Adds the couples of a word, or takes them away. */
static void count_couples(struct lesson *l, int entry, int sign)
{
    const struct lexeme *e = l->entry[entry];

    for (int i = 0; i + 1 < e->symbols; i++) {
        struct couple *c = couple_of(l, e->symbol[i], e->symbol[i + 1]);

        c->count += sign * e->count;
        if (sign < 0 || (c->entries && c->entry[c->entries - 1] == entry))
            continue;
        c->entry = xgrow(c->entry, c->entries, sizeof(int));
        c->entry[c->entries++] = entry;
    }
}

/* A symbol's number, by its piece. */
struct symbol_node {
    struct piece piece;
    int number;
};

static int compare_symbols(const void *a, const void *b)
{
    const struct symbol_node *x = a, *y = b;

    return bpe_compare_pieces(&x->piece, &y->piece);
}

static int symbol_of(struct lesson *l, struct piece piece)
{
    struct symbol_node wanted = { piece, l->symbols }, *node;
    void *found = tfind(&wanted, &l->by_piece, compare_symbols);

    if (found)
        return (*(struct symbol_node **)found)->number;
    node = xcalloc(1, sizeof(*node));
    *node = wanted;
    bpe_add(&l->by_piece, node, compare_symbols);
    l->symbol = xgrow(l->symbol, l->symbols, sizeof(*l->symbol));
    l->symbol[l->symbols] = piece;
    return l->symbols++;
}

static void spell(struct lesson *l, struct lexeme *e)
{
    struct piece *piece = xcalloc(e->word.bytes + 1, sizeof(*piece));
    int n = bpe_characters(e->word.at, e->word.bytes, piece);

    e->symbol = xcalloc((unsigned long)n, sizeof(int));
    e->symbols = n;
    for (int i = 0; i < n; i++)
        e->symbol[i] = symbol_of(l, piece[i]);
    free(piece);
}

static void begin_lesson(struct lesson *l, const struct bpe_text *text,
                         int texts)
{
    for (int i = 0; i < texts; i++)
        count_words(l, &text[i]);
    for (int i = 0; i < l->entries; i++) {
        spell(l, l->entry[i]);
        count_couples(l, i, 1);
    }
}

/* The order of symbols as subword-nmt has it: by their text, which has the end
 * mark in it. */
static int compare_marked(const struct piece *a, const struct piece *b)
{
    static const char mark[] = BPE_END_MARK;
    size_t lengths[] = { a->bytes + (a->ends ? strlen(mark) : 0),
                         b->bytes + (b->ends ? strlen(mark) : 0) };

    for (size_t i = 0; i < lengths[0] && i < lengths[1]; i++) {
        int x = (unsigned char)(i < a->bytes ? a->at[i] : mark[i - a->bytes]);
        int y = (unsigned char)(i < b->bytes ? b->at[i] : mark[i - b->bytes]);

        if (x != y)
            return x - y;
    }
    return (lengths[0] > lengths[1]) - (lengths[0] < lengths[1]);
}

/* Whether a couple is to be merged before another. */
static bool is_before(const struct lesson *l, const struct couple *a,
                      const struct couple *b)
{
    int order;

    if (a->count != b->count)
        return a->count > b->count;
    order = compare_marked(&l->symbol[a->left], &l->symbol[b->left]);
    if (order == 0)
        order = compare_marked(&l->symbol[a->right], &l->symbol[b->right]);
    return order > 0;
}

static struct couple *best_couple(const struct lesson *l)
{
    struct couple *best = NULL;

    for (int i = 0; i < l->couples; i++)
        if (l->couple[i]->count >= LEAST_COUNT &&
            (!best || is_before(l, l->couple[i], best)))
            best = l->couple[i];
    return best;
}

/* Replaces a couple in a word by a symbol. */
static void join_symbols(struct lesson *l, int entry, const struct couple *c,
                         int symbol)
{
    struct lexeme *e = l->entry[entry];
    int to = 0;

    count_couples(l, entry, -1);
    for (int i = 0; i < e->symbols; i++, to++) {
        bool both = i + 1 < e->symbols && e->symbol[i] == c->left &&
                    e->symbol[i + 1] == c->right;

        e->symbol[to] = both ? symbol : e->symbol[i];
        i += both;
    }
    e->symbols = to;
    count_couples(l, entry, 1);
}

static bool has_couple(const struct lexeme *e, const struct couple *c)
{
    for (int i = 0; i + 1 < e->symbols; i++)
        if (e->symbol[i] == c->left && e->symbol[i + 1] == c->right)
            return true;
    return false;
}

/* The piece that two make: where a word has them beside each other. */
static struct piece joined(const struct lesson *l, const struct couple *c)
{
    const struct piece *left = &l->symbol[c->left];
    const struct piece *right = &l->symbol[c->right];

    for (int k = 0; k < c->entries; k++) {
        const struct lexeme *e = l->entry[c->entry[k]];
        const char *at = e->word.at;

        for (int i = 0; i + 1 < e->symbols; i++) {
            if (e->symbol[i] == c->left && e->symbol[i + 1] == c->right)
                return (struct piece){ at, left->bytes + right->bytes,
                                       right->ends };
            at += l->symbol[e->symbol[i]].bytes;
        }
    }
    return *left; /* never: a couple that is counted is in a word */
}

static void merge_couple(struct lesson *l, struct couple *c)
{
    int symbol = symbol_of(l, joined(l, c)), entries = c->entries;

    for (int i = 0; i < entries; i++)
        if (has_couple(l->entry[c->entry[i]], c))
            join_symbols(l, c->entry[i], c, symbol);
}

/* Copies a piece behind the texts of others. */
static struct piece keep_piece(struct piece p, char **to)
{
    memcpy(*to, p.at, p.bytes);
    p.at = *to;
    *to += p.bytes;
    return p;
}

/* Gives the merges a text of their own. */
static void keep_text(struct bpe *b)
{
    size_t bytes = 1;
    char *to;

    for (int i = 0; i < b->count; i++)
        bytes += b->merge[i].left.bytes + b->merge[i].right.bytes;
    to = b->text = xcalloc(bytes, 1);
    for (int i = 0; i < b->count; i++) {
        b->merge[i].left = keep_piece(b->merge[i].left, &to);
        b->merge[i].right = keep_piece(b->merge[i].right, &to);
    }
}

static void keep_lexeme(void *key)
{
    (void)key;
}

static void end_lesson(struct lesson *l)
{
    for (int i = 0; i < l->entries; i++) {
        free(l->entry[i]->symbol);
        free(l->entry[i]);
    }
    for (int i = 0; i < l->couples; i++) {
        free(l->couple[i]->entry);
        free(l->couple[i]);
    }
    tdestroy(l->by_word, keep_lexeme);
    tdestroy(l->by_symbols, keep_lexeme);
    tdestroy(l->by_piece, free);
    free(l->entry);
    free(l->couple);
    free(l->symbol);
}

struct bpe *bpe_learn(const struct bpe_text *text, int texts, int merges,
                      void (*told)(void *arg, int merges), void *arg)
{
    struct bpe *b = xcalloc(1, sizeof(*b));
    struct lesson l = { 0 };
    struct couple *best;

    b->merge = xcalloc((unsigned long)merges + 1, sizeof(*b->merge));
    begin_lesson(&l, text, texts);
    while (b->count < merges && (best = best_couple(&l))) {
        b->merge[b->count++] = (struct merge){
            l.symbol[best->left], l.symbol[best->right], 0
        };
        merge_couple(&l, best);
        if (told)
            told(arg, b->count);
    }
    keep_text(b);
    end_lesson(&l);
    bpe_index(b);
    return b;
}
