/*
 * The index of a pool: the places of its nonzeros. The place of an element is
 * its number among those of all members; each member begins at a whole word.
 * There are two ways to store the places, and a pool takes the smaller one.
 * Where nonzeros are many, that is a bitmap:
 *
 *     uint64_t bits[words]         1 at the places of nonzeros
 *     uint32_t before[groups]      nonzeros before each POOL_GROUP places
 *
 * Where they are few, it is delta codes: the last low_bits bits of every
 * nonzero's place as they are, and the rest as the difference to the nonzero
 * before, in unary (Elias, Efficient storage and retrieval by content and
 * address of static files, 1974; Fano, 1971):
 *
 *     uint64_t bits[]              for each 2^low_bits places, a 1 for every
 *                                  nonzero there and then a 0
 *     uint64_t low[]               low_bits bits of every nonzero
 *     uint32_t before[groups]
 *
 * In either, a place is found by counting the bits of one group. The size
 * depends on the number of nonzeros and not on their places, so that a plan can
 * know it and rewiring keeps to it.
 */
#ifndef MEMDIAL_POOL_INDEX_H
#define MEMDIAL_POOL_INDEX_H

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/portable.h"

/* A group is a multiple of any 2^low_bits. */
enum { POOL_MAX_LOW_BITS = 6 };

PORTABLE size_t pool_words_for(size_t bits)
{
    return (bits + POOL_WORD - 1) / POOL_WORD;
}

/* Words of bits[]. */
PORTABLE size_t pool_bits_words(const struct pool *p)
{
    return p->low_bits
           ? pool_words_for(p->nonzeros + (p->words * POOL_WORD >> p->low_bits))
           : p->words;
}

/* Words of low[]. */
PORTABLE size_t pool_low_words(const struct pool *p)
{
    return pool_words_for(p->nonzeros * (size_t)p->low_bits);
}

static inline size_t pool_index_bytes(const struct pool *p)
{
    return (pool_bits_words(p) + pool_low_words(p)) * sizeof(uint64_t)
           + pool_groups(p) * sizeof(uint32_t);
}

/* The low_bits of the smallest index, 0 for a bitmap. */
static inline int pool_smallest_index(const struct pool *p)
{
    struct pool best = *p, other = *p;

    best.low_bits = 0;
    for (int i = 1; i <= POOL_MAX_LOW_BITS; i++) {
        other.low_bits = i;
        if (pool_index_bytes(&other) < pool_index_bytes(&best))
            best = other;
    }
    return best.low_bits;
}

PORTABLE size_t pool_member_words(const struct pool_member *m)
{
    return pool_words_for(m->elements);
}

/* The place of a member's first element. */
PORTABLE size_t pool_member_place(const struct pool_member *m)
{
    return m->word * POOL_WORD;
}

/* An index, or a bitmap without counts, for reading. */
struct pool_index {
    const uint64_t *bits, *low;
    const uint32_t *before;
    int low_bits;
    size_t nonzeros;
};

PORTABLE struct pool_index pool_index_of(const struct pool *p,
                                         const void *index)
{
    const uint64_t *bits = (const uint64_t *)index;
    const uint64_t *low = bits + pool_bits_words(p);
    const uint32_t *before = (const uint32_t *)(low + pool_low_words(p));
    struct pool_index x = { bits, low, before, p->low_bits, p->nonzeros };

    return x;
}

static inline struct pool_index pool_bitmap(const uint64_t *bits)
{
    return (struct pool_index){ bits, NULL, NULL, 0, 0 };
}

/* Some places in a row: a bit for each that has a nonzero, and the number of
 * nonzeros before, at which their values begin. */
struct pool_piece {
    uint32_t mask;
    size_t first;
};

/* The n bits from bit `at` on, n <= 32. */
PORTABLE uint32_t pool_read_bits(const uint64_t *bits, size_t at, int n)
{
    size_t word = at / POOL_WORD, shift = at % POOL_WORD;
    uint64_t found = bits[word] >> shift;

    if (shift + (size_t)n > POOL_WORD)
        found |= bits[word + 1] << (POOL_WORD - shift);
    return (uint32_t)(found & (((uint64_t)1 << n) - 1));
}

PORTABLE size_t pool_count(const uint64_t *bits, size_t words)
{
    size_t n = 0;

    for (size_t i = 0; i < words; i++)
        n += (size_t)ones(bits[i]);
    return n;
}

PORTABLE struct pool_piece pool_bitmap_piece(const struct pool_index *x,
                                             size_t place, int n)
{
    size_t word = place / POOL_WORD, group = place / POOL_GROUP;
    size_t begin = group * (POOL_GROUP / POOL_WORD);
    uint64_t part = ((uint64_t)1 << place % POOL_WORD) - 1;
    struct pool_piece piece = { pool_read_bits(x->bits, place, n),
                                x->before[group] };

    piece.first += pool_count(x->bits + begin, word - begin);
    if (part)
        piece.first += (size_t)ones(x->bits[word] & part);
    return piece;
}

/* The bit that follows `zeros` zeros from bit `at` on. */
PORTABLE size_t pool_after_zeros(const uint64_t *bits, size_t at, size_t zeros)
{
    size_t word = at / POOL_WORD;
    uint64_t left;

    if (zeros == 0)
        return at;
    left = ~bits[word] & UINT64_MAX << at % POOL_WORD;
    for (size_t n; (n = (size_t)ones(left)) < zeros; zeros -= n)
        left = ~bits[++word];
    while (--zeros > 0)
        left &= left - 1;
    return word * POOL_WORD + (size_t)first_one(left) + 1;
}

/* Before bit `at` of bits[] there are `high` zeros, and ones for all nonzeros
 * before. */
PORTABLE struct pool_piece pool_delta_piece(const struct pool_index *x,
                                            size_t place, int n)
{
    int low_bits = x->low_bits;
    size_t group = place / POOL_GROUP;
    size_t high = place >> low_bits, begin = group * POOL_GROUP >> low_bits;
    size_t at = pool_after_zeros(x->bits, x->before[group] + begin,
                                 high - begin);
    size_t i = at - high, word = at / POOL_WORD;
    struct pool_piece piece = { 0, i };
    uint64_t left = x->bits[word] & UINT64_MAX << at % POOL_WORD;

    for (; i < x->nonzeros; i++, left &= left - 1) {
        size_t found;

        while (!left)
            left = x->bits[++word];
        found = (word * POOL_WORD + (size_t)first_one(left) - i) << low_bits
                | pool_read_bits(x->low, i * (size_t)low_bits, low_bits);
        if (found >= place + (size_t)n)
            break;
        if (found < place)
            piece.first++;
        else
            piece.mask |= (uint32_t)1 << (found - place);
    }
    return piece;
}

/* Places [place, place + n), 0 < n <= 32. */
PORTABLE struct pool_piece pool_piece(const struct pool_index *x, size_t place,
                                      int n)
{
    return x->low_bits ? pool_delta_piece(x, place, n)
                       : pool_bitmap_piece(x, place, n);
}

/* A walk along the nonzeros of an index. */
struct pool_walk {
    struct pool_index index;
    size_t i;            /* of the nonzero that is next */
    size_t word;         /* of bits[], and its bits from that nonzero on */
    uint64_t left;
};

/* The place of the next nonzero; there must be one. */
static inline size_t pool_walk_place(struct pool_walk *w)
{
    const struct pool_index *x = &w->index;
    size_t low = (size_t)x->low_bits, bit;

    while (!w->left)
        w->left = x->bits[++w->word];
    bit = w->word * POOL_WORD + (size_t)first_one(w->left);
    return low ? (bit - w->i) << low
                     | pool_read_bits(x->low, w->i * low, (int)low) : bit;
}

static inline void pool_walk_on(struct pool_walk *w)
{
    w->left &= w->left - 1;
    w->i++;
}

/* Begins with the first nonzero from `place` on. */
static inline struct pool_walk pool_walk_from(const struct pool_index *x,
                                              size_t place)
{
    size_t first = pool_piece(x, place, 1).first, bit = place;
    struct pool_walk w = { *x, first, 0, 0 };

    if (x->low_bits)
        bit = first + (place >> x->low_bits);
    w.word = bit / POOL_WORD;
    w.left = x->bits[w.word] & UINT64_MAX << bit % POOL_WORD;
    return w;
}

/* Word i of the bitmap of an index. */
static inline uint64_t pool_word(const struct pool_index *x, size_t i)
{
    size_t place = i * POOL_WORD;

    if (!x->low_bits)
        return x->bits[i];
    return pool_delta_piece(x, place, 32).mask
           | (uint64_t)pool_delta_piece(x, place + 32, 32).mask << 32;
}

/* The bitmap of an index, bits[words]. */
static inline void pool_decode(const struct pool *p, const void *index,
                               uint64_t *bits)
{
    struct pool_index x = pool_index_of(p, index);

    for (size_t i = 0; i < p->words; i++)
        bits[i] = pool_word(&x, i);
}

PORTABLE bool pool_bit(const uint64_t *bits, size_t place)
{
    return bits[place / POOL_WORD] >> place % POOL_WORD & 1;
}

static inline void pool_set_bit(uint64_t *bits, size_t place)
{
    bits[place / POOL_WORD] |= (uint64_t)1 << place % POOL_WORD;
}

/* Adds nonzero i, which is at `place`, to delta codes. */
static inline void pool_put(const struct pool *p, uint64_t *index, size_t i,
                            size_t place)
{
    uint64_t *low = index + pool_bits_words(p);

    pool_set_bit(index, i + (place >> p->low_bits));
    for (int k = 0; k < p->low_bits; k++)
        if (place >> k & 1)
            pool_set_bit(low, i * (size_t)p->low_bits + (size_t)k);
}

/* Encodes a bitmap bits[words] with the pool's number of nonzeros; all of the
 * index is written. */
static inline void pool_encode(const struct pool *p, const uint64_t *bits,
                               void *index)
{
    size_t codes = pool_bits_words(p) + pool_low_words(p), n = 0;
    uint64_t *code = (uint64_t *)index;
    uint32_t *before = (uint32_t *)(code + codes);

    if (p->low_bits)
        memset(code, 0, codes * sizeof(*code));
    else
        memcpy(code, bits, codes * sizeof(*code));
    for (size_t i = 0; i < p->words; i++) {
        size_t place = i * POOL_WORD;

        if (place % POOL_GROUP == 0)
            before[place / POOL_GROUP] = (uint32_t)n;
        for (uint64_t left = bits[i]; left; left &= left - 1, n++)
            if (p->low_bits)
                pool_put(p, code, n, place + (size_t)first_one(left));
    }
}

#endif
