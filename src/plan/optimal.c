/*
 * The chain: the forward operations are cut into stages before every block and
 * after every costly operation. The plan in which nothing is recomputed gives,
 * for every stage, the bytes that lead into it, the bytes it keeps for its
 * backward pass, the scratch and gradients it needs while it runs, and its
 * arithmetic.
 *
 * The programme: let cost(i, j, m) be the least forward arithmetic to take
 * stages i..j forward and backward when m bytes are free and the input of i
 * is kept. Either stage i is run once and all its results are kept,
 *
 *     cost(i, j, m) = forward(i) + cost(i + 1, j, m - kept(i)),
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
 * Memory is counted in units; the innermost loop goes over all amounts of it.
 * Amounts go first up to the memory that keeping everything takes, then up to
 * twice the least that is enough, where units are small. The model is an
 * approximation, so it only proposes: each amount of memory gives one
 * candidate, which is then scheduled and planned exactly.
 */
#include "plan/optimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "plan/living.h"

enum {
    MAX_STAGES = 160,    /* neighbouring stages are merged above */
    MAX_UNITS = 400,     /* of memory */
    MIN_UNITS = 80,
    TABLES = 2,
    MAX_CANDIDATES = 60, /* of each table, if schedules are small; else fewer */
    MIN_CANDIDATES = 8,
    NAMED = 3,           /* the most values that a refusal names */
    NAME_SIZE = 64
};

/* Bounds on the time a search takes: table updates, and steps planned. */
static const double max_updates = 150e6;
static const double max_steps = 40000;

/* Operations per element of a result, above which the result is dear: the chain
 * is cut after its operation. */
static const double costly = 32;

struct stage {
    size_t kept;         /* bytes it leaves for any backward pass, its own
                            result included */
    size_t passing;      /* transient bytes and scratch while it runs forward */
    size_t needed;       /* transient bytes and scratch, forward or backward,
                            with the bytes that it keeps and still has then */
    double flops;        /* forward */
};

struct chain {
    int *cuts;           /* [count + 1] */
    struct stage *stages;
    size_t *into;        /* (count, count) of stages i and k >= i: bytes that
                            lead into k and not into i, kept statistics
                            aside */
    int count;
};

static size_t bytes_into(const struct chain *c, int i, int k)
{
    return c->into[i * c->count + k];
}

static bool cut_before(const struct graph *g, int op_id,
                       const struct extents *extents)
{
    const struct op *op = &g->ops[op_id], *before = &g->ops[op_id - 1];
    const char *access = op_access(before->code);
    long result = strrchr(access, 'w') - access;
    struct operand o = graph_operand(g, before->operand[result], extents);

    return op->begins_block || graph_flops(g, before, extents) >
                                   costly * (double)operand_elements(&o);
}

/* Cuts of the fine chain, thinned out evenly to MAX_STAGES. */
static int *fine_cuts(const struct graph *g, const struct extents *extents,
                      int *count)
{
    int blocks, kept = 0, n = 0;
    int *cuts = route_block_cuts(g, &blocks);
    int end = cuts[blocks];
    int *fine = xcalloc((unsigned long)end + 1, sizeof(*fine));

    fine[n++] = 0;
    for (int i = 1; i < end; i++)
        if (cut_before(g, i, extents))
            fine[n++] = i;
    /* A net with more blocks than stages is cut at blocks only. */
    if (n > MAX_STAGES) {
        memcpy(fine, cuts, (size_t)blocks * sizeof(*cuts));
        n = blocks;
    }
    for (int i = 0, each = (n + MAX_STAGES - 1) / MAX_STAGES; i < n;
         i += each)
        fine[kept++] = fine[i];
    fine[kept] = end;
    free(cuts);
    *count = kept;
    return fine;
}

/* A route over the chain, without legs yet. */
static struct route *route_over(const struct chain *c)
{
    int *cuts = xcalloc((unsigned long)c->count + 1, sizeof(*cuts));

    memcpy(cuts, c->cuts, ((size_t)c->count + 1) * sizeof(*cuts));
    return route_new(cuts, c->count);
}

static int stage_of(const struct chain *c, const struct op *op)
{
    int low = 0, high = c->count;

    while (low + 1 < high) {
        int middle = (low + high) / 2;
        if (c->cuts[middle] <= op->forward)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Adds an instance to the chain. It is an input of every stage after its own up
 * to the last that reads it forward. Its own stage keeps it if anything later
 * reads it. */
static void count_instance(struct chain *c, const struct plan_instance *p,
                           int home, int last_forward, bool saved)
{
    for (int k = home + 1; k <= last_forward; k++)
        for (int i = 0; i <= home; i++)
            c->into[i * c->count + k] += p->bytes;
    if (saved || last_forward > home)
        c->stages[home].kept += p->bytes;
}

/* Transient bytes and scratch of a step. */
static size_t overhead(const struct plan *plan, int t)
{
    return plan->live[t][KIND_TRANSIENT] + plan->live[t][KIND_WORKSPACE];
}

/* Measures the needs of each stage in each of its steps; home[i] is the stage
 * that leaves instance i, or -1. */
static void measure_needs(struct chain *c, const struct plan *plan,
                          const int home[])
{
    const struct schedule *s = plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    size_t *needed = xcalloc((unsigned long)p->epilogue, sizeof(*needed));
    int *stage = xcalloc((unsigned long)p->epilogue, sizeof(*stage));

    for (int t = p->body; t < p->epilogue; t++) {
        stage[t] = stage_of(c, schedule_op(s, t));
        needed[t] = overhead(plan, t);
    }
    for (int i = 0; i < s->instance_count; i++) {
        const struct plan_instance *in = &plan->instances[i];
        for (int t = in->first; home[i] >= 0 && t <= in->last; t++)
            if (t >= p->body && t < p->epilogue && stage[t] == home[i])
                needed[t] += in->bytes;
    }
    for (int t = p->body; t < p->epilogue; t++)
        if (needed[t] > c->stages[stage[t]].needed)
            c->stages[stage[t]].needed = needed[t];
    for (int i = 0; i < c->count; i++)
        if (c->stages[i].kept > c->stages[i].needed)
            c->stages[i].needed = c->stages[i].kept;
    free(needed);
    free(stage);
}

static void measure_chain(struct chain *c, const struct plan *plan)
{
    const struct schedule *s = plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    unsigned long n = (unsigned long)s->instance_count;
    int *home = xcalloc(n, sizeof(int)), *last = xcalloc(n, sizeof(int));
    bool *saved = xcalloc(n, sizeof(bool));

    for (int i = 0; i < s->instance_count; i++)
        home[i] = last[i] = -1;
    for (int t = p->body; t < p->epilogue; t++) {
        const struct op *op = schedule_op(s, t);
        int stage = stage_of(c, op);
        bool forward = op->pass == PASS_FORWARD;

        if (forward && overhead(plan, t) > c->stages[stage].passing)
            c->stages[stage].passing = overhead(plan, t);
        if (forward)
            c->stages[stage].flops += schedule_step_flops(s, t);
        for (int i = 0; i < op_slots(op->code); i++) {
            int x = s->steps[t].instance[i];
            if (x < 0)
                continue;
            /* A value that is made only once is kept by every route. */
            if (forward && op_access(op->code)[i] == 'w' &&
                op_repeatable(op->code))
                home[x] = stage;
            else if (forward)
                last[x] = stage;
            else
                saved[x] = true;
        }
    }
    for (int i = 0; i < s->instance_count; i++)
        if (home[i] >= 0)
            count_instance(c, &plan->instances[i], home[i], last[i],
                           saved[i]);
    for (int i = 0; i < s->instance_count; i++)
        if (home[i] >= 0 && !saved[i] && last[i] <= home[i])
            home[i] = -1;
    measure_needs(c, plan, home);
    free(home);
    free(last);
    free(saved);
}

/* Costs and choices for all (i, j, m). */
struct table {
    const struct chain *chain;
    int units;           /* amounts of memory: 0..units */
    double unit;         /* bytes */
    float *cost;         /* (count, count, units + 1) */
    int *choice;         /* (count, count, units + 1); 0: keep stage i, k:
                            checkpoint the input of stage k */
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
    return bytes_into(c, i, k) + c->stages[k].passing +
           (k + 1 < c->count ? bytes_into(c, i, k + 1) : 0);
}

static void try_keeping(struct table *t, int i, int j)
{
    const struct stage *stage = &t->chain->stages[i];
    int kept = in_units(t, stage->kept);
    int needed = in_units(t, stage->needed);
    float *cost = &t->cost[cell(t, i, j)];
    const float *rest = i < j ? &t->cost[cell(t, i + 1, j)] : NULL;

    for (int m = 0; m <= t->units; m++)
        cost[m] = m < needed ? INFINITY
                  : (float)stage->flops + (rest ? rest[m - kept] : 0);
}

/* Runs stages i..k-1, for `forward` operations with `passing` bytes free, and
 * goes on from the input of stage k. The loop has no branches: it is where the
 * time goes. */
static void try_checkpoint(struct table *t, int i, int j, int k, float forward,
                           size_t passing)
{
    int input = in_units(t, bytes_into(t->chain, i, k));
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
        }
}

/* The route for stages i..j with m units free. */
static void follow_choices(const struct table *t, struct route *r, int i, int j,
                           int m)
{
    int k;

    if (i > j)
        return;
    k = t->choice[cell(t, i, j) + (size_t)m];
    if (k == 0) {
        route_add(r, i, false);
        follow_choices(t, r, i + 1, j,
                       m - in_units(t, t->chain->stages[i].kept));
        route_add(r, i, true);
        return;
    }
    for (int s = i; s < k; s++)
        route_add(r, s, false);
    follow_choices(t, r, k, j, m - in_units(t, bytes_into(t->chain, i, k)));
    follow_choices(t, r, i, k - 1, m);
}

struct candidate {
    struct route *route;
    size_t peak;
    double flops;
    int order;           /* in which they were found */
};

struct search {
    const struct graph *graph;
    struct policy policy;
    const struct backend *backend;
    int threads;
    struct candidate list[TABLES * MAX_CANDIDATES + 4];
    int count;
};

static void optimal_consider(struct search *s, struct route *route)
{
    struct schedule *schedule = schedule_build(s->graph, s->policy, route);
    struct plan *plan = plan_outline(schedule, s->backend, s->threads);

    s->list[s->count] = (struct candidate){ route, plan->peak_bytes,
                                            schedule_flops(schedule),
                                            s->count };
    s->count++;
    plan_free(plan);
    schedule_free(schedule);
}

/* Considers candidates for amounts of memory spread evenly over those that
 * differ in cost; returns the least amount that is enough, bytes. No candidate
 * depends on the budget, so a lower budget never finds one that a higher budget
 * missed. */
static double consider_table(struct search *s, const struct table *t,
                             int candidates)
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
    if (candidates > distinct)
        candidates = distinct;
    for (int i = 0; i < candidates; i++) {
        int pick = candidates > 1 ? i * (distinct - 1) / (candidates - 1) : 0;
        struct route *route = route_over(t->chain);
        follow_choices(t, route, 0, n - 1, amounts[pick]);
        optimal_consider(s, route);
    }
    free(amounts);
    return least;
}

static struct chain make_chain(const struct search *s, int *steps)
{
    struct route *straight = route_straight(s->graph);
    struct schedule *schedule = schedule_build(s->graph, s->policy, straight);
    struct plan *plan = plan_outline(schedule, s->backend, s->threads);
    struct chain c;

    c.cuts = fine_cuts(s->graph, &s->policy.cut.most, &c.count);
    c.stages = xcalloc((unsigned long)c.count, sizeof(*c.stages));
    c.into = xcalloc((unsigned long)c.count * (unsigned long)c.count,
                     sizeof(*c.into));
    measure_chain(&c, plan);
    *steps = schedule->step_count;
    plan_free(plan);
    schedule_free(schedule);
    route_free(straight);
    return c;
}

static int optimal_clamp(double x, int low, int high)
{
    return x < low ? low : x > high ? high : (int)x;
}

static void search_chain(struct search *s)
{
    int steps;
    struct chain chain = make_chain(s, &steps);
    struct table t = { .chain = &chain };
    double pairs = pow(chain.count, 3) / 6 + 1, most = 0;
    size_t cells;

    for (int i = 0; i < chain.count; i++)
        most += (double)chain.stages[i].kept +
                (double)chain.stages[i].needed;
    t.units = optimal_clamp(max_updates / TABLES / pairs, MIN_UNITS, MAX_UNITS);
    cells = cell(&t, chain.count - 1, chain.count - 1) + (size_t)t.units + 1;
    t.cost = xcalloc(cells, sizeof(*t.cost));
    t.choice = xcalloc(cells, sizeof(*t.choice));
    for (int i = 0; i < TABLES; i++) {
        t.unit = most / t.units + 1;
        fill_table(&t);
        most = 2 * consider_table(
                       s, &t,
                       optimal_clamp(max_steps / TABLES / steps,
                                     MIN_CANDIDATES, MAX_CANDIDATES));
    }
    free(t.cost);
    free(t.choice);
    free(chain.cuts);
    free(chain.stages);
    free(chain.into);
}

/* The orders are total: free memory may decide how qsort() orders ties. */
static int by_flops(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->flops != y->flops)
        return (x->flops > y->flops) - (x->flops < y->flops);
    if (x->peak != y->peak)
        return (x->peak > y->peak) - (x->peak < y->peak);
    return x->order - y->order;
}

static int by_peak(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->peak != y->peak)
        return (x->peak > y->peak) - (x->peak < y->peak);
    return by_flops(a, b);
}

/* Plans candidates in their order until one fits; false if none does. */
static bool first_that_fits(const struct search *s, size_t budget,
                            struct schedule **schedule, struct plan **plan)
{
    for (int i = 0; i < s->count; i++) {
        struct schedule *candidate;
        if (s->list[i].peak > budget)
            continue;
        candidate = schedule_build(s->graph, s->policy, s->list[i].route);
        *plan = plan_build(candidate, s->backend, s->threads);
        if ((*plan)->arena_bytes <= budget) {
            *schedule = candidate;
            return true;
        }
        plan_free(*plan);
        schedule_free(candidate);
    }
    *plan = NULL;
    return false;
}

static bool smallest(struct search *s, struct schedule **schedule,
                     struct plan **plan)
{
    qsort(s->list, (size_t)s->count, sizeof(*s->list), by_peak);
    return first_that_fits(s, (size_t)-1, schedule, plan);
}

/* "62.5 MiB of g1.b1.conv1.y", for the largest values at the peak. */
static void name_largest(const struct plan *plan, char *text, size_t size)
{
    int step = plan->peak_step, count;
    struct living *living = living_find(plan, LIVING_ALL, step, &count);
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < count && i < NAMED && used < size; i++) {
        char name[NAME_SIZE] = "scratch", bytes[BYTES_TEXT_SIZE];

        if (living[i].instance != LIVING_SCRATCH)
            graph_value_name(plan->schedule->graph,
                             plan->schedule->instances[living[i].instance],
                             name, sizeof(name));
        used += (size_t)snprintf(
            text + used, size - used, "%s%s %s", i ? ", " : "", name,
            bytes_format(bytes, sizeof(bytes), living[i].bytes));
    }
    free(living);
}

static bool is_other_way(const struct setting *row, const void *arg)
{
    (void)arg;
    return row->saves &&
           row->offset != offsetof(struct settings, checkpoint);
}

/* Says how small the smallest plan is, and names its largest values. */
static bool optimal_refuse(struct search *s, size_t budget, struct error *e)
{
    char wanted[BYTES_TEXT_SIZE], least[BYTES_TEXT_SIZE];
    char largest[NAMED * (NAME_SIZE + BYTES_TEXT_SIZE)], others[128];
    struct schedule *schedule;
    const struct op *op;
    struct plan *plan;

    smallest(s, &schedule, &plan);
    op = schedule_op(schedule, plan->peak_step);
    name_largest(plan, largest, sizeof(largest));
    settings_names(others, sizeof(others), is_other_way, NULL, " or ");
    error_set(e, EXIT_BUDGET,
              "memory_budget: %s is not enough: with these settings the least "
              "is %s (%zu bytes), above all %s at %s %s (%s); raise it, or "
              "need less with %s",
              bytes_format(wanted, sizeof(wanted), budget),
              bytes_format(least, sizeof(least), plan->arena_bytes),
              plan->arena_bytes, largest, op_name(op->code),
              s->graph->layers[op->layer].name,
              phase_name(schedule->steps[plan->peak_step].phase), others);
    plan_free(plan);
    schedule_free(schedule);
    return false;
}

bool optimal_find(const struct graph *graph, struct policy policy,
                  const struct backend *backend, int threads, size_t budget,
                  struct schedule **schedule, struct plan **plan,
                  struct error *e)
{
    struct search s = { .graph = graph, .policy = policy, .backend = backend,
                        .threads = threads };
    bool found;

    optimal_consider(&s, route_straight(graph));
    optimal_consider(&s, route_blocks(graph));
    optimal_consider(&s, route_sqrt(graph));
    optimal_consider(&s, route_recursive(graph));
    search_chain(&s);
    if (budget) {
        qsort(s.list, (size_t)s.count, sizeof(*s.list), by_flops);
        found = first_that_fits(&s, budget, schedule, plan) ||
                optimal_refuse(&s, budget, e);
    } else {
        found = smallest(&s, schedule, plan);
    }
    for (int i = 0; i < s.count; i++)
        route_free(s.list[i].route);
    return found;
}
