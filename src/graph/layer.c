#include "graph/layer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void layer_begin_block(struct builder *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->block, sizeof(b->block), format, args);
    va_end(args);
    graph_begin_block(b->graph);
}

static void begin_layer(struct builder *b, const char *name)
{
    b->layer = graph_layer(b->graph, "%s%s%s", b->block,
                           *b->block ? "." : "", name);
}

/* Adds a value of a kind to the layer. */
static int add_value(struct builder *b, enum kind kind, struct value v)
{
    v.layer = b->layer;
    v.kind = kind;
    return graph_value(b->graph, &v);
}

/* A trained parameter or running statistic. */
static int state(struct builder *b, struct value v)
{
    return add_value(b, KIND_WEIGHTS, v);
}

/* A float for each channel, trained or a running statistic. */
static int channel_state(struct builder *b, const char *name, int channels,
                         float constant)
{
    return state(b, (struct value){
        .name = name, .dtype = DTYPE_F32, .rank = 1, .dim = { channels },
        .init = { INIT_CONSTANT, constant }
    });
}

/* The result of an operation: transient until a schedule finds that the
 * backward pass needs it. */
static int result(struct builder *b, struct value v)
{
    return add_value(b, KIND_TRANSIENT, v);
}

/* Adds an operation to the layer. */
static void operation(struct builder *b, enum pass pass, int programs,
                      struct op op)
{
    op.pass = pass;
    op.programs = programs;
    op.layer = b->layer;
    graph_op(b->graph, &op);
}

static void add_forward(struct builder *b, struct op op)
{
    operation(b, PASS_FORWARD, IN_BOTH, op);
}

void layer_load(struct builder *b, const struct load *p, int values[])
{
    struct op op = { .code = OP_load };

    begin_layer(b, p->name);
    for (int i = 0; i < LOAD_STREAMS && p->stream[i].name; i++)
        op.operand[i] = values[i] = add_value(b, KIND_INPUT, p->stream[i]);
    add_forward(b, op);
}

int layer_samples(struct builder *b, const struct samples *p, int *labels)
{
    struct value x = { .name = "x", .dtype = b->storage.dtype,
                       .rank = p->rank };
    int values[2];

    memcpy(x.dim, p->dim, sizeof(x.dim));
    layer_load(b, &(struct load){
        p->name, { x, { .name = "labels", .dtype = DTYPE_I32, .rank = 1,
                        .dim = { p->dim[0] } } }
    }, values);
    *labels = values[1];
    return values[0];
}

/* Places at which a kernel can stand, padded to keep the size at stride 1. */
static int places(int size, int kernel, int stride)
{
    return (size + (kernel - 1) / 2 * 2 - kernel) / stride + 1;
}

int layer_conv(struct builder *b, int x, const struct conv *p)
{
    struct value v = b->graph->values[x];
    int kernel = p->kernel ? p->kernel : 1, stride = p->stride ? p->stride : 1;
    int w, y;

    begin_layer(b, p->name);
    w = state(b, (struct value){
        .name = "w", .dtype = b->storage.dtype, .rank = 4,
        .dim = { kernel, kernel, v.dim[3], p->channels },
        .init = { INIT_NORMAL,
                  sqrtf(2.0f / (float)(kernel * kernel * p->channels)) }
    });
    y = result(b, (struct value){
        .name = "y", .dtype = v.dtype, .rank = 4,
        .dim = { v.dim[0], places(v.dim[1], kernel, stride),
                 places(v.dim[2], kernel, stride), p->channels }
    });
    add_forward(b, (struct op){
        .code = OP_conv,
        .operand = { [CONV_X] = x, [CONV_W] = w, [CONV_ADD] = p->add,
                     [CONV_Y] = y },
        .attr.conv = { .tf32 = b->tf32, .stride = stride,
                       .pad = (kernel - 1) / 2 }
    });
    if (p->sparse && b->graph->pool)
        graph_pool_join(b->graph, w);
    return y;
}

/* The values that the operations of a batch norm work on. */
struct norm_values {
    int x, gamma, beta, running, stat;
};

static void norm_operations(struct builder *b, const struct norm_values *v,
                            const struct batch_norm *p)
{
    float eps = p->eps > 0 ? p->eps : 1e-5f;
    float momentum = p->momentum > 0 ? p->momentum : 0.1f;

    operation(b, PASS_FORWARD, IN_TRAIN, (struct op){
        .code = OP_bn_stats,
        .operand = { [BN_STATS_X] = v->x, [BN_STATS_GAMMA] = v->gamma,
                     [BN_STATS_BETA] = v->beta,
                     [BN_STATS_RUNNING] = v->running,
                     [BN_STATS_STAT] = v->stat },
        .attr.norm = { .eps = eps, .momentum = momentum }
    });
    operation(b, PASS_FORWARD, IN_EVAL, (struct op){
        .code = OP_bn_running,
        .operand = { [BN_RUNNING_GAMMA] = v->gamma,
                     [BN_RUNNING_BETA] = v->beta,
                     [BN_RUNNING_RUNNING] = v->running,
                     [BN_RUNNING_STAT] = v->stat },
        .attr.norm = { .eps = eps }
    });
}

int layer_bn_relu(struct builder *b, int x, const struct batch_norm *p)
{
    struct value like = graph_like(b->graph, x, "z", KIND_TRANSIENT);
    int c = like.dim[like.rank - 1], z;
    struct norm_values v = { .x = x };

    begin_layer(b, p->name);
    v.gamma = channel_state(b, "gamma", c, 1);
    v.beta = channel_state(b, "beta", c, 0);
    v.running = state(b, (struct value){
        .name = "running", .dtype = DTYPE_F32, .rank = 2,
        .dim = { RUNNING_ROWS, c }, .init = { .rule = INIT_RUNNING }
    });
    v.stat = result(b, (struct value){
        .name = "stat", .dtype = DTYPE_F32, .rank = 2, .dim = { STAT_ROWS, c }
    });
    z = result(b, like);
    norm_operations(b, &v, p);
    add_forward(b, (struct op){
        .code = OP_bn_relu,
        .operand = { [BN_RELU_X] = x, [BN_RELU_STAT] = v.stat,
                     [BN_RELU_Z] = z }
    });
    return z;
}

int layer_avg_pool(struct builder *b, int x, const struct avg_pool *p)
{
    struct value v = b->graph->values[x];
    int y;

    begin_layer(b, p->name);
    y = result(b, (struct value){
        .name = "y", .dtype = DTYPE_F32, .rank = 2,
        .dim = { v.dim[0], v.dim[3] }
    });
    add_forward(b, (struct op){
        .code = OP_avg_pool,
        .operand = { [AVG_POOL_X] = x, [AVG_POOL_Y] = y }
    });
    return y;
}

int layer_linear(struct builder *b, int x, const struct linear *p)
{
    struct value v = b->graph->values[x];
    int w, bias = VALUE_NONE, y;

    begin_layer(b, p->name);
    w = state(b, (struct value){
        .name = "w", .dtype = b->storage.dtype, .rank = 2,
        .dim = { v.dim[1], p->features },
        .init = { INIT_UNIFORM, 1 / sqrtf((float)v.dim[1]) }
    });
    if (!p->bare)
        bias = channel_state(b, "b", p->features, 0);
    y = result(b, (struct value){
        .name = "y", .dtype = v.dtype, .rank = 2,
        .dim = { v.dim[0], p->features }
    });
    add_forward(b, (struct op){
        .code = OP_linear,
        .operand = { [LINEAR_X] = x, [LINEAR_W] = w, [LINEAR_B] = bias,
                     [LINEAR_Y] = y },
        .attr.linear.tf32 = b->tf32
    });
    return y;
}

int layer_embedding(struct builder *b, int tokens, const struct embedding *p)
{
    int w, y;

    begin_layer(b, p->name);
    w = state(b, (struct value){
        .name = "w", .dtype = b->storage.dtype, .rank = 2,
        .dim = { p->tokens, p->features },
        .init = { INIT_NORMAL, 1 / sqrtf((float)p->features) }
    });
    y = result(b, (struct value){
        .name = "y", .dtype = b->storage.dtype, .rank = 2,
        .dim = { b->graph->values[tokens].dim[0], p->features }
    });
    add_forward(b, (struct op){
        .code = OP_embedding,
        .operand = { [EMBEDDING_TOKENS] = tokens, [EMBEDDING_W] = w,
                     [EMBEDDING_Y] = y },
        .attr.embedding.scale = 1
    });
    return y;
}

static int loss_scale(struct builder *b)
{
    return add_value(b, KIND_OPTIMIZER, (struct value){
        .name = "scale", .dtype = DTYPE_F32, .rank = 1,
        .dim = { LOSS_SCALE_COUNT }, .init = { INIT_FIRST, LOSS_SCALE_START }
    });
}

/* The sums of the metrics, set to zero in each batch. */
static int metrics(struct builder *b)
{
    int v = result(b, (struct value){
        .name = "metrics", .dtype = DTYPE_F64, .rank = 1,
        .dim = { METRIC_COUNT }
    });

    operation(b, PASS_PREPARE, IN_BOTH, (struct op){
        .code = OP_zero, .operand = { [ZERO_X] = v }
    });
    return v;
}

struct loss layer_softmax_xent(struct builder *b, int logits,
                               const struct softmax_xent *p)
{
    struct loss loss = { .seed.value = logits };

    begin_layer(b, p->name);
    loss.layer = b->layer;
    loss.metrics = p->with ? p->with->metrics : metrics(b);
    loss.seed.gradient = result(b, graph_like(b->graph, logits, "dlogits",
                                              KIND_TRANSIENT));
    loss.scale = p->with ? p->with->scale
                 : b->storage.loss_scale ? loss_scale(b) : VALUE_NONE;
    add_forward(b, (struct op){
        .code = OP_softmax_xent,
        .operand = { [SOFTMAX_XENT_LOGITS] = logits,
                     [SOFTMAX_XENT_LABELS] = p->labels,
                     [SOFTMAX_XENT_SCALE] = loss.scale,
                     [SOFTMAX_XENT_METRICS] = loss.metrics,
                     [SOFTMAX_XENT_DLOGITS] = loss.seed.gradient }
    });
    return loss;
}

void layer_rewire(struct builder *b)
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
    threshold = add_value(b, KIND_OPTIMIZER, (struct value){
        .name = "threshold", .dtype = DTYPE_F32, .rank = 1, .dim = { 1 },
        .init = { INIT_CONSTANT, 1e-3f }
    });
    op.operand[REWIRE_THRESHOLD] = threshold;
    for (int i = 0; i < g->optimizer->moments; i++)
        op.operand[REWIRE_MOMENT_0 + i] =
            graph_moment(g, w, g->optimizer->moment[i].name);
    operation(b, PASS_UPDATE, IN_TRAIN, op);
}

void layer_loss_end(struct builder *b, const struct loss *loss)
{
    b->layer = loss->layer;
    if (loss->scale)
        operation(b, PASS_UPDATE, IN_TRAIN, (struct op){
            .code = OP_loss_scale,
            .operand = { [LOSS_SCALE_METRICS] = loss->metrics,
                         [LOSS_SCALE_SCALE] = loss->scale }
        });
    operation(b, PASS_UPDATE, IN_BOTH, (struct op){
        .code = OP_report, .operand = { [REPORT_METRICS] = loss->metrics }
    });
}
