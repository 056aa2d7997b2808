#include "plan/choice.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "plan/living.h"

/* Candidates for the smallest arena that are placed, at most. */
enum { MAX_PLACED = 6 };

/* A route of the set, by its number. All candidates keep their schedules:
 * optimal.c proposes fewer routes where schedules are long. */
struct candidate {
    int route;
    struct schedule *schedule;   /* owned; NULL: taken by a plan */
    size_t peak;         /* 0: not known */
    double flops;
};

struct candidates {
    struct candidate *list;      /* owned, [count]; by peak, then by flops */
    int count;
    struct work *work;           /* owned; of their schedules */
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

size_t choice_persisting(const struct plan *plan)
{
    return routed_bytes(plan, plan->schedule->program[PROGRAM_TRAIN].body,
                        false);
}

static struct schedule *schedule_of(const struct alternatives *c, int route)
{
    return schedule_build(c->graph, c->policy, c->routes->list[route].route);
}

static struct plan *outline_route(const struct alternatives *c,
                                  const struct schedule *schedule, int route)
{
    struct plan *plan = plan_outline(schedule, c->backend, c->threads);

    routes_learn(c->routes, route, &c->policy.cut.most, most_in_body(plan));
    return plan;
}

/* Candidates with their arithmetic alone, and with their peaks. */
static struct candidate candidate_scheduled(const struct alternatives *c,
                                            struct work *work, int route)
{
    struct schedule *schedule = schedule_of(c, route);

    return (struct candidate){ route, schedule, 0, work_flops(work, schedule) };
}

static struct candidate candidate_outlined(const struct alternatives *c,
                                           struct work *work, int route)
{
    struct candidate candidate = candidate_scheduled(c, work, route);
    struct plan *plan = outline_route(c, candidate.schedule, route);

    candidate.peak = plan->peak_bytes;
    plan_free(plan);
    return candidate;
}

static void free_candidates(struct candidates *all)
{
    for (int i = 0; i < all->count; i++)
        schedule_free(all->list[i].schedule);
    free(all->list);
    work_free(all->work);
}

/* The order is total: free memory may decide how qsort() orders ties. */
static int by_peak(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->peak != y->peak)
        return (x->peak > y->peak) - (x->peak < y->peak);
    if (x->flops != y->flops)
        return (x->flops > y->flops) - (x->flops < y->flops);
    return x->route - y->route;
}

static size_t least_body(const struct alternatives *c, int route)
{
    return routes_least(c->routes, route, &c->policy.cut.most);
}

/* The routes whose bodies are not known to be too large for a budget beside
 * `persisting` bytes. */
static struct candidates list_candidates(
    const struct alternatives *c, size_t persisting, size_t budget,
    struct candidate (*of)(const struct alternatives *, struct work *,
                           int route))
{
    struct candidates all = { .work = work_new(c->graph) };

    all.list = xcalloc((unsigned long)c->routes->count, sizeof(*all.list));
    for (int i = 0; i < c->routes->count; i++)
        if (persisting + least_body(c, i) <= budget)
            all.list[all.count++] = of(c, all.work, i);
    qsort(all.list, (size_t)all.count, sizeof(*all.list), by_peak);
    return all;
}

bool choice_is_worth(const struct worth *worth, struct work *work,
                     const struct schedule *schedule,
                     const struct backend *backend, int threads)
{
    struct plan *plan;
    bool faster;

    if (!worth->goes_on(worth->arg))
        return false;
    plan = plan_calls(schedule, backend, threads);
    faster = work_is_below(work, plan, worth->pace, worth->seconds);
    plan_free(plan);
    return faster;
}

/* The first candidate that is worth it, from the i-th on; or their count. */
static int next_worth(const struct alternatives *c, const struct worth *worth,
                      const struct candidates *all, int i)
{
    while (worth->pace && i < all->count &&
           !choice_is_worth(worth, all->work, all->list[i].schedule, c->backend,
                            c->threads))
        i++;
    return i;
}

/* Plans a candidate; false and NULLs if it does not fit. */
static bool plan_if_fits(const struct alternatives *c,
                         struct candidate *candidate, size_t budget,
                         struct schedule **schedule, struct plan **plan)
{
    *schedule = NULL;
    *plan = outline_route(c, candidate->schedule, candidate->route);
    if ((*plan)->peak_bytes <= budget) {
        plan_place(*plan);
        if ((*plan)->arena_bytes <= budget) {
            *schedule = candidate->schedule;
            candidate->schedule = NULL;
            return true;
        }
    }
    plan_free(*plan);
    *plan = NULL;
    return false;
}

/* Plans the route with the least arithmetic that fits. False if none does, or
 * if neither the next one that may nor any after it is worth it. */
static bool first_that_fits(const struct alternatives *c, size_t budget,
                            const struct worth *worth,
                            struct schedule **schedule, struct plan **plan)
{
    struct candidates all = list_candidates(c, worth->persisting, budget,
                                            candidate_scheduled);
    int useful = -1;
    bool found = false;

    for (int i = 0; i < all.count && !found; i++) {
        if (useful < i)
            useful = next_worth(c, worth, &all, i);
        if (useful == all.count)
            break;
        found = plan_if_fits(c, &all.list[i], budget, schedule, plan);
    }
    free_candidates(&all);
    return found;
}

/* Plans the candidate as *schedule and *plan, if its arena is smaller. */
static void choose_if_smaller(const struct alternatives *c,
                              struct candidate *candidate,
                              struct schedule **schedule, struct plan **plan)
{
    struct plan *placed = plan_build(candidate->schedule, c->backend,
                                     c->threads);

    if (*plan && (*plan)->arena_bytes <= placed->arena_bytes) {
        plan_free(placed);
        return;
    }
    plan_free(*plan);
    schedule_free(*schedule);
    *plan = placed;
    *schedule = candidate->schedule;
    candidate->schedule = NULL;
}

/* Plans candidates by peak, which is `most` or less. Where the values of one
 * are hard to place, the next few may have a smaller arena. */
static bool smallest(const struct alternatives *c, size_t persisting,
                     size_t most, struct schedule **schedule,
                     struct plan **plan)
{
    struct candidates all = list_candidates(c, persisting, most,
                                            candidate_outlined);

    *schedule = NULL;
    *plan = NULL;
    for (int i = 0; i < all.count && i < MAX_PLACED; i++) {
        size_t peak = all.list[i].peak;
        if (peak > most || (*plan && peak >= (*plan)->arena_bytes))
            break;
        choose_if_smaller(c, &all.list[i], schedule, plan);
    }
    free_candidates(&all);
    return *plan;
}

static bool some_body_fits(const struct alternatives *c, size_t budget)
{
    for (int i = 0; i < c->routes->count; i++)
        if (routes_know(c->routes, i, &c->policy.cut.most) &&
            least_body(c, i) <= budget)
            return true;
    return false;
}

/* Of the routes whose bodies are not known and may fit, that which may be the
 * smallest; -1: there is none. */
static int smallest_unknown(const struct alternatives *c, size_t budget)
{
    int found = -1;

    for (int i = 0; i < c->routes->count; i++)
        if (!routes_know(c->routes, i, &c->policy.cut.most) &&
            least_body(c, i) <= budget &&
            (found < 0 || least_body(c, i) < least_body(c, found)))
            found = i;
    return found;
}

bool choice_may_fit(const struct alternatives *c, size_t persisting,
                    size_t budget)
{
    struct schedule *schedule;
    int next;

    if (persisting > budget)
        return false;
    while (!some_body_fits(c, budget - persisting)) {
        next = smallest_unknown(c, budget - persisting);
        if (next < 0)
            return false;
        schedule = schedule_of(c, next);
        plan_free(outline_route(c, schedule, next));
        schedule_free(schedule);
    }
    return true;
}

static bool is_other_way(const struct setting *row, const void *arg)
{
    (void)arg;
    return row->saves &&
           row->offset != offsetof(struct settings, checkpoint);
}

/* Says how small the smallest plan is, and names its largest values. */
static bool choice_refuse(const struct alternatives *c, size_t budget,
                          struct error *e)
{
    char wanted[BYTES_TEXT_SIZE], least[BYTES_TEXT_SIZE];
    char largest[LIVING_TEXT_SIZE], others[128];
    struct schedule *schedule;
    const struct op *op;
    struct plan *plan;

    smallest(c, 0, SIZE_MAX, &schedule, &plan);
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

bool choice_find(const struct alternatives *c, size_t budget,
                 const struct worth *worth, struct schedule **schedule,
                 struct plan **plan, struct error *e)
{
    static const struct worth any;

    if (!worth)
        worth = &any;
    if (!budget)
        return smallest(c, worth->persisting,
                        worth->below ? worth->below - 1 : SIZE_MAX, schedule,
                        plan);
    return first_that_fits(c, budget, worth, schedule, plan) ||
           (e && choice_refuse(c, budget, e));
}
