/*
 * Three stages: lifetimes, bytes alive, addresses (place.c).
 */
#include "plan/plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plan/place.h"

/* A call whose operands have fewer bytes is the work of one thread: to wake the
 * others would take longer. Else it is the work of all. OpenMP ends threads
 * that a call leaves out, so there is nothing between. A byte takes longer to
 * load, because the loader makes it: an image is the work of one thread, a few
 * are the work of all. For a device, threads of the host do nothing but load.
 */
enum { ALONE_BYTES = 128 * 1024, LOADED_WORTH = 8 };

static int threads_for(const struct plan *plan, enum op_code op,
                       const struct call *c)
{
    int slots = op_slots(op);
    size_t bytes = 0;

    if (!plan->backend->in_threads && op != OP_load)
        return 1;
    for (int i = 0; i < slots; i++)
        bytes += operand_bytes(&c->operand[i]);
    if (op == OP_load)
        bytes *= LOADED_WORTH;
    return bytes < ALONE_BYTES ? 1 : plan->threads;
}

/* Calls are large: to return them would copy them. */
static void set_call(struct call *call, const struct plan *plan, int step,
                     const struct extents *extents)
{
    const struct schedule *s = plan->schedule;
    const struct op *op = schedule_op(s, step);
    int slots = op_slots(op->code);

    *call = (struct call){ .attr = op->attr };
    for (int i = 0; i < slots; i++)
        call->operand[i] = schedule_operand(s, step, i, extents);
    call->threads = threads_for(plan, op->code, call);
}

struct call plan_call(const struct plan *plan, int step,
                      const struct extents *extents)
{
    struct call call;

    set_call(&call, plan, step, extents);
    return call;
}

const struct extents *plan_most(const struct plan *plan, int step)
{
    return &plan->most[schedule_program(plan->schedule, step)];
}

int plan_repetitions(const struct plan *plan, int step)
{
    const struct schedule *s = plan->schedule;

    return schedule_is_per_part(s, step) ? s->cut.parts : 1;
}

/* The executor gives a call the threads that the largest part is worth, which
 * are all that the mean part is worth. */
struct call plan_mean_call(const struct plan *plan, int step)
{
    static const float somewhere;
    const struct extents *most = plan_most(plan, step);
    const int *through = &plan->schedule->steps[step].instance[STEP_THROUGH];
    const struct extents *mean = &plan->schedule->cut.mean;
    struct call call;

    set_call(&call, plan, step, mean);
    if (call.threads < plan->threads && !extents_equal(mean, most))
        call.threads = plan_call(plan, step, most).threads;
    for (int i = 0; i < CALL_MAX_OPERANDS; i++)
        if (through[i] >= 0)
            call.operand[i].through = &somewhere;
    return call;
}

static void extend(struct plan_instance *p, int step)
{
    if (step < p->first)
        p->first = step;
    p->last = step;
}

static void find_uses(struct plan *plan)
{
    const struct schedule *s = plan->schedule;

    for (int i = 0; i < s->instance_count; i++) {
        plan->instances[i].first = s->step_count;
        plan->instances[i].last = -1;
        plan->instances[i].taken_by = -1;
        plan->instances[i].kind = schedule_value(s, i)->kind;
    }
    for (int t = 0; t < s->step_count; t++)
        for (int i = 0; i < STEP_INSTANCES; i++)
            if (s->steps[t].instance[i] >= 0)
                extend(&plan->instances[s->steps[t].instance[i]], t);
}

/* State is always alive. A value that enters a body from before it lives to the
 * body's end. */
static void extend_lifetimes(struct plan *plan)
{
    const struct schedule *s = plan->schedule;

    for (int i = 0; i < s->instance_count; i++) {
        struct plan_instance *p = &plan->instances[i];
        if (graph_persists(s->graph, s->instances[i])) {
            p->first = 0;
            p->last = s->step_count - 1;
        }
        for (int k = 0; k < PROGRAM_COUNT; k++) {
            const struct program_steps *body = &s->program[k];
            if (p->first < body->body && p->last >= body->body &&
                p->last < body->epilogue)
                p->last = body->epilogue - 1;
        }
    }
}

/* Values of the forward pass that the backward pass reads are activations. */
static enum kind kind_in_plan(const struct schedule *s, int instance,
                              const struct plan_instance *p)
{
    enum kind kind = schedule_value(s, instance)->kind;

    if (kind == KIND_TRANSIENT && p->last >= p->first &&
        s->steps[p->first].phase == PHASE_FORWARD &&
        (s->steps[p->last].phase == PHASE_BACKWARD ||
         s->steps[p->last].phase == PHASE_RECOMPUTE))
        return KIND_ACTIVATIONS;
    return kind;
}

/* Whether step `from` runs anew each time that `to` runs. */
static bool runs_anew_with(const struct schedule *s, int from, int to)
{
    for (int k = 0; k < PROGRAM_COUNT; k++) {
        const struct program_steps *p = &s->program[k];
        if (to >= p->body && to < p->epilogue)
            return from >= p->body;
    }
    return true;
}

/* The input whose storage the output of a step may take over, or -1. */
static int takeover(const struct plan *plan, int step, int out)
{
    const struct schedule *s = plan->schedule;
    const int *instance = s->steps[step].instance;
    const char *access = op_access(schedule_op(s, step)->code);
    const struct plan_instance *to = &plan->instances[out];

    for (int i = 0; access[i]; i++) {
        int in = instance[i];
        const struct plan_instance *from;
        bool again = false;

        if (access[i] != 's' || in < 0)
            continue;
        from = &plan->instances[in];
        for (int j = 0; j < STEP_INSTANCES; j++)
            again |= j != i && instance[j] == in;
        if (from->last == step && from->bytes == to->bytes && !again &&
            from->taken_by < 0 && !kind_persists(from->kind) &&
            runs_anew_with(s, from->first, step))
            return in;
    }
    return -1;
}

static void find_takeovers(struct plan *plan, int begin, int end)
{
    const struct schedule *s = plan->schedule;

    for (int t = begin; t < end; t++) {
        const char *access = op_access(schedule_op(s, t)->code);
        for (int i = 0; access[i]; i++) {
            int out = s->steps[t].instance[i];
            if (access[i] == 'w' && out >= 0) {
                int in = takeover(plan, t, out);
                if (in >= 0)
                    plan->instances[in].taken_by = out;
            }
        }
    }
}

static void count_live_bytes(struct plan *plan)
{
    const struct schedule *s = plan->schedule;
    size_t sum[KIND_COUNT] = { 0 };

    plan->peak_bytes = 0;
    memset(plan->live, 0, (size_t)s->step_count * sizeof(*plan->live));
    /* First the values that begin or end in each step; unsigned, it wraps. */
    for (int i = 0; i < s->instance_count; i++) {
        const struct plan_instance *p = &plan->instances[i];
        int end = p->last + (p->taken_by < 0);
        if (p->last < p->first)
            continue;
        plan->live[p->first][p->kind] += p->bytes;
        if (end < s->step_count)
            plan->live[end][p->kind] -= p->bytes;
    }
    for (int t = 0; t < s->step_count; t++) {
        for (int k = 0; k < KIND_COUNT; k++)
            plan->live[t][k] = sum[k] += plan->live[t][k];
        plan->live[t][KIND_WORKSPACE] += plan->scratch_bytes[t];
        if (plan_live_bytes(plan, t) > plan->peak_bytes) {
            plan->peak_bytes = plan_live_bytes(plan, t);
            plan->peak_step = t;
        }
    }
}

size_t plan_live_bytes(const struct plan *plan, int step)
{
    size_t sum = 0;

    for (int k = 0; k < KIND_COUNT; k++)
        sum += plan->live[step][k];
    return sum;
}

/* Collects the blocks, of rounded size: one for each instance with all that
 * take it over in turn, and one for each step's scratch; returns the number. */
static int find_blocks(struct plan *plan, struct block *blocks)
{
    const struct schedule *s = plan->schedule;
    size_t alignment = plan->backend->alignment;
    int n = 0;
    bool *taken = xcalloc((unsigned long)s->instance_count, sizeof(bool));

    for (int i = 0; i < s->instance_count; i++)
        if (plan->instances[i].taken_by >= 0)
            taken[plan->instances[i].taken_by] = true;
    for (int i = 0; i < s->instance_count; i++) {
        struct plan_instance *p = &plan->instances[i];
        int end = i;

        if (taken[i] || p->last < p->first)
            continue;
        while (plan->instances[end].taken_by >= 0)
            end = plan->instances[end].taken_by;
        blocks[n++] = (struct block){ round_up(p->bytes, alignment), 0,
                                      p->first, plan->instances[end].last,
                                      &p->offset };
    }
    for (int t = 0; t < s->step_count; t++)
        if (plan->scratch_bytes[t])
            blocks[n++] =
                (struct block){ round_up(plan->scratch_bytes[t], alignment),
                                0, t, t, &plan->scratch_offset[t] };
    free(taken);
    return n;
}

static void find_addresses(struct plan *plan)
{
    const struct schedule *s = plan->schedule;
    struct block *blocks = xcalloc((unsigned long)s->instance_count +
                                       (unsigned long)s->step_count,
                                   sizeof(*blocks));
    int n = find_blocks(plan, blocks);

    plan->arena_bytes = place_blocks(blocks, n, s->step_count);
    free(blocks);
    /* Instances are numbered in the order of their definition, so an input
     * has its address before the instance that takes it over. */
    for (int i = 0; i < s->instance_count; i++)
        if (plan->instances[i].taken_by >= 0)
            plan->instances[plan->instances[i].taken_by].offset =
                plan->instances[i].offset;
}

/* Sizes instances that steps [begin, end) define, takeovers and scratch. */
static void size_steps(struct plan *plan, int begin, int end)
{
    const struct schedule *s = plan->schedule;

    for (int i = 0; i < s->instance_count; i++) {
        struct plan_instance *p = &plan->instances[i];
        if (p->first < begin || p->first >= end)
            continue;
        p->bytes = graph_bytes(s->graph, s->instances[i],
                               plan_most(plan, p->first));
        p->kind = kind_in_plan(s, i, p);
        p->taken_by = -1;
    }
    find_takeovers(plan, begin, end);
    for (int t = begin; t < end; t++) {
        struct call call;
        set_call(&call, plan, t, plan_most(plan, t));
        plan->scratch_bytes[t] =
            plan->backend->scratch(schedule_op(s, t)->code, &call);
    }
    count_live_bytes(plan);
}

/* The most bytes alive in steps [begin, end). */
static size_t peak_of(const struct plan *plan, int begin, int end)
{
    size_t most = 0;

    for (int t = begin; t < end; t++)
        if (plan_live_bytes(plan, t) > most)
            most = plan_live_bytes(plan, t);
    return most;
}

/* Sizes translations of n sentences; returns the most bytes alive in them. */
static size_t size_translation(struct plan *plan, int n)
{
    const struct translated *s = &plan->schedule->translated;
    const struct program_steps *p = &plan->schedule->program[PROGRAM_TRANSLATE];
    struct extents *most = &plan->most[PROGRAM_TRANSLATE];

    for (int i = 0; i < EXTENT_COUNT; i++)
        most->of[i] = s->first.of[i] + (n - 1) * s->each.of[i];
    size_steps(plan, p->begin, p->end);
    return peak_of(plan, p->begin, p->end);
}

/* More sentences at once would hardly be faster. */
enum { SENTENCES_MOST = 256 };

/* Bisects the number of sentences, up to one that is too large. */
static void fill_translation(struct plan *plan)
{
    const struct program_steps *p = &plan->schedule->program[PROGRAM_TRANSLATE];
    size_t room = peak_of(plan, 0, p->begin);
    int fits = 1, too_many = SENTENCES_MOST + 1;

    if (p->begin == p->end)
        return;
    while (too_many - fits > 1) {
        int middle = (fits + too_many) / 2;

        if (size_translation(plan, middle) <= room)
            fits = middle;
        else
            too_many = middle;
    }
    size_translation(plan, fits);
}

struct plan *plan_calls(const struct schedule *s,
                        const struct backend *backend, int threads)
{
    struct plan *plan = xcalloc(1, sizeof(*plan));

    plan->schedule = s;
    plan->backend = backend;
    plan->threads = threads;
    for (int k = 0; k < PROGRAM_COUNT; k++)
        plan->most[k] = s->cut.most;
    plan->most[PROGRAM_TRANSLATE] = s->translated.first;
    return plan;
}

struct plan *plan_outline(const struct schedule *s,
                          const struct backend *backend, int threads)
{
    struct plan *plan = plan_calls(s, backend, threads);
    unsigned long steps = (unsigned long)s->step_count;
    unsigned long instances = (unsigned long)s->instance_count;

    plan->instances = xcalloc(instances, sizeof(*plan->instances));
    plan->scratch_bytes = xcalloc(steps, sizeof(*plan->scratch_bytes));
    plan->scratch_offset = xcalloc(steps, sizeof(*plan->scratch_offset));
    plan->live = xcalloc(steps, sizeof(*plan->live));

    find_uses(plan);
    extend_lifetimes(plan);
    size_steps(plan, 0, s->step_count);
    return plan;
}

/* A chain of takeovers is one long block, which can be hard to place. Gives up
 * takeovers that save nothing at the peak: their step has room for both. */
static void drop_needless_takeovers(struct plan *plan)
{
    for (int i = 0; i < plan->schedule->instance_count; i++) {
        struct plan_instance *p = &plan->instances[i];
        if (p->taken_by < 0 ||
            plan_live_bytes(plan, p->last) + p->bytes > plan->peak_bytes)
            continue;
        plan->live[p->last][p->kind] += p->bytes;
        p->taken_by = -1;
    }
}

static void *copy_of(const void *from, int count, size_t size)
{
    void *to = xcalloc((unsigned long)count, size);

    return memcpy(to, from, (size_t)count * size);
}

/* A copy of a plan with what placing changes. */
static struct plan placement_of(const struct plan *plan)
{
    const struct schedule *s = plan->schedule;
    struct plan copy = *plan;

    copy.instances = copy_of(plan->instances, s->instance_count,
                             sizeof(*plan->instances));
    copy.scratch_offset = copy_of(plan->scratch_offset, s->step_count,
                                  sizeof(*plan->scratch_offset));
    copy.live = copy_of(plan->live, s->step_count, sizeof(*plan->live));
    return copy;
}

static void placement_free(struct plan *copy)
{
    free(copy->instances);
    free(copy->scratch_offset);
    free(copy->live);
}

/* Places again without needless takeovers, and keeps the lower arena. */
static void place_again(struct plan *plan)
{
    struct plan other = placement_of(plan);

    drop_needless_takeovers(&other);
    find_addresses(&other);
    if (other.arena_bytes < plan->arena_bytes) {
        struct plan first = *plan;

        *plan = other;
        other = first;
    }
    placement_free(&other);
}

void plan_place(struct plan *plan)
{
    fill_translation(plan);
    find_addresses(plan);
    if ((double)plan->arena_bytes > 1.01 * (double)plan->peak_bytes)
        place_again(plan);
}

struct plan *plan_build(const struct schedule *s,
                        const struct backend *backend, int threads)
{
    struct plan *plan = plan_outline(s, backend, threads);

    plan_place(plan);
    return plan;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    free(plan->instances);
    free(plan->scratch_bytes);
    free(plan->scratch_offset);
    free(plan->live);
    free(plan);
}
