/*
 * Learning: the vocabulary is counted, each word a row of symbols, numbers of
 * pieces. Then, as often as a merge is wanted, the two symbols that stand
 * beside each other most often become one. Of equal counts the couple whose
 * pieces come last counts, as in subword-nmt. Words that have a couple are
 * listed with it, so that a merge changes no others. Text may have the end mark
 * in it, and no merge makes a piece that a file would take for another.
 *
 * A heap has the best couple on top. A couple is put on it anew whenever a
 * merge has changed its count, and passed over where it lies with another.
 */
#include "data/bpe_merges.h"

#include <stdlib.h>
#include <string.h>

#include "data/bpe.h"

/* A couple that is seen less often is not merged. */
enum { LEAST_COUNT = 2 };

struct lexeme {          /* of the vocabulary */
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
    bool changed;        /* since it was put on the heap */
};

struct offer {
    int couple;
    long long count;     /* when it was put on the heap */
};

/* Tables give numbers to words, to pieces and to couples. */
struct lesson {
    struct words *words, *pieces, *couples;
    struct lexeme *entry;
    struct piece *symbol;
    struct couple **couple;
    int *changed;        /* couples */
    int changes;
    struct offer *heap;
    int offers;
};

static void count_word(struct lesson *l, struct word word)
{
    int before = words_count(l->words), number = words_add(l->words, word);

    if (number == before) {
        l->entry = xgrow(l->entry, before, sizeof(*l->entry));
        l->entry[number] = (struct lexeme){ 0 };
    }
    l->entry[number].count++;
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\0';
}

static void count_words(struct lesson *l, const struct bpe_text *text)
{
    const char *end = text->data + text->bytes;

    for (const char *at = text->data; at < end;) {
        const char *begin = at;

        while (at < end && !ends_word(*at))
            at++;
        if (at > begin)
            count_word(l, (struct word){ begin, (size_t)(at - begin) });
        else
            at++;
    }
}

static struct couple *couple_of(struct lesson *l, int left, int right)
{
    int key[] = { left, right }, before = words_count(l->couples);
    int number = words_add(l->couples,
                           (struct word){ (char *)key, sizeof(key) });

    if (number == before) {
        l->couple = xgrow(l->couple, before, sizeof(*l->couple));
        l->couple[number] = xcalloc(1, sizeof(struct couple));
        *l->couple[number] = (struct couple){ .left = left, .right = right };
    }
    if (!l->couple[number]->changed) {
        l->couple[number]->changed = true;
        l->changed = xgrow(l->changed, l->changes, sizeof(*l->changed));
        l->changed[l->changes++] = number;
    }
    return l->couple[number];
}

/* Adds the couples of a word, or takes them away. */
static void count_couples(struct lesson *l, int entry, int sign)
{
    const struct lexeme *e = &l->entry[entry];

    for (int i = 0; i + 1 < e->symbols; i++) {
        struct couple *c = couple_of(l, e->symbol[i], e->symbol[i + 1]);

        c->count += sign * e->count;
        if (sign < 0 || (c->entries && c->entry[c->entries - 1] == entry))
            continue;
        c->entry = xgrow(c->entry, c->entries, sizeof(int));
        c->entry[c->entries++] = entry;
    }
}

/* The number of a piece; `room` is for its bytes and one more. */
static int symbol_of(struct lesson *l, struct piece piece, char *room)
{
    int before = words_count(l->pieces), number;

    memcpy(room, piece.at, piece.bytes);
    room[piece.bytes] = piece.ends;
    number = words_add(l->pieces, (struct word){ room, piece.bytes + 1 });
    if (number == before) {
        l->symbol = xgrow(l->symbol, before, sizeof(*l->symbol));
        l->symbol[number] = piece;
    }
    return number;
}

static void spell(struct lesson *l, int entry)
{
    struct word word = words_at(l->words, entry);
    struct piece *piece = xcalloc(word.bytes + 1, sizeof(*piece));
    struct lexeme *e = &l->entry[entry];
    char room[8];

    e->symbols = bpe_characters(word.at, word.bytes, piece);
    e->symbol = xcalloc((unsigned long)e->symbols, sizeof(int));
    for (int i = 0; i < e->symbols; i++)
        e->symbol[i] = symbol_of(l, piece[i], room);
    free(piece);
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
static bool is_before(const struct lesson *l, struct offer a, struct offer b)
{
    const struct couple *x = l->couple[a.couple], *y = l->couple[b.couple];
    int order;

    if (a.count != b.count)
        return a.count > b.count;
    order = compare_marked(&l->symbol[x->left], &l->symbol[y->left]);
    if (order == 0)
        order = compare_marked(&l->symbol[x->right], &l->symbol[y->right]);
    return order > 0;
}

static void put_offer(struct lesson *l, struct offer offer)
{
    int at = l->offers;

    l->heap = xgrow(l->heap, l->offers++, sizeof(*l->heap));
    for (; at > 0 && is_before(l, offer, l->heap[(at - 1) / 2]);
         at = (at - 1) / 2)
        l->heap[at] = l->heap[(at - 1) / 2];
    l->heap[at] = offer;
}

static struct offer take_offer(struct lesson *l)
{
    struct offer top = l->heap[0], last = l->heap[--l->offers];
    int at = 0, next;

    while ((next = 2 * at + 1) < l->offers) {
        if (next + 1 < l->offers &&
            is_before(l, l->heap[next + 1], l->heap[next]))
            next++;
        if (!is_before(l, l->heap[next], last))
            break;
        l->heap[at] = l->heap[next];
        at = next;
    }
    l->heap[at] = last;
    return top;
}

/* Whether two pieces make one that does not end a word, but in a file would, by
 * a mark that is in the text itself. */
static bool makes_mark(const struct piece *left, const struct piece *right)
{
    static const char mark[] = BPE_END_MARK;
    size_t bytes = strlen(mark), n = right->bytes;

    if (right->ends || left->bytes + n < bytes)
        return false;
    for (size_t i = 1; i <= bytes; i++) {
        char c = i <= n ? right->at[n - i] : left->at[left->bytes + n - i];

        if (c != mark[bytes - i])
            return false;
    }
    return true;
}

static bool can_merge(const struct lesson *l, const struct couple *c)
{
    return c->count >= LEAST_COUNT &&
           !makes_mark(&l->symbol[c->left], &l->symbol[c->right]);
}

/* Puts all couples on the heap whose counts have changed. */
static void put_changes(struct lesson *l)
{
    for (int i = 0; i < l->changes; i++) {
        struct couple *c = l->couple[l->changed[i]];

        c->changed = false;
        if (can_merge(l, c))
            put_offer(l, (struct offer){ l->changed[i], c->count });
    }
    l->changes = 0;
}

static struct couple *best_couple(struct lesson *l)
{
    put_changes(l);
    while (l->offers > 0) {
        struct offer best = take_offer(l);

        if (l->couple[best.couple]->count == best.count)
            return l->couple[best.couple];
    }
    return NULL;
}

/* Replaces a couple in a word by a symbol. */
static void join_symbols(struct lesson *l, int entry, const struct couple *c,
                         int symbol)
{
    struct lexeme *e = &l->entry[entry];
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
        const struct lexeme *e = &l->entry[c->entry[k]];
        const char *at = words_at(l->words, c->entry[k]).at;

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
    struct piece piece = joined(l, c);
    char *room = xcalloc(piece.bytes + 1, 1);
    int symbol = symbol_of(l, piece, room), entries = c->entries;

    for (int i = 0; i < entries; i++)
        if (has_couple(&l->entry[c->entry[i]], c))
            join_symbols(l, c->entry[i], c, symbol);
    free(room);
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

static void begin_lesson(struct lesson *l, const struct bpe_text *text,
                         int texts)
{
    *l = (struct lesson){ words_new(), words_new(), words_new(), .offers = 0 };
    for (int i = 0; i < texts; i++)
        count_words(l, &text[i]);
    for (int i = 0; i < words_count(l->words); i++) {
        spell(l, i);
        count_couples(l, i, 1);
    }
}

static void end_lesson(struct lesson *l)
{
    for (int i = 0; i < words_count(l->words); i++)
        free(l->entry[i].symbol);
    for (int i = 0; i < words_count(l->couples); i++) {
        free(l->couple[i]->entry);
        free(l->couple[i]);
    }
    words_free(l->words);
    words_free(l->pieces);
    words_free(l->couples);
    free(l->entry);
    free(l->symbol);
    free(l->couple);
    free(l->changed);
    free(l->heap);
}

struct bpe *bpe_learn(const struct bpe_text *text, int texts, int merges,
                      void (*told)(int merges, int wanted))
{
    struct bpe *b = xcalloc(1, sizeof(*b));
    struct lesson l;
    struct couple *best;

    b->merge = xcalloc((unsigned long)merges + 1, sizeof(*b->merge));
    begin_lesson(&l, text, texts);
    while (b->count < merges && (best = best_couple(&l))) {
        b->merge[b->count++] = (struct merge){ l.symbol[best->left],
                                               l.symbol[best->right] };
        merge_couple(&l, best);
        if (told)
            told(b->count, merges);
    }
    keep_text(b);
    end_lesson(&l);
    bpe_index(b);
    return b;
}
