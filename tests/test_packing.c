/*
 * Batches and parts of sentence pairs: no more tokens than there is room for,
 * as few parts as can be, every pair once and in order.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "data/packing.h"
#include "kernels/philox.h"

enum { PAIRS = 500, LONGEST = 40 };

static int source[PAIRS], target[PAIRS];
static int source_first[PAIRS + 1], target_first[PAIRS + 1];
static const struct pair_tokens tokens = { source_first, target_first };

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
        source_first[i + 1] = source_first[i] + source[i];
        target_first[i + 1] = target_first[i] + target[i];
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

/* Cuts a bin; returns the number of parts, and the most that one has. */
static int cut(const struct packing *p, int bin, int room, int *used)
{
    int begin = p->first[bin], last = p->first[bin + 1], parts = 0;

    *used = 0;
    for (int at = begin; at < last; parts++) {
        int end = packing_part(p, at, last, room);
        struct sum sum;

        cr_assert_lt(at, end);
        sum = sum_of(p, at, end);
        cr_expect(fits(sum, room));
        *used = sum.source > *used ? sum.source : *used;
        *used = sum.target > *used ? sum.target : *used;
        at = end;
    }
    return parts;
}

Test(packing, parts_are_few_and_even, .init = draw_lengths)
{
    static const int rooms[] = { LONGEST, 57, 100, 400 };
    struct packing p = packing_new(&tokens, NULL, PAIRS, 400);

    expect_bins(&p, 400);
    cr_expect_gt(p.bins, 10);
    for (int i = 0; i < p.bins; i++)
        for (int k = 0; k < 4; k++) {
            int room = packing_room(&p, p.first[i], p.first[i + 1], rooms[k]);
            int used, parts = cut(&p, i, room, &used);

            cr_expect_eq(parts, fewest(&p, i, rooms[k]));
            cr_expect_leq(room, rooms[k]);
            cr_expect_eq(room, used);
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
    p = packing_new(&tokens, order, PAIRS / 2, 101);
    expect_bins(&p, 101);
    cr_expect_arr_eq(p.pair, order, sizeof(order));
    packing_free(&p);
}

Test(packing, of_nothing_has_no_bins)
{
    struct packing p = packing_new(&tokens, NULL, 0, 10);

    cr_expect_eq(p.bins, 0);
    packing_free(&p);
}

/* A pair that fills the room is a bin of its own; so are two that share it. */
Test(packing, fills_the_room)
{
    static const int sources[] = { 0, 10, 14, 20, 21 };
    static const int targets[] = { 0, 1, 6, 11, 12 };
    static const struct pair_tokens few = { sources, targets };
    struct packing p = packing_new(&few, NULL, 4, 10);
    int used;

    cr_assert_eq(p.bins, 3);
    cr_expect_arr_eq(p.first, ((int[]){ 0, 1, 3, 4 }), 4 * sizeof(int));
    cr_expect_eq(cut(&p, 1, packing_room(&p, 1, 3, 6), &used), 2);
    cr_expect_eq(cut(&p, 1, packing_room(&p, 1, 3, 10), &used), 1);
    packing_free(&p);
}
