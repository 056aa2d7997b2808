/*
 * rewire: when the run says so, drops the smallest nonzeros of a pool and
 * grows as many elsewhere, with value and moments 0.
 *   update threshold (1) float; of the pool's nonzeros master, float, or empty,
 *   moments, each or empty, and w; index
 *
 * DSR drops weights below the threshold, which follows a target, and shares new
 * places among members in proportion to the nonzeros they have left. SET drops
 * a tenth of each member and grows as many there. A member keeps one nonzero,
 * and drops no more than it has free places: so enough places are free that
 * were not just dropped.
 *
 * It works in place. The values of survivors move to the front, then from the
 * back to their new places; the index tells survivors from new ones until it is
 * written anew. Scratch: the new bitmap, and a few words for each member.
 */
#include <math.h>
#include <string.h>

#include "kernels/cpu/cpu.h"
#include "kernels/half.h"
#include "kernels/pool.h"

/* The drops of one rewiring: 20,000 of the 1,451,520 weights of WRN-28-2, and
 * at most a part of the nonzeros, where these are few. */
static const double target_share = 20000.0 / 1451520, most_share = 0.2;

struct rewiring {
    const struct call *call;
    const struct pool *pool;
    const struct operand *w;  /* the source of magnitudes */
    struct pool_index before;
    uint64_t *bits;           /* the new bitmap */
    struct pool_share *share; /* [members] */
};

static struct rewiring rewiring_of(const struct call *c)
{
    const struct pool *pool = c->attr.rewire.pool;
    const struct operand *master = &c->operand[REWIRE_MASTER];
    uint64_t *bits = c->scratch;

    return (struct rewiring){
        .call = c, .pool = pool,
        .w = operand_given(master) ? master : &c->operand[REWIRE_W],
        .before = pool_index_of(pool, c->operand[REWIRE_INDEX].data),
        .bits = bits,
        .share = (struct pool_share *)(bits + pool->words)
    };
}

static float weight(const struct rewiring *r, size_t i)
{
    return float_load(r->w->data, i, r->w->dtype);
}

/* Moves the weight, copy and moments of a nonzero to another place; if `from`
 * is NULL, sets them to 0. A code of 8 bits counts in the scale of the
 * nonzero's group, which is the same wherever the nonzero is stored. */
static void move_weight(const struct rewiring *r, const size_t *from, size_t to)
{
    for (int i = REWIRE_MASTER; i <= REWIRE_W; i++) {
        const struct operand *o = &r->call->operand[i];
        size_t size = dtype_size(o->dtype);
        char *data = o->data;

        if (operand_given(o) && from)
            memmove(data + to * size, data + *from * size, size);
        else if (operand_given(o))
            memset(data + to * size, 0, size);
    }
}

size_t KERNEL(rewire_scratch)(const struct call *c)
{
    const struct pool *pool = c->attr.rewire.pool;

    return pool->words * sizeof(uint64_t)
           + (size_t)pool->members * sizeof(struct pool_share);
}

/* Bits of a nonzero's |w|, in the order of the magnitudes. */
static uint32_t magnitude_key(const struct rewiring *r, size_t i)
{
    return float_bits(fabsf(weight(r, i)));
}

/* The key of the nonzero with `rank` smaller ones among the n from `from` on,
 * and the number of smaller keys. It is found one byte after the other, from
 * the top. */
static uint32_t select_key(const struct rewiring *r, size_t from, size_t n,
                           size_t rank, size_t *less)
{
    uint32_t key = 0, known = 0;

    *less = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        size_t count[256] = { 0 };
        uint32_t digit = 0;

        for (size_t i = from; i < from + n; i++)
            if ((magnitude_key(r, i) & known) == key)
                count[magnitude_key(r, i) >> shift & 255]++;
        while (rank - *less >= count[digit])
            *less += count[digit++];
        key |= digit << shift;
        known |= (uint32_t)255 << shift;
    }
    return key;
}

/* The number of nonzeros that a member's rule drops, of n from `from` on. */
static size_t wanted_drops(const struct rewiring *r, size_t from, size_t n)
{
    const float *threshold = r->call->operand[REWIRE_THRESHOLD].data;
    size_t below = 0;

    if (r->call->attr.rewire.method == REWIRE_SET)
        return n / 10;
    for (size_t i = from; i < from + n; i++)
        below += fabsf(weight(r, i)) < *threshold;
    return below;
}

/* Drops `drops` of a member's nonzeros, which begin at `from`, and moves the
 * rest to `to`; returns the end of the rest. */
static size_t drop(struct rewiring *r, const struct pool_member *m,
                   size_t from, size_t n, size_t drops, size_t to)
{
    size_t less = 0, equal = 0;
    uint32_t limit =
        drops ? select_key(r, from, n, drops - 1, &less) : 0;

    if (drops)
        equal = drops - less;
    for (size_t i = m->word; i < m->word + pool_member_words(m); i++)
        for (uint64_t left = r->bits[i]; left; left &= left - 1, from++) {
            uint32_t key = magnitude_key(r, from);
            bool tie = key == limit && equal > 0;

            if (key < limit || tie) {
                equal -= tie;
                r->bits[i] &= ~(left & -left);
            } else {
                move_weight(r, &from, to++);
            }
        }
    return to;
}

/* Drops from every member. Its share gets the nonzeros it has left and the room
 * for new ones. Returns the number of drops; *wanted is the number that the
 * rule asked for. */
static size_t drop_from_all(struct rewiring *r, size_t *wanted)
{
    size_t from = 0, to = 0;

    *wanted = 0;
    for (int i = 0; i < r->pool->members; i++) {
        const struct pool_member *m = &r->pool->member[i];
        size_t n = pool_count(r->bits + m->word, pool_member_words(m));
        size_t room = m->elements - n;
        size_t drops = wanted_drops(r, from, n);

        *wanted += drops;
        drops = size_min(drops, size_min(n - 1, room));
        to = drop(r, m, from, n, drops, to);
        from += n;
        r->share[i] = (struct pool_share){ .weight = n - drops, .room = room,
                                           .got = drops };
    }
    return from - to;
}

/* Moves the values of survivors from the front to their new places, with zeros
 * between them. */
static void spread(struct rewiring *r, size_t survivors)
{
    size_t to = r->pool->nonzeros;

    for (size_t i = r->pool->words; i-- > 0;) {
        uint64_t before = pool_word(&r->before, i);

        for (uint64_t left = r->bits[i]; left;) {
            uint64_t bit = (uint64_t)1 << (63 - __builtin_clzll(left));
            bool old = before & bit;

            to--;
            survivors -= old;
            move_weight(r, old ? &survivors : NULL, to);
            left &= ~bit;
        }
    }
}

static void adapt_threshold(const struct rewiring *r, size_t below)
{
    float *threshold = r->call->operand[REWIRE_THRESHOLD].data;
    double target = fmin(target_share * (double)r->pool->elements,
                         most_share * (double)r->pool->nonzeros);

    if ((double)below > 1.1 * target)
        *threshold /= 2;
    else if ((double)below < 0.9 * target)
        *threshold *= 2;
}

void KERNEL(rewire)(const struct call *c)
{
    struct rewiring r = rewiring_of(c);
    struct pool_stream stream = { c->batch->seed, PHILOX_REWIRE,
                                  (uint32_t)c->batch->step };
    size_t dropped, wanted;

    if (!c->batch->rewire)
        return;
    pool_decode(r.pool, c->operand[REWIRE_INDEX].data, r.bits);
    dropped = drop_from_all(&r, &wanted);
    if (c->attr.rewire.method == REWIRE_DSR) {
        pool_share_out(r.share, r.pool->members, dropped);
        adapt_threshold(&r, wanted);
    }
    for (int i = 0; i < r.pool->members; i++)
        pool_choose(r.pool, i, stream, r.bits, r.before, r.share[i].got,
                    r.share[i].room);
    spread(&r, r.pool->nonzeros - dropped);
    pool_encode(r.pool, r.bits, c->operand[REWIRE_INDEX].data);
}
