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
 * Memory is counted in units; the innermost loop goes over all amounts of it.
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

/* Costs and choices for all (i, j, m). */
struct table {
    const struct chain *chain;
    int units;           /* amounts of memory: 0..units */
    double unit;         /* bytes */
    float *cost;         /* (count, count, units + 1) */
    int *choice;         /* (count, count, units + 1); 0: keep stage i, k:
                            checkpoint the input of stage k */
    float *after;        /* (count, count, units + 1) */
};

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

static void try_keeping(struct table *t, int i, int j)
{
    const struct stage *stage = &t->chain->stages[i];
    int used = used_units(t, i, j);
    int needed = in_units(t, stage->needed_more[i == j]);
    float *cost = &t->cost[cell(t, i, j)];

    for (int m = 0; m <= t->units; m++)
        cost[m] = m < needed || m < used ? INFINITY
                                         : keeping_cost(t, i, j, m, used);
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

/* Runs stages i..k-1, for `forward` operations with `passing` bytes free, and
 * goes on from the input of stage k. The loop has no branches: it is where the
 * time goes. */
static void try_checkpoint(struct table *t, int i, int j, int k, float forward,
                           size_t passing)
{
    int input = in_units(t, chain_into(t->chain, i, k));
    int needed = in_units(t, passing), units = t->units;
    float *cost = &t->cost[cell(t, i, j)];
    int *choice = &t->choice[cell(t, i, j)];
    const float *after = &t->cost[cell(t, k, j)];
    const float *before = &t->cost[cell(t, i, k - 1)];

#pragma omp simd
    for (int m = needed > input ? needed : input; m <= units; m++) {
        float sum = forward + after[m - input] + before[m];
        int less = -(sum < cost[m]);
        choice[m] = (k & less) | (choice[m] & ~less);
        cost[m] = sum < cost[m] ? sum : cost[m];
    }
}

static void fill_table(struct table *t)
{
    const struct chain *c = t->chain;

    for (int length = 1; length <= c->count; length++)
        for (int i = 0; i + length <= c->count; i++) {
            int j = i + length - 1;
            float forward = 0;
            size_t passing = 0;
            try_keeping(t, i, j);
            for (int k = i + 1; k <= j; k++) {
                forward += (float)c->stages[k - 1].flops;
                if (passing_bytes(c, i, k - 1) > passing)
                    passing = passing_bytes(c, i, k - 1);
                try_checkpoint(t, i, j, k, forward, passing);
            }
            fill_after(t, i, j);
        }
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
    int k = t->choice[cell(t, i, j) + (size_t)m];

    if (k == 0) {
        follow_keeping(t, r, i, j, m, used_units(t, i, j));
        return;
    }
    for (int s = i; s < k; s++)
        route_add(r, s, false);
    follow_choices(t, r, k, j, m - in_units(t, chain_into(t->chain, i, k)));
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
    t.choice = xcalloc(cells, sizeof(*t.choice));
    t.after = xcalloc(cells, sizeof(*t.after));
    for (int i = 0; i < TABLES; i++) {
        t.unit = most / t.units + 1;
        fill_table(&t);
        most = 2 * propose(routes, &t,
                           optimal_clamp(max_steps / TABLES / steps,
                                         MIN_ROUTES, MAX_ROUTES));
    }
    free(t.cost);
    free(t.choice);
    free(t.after);
    chain_done(&chain);
}
