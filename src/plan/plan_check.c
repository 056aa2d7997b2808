/*
 * plan_check(): the proof that a plan keeps its promise, from the schedule and
 * the addresses alone. It shares nothing with plan.c's notion of lifetimes:
 * it runs the programs and watches which writes destroy which instances.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "plan/plan.h"

struct check {
    const struct plan *plan;
    int *valid;          /* [valid_count] instances that hold their data */
    int valid_count;
    int *place;          /* [instances] index in `valid`, or -1 */
    char *why;
    size_t size;
};

static bool check_fail(struct check *c, int step, int instance,
                       const char *what)
{
    const struct schedule *s = c->plan->schedule;
    char name[80] = "scratch";

    if (instance >= 0)
        graph_value_name(s->graph, s->instances[instance], name, sizeof(name));
    snprintf(c->why, c->size, "step %d (%s %s): %s %s", step,
             op_name(schedule_op(s, step)->code),
             s->graph->layers[schedule_op(s, step)->layer].name, name, what);
    return false;
}

static void set_valid(struct check *c, int instance)
{
    if (c->place[instance] >= 0)
        return;
    c->place[instance] = c->valid_count;
    c->valid[c->valid_count++] = instance;
}

static void set_invalid(struct check *c, int instance)
{
    int at = c->place[instance];

    if (at < 0)
        return;
    c->valid[at] = c->valid[--c->valid_count];
    c->place[c->valid[at]] = at;
    c->place[instance] = -1;
}

/* A write to [offset, offset + bytes) destroys all instances there but `self`.
 */
static void destroy(struct check *c, size_t offset, size_t bytes, int self)
{
    for (int k = c->valid_count - 1; k >= 0; k--) {
        int i = c->valid[k];
        const struct plan_instance *p = &c->plan->instances[i];
        if (i != self && p->offset < offset + bytes &&
            offset < p->offset + p->bytes)
            set_invalid(c, i);
    }
}

static bool overlap(const struct plan_instance *a,
                    const struct plan_instance *b)
{
    return a->offset < b->offset + b->bytes &&
           b->offset < a->offset + a->bytes;
}

static bool same_storage(const struct plan_instance *a,
                         const struct plan_instance *b)
{
    return a->offset == b->offset && a->bytes == b->bytes;
}

/* Whether a step may write, and writes, the operand at place `to` over its
 * input at place `from`. */
static bool taken_over(const struct plan *plan, int t, int from, int to)
{
    const struct schedule *s = plan->schedule;
    const char *access = op_access(schedule_op(s, t)->code);
    const int *instance = s->steps[t].instance;

    return from < STEP_THROUGH && access[from] == 's' && access[to] == 'w' &&
           same_storage(&plan->instances[instance[from]],
                        &plan->instances[instance[to]]);
}

/* Checks one step: an operand that is written overlaps no other operand of the
 * step but exactly one 's' operand; scratch overlaps nothing. */
static bool check_operands(struct check *c, int t)
{
    const struct plan *plan = c->plan;
    const struct schedule *s = plan->schedule;
    const int *instance = s->steps[t].instance;
    struct plan_instance scratch = { .offset = plan->scratch_offset[t],
                                     .bytes = plan->scratch_bytes[t] };

    if (scratch.offset + scratch.bytes > plan->arena_bytes)
        return check_fail(c, t, -1, "ends outside the arena");
    for (int i = 0; i < STEP_INSTANCES; i++) {
        int a = instance[i];
        const struct plan_instance *p;
        if (a < 0)
            continue;
        p = &plan->instances[a];
        if (p->offset % plan->backend->alignment)
            return check_fail(c, t, a, "is not aligned");
        if (p->offset + p->bytes > plan->arena_bytes)
            return check_fail(c, t, a, "ends outside the arena");
        if (scratch.bytes && overlap(p, &scratch))
            return check_fail(c, t, a, "overlaps the step's scratch");
        for (int j = 0; j < STEP_INSTANCES; j++)
            if (j != i && schedule_writes(s, t, j) &&
                overlap(p, &plan->instances[instance[j]]) &&
                !taken_over(plan, t, i, j))
                return check_fail(c, t, a, "overlaps what the step writes");
    }
    return true;
}

static void define(struct check *c, int instance)
{
    const struct plan_instance *p = &c->plan->instances[instance];

    destroy(c, p->offset, p->bytes, instance);
    set_valid(c, instance);
}

static bool replay_step(struct check *c, int t)
{
    const struct plan *plan = c->plan;
    const struct schedule *s = plan->schedule;
    const int *instance = s->steps[t].instance;

    for (int i = 0; i < STEP_INSTANCES; i++)
        if (schedule_reads(s, t, i) && c->place[instance[i]] < 0)
            return check_fail(c, t, instance[i],
                              "was destroyed before it is read");
    if (plan->scratch_bytes[t])
        destroy(c, plan->scratch_offset[t], plan->scratch_bytes[t], -1);
    for (int i = 0; i < STEP_INSTANCES; i++)
        if (schedule_writes(s, t, i))
            define(c, instance[i]);
    return true;
}

/* Runs [begin, end). First it forgets the instances that these steps define, so
 * that nothing is carried over by accident. */
static bool run_part(struct check *c, int begin, int end)
{
    const struct schedule *s = c->plan->schedule;

    for (int t = begin; t < end; t++)
        for (int i = 0; i < STEP_INSTANCES; i++)
            if (schedule_writes(s, t, i) && !schedule_reads(s, t, i))
                set_invalid(c, s->steps[t].instance[i]);
    for (int t = begin; t < end; t++)
        if (!replay_step(c, t))
            return false;
    return true;
}

bool plan_check(const struct plan *plan, char *why, size_t size)
{
    const struct schedule *s = plan->schedule;
    unsigned long n = (unsigned long)s->instance_count;
    struct check c = { .plan = plan,
                       .valid = xcalloc(n, sizeof(int)),
                       .place = xcalloc(n, sizeof(int)),
                       .why = why,
                       .size = size };
    bool ok = true;

    for (int i = 0; i < s->instance_count; i++)
        c.place[i] = -1;
    for (int i = 0; i < s->instance_count; i++)
        if (graph_persists(s->graph, s->instances[i]))
            set_valid(&c, i);
    for (int t = 0; ok && t < s->step_count; t++)
        ok = check_operands(&c, t);
    for (int k = 0; ok && k < 2 * PROGRAM_COUNT; k++) {
        const struct program_steps *p = &s->program[k % PROGRAM_COUNT];
        ok = run_part(&c, p->begin, p->body) &&
             run_part(&c, p->body, p->epilogue) &&
             run_part(&c, p->body, p->epilogue) &&
             run_part(&c, p->epilogue, p->end);
    }
    free(c.valid);
    free(c.place);
    return ok;
}
