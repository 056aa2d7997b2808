/*
 * Batches and parts of sentence pairs: no more tokens than there is room for,
 * as few parts as can be, every pair once and in order.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "data/packing.h"
#include "kernels/philox.h"

enum { PAIRS = 500, LONGEST = 40 };

static int32_t source[PAIRS], target[PAIRS];
static const struct pair_lengths lengths = { source, target, PAIRS };

static int below(int most, int stream, int i)
{
    return (int)(philox(3, (uint64_t)i, PHILOX_DRAW, (uint32_t)stream).x[0]
                 % (uint32_t)most);
}

static void draw_lengths(void)
{
    for (int i = 0; i < PAIRS; i++) {
        source[i] = 1 + below(LONGEST, 1, i);
        target[i] = 1 + below(LONGEST, 2, i);
    }
}

struct sum {
    int source, target;
};

static struct sum sum_of(const struct packing *p, int begin, int end)
{
    struct sum sum = { 0, 0 };

    for (int i = begin; i < end; i++) {
        sum.source += source[p->pair[i]];
        sum.target += target[p->pair[i]];
    }
    return sum;
}

static bool fits(struct sum sum, int room)
{
    return sum.source <= room && sum.target <= room;
}

/* A bin is full: the pair after it would not have gone in. */
static void expect_bins(const struct packing *p, int room)
{
    cr_assert_eq(p->first[0], 0);
    cr_assert_eq(p->first[p->bins], p->pairs);
    for (int i = 0; i < p->bins; i++) {
        int begin = p->first[i], end = p->first[i + 1];

        cr_assert_lt(begin, end);
        cr_expect(fits(sum_of(p, begin, end), room), "bin %d", i);
        cr_expect(end == p->pairs || !fits(sum_of(p, begin, end + 1), room),
                  "bin %d has room", i);
    }
}

/* The fewest parts of at most `room` tokens: by a table of all cuts, not by
 * going from pair to pair. */
static int fewest(const struct packing *p, int bin, int room)
{
    int begin = p->first[bin], n = p->first[bin + 1] - begin;
    int *best = calloc((size_t)n + 1, sizeof(*best)), parts;

    for (int end = 1; end <= n; end++) {
        best[end] = PAIRS;
        for (int at = 0; at < end; at++)
            if (fits(sum_of(p, begin + at, begin + end), room) &&
                best[at] + 1 < best[end])
                best[end] = best[at] + 1;
    }
    parts = best[n];
    free(best);
    return parts;
}

/* The room that parts use. */
static int used(const struct packing *p, int bin, const int *end, int parts)
{
    int most = 0;

    for (int i = 0, at = p->first[bin]; i < parts; at = end[i++]) {
        struct sum sum = sum_of(p, at, end[i]);

        cr_assert_lt(at, end[i]);
        most = sum.source > most ? sum.source : most;
        most = sum.target > most ? sum.target : most;
    }
    cr_assert_eq(end[parts - 1], p->first[bin + 1]);
    return most;
}

Test(packing, parts_are_few_and_even, .init = draw_lengths)
{
    static const int rooms[] = { LONGEST, 57, 100, 400 };
    struct packing p = packing_new(&lengths, NULL, PAIRS, 400);
    int end[PAIRS];

    expect_bins(&p, 400);
    cr_expect_gt(p.bins, 10);
    for (int i = 0; i < p.bins; i++)
        for (int k = 0; k < 4; k++) {
            int parts = packing_parts(&p, &lengths, i, rooms[k], end);
            int room = used(&p, i, end, parts);

            cr_expect_eq(parts, fewest(&p, i, rooms[k]));
            cr_expect_leq(room, rooms[k]);
            cr_expect_gt(fewest(&p, i, room - 1), parts,
                         "bin %d: less than %d would do", i, room);
        }
    packing_free(&p);
}

Test(packing, keeps_the_order_that_it_is_given, .init = draw_lengths)
{
    int order[PAIRS / 2];
    struct packing p;

    for (int i = 0; i < PAIRS / 2; i++)
        order[i] = PAIRS - 1 - 2 * i;
    p = packing_new(&lengths, order, PAIRS / 2, 101);
    expect_bins(&p, 101);
    cr_expect_arr_eq(p.pair, order, sizeof(order));
    packing_free(&p);
}

Test(packing, of_nothing_has_no_bins)
{
    struct packing p = packing_new(&lengths, NULL, 0, 10);

    cr_expect_eq(p.bins, 0);
    packing_free(&p);
}

/* A pair that fills the room is a bin of its own; so are two that share it. */
Test(packing, fills_the_room)
{
    static const int32_t sources[] = { 10, 4, 6, 1 };
    static const int32_t targets[] = { 1, 5, 5, 1 };
    static const struct pair_lengths few = { sources, targets, 4 };
    struct packing p = packing_new(&few, NULL, 4, 10);
    int end[4];

    cr_assert_eq(p.bins, 3);
    cr_expect_arr_eq(p.first, ((int[]){ 0, 1, 3, 4 }), 4 * sizeof(int));
    cr_expect_eq(packing_parts(&p, &few, 1, 6, end), 2);
    cr_expect_eq(packing_parts(&p, &few, 1, 10, end), 1);
    packing_free(&p);
}
