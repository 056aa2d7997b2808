#include "graph/squeeze.h"

#include <stdlib.h>

#include "base/error.h"

/* What training does with a value. */
struct use {
    int made;            /* the forward operation that writes it, or -1 */
    int stat;            /* of the batch norm that reads it, or VALUE_NONE */
    bool forward, backward; /* which passes read it */
};

static void note_use(struct use *use, const struct graph *g, int op_id,
                     int slot)
{
    const struct op *op = &g->ops[op_id];
    struct use *u = &use[op->operand[slot]];

    if (op_access(op->code)[slot] == 'w' && op->pass == PASS_FORWARD)
        u->made = op_id;
    if (op_reads(op->code, slot)) {
        u->forward |= op->pass == PASS_FORWARD;
        u->backward |= op->pass == PASS_BACKWARD;
    }
    if (op->code == OP_bn_relu && slot == BN_RELU_X)
        u->stat = op->operand[BN_RELU_STAT];
}

static struct use *find_uses_of_values(const struct graph *g)
{
    struct use *use = xcalloc((unsigned long)g->value_count, sizeof(*use));

    for (int i = 0; i < g->value_count; i++)
        use[i].made = -1;
    for (int i = 0; i < g->op_count; i++)
        for (int s = 0; s < op_slots(g->ops[i].code); s++)
            if (g->ops[i].programs & IN_TRAIN)
                note_use(use, g, i, s);
    return use;
}

static bool is_per_sample(const struct value *v)
{
    for (int i = 0; i < v->rank; i++)
        if (v->dim[i] < 0)
            return true;
    return false;
}

static bool can_squeeze(const struct value *v, const struct use *use)
{
    bool floats = v->dtype == DTYPE_F32 || dtype_is_narrow(v->dtype);

    return v->kind == KIND_TRANSIENT && floats && is_per_sample(v) &&
           use->made >= 0 && use->forward && use->backward;
}

static void offer(struct graph *g, int value, const struct use *use,
                  enum dtype dtype, uint32_t stream)
{
    struct value v = graph_like(g, value, g->values[value].name,
                                KIND_TRANSIENT);
    int stored;

    v.dtype = dtype;
    stored = graph_value(g, &v);
    graph_op(g, &(struct op){
        .code = OP_squeeze, .pass = PASS_SAVE, .programs = IN_TRAIN,
        .layer = v.layer, .forward = use->made,
        .operand = { [SQUEEZE_X] = value, [SQUEEZE_STAT] = use->stat,
                     [SQUEEZE_STORED] = stored },
        .attr.squeeze.stream = stream
    });
    graph_op(g, &(struct op){
        .code = OP_expand, .pass = PASS_SAVE, .programs = IN_TRAIN,
        .layer = v.layer, .forward = use->made,
        .operand = { [EXPAND_STORED] = stored, [EXPAND_X] = value }
    });
}

void squeeze_offer(struct graph *g, enum dtype dtype)
{
    struct use *use = find_uses_of_values(g);
    int values = g->value_count;
    uint32_t streams = 0;

    for (int i = 1; i < values; i++)
        if (can_squeeze(&g->values[i], &use[i]))
            offer(g, i, &use[i], dtype, streams++);
    free(use);
}
