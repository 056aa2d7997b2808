#include "schedule.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static const char *const phase_names[PHASE_COUNT] = {
    [PHASE_PREPARE] = "prepare",     [PHASE_FORWARD] = "forward",
    [PHASE_RECOMPUTE] = "recompute", [PHASE_BACKWARD] = "backward",
    [PHASE_UPDATE] = "update",       [PHASE_EVALUATE] = "evaluate",
};

const char *phase_name(enum phase phase)
{
    return phase_names[phase];
}

struct policy policy_from(const struct settings *s)
{
    return (struct policy){
        .batch = s->batch,
        .microbatch = s->microbatch ? s->microbatch : s->batch,
        .recompute = s->recompute,
    };
}

struct builder {
    struct schedule *schedule;
    int *current;        /* [values] instance that holds it now, or -1 */
    int *loaded;         /* [values] bn_relu operation whose result is never
                            stored but computed where it is loaded, or -1 */
};

static int new_instance(struct builder *b, int value)
{
    struct schedule *s = b->schedule;

    s->instances[s->instance_count] = value;
    return b->current[value] = s->instance_count++;
}

/* The instance that a step reads or updates; state exists before the first
 * step that names it. */
static int read_instance(struct builder *b, int value)
{
    if (b->current[value] < 0) {
        assert(kind_persists(b->schedule->graph->values[value].kind));
        new_instance(b, value);
    }
    return b->current[value];
}

static void emit(struct builder *b, int op_id, enum phase phase)
{
    struct schedule *s = b->schedule;
    const struct op *op = &s->graph->ops[op_id];
    struct step *step = &s->steps[s->step_count++];
    int slots = op_slots(op->code);

    step->op = op_id;
    step->phase = phase;
    for (int i = 0; i < CALL_MAX_OPERANDS; i++)
        step->operand[i] = step->through[i] = -1;
    for (int i = 0; i < slots; i++) {
        int value = op->operand[i];
        if (value < 0 || !op_reads(op->code, i))
            continue;
        if (b->loaded[value] >= 0) {
            const struct op *bn = &s->graph->ops[b->loaded[value]];
            step->through[i] =
                read_instance(b, bn->operand[BN_RELU_STAT]);
            value = bn->operand[BN_RELU_X];
        }
        step->operand[i] = read_instance(b, value);
    }
    for (int i = 0; i < slots; i++)
        if (op->operand[i] >= 0 && !op_reads(op->code, i))
            step->operand[i] = new_instance(b, op->operand[i]);
}

static void emit_pass(struct builder *b, enum program program, enum pass pass,
                      enum phase phase)
{
    const struct graph *g = b->schedule->graph;

    for (int i = 0; i < g->op_count; i++) {
        const struct op *op = &g->ops[i];
        bool elided = op->code == OP_bn_relu &&
                      b->loaded[op->operand[BN_RELU_Z]] >= 0;
        if (op->pass == pass && op->programs & 1 << program && !elided)
            emit(b, i, phase);
    }
}

/* recompute=bn-relu: what bn_relu computes is applied again wherever it is
 * loaded, if every reader can. */
static void elide_bn_relu(struct builder *b)
{
    const struct graph *g = b->schedule->graph;

    for (int i = 0; i < g->op_count; i++)
        if (g->ops[i].code == OP_bn_relu)
            b->loaded[g->ops[i].operand[BN_RELU_Z]] = i;
    for (int i = 0; i < g->op_count; i++)
        for (int s = 0; s < op_slots(g->ops[i].code); s++) {
            int v = g->ops[i].operand[s];
            if (v >= 0 && op_reads(g->ops[i].code, s) &&
                op_access(g->ops[i].code)[s] != 'l')
                b->loaded[v] = -1;
        }
}

static void emit_program(struct builder *b, enum program program)
{
    struct schedule *s = b->schedule;
    struct program_steps *p = &s->program[program];
    bool train = program == PROGRAM_TRAIN;

    for (int i = 0; i < s->graph->value_count; i++)
        if (!kind_persists(s->graph->values[i].kind))
            b->current[i] = -1;
    p->begin = s->step_count;
    emit_pass(b, program, PASS_PREPARE,
              train ? PHASE_PREPARE : PHASE_EVALUATE);
    p->body = s->step_count;
    emit_pass(b, program, PASS_FORWARD,
              train ? PHASE_FORWARD : PHASE_EVALUATE);
    emit_pass(b, program, PASS_BACKWARD, PHASE_BACKWARD);
    p->epilogue = s->step_count;
    emit_pass(b, program, PASS_UPDATE, train ? PHASE_UPDATE : PHASE_EVALUATE);
    p->end = s->step_count;
}

struct schedule *schedule_build(const struct graph *g, struct policy policy)
{
    struct schedule *s = xcalloc(1, sizeof(*s));
    unsigned long values = (unsigned long)g->value_count;
    unsigned long ops = (unsigned long)g->op_count;
    struct builder b = { .schedule = s,
                         .current = xcalloc(values, sizeof(int)),
                         .loaded = xcalloc(values, sizeof(int)) };

    s->graph = g;
    s->batch = policy.batch;
    s->microbatch = policy.microbatch;
    s->steps = xcalloc(PROGRAM_COUNT * ops, sizeof(*s->steps));
    s->instances = xcalloc(PROGRAM_COUNT * values, sizeof(*s->instances));
    for (int i = 0; i < g->value_count; i++)
        b.current[i] = b.loaded[i] = -1;
    if (policy.recompute == RECOMPUTE_BN_RELU)
        elide_bn_relu(&b);
    for (int p = 0; p < PROGRAM_COUNT; p++)
        emit_program(&b, (enum program)p);
    free(b.current);
    free(b.loaded);
    return s;
}

void schedule_free(struct schedule *s)
{
    if (!s)
        return;
    free(s->steps);
    free(s->instances);
    free(s);
}

const struct value *schedule_value(const struct schedule *s, int instance)
{
    return &s->graph->values[s->instances[instance]];
}

const struct op *schedule_op(const struct schedule *s, int step)
{
    return &s->graph->ops[s->steps[step].op];
}

struct extents schedule_extents(int samples)
{
    return (struct extents){ .of = { [EXTENT_SAMPLES] = samples } };
}

/* One repetition of a step; an operand loaded through a batch norm costs a
 * multiply, an add and a maximum per element. */
static double call_flops(const struct schedule *s, int step, int samples)
{
    struct extents extents = schedule_extents(samples);
    double sum = op_flops(s->graph, schedule_op(s, step), &extents);

    for (int i = 0; i < CALL_MAX_OPERANDS; i++)
        if (s->steps[step].through[i] >= 0) {
            int instance = s->steps[step].operand[i];
            struct operand o = graph_operand(
                s->graph, s->instances[instance], &extents);
            sum += 3 * (double)operand_elements(&o);
        }
    return sum;
}

double schedule_step_flops(const struct schedule *s, int step)
{
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    bool repeats = step >= p->body && step < p->epilogue;
    int times = repeats ? s->batch / s->microbatch : 1;

    return times * call_flops(s, step, s->microbatch) +
           (repeats ? call_flops(s, step, s->batch % s->microbatch) : 0);
}

double schedule_flops(const struct schedule *s)
{
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    double sum = 0;

    for (int t = p->begin; t < p->end; t++)
        sum += schedule_step_flops(s, t);
    return sum;
}
