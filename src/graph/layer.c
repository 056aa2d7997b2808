#include "graph/layer.h"

#include <math.h>

/* A trained parameter or running statistic. */
static int state(struct graph *g, int layer, const char *name,
                 enum dtype dtype, int rank, const int *dim,
                 enum init_rule rule, float scale)
{
    int v = graph_value(g, layer, name, KIND_WEIGHTS, dtype, rank, dim);

    g->values[v].init = (struct init){ rule, scale };
    return v;
}

/* What an operation computes: transient until a schedule finds that the
 * backward pass needs it. */
static int result(struct graph *g, int layer, const char *name,
                  enum dtype dtype, int rank, const int *dim)
{
    return graph_value(g, layer, name, KIND_TRANSIENT, dtype, rank, dim);
}

int layer_load(struct graph *g, int layer, enum dtype dtype, int rank,
               const int *dim, int *labels)
{
    int x = graph_value(g, layer, "x", KIND_INPUT, dtype, rank, dim);

    *labels = graph_value(g, layer, "labels", KIND_INPUT, DTYPE_I32, 1, dim);
    graph_op(g, OP_load, PASS_FORWARD, IN_BOTH, layer,
             (int[]){ x, *labels, -1, -1, -1, -1 });
    return x;
}

int layer_conv(struct graph *g, int layer, enum dtype dtype, int x,
               int channels, int kernel, int stride, int add)
{
    struct value v = g->values[x];
    int pad = (kernel - 1) / 2;
    int w = state(g, layer, "w", dtype, 4,
                  (int[]){ kernel, kernel, v.dim[3], channels }, INIT_NORMAL,
                  sqrtf(2.0f / (float)(kernel * kernel * channels)));
    int y = result(g, layer, "y", v.dtype, 4,
                   (int[]){ v.dim[0],
                            (v.dim[1] + 2 * pad - kernel) / stride + 1,
                            (v.dim[2] + 2 * pad - kernel) / stride + 1,
                            channels });
    struct op *op =
        graph_op(g, OP_conv, PASS_FORWARD, IN_BOTH, layer,
                 (int[]){ x, w, add, y, -1 });

    op->attr.conv.stride = stride;
    op->attr.conv.pad = pad;
    return y;
}

int layer_conv_pooled(struct graph *g, int layer, enum dtype dtype, int x,
                      int channels, int kernel, int stride, int add)
{
    int y = layer_conv(g, layer, dtype, x, channels, kernel, stride, add);

    if (g->pool)
        graph_pool_join(g, g->ops[g->op_count - 1].operand[CONV_W]);
    return y;
}

void layer_rewire(struct graph *g, enum rewire_method method)
{
    int layer, threshold, w = g->pool_values;
    struct op *op;

    if (!g->pool || method == REWIRE_NONE)
        return;
    layer = g->values[w].layer;
    threshold = graph_value(g, layer, "threshold", KIND_OPTIMIZER, DTYPE_F32,
                            1, (int[]){ 1 });
    g->values[threshold].init = (struct init){ INIT_CONSTANT, 1e-3f };
    op = graph_op(g, OP_rewire, PASS_UPDATE, IN_TRAIN, layer,
                  (int[]){ threshold, graph_moment(g, w, "master"),
                           graph_moment(g, w, "momentum"), w,
                           g->pool_index });
    op->attr.rewire.pool = g->pool;
    op->attr.rewire.method = method;
}

int layer_bn_relu(struct graph *g, int layer, int x)
{
    struct value v = g->values[x];
    int c = v.dim[v.rank - 1];
    int gamma = state(g, layer, "gamma", DTYPE_F32, 1, &c, INIT_CONSTANT, 1);
    int beta = state(g, layer, "beta", DTYPE_F32, 1, &c, INIT_CONSTANT, 0);
    int running = state(g, layer, "running", DTYPE_F32, 2,
                        (int[]){ RUNNING_ROWS, c }, INIT_RUNNING, 0);
    int stat = result(g, layer, "stat", DTYPE_F32, 2,
                      (int[]){ STAT_ROWS, c });
    int z = result(g, layer, "z", v.dtype, v.rank, v.dim);
    struct op *op;

    op = graph_op(g, OP_bn_stats, PASS_FORWARD, IN_TRAIN, layer,
                  (int[]){ x, gamma, beta, running, stat, -1 });
    op->attr.norm.eps = 1e-5f;
    op->attr.norm.momentum = 0.1f;
    op = graph_op(g, OP_bn_running, PASS_FORWARD, IN_EVAL, layer,
                  (int[]){ gamma, beta, running, stat });
    op->attr.norm.eps = 1e-5f;
    graph_op(g, OP_bn_relu, PASS_FORWARD, IN_BOTH, layer,
             (int[]){ x, stat, z });
    return z;
}

int layer_avg_pool(struct graph *g, int layer, int x)
{
    struct value v = g->values[x];
    int y = result(g, layer, "y", DTYPE_F32, 2,
                   (int[]){ v.dim[0], v.dim[3] });

    graph_op(g, OP_avg_pool, PASS_FORWARD, IN_BOTH, layer, (int[]){ x, y });
    return y;
}

int layer_linear(struct graph *g, int layer, enum dtype dtype, int x,
                 int channels)
{
    struct value v = g->values[x];
    int w = state(g, layer, "w", dtype, 2, (int[]){ v.dim[1], channels },
                  INIT_UNIFORM, 1 / sqrtf((float)v.dim[1]));
    int b = state(g, layer, "b", DTYPE_F32, 1, &channels, INIT_CONSTANT, 0);
    int y = result(g, layer, "y", v.dtype, 2,
                   (int[]){ v.dim[0], channels });

    graph_op(g, OP_linear, PASS_FORWARD, IN_BOTH, layer,
             (int[]){ x, w, b, y });
    return y;
}

static int loss_scale(struct graph *g, int layer)
{
    int scale = graph_value(g, layer, "scale", KIND_OPTIMIZER, DTYPE_F32, 1,
                            (int[]){ LOSS_SCALE_COUNT });

    g->values[scale].init = (struct init){ INIT_FIRST, LOSS_SCALE_START };
    return scale;
}

struct loss layer_softmax_xent(struct graph *g, int layer, int logits,
                               int labels, bool scaled)
{
    struct value v = g->values[logits];
    struct loss loss = { layer, .scale = -1 };

    loss.metrics = graph_value(g, layer, "metrics", KIND_TRANSIENT, DTYPE_F64,
                               1, (int[]){ METRIC_COUNT });
    loss.gradient = result(g, layer, "dlogits", v.dtype, v.rank, v.dim);
    if (scaled)
        loss.scale = loss_scale(g, layer);
    graph_op(g, OP_zero, PASS_PREPARE, IN_BOTH, layer,
             (int[]){ loss.metrics });
    graph_op(g, OP_softmax_xent, PASS_FORWARD, IN_BOTH, layer,
             (int[]){ logits, labels, loss.scale, loss.metrics,
                      loss.gradient });
    return loss;
}

void layer_loss_end(struct graph *g, const struct loss *loss)
{
    if (loss->scale >= 0)
        graph_op(g, OP_loss_scale, PASS_UPDATE, IN_TRAIN, loss->layer,
                 (int[]){ loss->metrics, loss->scale });
    graph_op(g, OP_report, PASS_UPDATE, IN_BOTH, loss->layer,
             (int[]){ loss->metrics });
}
