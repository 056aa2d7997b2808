/*
 * Choices on a pool: when to skip its zeros, where nonzeros go, and the number
 * that each member has. Random choices are a function of the seed, of their use
 * and of the element, so that every backend chooses alike.
 */
#ifndef MEMDIAL_POOL_H
#define MEMDIAL_POOL_H

#include "kernels/philox.h"
#include "kernels/pool_index.h"

/*
 * Skipping zeros takes longer for each nonzero than dense arithmetic. So
 * convolutions do it only where less than one element in POOL_SKIP of the pool
 * is a nonzero, and less than one in POOL_SKIP_FILTER of a member; their weight
 * gradients, where less than one in POOL_SKIP_GRADIENT of the pool is. These
 * are where bench/sparse_bench finds a gain with AVX-512 and with AVX2
 * (bench/results/bench.md). In a pool that skips, dense filters go by taps, and
 * squares would be faster (winograd.h), so the bound for a member is the weaker
 * one. Other products never skip.
 */
#ifdef POOL_SKIP_MEASURED /* for that bench alone: below a half */
enum { POOL_SKIP = 2, POOL_SKIP_FILTER = 2, POOL_SKIP_GRADIENT = 2 };
#else
enum { POOL_SKIP = 4, POOL_SKIP_FILTER = 3, POOL_SKIP_GRADIENT = 6 };
#endif
enum { POOL_SKIP_NEVER = 1 << 30 };

/* Whether a pool as a whole is that sparse: only then do kernels have scratch
 * for skipping, and plans count less arithmetic. */
static inline bool pool_skips(const struct pool *p, int skip)
{
    return p && p->nonzeros * (size_t)skip < p->elements;
}

/* A stream of random words. */
struct pool_stream {
    uint64_t seed;
    uint32_t use;        /* enum philox_use */
    uint32_t step;
};

/*
 * Sets `wanted` bits of a member in a bitmap, chosen uniformly from its `free`
 * places without a nonzero in `taken`, by Algorithm S of Knuth, The Art of
 * Computer Programming, volume 2, 3.4.2. `taken` may be the same bitmap.
 */
static inline void pool_choose(const struct pool *p, int member,
                               struct pool_stream stream, uint64_t *bits,
                               struct pool_index taken, size_t wanted,
                               size_t free)
{
    const struct pool_member *m = &p->member[member];
    struct philox draw = { { 0 } };
    uint64_t word = 0;

    for (size_t i = 0; i < m->elements && wanted > 0; i++) {
        size_t place = pool_member_place(m) + i;

        if (i % 4 == 0)
            draw = philox(stream.seed, (uint64_t)stream.step << 32 | i / 4,
                          stream.use, (uint32_t)member);
        if (i % POOL_WORD == 0)
            word = pool_word(&taken, place / POOL_WORD);
        if (word >> i % POOL_WORD & 1)
            continue;
        if ((uint64_t)draw.x[i % 4] * free >> 32 < wanted) {
            pool_set_bit(bits, place);
            wanted--;
        }
        free--;
    }
}

/* One member's share of a total that is shared out. */
struct pool_share {
    size_t weight;       /* its share is in proportion to this */
    size_t room;         /* the most it can take */
    size_t got;
    uint64_t remainder;
};

/* Gives one more to each of the `left` shares with the largest remainders, as
 * far as they have room; returns the number given. */
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
 * Shares out `total` in proportion to weights, by largest remainder; among
 * equal ones the first wins. A share beyond a member's room goes to the others.
 * There must be room for all, and no room where the weight is 0.
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
