/*
 * Placement by itself: no two blocks share an address at one time, no bytes are
 * wasted needlessly, and the same blocks get the same places. The waste of real
 * plans is in test_plan.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "kernels/philox.h"
#include "plan/place.h"

enum { MAX_BLOCKS = 400, TIMES = 500, ALIGNMENT = 64 };

static uint32_t draw(uint64_t seed, int i, uint32_t below)
{
    return philox(seed, (uint64_t)i, PHILOX_DRAW, 0).x[0] % below;
}

static int add(struct block *blocks, int n, int first, int last, size_t bytes)
{
    static size_t targets[MAX_BLOCKS];

    blocks[n] = (struct block){ .bytes = bytes, .first = first, .last = last,
                                .target = &targets[n] };
    return n + 1;
}

/* Blocks like those of a training step: kept values that nest, each with a
 * short chain of others on the way back, and some state that lives throughout.
 */
static int make_step(struct block *blocks, uint64_t seed)
{
    int n = 0;

    for (int i = 0; i < 20; i++)
        n = add(blocks, n, 0, TIMES - 1, ALIGNMENT * (1 + draw(seed, i, 9)));
    for (int i = 0; i < 60; i++) {
        size_t bytes = ALIGNMENT * (1 + draw(seed, 100 + i, 64));
        n = add(blocks, n, 3 * i, TIMES - 1 - 5 * i, bytes);
        n = add(blocks, n, 3 * i, 3 * i + 1, bytes / 2 + ALIGNMENT);
        n = add(blocks, n, TIMES - 5 * i - 4, TIMES - 5 * i - 1, bytes);
    }
    return n;
}

static int make_random(struct block *blocks, uint64_t seed)
{
    int n = 0;

    while (n < 200) {
        int first = (int)draw(seed, 3 * n, TIMES);
        int last = first + (int)draw(seed, 3 * n + 1, 40);
        n = add(blocks, n, first, last < TIMES ? last : TIMES - 1,
                ALIGNMENT * (1 + draw(seed, 3 * n + 2, 100)));
    }
    return n;
}

static void expect_apart(const struct block *blocks, int n, size_t top)
{
    for (int i = 0; i < n; i++) {
        const struct block *a = &blocks[i];
        cr_assert_eq(a->offset, *a->target);
        cr_assert_eq(a->offset % ALIGNMENT, 0);
        cr_assert_leq(a->offset + a->bytes, top);
        for (int j = 0; j < i; j++) {
            const struct block *b = &blocks[j];
            cr_assert(a->first > b->last || b->first > a->last ||
                      a->offset >= b->offset + b->bytes ||
                      b->offset >= a->offset + a->bytes);
        }
    }
}

Test(place, keeps_blocks_apart)
{
    struct block blocks[MAX_BLOCKS];

    for (uint64_t seed = 0; seed < 30; seed++) {
        int n = make_step(blocks, seed);
        expect_apart(blocks, n, place_blocks(blocks, n, TIMES));
        n = make_random(blocks, seed);
        expect_apart(blocks, n, place_blocks(blocks, n, TIMES));
    }
}

Test(place, wastes_little_of_a_step)
{
    struct block blocks[MAX_BLOCKS];

    for (uint64_t seed = 0; seed < 30; seed++) {
        int n = make_step(blocks, seed);
        size_t bound = place_lower_bound(blocks, n, TIMES);
        cr_expect_leq((double)place_blocks(blocks, n, TIMES),
                      1.01 * (double)bound, "seed %d", (int)seed);
    }
}

Test(place, bound_is_the_most_alive_at_once)
{
    struct block blocks[MAX_BLOCKS];
    int n = make_random(blocks, 1);
    size_t most = 0;

    for (int t = 0; t < TIMES; t++) {
        size_t sum = 0;
        for (int i = 0; i < n; i++)
            if (blocks[i].first <= t && t <= blocks[i].last)
                sum += blocks[i].bytes;
        if (sum > most)
            most = sum;
    }
    cr_expect_eq(place_lower_bound(blocks, n, TIMES), most);
}

Test(place, is_deterministic)
{
    struct block a[MAX_BLOCKS], b[MAX_BLOCKS];
    int n = make_random(a, 5);

    make_random(b, 5);
    cr_expect_eq(place_blocks(a, n, TIMES), place_blocks(b, n, TIMES));
    for (int i = 0; i < n; i++)
        cr_expect_eq(a[i].offset, b[i].offset);
}
