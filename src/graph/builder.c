#include "graph/builder.h"

#include <stdarg.h>
#include <stdio.h>

void builder_begin_block(struct builder *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->block, sizeof(b->block), format, args);
    va_end(args);
    graph_begin_block(b->graph);
}

void builder_layer(struct builder *b, const char *name)
{
    b->layer = graph_layer(b->graph, "%s%s%s", b->block,
                           *b->block ? "." : "", name);
}

int builder_value(struct builder *b, enum kind kind, struct value v)
{
    v.layer = b->layer;
    v.kind = kind;
    return graph_value(b->graph, &v);
}

int builder_state(struct builder *b, struct value v)
{
    return builder_value(b, KIND_WEIGHTS, v);
}

int builder_channel_state(struct builder *b, const char *name, int channels,
                          float constant)
{
    return builder_state(b, (struct value){
        .name = name, .dtype = DTYPE_F32, .rank = 1, .dim = { channels },
        .init = { INIT_CONSTANT, constant }
    });
}

int builder_result(struct builder *b, struct value v)
{
    return builder_value(b, KIND_TRANSIENT, v);
}

void builder_operation(struct builder *b, enum pass pass, int programs,
                       struct op op)
{
    op.pass = pass;
    op.programs = programs;
    op.layer = b->layer;
    graph_op(b->graph, &op);
}

void builder_forward(struct builder *b, struct op op)
{
    builder_operation(b, PASS_FORWARD, IN_BOTH, op);
}

uint32_t builder_stream(struct builder *b)
{
    return b->streams++;
}

static int loss_scale(struct builder *b)
{
    return builder_value(b, KIND_OPTIMIZER, (struct value){
        .name = "scale", .dtype = DTYPE_F32, .rank = 1,
        .dim = { LOSS_SCALE_COUNT }, .init = { INIT_FIRST, LOSS_SCALE_START }
    });
}

/* The sums of the metrics, set to zero in each batch. */
static int metrics(struct builder *b)
{
    int v = builder_result(b, (struct value){
        .name = "metrics", .dtype = DTYPE_F64, .rank = 1,
        .dim = { METRIC_COUNT }
    });

    builder_operation(b, PASS_PREPARE, IN_BOTH, (struct op){
        .code = OP_zero, .operand = { [ZERO_X] = v }
    });
    return v;
}

struct loss builder_loss(struct builder *b, const struct loss *with)
{
    struct loss loss = { .layer = b->layer };

    if (with) {
        loss.metrics = with->metrics;
        loss.scale = with->scale;
    } else {
        loss.metrics = metrics(b);
        loss.scale = b->storage.loss_scale ? loss_scale(b) : VALUE_NONE;
    }
    return loss;
}

void builder_rewire(struct builder *b)
{
    struct graph *g = b->graph;
    int threshold, w = g->pool_values;
    struct op op = {
        .code = OP_rewire,
        .operand = { [REWIRE_MASTER] = graph_moment(g, w, "master"),
                     [REWIRE_W] = w, [REWIRE_INDEX] = g->pool_index },
        .attr.rewire = { g->pool, b->storage.rewire }
    };

    if (!g->pool || b->storage.rewire == REWIRE_NONE)
        return;
    b->layer = g->values[w].layer;
    threshold = builder_value(b, KIND_OPTIMIZER, (struct value){
        .name = "threshold", .dtype = DTYPE_F32, .rank = 1, .dim = { 1 },
        .init = { INIT_CONSTANT, 1e-3f }
    });
    op.operand[REWIRE_THRESHOLD] = threshold;
    for (int i = 0; i < g->optimizer->moments; i++)
        op.operand[REWIRE_MOMENT_0 + i] =
            graph_moment(g, w, g->optimizer->moment[i].name);
    builder_operation(b, PASS_UPDATE, IN_TRAIN, op);
}

void builder_loss_end(struct builder *b, const struct loss *loss)
{
    b->layer = loss->layer;
    if (loss->scale)
        builder_operation(b, PASS_UPDATE, IN_TRAIN, (struct op){
            .code = OP_loss_scale,
            .operand = { [LOSS_SCALE_METRICS] = loss->metrics,
                         [LOSS_SCALE_SCALE] = loss->scale }
        });
    builder_operation(b, PASS_UPDATE, IN_BOTH, (struct op){
        .code = OP_report, .operand = { [REPORT_METRICS] = loss->metrics }
    });
}
