/*
 * The index of a pool, and the choices made on it. It is
 *
 *     uint64_t bits[words]       a member's elements, row-major from its first
 *                                word on, are 1 where there is a nonzero
 *     uint32_t before[groups]    nonzeros before each POOL_GROUP words
 *
 * so that the place of any element's value is found by counting at most
 * POOL_GROUP words of bits. All that is random is a function of the seed, of
 * what it is for and of the element, so that any backend chooses alike.
 */
#ifndef MEMDIAL_POOL_H
#define MEMDIAL_POOL_H

#include "kernels.h"
#include "philox.h"
#include "portable.h"

enum { POOL_WORD = 64, POOL_GROUP = 8 };

/*
 * Skipping zeros takes longer for each nonzero than dense arithmetic, so
 * convolutions do it only where less than one element in POOL_SKIP is a
 * nonzero, in the pool and in a panel of a member, and their weight gradients
 * where less than one in POOL_SKIP_GRADIENT is. Measured by bench/sparse_bench.
 */
enum { POOL_SKIP = 5, POOL_SKIP_GRADIENT = 25 };

/* Whether a pool as a whole has so few nonzeros: kernels have scratch for
 * skipping only then, and plans count less arithmetic. */
static inline bool pool_skips(const struct pool *p, int skip)
{
    return p && p->nonzeros * (size_t)skip < p->elements;
}

PORTABLE size_t pool_groups(const struct pool *p)
{
    return (p->words + POOL_GROUP - 1) / POOL_GROUP;
}

static inline size_t pool_index_bytes(const struct pool *p)
{
    return p->words * sizeof(uint64_t) + pool_groups(p) * sizeof(uint32_t);
}

PORTABLE size_t pool_member_words(const struct pool_member *m)
{
    return (m->elements + POOL_WORD - 1) / POOL_WORD;
}

/* The bit of a member's first element. */
PORTABLE size_t pool_member_bit(const struct pool_member *m)
{
    return m->word * POOL_WORD;
}

PORTABLE bool pool_bit(const uint64_t *bits, size_t bit)
{
    return bits[bit / POOL_WORD] >> bit % POOL_WORD & 1;
}

/* The n bits from `bit` on, 0 < n <= 32. */
PORTABLE uint32_t pool_bits(const uint64_t *bits, size_t bit, int n)
{
    size_t word = bit / POOL_WORD, shift = bit % POOL_WORD;
    uint64_t found = bits[word] >> shift;

    if (shift + (size_t)n > POOL_WORD)
        found |= bits[word + 1] << (POOL_WORD - shift);
    return (uint32_t)(found & (UINT64_MAX >> (64 - n)));
}

PORTABLE size_t pool_count(const uint64_t *bits, size_t words)
{
    size_t n = 0;

    for (size_t i = 0; i < words; i++)
        n += (size_t)ones(bits[i]);
    return n;
}

/* How many nonzeros come before a bit: where its value is. */
PORTABLE size_t pool_rank_of(const uint64_t *bits, const uint32_t *before,
                             size_t bit)
{
    size_t word = bit / POOL_WORD, group = word / POOL_GROUP;
    uint64_t part = ((uint64_t)1 << bit % POOL_WORD) - 1;

    return before[group]
           + pool_count(bits + group * POOL_GROUP, word % POOL_GROUP)
           + (size_t)(part ? ones(bits[word] & part) : 0);
}

static inline const uint32_t *pool_before(const struct pool *p,
                                          const void *index)
{
    return (const uint32_t *)((const uint64_t *)index + p->words);
}

static inline size_t pool_rank(const struct pool *p, const void *index,
                               size_t bit)
{
    return pool_rank_of((const uint64_t *)index, pool_before(p, index), bit);
}

/* Counts what comes before each group, when the bits have changed. */
static inline void pool_count_groups(const struct pool *p, void *index)
{
    const uint64_t *bits = (const uint64_t *)index;
    uint32_t *before = (uint32_t *)((uint64_t *)index + p->words);
    size_t sum = 0;

    for (size_t i = 0; i < p->words; i += POOL_GROUP) {
        size_t left = p->words - i, group = POOL_GROUP;

        before[i / POOL_GROUP] = (uint32_t)sum;
        sum += pool_count(bits + i, left < group ? left : group);
    }
}

/* A stream of random words. */
struct pool_stream {
    uint64_t seed;
    uint32_t use;        /* enum philox_use */
    uint32_t step;
};

/*
 * Sets `wanted` bits of a member, chosen uniformly from those that are 0 in
 * `taken`, which there are `free` of: Algorithm S of Knuth, The Art of
 * Computer Programming, volume 2, 3.4.2. `bits` and `taken` are whole bitmaps.
 */
static inline void pool_choose(const struct pool *p, int member,
                               struct pool_stream stream, uint64_t *bits,
                               const uint64_t *taken, size_t wanted,
                               size_t free)
{
    const struct pool_member *m = &p->member[member];
    struct philox draw = { { 0 } };

    for (size_t i = 0; i < m->elements && wanted > 0; i++) {
        size_t bit = pool_member_bit(m) + i;

        if (i % 4 == 0)
            draw = philox(stream.seed, (uint64_t)stream.step << 32 | i / 4,
                          stream.use, (uint32_t)member);
        if (pool_bit(taken, bit))
            continue;
        if ((uint64_t)draw.x[i % 4] * free >> 32 < wanted) {
            bits[bit / POOL_WORD] |= (uint64_t)1 << bit % POOL_WORD;
            wanted--;
        }
        free--;
    }
}

/* One member's part when something is shared out. */
struct pool_share {
    size_t weight;       /* in proportion to which */
    size_t room;         /* the most it can take */
    size_t got;
    uint64_t remainder;
};

/* Gives one to each of the `left` shares with the largest remainders, as far
 * as they have room; returns how many that is. */
static inline size_t pool_share_rest(struct pool_share *s, int n, size_t left)
{
    size_t given = 0;

    for (; given < left; given++) {
        struct pool_share *most = NULL;

        for (int i = 0; i < n; i++)
            if (s[i].got < s[i].room && s[i].remainder > 0
                && (!most || s[i].remainder > most->remainder))
                most = &s[i];
        if (!most)
            break;
        most->got++;
        most->remainder = 0;
    }
    return given;
}

/*
 * Shares out `total` in proportion to weights, by largest remainder, the
 * first of equal ones; what some have no room for goes to the others. There
 * must be room, and none where the weight is 0.
 */
static inline void pool_share_out(struct pool_share *s, int n, size_t total)
{
    for (int i = 0; i < n; i++)
        s[i].got = 0;
    while (total > 0) {
        uint64_t sum = 0;
        size_t left = total;

        for (int i = 0; i < n; i++)
            sum += s[i].got < s[i].room ? s[i].weight : 0;
        for (int i = 0; i < n; i++) {
            uint64_t part = (uint64_t)total * s[i].weight;
            size_t room = s[i].room - s[i].got;
            size_t give = (size_t)(part / sum);

            if (room == 0)
                continue;
            s[i].remainder = part % sum;
            give = give < room ? give : room;
            s[i].got += give;
            left -= give;
        }
        total = left - pool_share_rest(s, n, left);
    }
}

#endif
