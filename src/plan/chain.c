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

/* What the chain is measured from: the plan in which nothing is recomputed. */
struct measure {
    struct chain *chain;
    const struct plan *plan;
    int *home;           /* [instances] stage that makes it, or -1 */
    int *last;           /* [instances] stage that reads it last forward */
    bool *saved;         /* [instances] a backward step reads it */
    size_t *copy;        /* [instances] bytes of its copy in fewer bits */
    int *stage;          /* [steps] */
    size_t *needed;      /* [steps] transient bytes, scratch and bytes that its
                            stage keeps */
    size_t *given[2];    /* [steps] of them, of an input that is kept: its own
                            while it is alive, later more than its copy's */
    size_t *result;      /* [steps] of them, of what leads into later stages */
};

static int int_most(int a, int b)
{
    return a > b ? a : b;
}

static bool is_forward_step(const struct measure *m, int t)
{
    return m->plan->schedule->steps[t].phase == PHASE_FORWARD;
}

/* Notes what a step makes and reads. A value that is made only once is kept by
 * every route. An expansion is of the stage that reads it. */
static void note_step(struct measure *m, int t)
{
    const struct schedule *s = m->plan->schedule;
    const struct op *op = schedule_op(s, t);
    const int *instance = s->steps[t].instance;
    bool forward = is_forward_step(m, t);

    m->stage[t] = op->code == OP_expand ? m->stage[t + 1]
                                        : stage_of(m->chain, op);
    m->needed[t] = m->plan->live[t][KIND_TRANSIENT] +
                   m->plan->live[t][KIND_WORKSPACE];
    if (forward)
        m->chain->stages[m->stage[t]].flops += schedule_step_flops(s, t);
    if (op->code == OP_squeeze)
        m->copy[instance[SQUEEZE_X]] =
            m->plan->instances[instance[SQUEEZE_STORED]].bytes;
    for (int i = 0; i < op_slots(op->code); i++) {
        int x = instance[i];
        if (x < 0)
            continue;
        if (forward && op_access(op->code)[i] == 'w' &&
            op_repeatable(op->code))
            m->home[x] = m->stage[t];
        else if (forward)
            m->last[x] = int_most(m->last[x], m->stage[t]);
        else
            m->saved[x] = true;
    }
}

static size_t size_most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t size_beyond(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

/* Adds an instance to the stages that it leads into, all after its own up to
 * the last that reads it forward. */
static void count_instance(const struct measure *m, int x)
{
    struct chain *c = m->chain;
    size_t bytes = m->plan->instances[x].bytes;
    size_t dies = size_beyond(bytes, m->copy[x]);
    int home = m->home[x], last = m->last[x];

    if (m->saved[x])
        c->stages[home].kept += bytes;
    for (int k = home + 1; k <= last; k++) {
        for (int i = 0; i <= home; i++)
            c->into[i * c->count + k] += bytes;
        if (m->saved[x])
            continue;
        c->stages[k].input += bytes;
        c->stages[k].dies[1] += dies;
        if (k == last)
            c->stages[k].dies[0] += dies;
    }
}

/* Adds an instance to the needs of the steps of its stage, if backward steps
 * read it; else of those that it leads into. */
static void count_needs(const struct measure *m, int x)
{
    const struct plan_instance *p = &m->plan->instances[x];
    const struct program_steps *body =
        &m->plan->schedule->program[PROGRAM_TRAIN];

    for (int t = body->body; t < body->epilogue; t++) {
        bool alive = t >= p->first && t <= p->last;
        int stage = m->stage[t];

        size_t given = alive ? p->bytes : size_beyond(p->bytes, m->copy[x]);

        if (m->saved[x])
            m->needed[t] += alive && stage == m->home[x] ? p->bytes : 0;
        else if (stage == m->home[x] && m->last[x] > stage && alive)
            m->result[t] += p->bytes;
        else if (stage > m->home[x] && stage <= m->last[x]) {
            m->given[0][t] += alive || stage == m->last[x] ? given : 0;
            m->given[1][t] += given;
        }
    }
}

static void count_step(const struct measure *m, int t)
{
    struct stage *stage = &m->chain->stages[m->stage[t]];

    stage->needed = size_most(stage->needed, m->needed[t]);
    for (int i = 0; i < 2; i++)
        stage->needed_more[i] =
            size_most(stage->needed_more[i],
                      size_beyond(m->needed[t], m->given[i][t]));
    if (is_forward_step(m, t))
        stage->passing = size_most(
            stage->passing,
            size_beyond(m->plan->live[t][KIND_TRANSIENT] +
                            m->plan->live[t][KIND_WORKSPACE],
                        m->given[0][t] + m->result[t]));
}

static void measure_steps(struct measure *m)
{
    const struct schedule *s = m->plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];

    for (int i = 0; i < s->instance_count; i++)
        m->home[i] = m->last[i] = -1;
    for (int t = p->epilogue - 1; t >= p->body; t--)
        note_step(m, t);
    for (int i = 0; i < s->instance_count; i++)
        if (m->home[i] >= 0) {
            count_instance(m, i);
            count_needs(m, i);
        }
    for (int t = p->body; t < p->epilogue; t++)
        count_step(m, t);
}

static void measure_chain(struct chain *c, const struct plan *plan)
{
    unsigned long n = (unsigned long)plan->schedule->instance_count;
    unsigned long steps = (unsigned long)plan->schedule->step_count;
    struct measure m = { .chain = c, .plan = plan,
                         .home = xcalloc(n, sizeof(int)),
                         .last = xcalloc(n, sizeof(int)),
                         .saved = xcalloc(n, sizeof(bool)),
                         .copy = xcalloc(n, sizeof(size_t)),
                         .stage = xcalloc(steps, sizeof(int)),
                         .needed = xcalloc(steps, sizeof(size_t)),
                         .given = { xcalloc(steps, sizeof(size_t)),
                                    xcalloc(steps, sizeof(size_t)) },
                         .result = xcalloc(steps, sizeof(size_t)) };

    measure_steps(&m);
    for (int i = 0; i < c->count; i++) {
        struct stage *stage = &c->stages[i];
        stage->needed = size_most(stage->needed, stage->kept);
    }
    free(m.home);
    free(m.last);
    free(m.saved);
    free(m.copy);
    free(m.stage);
    free(m.needed);
    free(m.given[0]);
    free(m.given[1]);
    free(m.result);
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
