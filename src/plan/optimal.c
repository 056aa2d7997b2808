/*
 * Let cost(i, j, m) be the least forward arithmetic to take
 * stages i..j forward and backward when m bytes are free and the input of i
 * is kept. Either stage i is run once and keeps all of its results that the
 * backward pass reads,
 *
 *     cost(i, j, m) = forward(i) + after(i + 1, j, m - kept(i) + dies(i)),
 *
 * or it is run keeping only what leads into some stage k > i, and run again
 * later,
 *
 *     cost(i, j, m) = forward(i..k-1) + cost(k, j, m - into(i, k))
 *                   + cost(i, k - 1, m),
 *
 * where into(i, k) is what leads into stage k and not into stage i, which is
 * kept anyway: so an encoder's result, which leads into all stages of the
 * decoder, is paid for once.
 *
 * The backward pass may not need the input of a stage itself, if that is saved
 * in fewer bits. So after(i, j, m) is the cost where it is not kept but there,
 * for one run of the stage: either that run keeps what the backward pass reads,
 * or the input is kept after all, for its own bytes,
 *
 *     after(i, j, m) = min(forward(i) + after(i + 1, j, m - kept(i)),
 *                          cost(i, j, m - input(i))).
 *
 * An input that was kept dies(i) where its stage runs for the last time, and
 * leaves its copy in fewer bits.
 *
 * Memory is counted in units; the innermost loop goes over the amounts that are
 * enough, but with which some stage must run twice.
 * Amounts go first up to the memory that keeping everything takes, then up to
 * twice the least that is enough, where units are small. The model is an
 * approximation, so it only proposes: each amount of memory gives one
 * route, which choice.c schedules and plans exactly.
 */
#include "plan/optimal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/chain.h"

enum {
    MAX_UNITS = 400,     /* of memory */
    MIN_UNITS = 80,
    TABLES = 2,
    MAX_ROUTES = 60,     /* of each table, if schedules are small; else fewer */
    MIN_ROUTES = 8
};

/* Bounds on the time a search takes: table updates, and steps planned. */
static const double max_updates = 150e6;
static const double max_steps = 40000;

/* Stages i..k-1 run, and all goes on from the input of stage k. */
struct leap {
    float forward;       /* operations of the stages that run */
    int input;           /* units that lead into stage k */
    int passing;         /* units that must be free meanwhile */
};

/* Costs for all (i, j, m). Choices follow from them. */
struct table {
    const struct chain *chain;
    int units;           /* amounts of memory: 0..units */
    double unit;         /* bytes */
    float *cost;         /* (count, count, units + 1) of i, j, m */
    float *ending;       /* the same of j, i, m: read one after the other */
    float *after;        /* (count, count, units + 1) of i, j, m */
    int *least;          /* (count, count) the smallest amount that is enough */
    struct leap *leaps;  /* (count, count) of i, k */
    float *whole;        /* [count] the cost with memory enough, by j, for the
                            lowest i so far */
    float *none;         /* [units + 1] zeros: nothing is left to run */
};

/* Loops over amounts are compiled for AVX2 too. The processor decides which
 * copy runs; both give the same bits. */
#if defined(__x86_64__) && defined(__GLIBC__)
#define ON_WIDE_VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define ON_WIDE_VECTORS
#endif

static int int_max(int a, int b)
{
    return a > b ? a : b;
}

static size_t cell(const struct table *t, int i, int j)
{
    return ((size_t)i * (size_t)t->chain->count + (size_t)j) *
           ((size_t)t->units + 1);
}

static int in_units(const struct table *t, size_t bytes)
{
    double units = ceil((double)bytes / t->unit);

    return units > t->units ? t->units + 1 : (int)units;
}

/* The cost if stage i runs once with m units free, and uses up `used`. */
static float keeping_cost(const struct table *t, int i, int j, int m, int used)
{
    int left = m - used < t->units ? m - used : t->units;
    float rest = i < j ? t->after[cell(t, i + 1, j) + (size_t)left] : 0;

    return (float)t->chain->stages[i].flops + rest;
}

/* Units that stage i uses up if its input was kept; they may be negative. */
static int used_units(const struct table *t, int i, int j)
{
    const struct stage *stage = &t->chain->stages[i];

    return in_units(t, stage->kept) -
           (int)((double)stage->dies[i == j] / t->unit);
}

/* The units with which stage i can run once, if its input was kept. */
static int keeping_least(const struct table *t, int i, int j)
{
    int needed = in_units(t, t->chain->stages[i].needed_more[i == j]);

    return int_max(int_max(needed, used_units(t, i, j)), 0);
}

/* Sets the costs if stage i runs once, for all m from `least` units on; to the
 * bit those of keeping_cost(). */
ON_WIDE_VECTORS
static void fill_keeping(const struct table *t, int i, int j, int used,
                         int least, float *cost)
{
    const float *rest = i < j ? &t->after[cell(t, i + 1, j)] : t->none;
    float once = (float)t->chain->stages[i].flops;
    int most = t->units + (used < 0 ? used : 0);

    for (int m = 0; m < least; m++)
        cost[m] = INFINITY;
#pragma omp simd
    for (int m = least; m <= most; m++)
        cost[m] = once + rest[m - used];
    for (int m = int_max(most + 1, least); m <= t->units; m++)
        cost[m] = once + rest[t->units];
}

/* Returns the smallest amount with which nothing runs twice. */
static int try_keeping(struct table *t, int i, int j)
{
    float *cost = &t->cost[cell(t, i, j)];
    int full = t->units + 1;

    t->whole[j] += (float)t->chain->stages[i].flops;
    fill_keeping(t, i, j, used_units(t, i, j), keeping_least(t, i, j), cost);
    while (full > 0 && cost[full - 1] <= t->whole[j])
        full--;
    return full;
}

/* The cost if the input of stage i is there for one run, once that if it is
 * kept is known. */
ON_WIDE_VECTORS
static void fill_after(struct table *t, int i, int j)
{
    const struct stage *stage = &t->chain->stages[i];
    int used = in_units(t, stage->kept), needed = in_units(t, stage->needed);
    int input = in_units(t, stage->input);
    const float *kept = &t->cost[cell(t, i, j)];
    float *after = &t->after[cell(t, i, j)];

    fill_keeping(t, i, j, used, needed, after);
#pragma omp simd
    for (int m = input; m <= t->units; m++)
        after[m] = after[m] < kept[m - input] ? after[m] : kept[m - input];
}

/* Bytes that must be free to run stage k forward, and to keep nothing of it
 * but what leads into the next one; the input of stage i is kept. */
static size_t passing_bytes(const struct chain *c, int i, int k)
{
    return chain_into(c, i, k) + c->stages[k].passing +
           (k + 1 < c->count ? chain_into(c, i, k + 1) : 0);
}

static const struct leap *leap_of(const struct table *t, int i, int k)
{
    return &t->leaps[i * t->chain->count + k];
}

static void measure_leaps(struct table *t, int i)
{
    const struct chain *c = t->chain;
    struct leap leap = { .forward = 0 };
    size_t most = 0;

    for (int k = i + 1; k < c->count; k++) {
        size_t passing = passing_bytes(c, i, k - 1);

        most = passing > most ? passing : most;
        leap.forward += (float)c->stages[k - 1].flops;
        leap.passing = in_units(t, most);
        leap.input = in_units(t, chain_into(c, i, k));
        t->leaps[i * c->count + k] = leap;
    }
}

/* The smallest amount with which a leap from stage i to stage k is possible, if
 * all ends at stage j. */
static int leap_least(const struct table *t, int i, int j, int k)
{
    const struct leap *l = leap_of(t, i, k);
    int n = t->chain->count;

    return int_max(l->passing, int_max(t->least[i * n + k - 1],
                                       l->input + t->least[k * n + j]));
}

/* Tries a leap with less than `full` units. The loop has no branches: it is
 * where the time goes. */
ON_WIDE_VECTORS
static void try_leap(struct table *t, int i, int j, int k, int full)
{
    int input = leap_of(t, i, k)->input;
    float forward = leap_of(t, i, k)->forward;
    float *cost = &t->cost[cell(t, i, j)];
    const float *after = &t->ending[cell(t, j, k)];
    const float *before = &t->cost[cell(t, i, k - 1)];

#pragma omp simd
    for (int m = leap_least(t, i, j, k); m < full; m++) {
        float sum = forward + after[m - input] + before[m];
        cost[m] = sum < cost[m] ? sum : cost[m];
    }
}

static void fill_costs(struct table *t, int i, int j)
{
    int full = try_keeping(t, i, j), least = 0;
    const float *cost = &t->cost[cell(t, i, j)];

    for (int k = i + 1; k <= j; k++)
        try_leap(t, i, j, k, full);
    while (least <= t->units && isinf(cost[least]))
        least++;
    t->least[i * t->chain->count + j] = least;
    memcpy(&t->ending[cell(t, j, i)], cost,
           ((size_t)t->units + 1) * sizeof(*cost));
    fill_after(t, i, j);
}

/* A few rows go along the columns together, so that a column is in the cache
 * for all of them. */
static void fill_table(struct table *t)
{
    enum { TOGETHER = 4 };
    int n = t->chain->count;

    for (int i = n - 1; i >= 0; i--)
        measure_leaps(t, i);
    for (int last = n - 1; last >= 0; last -= TOGETHER) {
        int first = int_max(last - TOGETHER + 1, 0);

        for (int j = first; j < n; j++)
            for (int i = j < last ? j : last; i >= first; i--)
                fill_costs(t, i, j);
    }
}

static float leap_cost(const struct table *t, int i, int j, int k, int m)
{
    const struct leap *l = leap_of(t, i, k);

    if (m < leap_least(t, i, j, k))
        return INFINITY;
    return l->forward + t->cost[cell(t, k, j) + (size_t)(m - l->input)] +
           t->cost[cell(t, i, k - 1) + (size_t)m];
}

/* The stage that a leap of the least cost leads to; i itself if keeping it
 * costs no more. */
static int best_leap(const struct table *t, int i, int j, int m)
{
    float least = t->cost[cell(t, i, j) + (size_t)m];
    int k = i + 1;

    if (m >= keeping_least(t, i, j) &&
        keeping_cost(t, i, j, m, used_units(t, i, j)) <= least)
        return i;
    while (k < j && leap_cost(t, i, j, k, m) > least)
        k++;
    return k;
}

static void follow_after(const struct table *t, struct route *r, int i, int j,
                         int m);

static void follow_keeping(const struct table *t, struct route *r, int i,
                           int j, int m, int used)
{
    route_add(r, i, false);
    if (i < j)
        follow_after(t, r, i + 1, j,
                     m - used < t->units ? m - used : t->units);
    route_add(r, i, true);
}

/* The route for stages i..j with m units free. */
static void follow_choices(const struct table *t, struct route *r, int i, int j,
                           int m)
{
    int k = best_leap(t, i, j, m);

    if (k == i) {
        follow_keeping(t, r, i, j, m, used_units(t, i, j));
        return;
    }
    for (int s = i; s < k; s++)
        route_add(r, s, false);
    follow_choices(t, r, k, j, m - leap_of(t, i, k)->input);
    follow_choices(t, r, i, k - 1, m);
}

/* The same if the input of stage i is not kept. */
static void follow_after(const struct table *t, struct route *r, int i, int j,
                         int m)
{
    const struct stage *stage = &t->chain->stages[i];
    int input = in_units(t, stage->input);
    float least = t->after[cell(t, i, j) + (size_t)m];

    if (m >= input && t->cost[cell(t, i, j) + (size_t)(m - input)] <= least)
        follow_choices(t, r, i, j, m - input);
    else
        follow_keeping(t, r, i, j, m, in_units(t, stage->kept));
}

/* Adds routes for amounts of memory spread evenly over those that differ in
 * cost; returns the least amount that is enough, bytes. */
static double propose(struct routes *routes, const struct table *t, int most)
{
    int n = t->chain->count, distinct = 0;
    const float *cost = &t->cost[cell(t, 0, n - 1)];
    double least = t->units * t->unit;
    int *amounts = xcalloc((unsigned long)t->units + 1, sizeof(*amounts));

    for (int m = 0; m <= t->units; m++)
        if (isfinite(cost[m]) && (m == 0 || cost[m] < cost[m - 1]))
            amounts[distinct++] = m;
    if (distinct > 0)
        least = amounts[0] * t->unit;
    if (most > distinct)
        most = distinct;
    for (int i = 0; i < most; i++) {
        int pick = most > 1 ? i * (distinct - 1) / (most - 1) : 0;
        struct route *route = chain_route(t->chain);
        follow_choices(t, route, 0, n - 1, amounts[pick]);
        routes_add(routes, route);
    }
    free(amounts);
    return least;
}

static int optimal_clamp(double x, int low, int high)
{
    return x < low ? low : x > high ? high : (int)x;
}

/* The most memory that a route could use, bytes. */
static double most_bytes(const struct chain *c)
{
    double most = 0;

    for (int i = 0; i < c->count; i++)
        most += (double)c->stages[i].kept + (double)c->stages[i].needed;
    return most;
}

static void make_room(struct optimal_room *room, size_t count)
{
    if (room->count >= count)
        return;
    free(room->floats);
    room->floats = xrealloc(NULL, count, sizeof(*room->floats));
    room->count = count;
}

void optimal_room_done(struct optimal_room *room)
{
    free(room->floats);
}

void optimal_add_routes(struct routes *routes, const struct graph *g,
                        struct policy policy, const struct backend *backend,
                        int threads, struct optimal_room *room)
{
    struct chain chain;
    struct table t = { .chain = &chain };
    int steps = chain_init(&chain, g, policy, backend, threads);
    double pairs = pow(chain.count, 3) / 6 + 1, most = most_bytes(&chain);
    unsigned long square =
        (unsigned long)chain.count * (unsigned long)chain.count;
    size_t cells;

    t.units = optimal_clamp(max_updates / TABLES / pairs, MIN_UNITS, MAX_UNITS);
    cells = cell(&t, chain.count - 1, chain.count - 1) + (size_t)t.units + 1;
    make_room(room, 3 * cells);
    t.cost = room->floats;
    t.ending = t.cost + cells;
    t.after = t.ending + cells;
    t.least = xcalloc(square, sizeof(*t.least));
    t.leaps = xcalloc(square, sizeof(*t.leaps));
    t.whole = xcalloc((unsigned long)chain.count, sizeof(*t.whole));
    t.none = xcalloc((unsigned long)t.units + 1, sizeof(*t.none));
    for (int i = 0; i < TABLES; i++) {
        t.unit = most / t.units + 1;
        memset(t.whole, 0, (size_t)chain.count * sizeof(*t.whole));
        fill_table(&t);
        most = 2 * propose(routes, &t,
                           optimal_clamp(max_steps / TABLES / steps,
                                         MIN_ROUTES, MAX_ROUTES));
    }
    free(t.least);
    free(t.leaps);
    free(t.whole);
    free(t.none);
    chain_done(&chain);
}
