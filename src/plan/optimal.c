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

/* Costs for all (i, j, m). Choices follow from them. */
struct table {
    const struct chain *chain;
    int units;           /* amounts of memory: 0..units */
    double unit;         /* bytes */
    float *cost;         /* (count, count, units + 1) */
    float *after;        /* (count, count, units + 1) */
    int *least;          /* (count, count) the smallest amount that is enough */
};

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

/* Bytes that must be free to run stage k forward, and to keep nothing of it
 * but what leads into the next one; the input of stage i is kept. */
static size_t passing_bytes(const struct chain *c, int i, int k)
{
    return chain_into(c, i, k) + c->stages[k].passing +
           (k + 1 < c->count ? chain_into(c, i, k + 1) : 0);
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

/* Returns the smallest amount with which nothing runs twice. */
static int try_keeping(struct table *t, int i, int j)
{
    float *cost = &t->cost[cell(t, i, j)], whole = 0;
    int used = used_units(t, i, j), least = keeping_least(t, i, j);
    int full = t->units + 1;

    for (int k = j; k >= i; k--)
        whole += (float)t->chain->stages[k].flops;
    for (int m = 0; m <= t->units; m++)
        cost[m] = m < least ? INFINITY : keeping_cost(t, i, j, m, used);
    while (full > 0 && cost[full - 1] <= whole)
        full--;
    return full;
}

/* The cost if the input of stage i is there for one run, once that if it is
 * kept is known. */
static void fill_after(struct table *t, int i, int j)
{
    const struct stage *stage = &t->chain->stages[i];
    int used = in_units(t, stage->kept), needed = in_units(t, stage->needed);
    int input = in_units(t, stage->input);
    const float *cost = &t->cost[cell(t, i, j)];
    float *after = &t->after[cell(t, i, j)];

    for (int m = 0; m <= t->units; m++) {
        float once = m < needed ? INFINITY : keeping_cost(t, i, j, m, used);
        float kept = m < input ? INFINITY : cost[m - input];

        after[m] = once < kept ? once : kept;
    }
}

/* Stages i..k-1 run, and all goes on from the input of stage k. */
struct leap {
    int i, j, k;
    float forward;       /* operations of the stages that run */
    size_t passing;      /* bytes that must be free meanwhile */
};

static void leap_further(const struct table *t, struct leap *l)
{
    size_t passing = passing_bytes(t->chain, l->i, l->k);

    l->forward += (float)t->chain->stages[l->k].flops;
    l->passing = passing > l->passing ? passing : l->passing;
    l->k++;
}

static int leap_input(const struct table *t, const struct leap *l)
{
    return in_units(t, chain_into(t->chain, l->i, l->k));
}

/* The smallest amount with which a leap is possible. */
static int leap_least(const struct table *t, const struct leap *l)
{
    int n = t->chain->count;
    int before = t->least[l->i * n + l->k - 1];
    int after = t->least[l->k * n + l->j];

    return int_max(in_units(t, l->passing),
                   int_max(before, leap_input(t, l) + after));
}

/* Tries a leap with less than `full` units. The loop has no branches: it is
 * where the time goes. */
static void try_leap(struct table *t, const struct leap *l, int full)
{
    int input = leap_input(t, l);
    float forward = l->forward;
    float *cost = &t->cost[cell(t, l->i, l->j)];
    const float *after = &t->cost[cell(t, l->k, l->j)];
    const float *before = &t->cost[cell(t, l->i, l->k - 1)];

#pragma omp simd
    for (int m = leap_least(t, l); m < full; m++) {
        float sum = forward + after[m - input] + before[m];
        cost[m] = sum < cost[m] ? sum : cost[m];
    }
}

static void fill_costs(struct table *t, int i, int j)
{
    int full = try_keeping(t, i, j), least = 0;
    const float *cost = &t->cost[cell(t, i, j)];
    struct leap l = { .i = i, .j = j, .k = i };

    while (l.k < j) {
        leap_further(t, &l);
        try_leap(t, &l, full);
    }
    while (least <= t->units && isinf(cost[least]))
        least++;
    t->least[i * t->chain->count + j] = least;
    fill_after(t, i, j);
}

static void fill_table(struct table *t)
{
    int n = t->chain->count;

    for (int i = n - 1; i >= 0; i--)
        for (int j = i; j < n; j++)
            fill_costs(t, i, j);
}

static float leap_cost(const struct table *t, const struct leap *l, int m)
{
    if (m < leap_least(t, l))
        return INFINITY;
    return l->forward +
           t->cost[cell(t, l->k, l->j) + (size_t)(m - leap_input(t, l))] +
           t->cost[cell(t, l->i, l->k - 1) + (size_t)m];
}

/* The leap of the least cost; to stage i itself if keeping it costs no more. */
static struct leap best_leap(const struct table *t, int i, int j, int m)
{
    float least = t->cost[cell(t, i, j) + (size_t)m];
    struct leap l = { .i = i, .j = j, .k = i };

    if (m >= keeping_least(t, i, j) &&
        keeping_cost(t, i, j, m, used_units(t, i, j)) <= least)
        return l;
    do
        leap_further(t, &l);
    while (l.k < j && leap_cost(t, &l, m) > least);
    return l;
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
    struct leap l = best_leap(t, i, j, m);

    if (l.k == i) {
        follow_keeping(t, r, i, j, m, used_units(t, i, j));
        return;
    }
    for (int s = i; s < l.k; s++)
        route_add(r, s, false);
    follow_choices(t, r, l.k, j, m - leap_input(t, &l));
    follow_choices(t, r, i, l.k - 1, m);
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

void optimal_add_routes(struct routes *routes, const struct graph *g,
                        struct policy policy, const struct backend *backend,
                        int threads)
{
    struct chain chain;
    struct table t = { .chain = &chain };
    int steps = chain_init(&chain, g, policy, backend, threads);
    double pairs = pow(chain.count, 3) / 6 + 1, most = most_bytes(&chain);
    size_t cells;

    t.units = optimal_clamp(max_updates / TABLES / pairs, MIN_UNITS, MAX_UNITS);
    cells = cell(&t, chain.count - 1, chain.count - 1) + (size_t)t.units + 1;
    t.cost = xcalloc(cells, sizeof(*t.cost));
    t.after = xcalloc(cells, sizeof(*t.after));
    t.least = xcalloc((unsigned long)chain.count * (unsigned long)chain.count,
                      sizeof(*t.least));
    for (int i = 0; i < TABLES; i++) {
        t.unit = most / t.units + 1;
        fill_table(&t);
        most = 2 * propose(routes, &t,
                           optimal_clamp(max_steps / TABLES / steps,
                                         MIN_ROUTES, MAX_ROUTES));
    }
    free(t.cost);
    free(t.after);
    free(t.least);
    chain_done(&chain);
}
