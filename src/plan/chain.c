#include "plan/chain.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_STAGES = 160 }; /* neighbouring stages are merged above */

/* Operations per element of a result, above which the result is dear. */
static const double costly = 32;

/* Whether an operation that can run again has a dear result: the chain is cut
 * after it. */
static bool is_dear(const struct graph *g, const struct op *op,
                    const struct extents *extents)
{
    const char *access = op_access(op->code);
    struct operand o;

    if (!op_repeatable(op->code))
        return false;
    o = graph_operand(g, op->operand[strrchr(access, 'w') - access], extents);
    return graph_flops(g, op, extents) > costly * (double)operand_elements(&o);
}

static bool cut_before(const struct graph *g, int op_id,
                       const struct extents *extents)
{
    return g->ops[op_id].begins_block ||
           is_dear(g, &g->ops[op_id - 1], extents);
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

struct route *chain_route(const struct chain *c)
{
    int *cuts = xcalloc((unsigned long)c->count + 1, sizeof(*cuts));

    memcpy(cuts, c->cuts, ((size_t)c->count + 1) * sizeof(*cuts));
    return route_new(cuts, c->count);
}

int chain_init(struct chain *c, const struct graph *g, struct policy policy,
               const struct backend *backend, int threads)
{
    struct route *straight = route_straight(g);
    struct schedule *schedule = schedule_build(g, policy, straight);
    struct plan *plan = plan_outline(schedule, backend, threads);
    int steps = schedule->step_count;

    c->cuts = fine_cuts(g, &policy.cut.most, &c->count);
    c->stages = xcalloc((unsigned long)c->count, sizeof(*c->stages));
    c->into = xcalloc((unsigned long)c->count * (unsigned long)c->count,
                      sizeof(*c->into));
    measure_chain(c, plan);
    plan_free(plan);
    schedule_free(schedule);
    route_free(straight);
    return steps;
}

void chain_done(struct chain *c)
{
    free(c->cuts);
    free(c->stages);
    free(c->into);
}
