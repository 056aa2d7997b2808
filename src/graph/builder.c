#include "graph/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int builder_programs(const struct builder *b)
{
    return b->programs ? b->programs : IN_BOTH;
}

static bool adds_training(const struct builder *b)
{
    return builder_programs(b) & IN_TRAIN;
}

void builder_begin_block(struct builder *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->block, sizeof(b->block), format, args);
    va_end(args);
    if (adds_training(b))
        graph_begin_block(b->graph);
}

/* The layer of that name, or -1. Layers are mostly asked for in their order, so
 * the search begins behind the last one. */
static int layer_found(const struct builder *b, const char *name)
{
    char full[sizeof(b->graph->layers->name)];

    snprintf(full, sizeof(full), "%s%s%s", b->block, *b->block ? "." : "",
             name);
    for (int i = 1; i <= b->graph->layer_count; i++) {
        int layer = (b->layer + i) % b->graph->layer_count;
        if (strcmp(b->graph->layers[layer].name, full) == 0)
            return layer;
    }
    return -1;
}

void builder_layer(struct builder *b, const char *name)
{
    if (!adds_training(b) && (b->layer = layer_found(b, name)) >= 0)
        return;
    b->layer = graph_layer(b->graph, "%s%s%s", b->block,
                           *b->block ? "." : "", name);
}

int builder_value(struct builder *b, enum kind kind, struct value v)
{
    v.layer = b->layer;
    v.kind = kind;
    return graph_value(b->graph, &v);
}

/* The layer's parameters of that name, or VALUE_NONE; likewise. */
static int state_found(const struct builder *b, const char *name)
{
    const struct graph *g = b->graph;

    for (int n = 1; n < g->value_count; n++) {
        int i = 1 + (b->found + n - 1) % (g->value_count - 1);
        if (g->values[i].layer == b->layer &&
            g->values[i].kind == KIND_WEIGHTS &&
            strcmp(g->values[i].name, name) == 0)
            return i;
    }
    return VALUE_NONE;
}

int builder_state(struct builder *b, struct value v)
{
    int found = adds_training(b) ? VALUE_NONE : state_found(b, v.name);

    if (found)
        return b->found = found;
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
    builder_operation(b, b->decoding ? PASS_DECODE : PASS_FORWARD,
                      builder_programs(b), op);
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
