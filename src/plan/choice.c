#include "plan/choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "plan/living.h"

/* Candidates for the smallest arena that are placed, at most; and an arena, by
 * its peak, below which no smaller one is looked for. */
enum { MAX_PLACED = 2 };
static const double good_arena = 1.01;

struct candidate {
    const struct route *route;
    size_t peak;
    double flops;
    int order;           /* in which they were found */
};

struct choice {
    const struct graph *graph;
    struct policy policy;
    const struct backend *backend;
    int threads;
    struct candidate *list;      /* [count] */
    int count;
};

/* Bytes alive in a step that a route decides about, or that it does not. */
static size_t routed_bytes(const struct plan *plan, int t, bool routed)
{
    size_t sum = 0;

    for (int k = 0; k < KIND_COUNT; k++)
        if (k != KIND_WORKSPACE && !(ROUTED_KINDS & 1 << k) == !routed)
            sum += plan->live[t][k];
    return sum;
}

static size_t most_in_body(const struct plan *plan)
{
    const struct program_steps *p = &plan->schedule->program[PROGRAM_TRAIN];
    size_t most = 0;

    for (int t = p->body; t < p->epilogue; t++)
        if (routed_bytes(plan, t, true) > most)
            most = routed_bytes(plan, t, true);
    return most;
}

/* Outlines a route; *persisting gets the bytes that are alive throughout the
 * body whatever the route. */
static struct candidate outline_route(const struct choice *c,
                                      struct route_known *known, int order,
                                      size_t *persisting)
{
    struct schedule *schedule = schedule_build(c->graph, c->policy,
                                               known->route);
    struct plan *plan = plan_outline(schedule, c->backend, c->threads);
    struct candidate candidate = { known->route, plan->peak_bytes,
                                   schedule_flops(schedule), order };

    known->body = most_in_body(plan);
    *persisting = routed_bytes(plan, schedule->program[PROGRAM_TRAIN].body,
                               false);
    plan_free(plan);
    schedule_free(schedule);
    return candidate;
}

/* Outlines the routes, but for those whose bodies are known to be too large. */
static void outline_routes(struct choice *c, struct routes *routes,
                           size_t budget)
{
    size_t persisting = 0;

    for (int i = 0; i < routes->count; i++)
        if (!budget || persisting + routes->list[i].body <= budget)
            c->list[c->count++] = outline_route(c, &routes->list[i], i,
                                                &persisting);
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
static bool first_that_fits(const struct choice *c, size_t budget,
                            struct schedule **schedule, struct plan **plan)
{
    for (int i = 0; i < c->count; i++) {
        struct schedule *candidate;
        if (c->list[i].peak > budget)
            continue;
        candidate = schedule_build(c->graph, c->policy, c->list[i].route);
        *plan = plan_build(candidate, c->backend, c->threads);
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

/* Plans the candidate as *schedule and *plan, if its arena is smaller. */
static void choose_if_smaller(const struct choice *c, const struct candidate *by,
                            struct schedule **schedule, struct plan **plan)
{
    struct schedule *next = schedule_build(c->graph, c->policy, by->route);
    struct plan *placed = plan_build(next, c->backend, c->threads);

    if (*plan && (*plan)->arena_bytes <= placed->arena_bytes) {
        plan_free(placed);
        schedule_free(next);
        return;
    }
    plan_free(*plan);
    schedule_free(*schedule);
    *plan = placed;
    *schedule = next;
}

/* Plans candidates by peak. Where the values of one are hard to place, the next
 * few may have a smaller arena. */
static bool smallest(const struct choice *c, struct schedule **schedule,
                     struct plan **plan)
{
    qsort(c->list, (size_t)c->count, sizeof(*c->list), by_peak);
    *schedule = NULL;
    *plan = NULL;
    for (int i = 0; i < c->count && i < MAX_PLACED; i++) {
        if (*plan && (double)(*plan)->arena_bytes <
                         good_arena * (double)c->list[i].peak)
            break;
        choose_if_smaller(c, &c->list[i], schedule, plan);
    }
    return *plan;
}

static bool is_other_way(const struct setting *row, const void *arg)
{
    (void)arg;
    return row->saves &&
           row->offset != offsetof(struct settings, checkpoint);
}

/* Says how small the smallest plan is, and names its largest values. */
static bool choice_refuse(const struct choice *c, size_t budget,
                          struct error *e)
{
    char wanted[BYTES_TEXT_SIZE], least[BYTES_TEXT_SIZE];
    char largest[LIVING_TEXT_SIZE], others[128];
    struct schedule *schedule;
    const struct op *op;
    struct plan *plan;

    smallest(c, &schedule, &plan);
    op = schedule_op(schedule, plan->peak_step);
    living_name_largest(plan, largest, sizeof(largest));
    settings_names(others, sizeof(others), is_other_way, NULL, " or ");
    error_set(e, EXIT_BUDGET,
              "memory_budget: %s is not enough: with these settings the least "
              "is %s (%zu bytes), above all %s at %s %s (%s); raise it, or "
              "need less with %s",
              bytes_format(wanted, sizeof(wanted), budget),
              bytes_format(least, sizeof(least), plan->arena_bytes),
              plan->arena_bytes, largest, op_name(op->code),
              c->graph->layers[op->layer].name,
              phase_name(schedule->steps[plan->peak_step].phase), others);
    plan_free(plan);
    schedule_free(schedule);
    return false;
}

bool choice_find(struct routes *routes, const struct graph *graph,
                 struct policy policy, const struct backend *backend,
                 int threads, size_t budget, struct schedule **schedule,
                 struct plan **plan, struct error *e)
{
    struct choice c = { graph, policy, backend, threads, NULL, 0 };
    bool found;

    c.list = xcalloc((unsigned long)routes->count, sizeof(*c.list));
    outline_routes(&c, routes, budget);
    if (budget) {
        qsort(c.list, (size_t)c.count, sizeof(*c.list), by_flops);
        found = first_that_fits(&c, budget, schedule, plan) ||
                (e && choice_refuse(&c, budget, e));
    } else {
        found = smallest(&c, schedule, plan);
    }
    free(c.list);
    return found;
}
