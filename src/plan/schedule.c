#include "plan/schedule.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static const char *const phase_names[PHASE_COUNT] = {
    [PHASE_PREPARE] = "prepare",     [PHASE_FORWARD] = "forward",
    [PHASE_RECOMPUTE] = "recompute", [PHASE_BACKWARD] = "backward",
    [PHASE_UPDATE] = "update",       [PHASE_EVALUATE] = "evaluate",
    [PHASE_TRANSLATE] = "translate",
};

const char *phase_name(enum phase phase)
{
    return phase_names[phase];
}

struct emission {
    struct schedule *schedule;
    int step_room;       /* allocated, for steps and for instances */
    int instance_room;
    int *current;        /* [values] instance that holds it now, or -1 */
    int *loaded;         /* [values] bn_relu operation whose result is never
                            stored but computed where it is loaded, or -1 */
    int *again;          /* [values] layer norm whose result the backward pass
                            makes again before it reads it, or -1 */
    int *squeeze, *expand; /* [values] operations by which the value is saved
                            for the backward pass in fewer bits, or -1 */
    bool saves;          /* some value is saved in fewer bits */
    int *expanded;       /* [values] instance that backward steps read in place
                            of the current one, or -1 */
    int expanded_values[CALL_MAX_OPERANDS], expanded_count; /* that have one */
};

static int new_instance(struct emission *b, int value)
{
    struct schedule *s = b->schedule;

    if (s->instance_count == b->instance_room) {
        b->instance_room *= 2;
        s->instances = xrealloc(s->instances, (unsigned long)b->instance_room,
                                sizeof(*s->instances));
    }
    s->instances[s->instance_count] = value;
    return b->current[value] = s->instance_count++;
}

/* The instance that a step reads or updates; state exists before the first
 * step that names it. */
static int read_instance(struct emission *b, int value)
{
    if (b->expanded[value] >= 0)
        return b->expanded[value];
    if (b->current[value] < 0) {
        assert(graph_persists(b->schedule->graph, value));
        new_instance(b, value);
    }
    return b->current[value];
}

/* Whether a step of the operation reads a value as it is saved. */
static bool reads_saved(const struct emission *b, const struct op *op,
                        int slot, int value)
{
    return op->pass == PASS_BACKWARD && b->squeeze[value] >= 0 &&
           strchr("Lq", op_access(op->code)[slot]);
}

static void add_step(struct emission *b, int op_id, enum phase phase)
{
    struct schedule *s = b->schedule;
    const struct op *op = &s->graph->ops[op_id];
    struct step *step;
    int slots = op_slots(op->code);

    if (s->step_count == b->step_room) {
        b->step_room *= 2;
        s->steps = xrealloc(s->steps, (unsigned long)b->step_room,
                            sizeof(*s->steps));
    }
    step = &s->steps[s->step_count++];
    step->op = op_id;
    step->phase = phase;
    memset(step->instance, -1, sizeof(step->instance));
    for (int i = 0; i < slots; i++) {
        int value = op->operand[i];
        if (value == VALUE_NONE || !op_reads(op->code, i))
            continue;
        if (b->loaded[value] >= 0) {
            const struct op *bn = &s->graph->ops[b->loaded[value]];
            step->instance[STEP_THROUGH + i] =
                read_instance(b, bn->operand[BN_RELU_STAT]);
            value = bn->operand[BN_RELU_X];
        }
        if (reads_saved(b, op, i, value))
            value = s->graph->ops[b->squeeze[value]].operand[SQUEEZE_STORED];
        if (graph_is_view(s->graph, value)) {
            step->instance[STEP_INDEX + i] =
                read_instance(b, s->graph->pool_index);
            value = s->graph->values[value].part_of;
        }
        step->instance[STEP_OPERAND + i] = read_instance(b, value);
    }
    for (int i = 0; i < slots; i++)
        if (op->operand[i] && !op_reads(op->code, i))
            step->instance[STEP_OPERAND + i] =
                new_instance(b, op->operand[i]);
}

/* The value that a step of the operation reads in a slot, or VALUE_NONE. */
static int value_read(const struct emission *b, const struct op *op, int slot)
{
    int value = op->operand[slot];

    if (value == VALUE_NONE || !op_reads(op->code, slot))
        return VALUE_NONE;
    if (b->loaded[value] >= 0)
        return b->schedule->graph->ops[b->loaded[value]].operand[BN_RELU_X];
    return value;
}

static bool reads_value(const struct emission *b, const struct op *op,
                        int value)
{
    for (int i = 0; i < op_slots(op->code); i++)
        if (value_read(b, op, i) == value)
            return true;
    return false;
}

/* Stores a value that is saved in fewer bits, once the operation that a step
 * was of has made the last of what that takes: the value, or its statistics. */
static void emit_squeeze(struct emission *b, int squeeze, int made,
                         enum phase phase)
{
    const int *operand = b->schedule->graph->ops[squeeze].operand;
    int stat = operand[SQUEEZE_STAT];
    bool ready = stat == VALUE_NONE || b->current[stat] >= 0;

    if (ready && (made == operand[SQUEEZE_X] || made == stat))
        add_step(b, squeeze, phase);
}

static void emit_squeezes(struct emission *b, int op_id, enum phase phase)
{
    const struct op *op = &b->schedule->graph->ops[op_id];

    for (int i = 0; i < op_slots(op->code); i++)
        if (!op_reads(op->code, i) && b->squeeze[op->operand[i]] >= 0)
            emit_squeeze(b, b->squeeze[op->operand[i]], op->operand[i], phase);
    if (op->code == OP_bn_stats && b->squeeze[op->operand[BN_STATS_X]] >= 0)
        emit_squeeze(b, b->squeeze[op->operand[BN_STATS_X]],
                     op->operand[BN_STATS_STAT], phase);
}

/* Expands a value for the backward pass; a stage that runs again goes on from
 * the exact one. */
static void emit_expand(struct emission *b, int value)
{
    int exact = b->current[value];

    add_step(b, b->expand[value], PHASE_RECOMPUTE);
    b->expanded[value] = b->current[value];
    b->current[value] = exact;
    b->expanded_values[b->expanded_count++] = value;
}

/* Expands the saved values that the operation reads, and keeps no other
 * expanded ones: these cost less to make again than to keep while other steps
 * run. NULL: an operation that reads nothing. */
static void emit_expands(struct emission *b, const struct op *op)
{
    int kept = 0;

    for (int i = 0; i < b->expanded_count; i++) {
        int value = b->expanded_values[i];
        if (op && reads_value(b, op, value))
            b->expanded_values[kept++] = value;
        else
            b->expanded[value] = -1;
    }
    b->expanded_count = kept;
    for (int i = 0; op && i < op_slots(op->code); i++) {
        int value = value_read(b, op, i);
        if (b->squeeze[value] >= 0 && b->expanded[value] < 0 &&
            !reads_saved(b, op, i, value))
            emit_expand(b, value);
    }
}

static bool elided(const struct emission *b, const struct op *op)
{
    return op->code == OP_bn_relu &&
           b->loaded[op->operand[BN_RELU_Z]] >= 0;
}

static void emit_pass(struct emission *b, enum program program, enum pass pass,
                      enum phase phase)
{
    const struct graph *g = b->schedule->graph;

    for (int i = 0; i < g->op_count; i++) {
        const struct op *op = &g->ops[i];
        if (op->pass == pass && op->programs & 1 << program &&
            !elided(b, op))
            add_step(b, i, phase);
    }
}

static void emit_forward(struct emission *b, int from, int to, bool again)
{
    for (int i = from; i < to; i++) {
        const struct op *op = &b->schedule->graph->ops[i];
        if (op->pass == PASS_FORWARD && op->programs & IN_TRAIN &&
            !elided(b, op) && (!again || op_repeatable(op->code))) {
            enum phase phase = again ? PHASE_RECOMPUTE : PHASE_FORWARD;
            add_step(b, i, phase);
            emit_squeezes(b, i, phase);
        }
    }
}

/* Makes the result of a layer norm again. Where its input has been saved in
 * fewer bits, the statistics that the backward pass reads stay those of the
 * exact one. */
static void emit_layer_norm(struct emission *b, int op_id)
{
    const struct op *op = &b->schedule->graph->ops[op_id];
    int *stat = &b->current[op->operand[LAYER_NORM_STAT]], exact = *stat;

    emit_expands(b, op);
    add_step(b, op_id, PHASE_RECOMPUTE);
    if (b->squeeze[op->operand[LAYER_NORM_X]] >= 0)
        *stat = exact;
    b->squeeze[op->operand[LAYER_NORM_Y]] = -1;
}

/* Makes results again that a backward operation reads, unless they have been:
 * so that the forward pass's instances are not kept until then. Results of
 * operations before `from` are kept: they lead into the stage. */
static void emit_again(struct emission *b, const struct op *backward, int from)
{
    for (int i = 0; i < op_slots(backward->code); i++) {
        int value = backward->operand[i], made = b->again[value];

        if (!op_reads(backward->code, i) || made < from)
            continue;
        b->again[value] = -1;
        emit_layer_norm(b, made);
    }
}

/* The backward operations of forward operations [from, to); `first` of the
 * graph's backward operations is where those of each begin. */
static void emit_backward(struct emission *b, int from, int to,
                          const int *first)
{
    const struct graph *g = b->schedule->graph;

    for (int i = to - 1; i >= from; i--)
        for (int k = first[i]; k < g->op_count && g->ops[k].forward == i; k++)
            if (g->ops[k].pass == PASS_BACKWARD) {
                emit_again(b, &g->ops[k], from);
                emit_expands(b, &g->ops[k]);
                add_step(b, k, PHASE_BACKWARD);
            }
    emit_expands(b, NULL);
}

/* Lists the instances that a step reads; returns their number. */
static int list_reads(const struct schedule *s, int step,
                      int list[STEP_INSTANCES])
{
    enum op_code code = schedule_op(s, step)->code;
    const int *instance = s->steps[step].instance;
    int slots = op_slots(code), count = 0;

    for (int i = 0; i < slots; i++) {
        if (!op_reads(code, i))
            continue;
        for (int at = STEP_OPERAND; at < STEP_INSTANCES;
             at += CALL_MAX_OPERANDS)
            if (instance[at + i] >= 0)
                list[count++] = instance[at + i];
    }
    return count;
}

static void note_reads(const struct schedule *s, int step, bool read[])
{
    int list[STEP_INSTANCES], count = list_reads(s, step, list);

    for (int i = 0; i < count; i++)
        read[list[i]] = true;
}

/* Empties, from step `begin` on, slots of results that are only made to be
 * read and that nothing reads: in an evaluation, or the second time. */
static void drop_unused(struct schedule *s, int begin)
{
    bool *read = xcalloc((unsigned long)s->instance_count, sizeof(bool));

    for (int t = s->step_count - 1; t >= begin; t--) {
        const char *access = op_access(schedule_op(s, t)->code);
        int *instance = &s->steps[t].instance[STEP_OPERAND];

        for (int i = 0; access[i]; i++)
            if (access[i] == 'o' && instance[i] >= 0 && !read[instance[i]])
                instance[i] = -1;
        note_reads(s, t, read);
    }
    free(read);
}

static bool writes_what_is_read(const struct schedule *s, int step,
                                const bool read[])
{
    int slots = op_slots(schedule_op(s, step)->code);

    for (int place = STEP_OPERAND; place < STEP_OPERAND + slots; place++)
        if (schedule_writes(s, step, place) &&
            read[s->steps[step].instance[place]])
            return true;
    return false;
}

/* Leaves out, from step `begin` on, steps whose results nothing reads, among
 * those that recompute or save: of a stage run again for its backward pass,
 * usually the end. */
static void drop_unread(struct schedule *s, int begin)
{
    bool *read = xcalloc((unsigned long)s->instance_count, sizeof(bool));
    int kept = s->step_count;

    for (int t = s->step_count - 1; t >= begin; t--) {
        bool needed = s->steps[t].phase != PHASE_RECOMPUTE &&
                      schedule_op(s, t)->pass != PASS_SAVE;

        if (!needed && !writes_what_is_read(s, t, read))
            continue;
        note_reads(s, t, read);
        s->steps[--kept] = s->steps[t];
    }
    memmove(&s->steps[begin], &s->steps[kept],
            (size_t)(s->step_count - kept) * sizeof(*s->steps));
    s->step_count -= kept - begin;
    free(read);
}

/* Moves of squeezes. */
struct sinking {
    int *last, *first;   /* [instances] steps that read it; 0: none */
    int *moved, *next;   /* [steps] squeezes to move to before a step: the first
                            of them, and the one after a squeeze; 0: none */
    bool *leaves;        /* [steps] it is one of them */
};

static void find_readers(const struct schedule *s, int begin,
                         struct sinking *k)
{
    for (int t = s->step_count - 1; t >= begin; t--) {
        int list[STEP_INSTANCES], count = list_reads(s, t, list);
        bool squeezes = schedule_op(s, t)->code == OP_squeeze;

        for (int i = 0; i < count; i++) {
            k->first[list[i]] = t;
            if (!k->last[list[i]] && !squeezes)
                k->last[list[i]] = t;
        }
    }
}

static void find_moves(const struct schedule *s, int begin, struct sinking *k)
{
    for (int t = s->step_count - 1; t >= begin; t--) {
        const int *instance = s->steps[t].instance;
        int last, first;

        if (schedule_op(s, t)->code != OP_squeeze)
            continue;
        last = k->last[instance[SQUEEZE_X]];
        first = k->first[instance[SQUEEZE_STORED]];
        if (first < last)
            last = first;
        k->leaves[t] = last > t;
        if (!k->leaves[t])
            continue;
        k->next[t] = k->moved[last];
        k->moved[last] = t;
    }
}

static void move_squeezes(struct schedule *s, int begin,
                          const struct sinking *k)
{
    size_t count = (size_t)s->step_count, bytes = count * sizeof(*s->steps);
    struct step *before = xcalloc(count, sizeof(*before)), *to;

    memcpy(before, s->steps, bytes);
    to = &s->steps[begin];
    for (int t = begin; t < s->step_count; t++) {
        for (int i = k->moved[t]; i; i = k->next[i]) {
            *to = before[i];
            to++->phase = before[t].phase;
        }
        if (!k->leaves[t])
            *to++ = before[t];
    }
    free(before);
}

/* A value is not stored, from step `begin` on, before the last step that reads
 * it: until then both would be kept. What a stage runs again from is so stored
 * only then. After the last step that step could not take over its storage. */
static void sink_squeezes(struct schedule *s, int begin)
{
    unsigned long steps = (unsigned long)s->step_count;
    unsigned long instances = (unsigned long)s->instance_count;
    struct sinking k = { .last = xcalloc(instances, sizeof(int)),
                         .first = xcalloc(instances, sizeof(int)),
                         .moved = xcalloc(steps, sizeof(int)),
                         .next = xcalloc(steps, sizeof(int)),
                         .leaves = xcalloc(steps, sizeof(bool)) };

    find_readers(s, begin, &k);
    find_moves(s, begin, &k);
    move_squeezes(s, begin, &k);
    free(k.last);
    free(k.first);
    free(k.moved);
    free(k.next);
    free(k.leaves);
}

/* Forward and backward passes in the order of the route. */
static void emit_route(struct emission *b, const struct route *r)
{
    const struct graph *g = b->schedule->graph;
    int *first = xcalloc((unsigned long)g->op_count, sizeof(int));
    bool *ran = xcalloc((unsigned long)r->stage_count, sizeof(bool));

    for (int i = g->op_count - 1; i >= 0; i--)
        if (g->ops[i].pass == PASS_BACKWARD)
            first[g->ops[i].forward] = i;
    for (int i = 0; i < r->leg_count; i++) {
        int stage = r->legs[i].stage;
        int from = r->cuts[stage], to = r->cuts[stage + 1];
        if (r->legs[i].backward)
            emit_backward(b, from, to, first);
        else
            emit_forward(b, from, to, ran[stage]);
        ran[stage] = true;
    }
    free(first);
    free(ran);
}

/* recompute=norms: layer norms are made again in the backward pass. */
static void repeat_layer_norms(struct emission *b)
{
    const struct graph *g = b->schedule->graph;

    for (int i = 0; i < g->op_count; i++)
        if (g->ops[i].code == OP_layer_norm)
            b->again[g->ops[i].operand[LAYER_NORM_Y]] = i;
}

/* recompute=norms: what bn_relu computes is applied again wherever it is
 * loaded, if every reader can. */
static void elide_bn_relu(struct emission *b)
{
    const struct graph *g = b->schedule->graph;

    for (int i = 0; i < g->op_count; i++)
        if (g->ops[i].code == OP_bn_relu)
            b->loaded[g->ops[i].operand[BN_RELU_Z]] = i;
    for (int i = 0; i < g->op_count; i++)
        for (int s = 0; s < op_slots(g->ops[i].code); s++) {
            int v = g->ops[i].operand[s];
            if (v && op_reads(g->ops[i].code, s) &&
                !op_loads_through(g->ops[i].code, s) &&
                g->ops[i].pass != PASS_SAVE)
                b->loaded[v] = -1;
        }
}

/* Whether a value has more than a block in the whole batch, however that is
 * cut. */
static bool is_worth_saving(const struct emission *b, int value)
{
    const struct schedule *s = b->schedule;
    struct operand o = graph_operand(s->graph, value, &s->cut.whole);

    return operand_elements(&o) > BLOCK_NUMBERS;
}

/* Values are saved as the graph offers. */
static void save_in_fewer_bits(struct emission *b)
{
    const struct graph *g = b->schedule->graph;

    for (int i = 0; i < g->op_count; i++) {
        const int *operand = g->ops[i].operand;

        if (g->ops[i].code == OP_squeeze &&
            is_worth_saving(b, operand[SQUEEZE_X])) {
            b->squeeze[operand[SQUEEZE_X]] = i;
            b->saves = true;
        } else if (g->ops[i].code == OP_expand)
            b->expand[operand[EXPAND_X]] = i;
    }
}

/* Once per part: what leads to the first token, and what follows the last. */
static void emit_translation(struct emission *b, struct program_steps *p)
{
    struct schedule *s = b->schedule;

    emit_pass(b, PROGRAM_TRANSLATE, PASS_PREPARE, PHASE_TRANSLATE);
    emit_pass(b, PROGRAM_TRANSLATE, PASS_FORWARD, PHASE_TRANSLATE);
    p->body = s->step_count;
    emit_pass(b, PROGRAM_TRANSLATE, PASS_DECODE, PHASE_TRANSLATE);
    p->epilogue = s->step_count;
    if (s->graph->unfinished)
        p->until = b->current[s->graph->unfinished];
    emit_pass(b, PROGRAM_TRANSLATE, PASS_UPDATE, PHASE_TRANSLATE);
    drop_unused(s, p->begin);
}

static void emit_batch(struct emission *b, enum program program,
                       const struct route *route, struct program_steps *p)
{
    struct schedule *s = b->schedule;
    bool train = program == PROGRAM_TRAIN;

    emit_pass(b, program, PASS_PREPARE,
              train ? PHASE_PREPARE : PHASE_EVALUATE);
    p->body = s->step_count;
    if (train)
        emit_route(b, route);
    else
        emit_pass(b, program, PASS_FORWARD, PHASE_EVALUATE);
    drop_unused(s, p->body);
    drop_unread(s, p->body);
    if (b->saves)
        sink_squeezes(s, p->body);
    p->epilogue = s->step_count;
    emit_pass(b, program, PASS_UPDATE, train ? PHASE_UPDATE : PHASE_EVALUATE);
}

static void emit_program(struct emission *b, enum program program,
                         const struct route *route)
{
    struct schedule *s = b->schedule;
    struct program_steps *p = &s->program[program];

    for (int i = 0; i < s->graph->value_count; i++)
        if (!graph_persists(s->graph, i))
            b->current[i] = -1;
    p->begin = s->step_count;
    p->until = -1;
    if (program == PROGRAM_TRANSLATE)
        emit_translation(b, p);
    else
        emit_batch(b, program, route, p);
    p->end = s->step_count;
}

struct schedule *schedule_build(const struct graph *g, struct policy policy,
                                const struct route *route)
{
    struct schedule *s = xcalloc(1, sizeof(*s));
    unsigned long values = (unsigned long)g->value_count;
    struct emission b = { .schedule = s,
                         .step_room = 2 * g->op_count,
                         .instance_room = 2 * g->value_count,
                         .current = xcalloc(values, sizeof(int)),
                         .loaded = xcalloc(values, sizeof(int)),
                         .again = xcalloc(values, sizeof(int)),
                         .squeeze = xcalloc(values, sizeof(int)),
                         .expand = xcalloc(values, sizeof(int)),
                         .expanded = xcalloc(values, sizeof(int)) };

    s->graph = g;
    s->cut = policy.cut;
    s->translated = policy.translated;
    s->steps = xcalloc((unsigned long)b.step_room, sizeof(*s->steps));
    s->instances =
        xcalloc((unsigned long)b.instance_room, sizeof(*s->instances));
    for (int i = 0; i < g->value_count; i++)
        b.current[i] = b.loaded[i] = b.again[i] = b.squeeze[i] =
            b.expand[i] = b.expanded[i] = -1;
    save_in_fewer_bits(&b);
    if (policy.recompute == RECOMPUTE_NORMS) {
        elide_bn_relu(&b);
        repeat_layer_norms(&b);
    }
    for (int p = 0; p < PROGRAM_COUNT; p++)
        emit_program(&b, (enum program)p, route);
    free(b.current);
    free(b.loaded);
    free(b.again);
    free(b.squeeze);
    free(b.expand);
    free(b.expanded);
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

static void *array_copy(const void *array, int count, size_t size)
{
    void *copy = xcalloc((unsigned long)count, size);

    return memcpy(copy, array, (size_t)count * size);
}

struct schedule *schedule_recut(const struct schedule *s, struct cut cut)
{
    struct schedule *copy = array_copy(s, 1, sizeof(*s));

    assert(extents_equal(&s->cut.whole, &cut.whole));
    copy->cut = cut;
    copy->steps = array_copy(s->steps, s->step_count, sizeof(*s->steps));
    copy->instances = array_copy(s->instances, s->instance_count,
                                 sizeof(*s->instances));
    return copy;
}

enum program schedule_program(const struct schedule *s, int step)
{
    enum program k = PROGRAM_TRAIN;

    while (step >= s->program[k].end)
        k++;
    return k;
}

bool schedule_is_per_part(const struct schedule *s, int step)
{
    const struct program_steps *p = &s->program[schedule_program(s, step)];

    return p->until >= 0 || (step >= p->body && step < p->epilogue);
}

int schedule_instance(const struct schedule *s, int value)
{
    for (int i = 0; i < s->instance_count; i++)
        if (s->instances[i] == value)
            return i;
    return -1;
}

const struct value *schedule_value(const struct schedule *s, int instance)
{
    return &s->graph->values[s->instances[instance]];
}

struct operand schedule_operand(const struct schedule *s, int step, int slot,
                                const struct extents *extents)
{
    int instance = s->steps[step].instance[STEP_OPERAND + slot];
    int value = schedule_op(s, step)->operand[slot];

    if (instance < 0)
        return (struct operand){ 0 };
    if (!graph_is_view(s->graph, value))
        value = s->instances[instance];
    return graph_operand(s->graph, value, extents);
}

bool schedule_writes(const struct schedule *s, int step, int place)
{
    return s->steps[step].instance[place] >= 0 && place < STEP_THROUGH &&
           op_writes(schedule_op(s, step)->code, place);
}

/* An operand loaded through a batch norm costs a multiply, an add and a maximum
 * per element. */
double schedule_call_flops(const struct schedule *s, int step,
                           const struct extents *extents)
{
    const struct op *op = schedule_op(s, step);
    double sum = graph_flops(s->graph, op, extents);
    int slots = op_slots(op->code);

    for (int i = 0; i < slots; i++)
        if (s->steps[step].instance[STEP_THROUGH + i] >= 0) {
            struct operand o = schedule_operand(s, step, i, extents);
            sum += 3 * (double)operand_elements(&o);
        }
    return sum;
}

/* A step that is repeated for each part is counted once, at the extents of the
 * whole batch: its parts together are as much work. If the extents make no
 * difference, each part is. */
double schedule_step_flops(const struct schedule *s, int step)
{
    double whole = schedule_call_flops(s, step, &s->cut.whole);
    bool repeats = schedule_is_per_part(s, step) &&
                   schedule_call_flops(s, step, &s->cut.most) == whole;

    return repeats ? s->cut.parts * whole : whole;
}

double schedule_flops(const struct schedule *s)
{
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    double sum = 0;

    for (int t = p->begin; t < p->end; t++)
        sum += schedule_step_flops(s, t);
    return sum;
}
