/*
 * One rule per forward operation. The gradient of a value with several
 * readers is a chain: each rule hands the gradient so far to the `add` slot of
 * its operation and stores the result as the gradient from now on. A weight
 * gradient is computed before the gradient of the activation, so that what
 * only the former reads is dead when the latter is allocated.
 */
#include "graph/grad.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

struct grad {
    struct graph *graph;
    int *of;             /* [forward values] gradient so far, or -1 */
    bool *wanted;        /* [forward values] depends on a weight */
    int *producer;       /* [forward values] training operation, or -1 */
};

/* The accumulator for a weight's gradient, made when first asked for; that of
 * a view is the same view of the pool's. */
static int parameter_gradient(struct grad *d, int weight)
{
    struct graph *g = d->graph;
    struct value w = g->values[weight];
    int pool = -1;

    if (d->of[weight] >= 0)
        return d->of[weight];
    if (graph_is_view(g, weight))
        pool = parameter_gradient(d, w.part_of);
    d->of[weight] = graph_value(g, w.layer, "gradient", KIND_GRADIENTS,
                                w.dtype, w.rank, w.dim);
    g->values[d->of[weight]].of = weight;
    g->values[d->of[weight]].part_of = pool;
    g->values[d->of[weight]].member = w.member;
    if (pool < 0)
        graph_op(g, OP_zero, PASS_PREPARE, IN_TRAIN, w.layer,
                 (int[]){ d->of[weight] });
    return d->of[weight];
}

/* State of the optimizer for a weight. */
static int moment(struct graph *g, int weight, const char *name,
                  enum dtype dtype)
{
    struct value w = g->values[weight];
    int v = graph_value(g, w.layer, name, KIND_OPTIMIZER, dtype, w.rank,
                        w.dim);

    g->values[v].of = weight;
    return v;
}

static void update_weight(struct graph *g, int weight, int gradient,
                          struct update update)
{
    struct value w = g->values[weight];
    int momentum = moment(g, weight, "momentum", w.dtype), master = -1;

    if (update.master && w.dtype != DTYPE_F32) {
        master = moment(g, weight, "master", DTYPE_F32);
        g->values[master].init.rule = INIT_COPY;
    }
    graph_op(g, OP_sgd, PASS_UPDATE, IN_TRAIN, w.layer,
             (int[]){ gradient, update.scale, master, momentum, weight })
        ->attr.sgd.stream = (uint32_t)w.ordinal;
}

/* Whether a value is a weight's gradient, with storage of its own. */
static bool is_gradient(const struct graph *g, int value)
{
    return g->values[value].kind == KIND_GRADIENTS && !graph_is_view(g, value);
}

/* Checks of all gradients come before the first update. */
static void update_weights(struct graph *g, struct update update)
{
    int values = g->value_count;

    for (int i = 0; update.scale >= 0 && i < values; i++)
        if (is_gradient(g, i))
            graph_op(g, OP_check_finite, PASS_UPDATE, IN_TRAIN,
                     g->values[i].layer, (int[]){ i, update.scale });
    for (int i = 0; i < values; i++)
        if (is_gradient(g, i))
            update_weight(g, g->values[i].of, i, update);
}

/* A fresh value for the gradient of x, from now on the gradient so far. */
static int activation_gradient(struct grad *d, int x, const char *name)
{
    struct value v = d->graph->values[x];

    return d->of[x] = graph_value(d->graph, v.layer, name, KIND_TRANSIENT,
                                  v.dtype, v.rank, v.dim);
}

/* An operation of the gradient of `of`, with the same attributes. */
static void backward(struct grad *d, enum op_code code, const struct op *of,
                     const int *operands)
{
    struct op *op = graph_op(d->graph, code, PASS_BACKWARD, IN_TRAIN,
                             of->layer, operands);

    op->attr = of->attr;
    op->forward = of->forward;
}

static void conv_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[CONV_X], w = op->operand[CONV_W];
    int add = op->operand[CONV_ADD], dy = d->of[op->operand[CONV_Y]];
    int dw = parameter_gradient(d, w);

    backward(d, OP_conv_wgrad, op, (int[]){ x, dy, dw });
    if (d->wanted[x]) {
        int before = d->of[x];
        int dx = activation_gradient(d, x, "dz");
        backward(d, OP_conv_dgrad, op,
                 (int[]){ dy, w, before, dx, -1, -1, -1 });
    }
    /* A sum hands its gradient to both terms as it is. */
    if (add >= 0) {
        assert(d->of[add] < 0);
        d->of[add] = dy;
    }
}

static void linear_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[LINEAR_X], w = op->operand[LINEAR_W];
    int dy = d->of[op->operand[LINEAR_Y]];
    int dw = parameter_gradient(d, w);
    int db = parameter_gradient(d, op->operand[LINEAR_B]);

    backward(d, OP_linear_wgrad, op, (int[]){ x, dy, dw, db });
    if (d->wanted[x]) {
        int before = d->of[x];
        int dx = activation_gradient(d, x, "dx");
        backward(d, OP_linear_dgrad, op, (int[]){ dy, w, before, dx });
    }
}

/* Through the normalisation and the statistics of the batch at once. */
static void bn_relu_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[BN_RELU_X], stat = op->operand[BN_RELU_STAT];
    int dz = d->of[op->operand[BN_RELU_Z]];
    struct op stats = d->graph->ops[d->producer[stat]];
    int dgamma = parameter_gradient(d, stats.operand[BN_STATS_GAMMA]);
    int dbeta = parameter_gradient(d, stats.operand[BN_STATS_BETA]);
    int before = d->of[x];
    int dx = activation_gradient(d, x, "dx");

    backward(d, OP_bn_relu_grad, op,
             (int[]){ dz, x, stat, before, dgamma, dbeta, dx, -1 });
}

static void avg_pool_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[AVG_POOL_X];
    int dy = d->of[op->operand[AVG_POOL_Y]];
    int before = d->of[x];
    int dx = activation_gradient(d, x, "dz");

    backward(d, OP_avg_pool_grad, op, (int[]){ dy, before, dx });
}

static void rule(struct grad *d, const struct op *op)
{
    switch (op->code) {
    case OP_conv:
        conv_rule(d, op);
        break;
    case OP_linear:
        linear_rule(d, op);
        break;
    case OP_bn_relu:
        bn_relu_rule(d, op);
        break;
    case OP_avg_pool:
        avg_pool_rule(d, op);
        break;
    case OP_load:
    case OP_bn_stats: /* in the rule of the operation that applies it */
    case OP_softmax_xent: /* it computes the gradient we start from */
        break;
    default:
        assert(!"operation without a derivative");
    }
}

/* Which operation computes each value in training, and which values depend on
 * a weight. */
static void trace(struct grad *d, int ops)
{
    for (int i = 0; i < ops; i++) {
        const struct op *op = &d->graph->ops[i];
        bool wanted = false;

        if (op->pass != PASS_FORWARD || !(op->programs & IN_TRAIN))
            continue;
        for (int s = 0; s < op_slots(op->code); s++) {
            int v = op->operand[s];
            if (v >= 0 && op_reads(op->code, s))
                wanted |= d->wanted[v] ||
                          d->graph->values[v].kind == KIND_WEIGHTS;
        }
        for (int s = 0; s < op_slots(op->code); s++)
            if (op->operand[s] >= 0 && !op_reads(op->code, s)) {
                d->producer[op->operand[s]] = i;
                d->wanted[op->operand[s]] = wanted;
            }
    }
}

void grad_build(struct graph *g, int value, int gradient,
                struct update update)
{
    unsigned long n = (unsigned long)g->value_count;
    int ops = g->op_count;
    struct grad d = { .graph = g,
                      .of = xcalloc(n, sizeof(int)),
                      .wanted = xcalloc(n, sizeof(bool)),
                      .producer = xcalloc(n, sizeof(int)) };

    for (int i = 0; i < g->value_count; i++)
        d.of[i] = d.producer[i] = -1;
    trace(&d, ops);
    d.of[value] = gradient;
    for (int i = ops - 1; i >= 0; i--) {
        struct op op = g->ops[i]; /* a copy: rules grow the array */
        if (op.pass == PASS_FORWARD && (op.programs & IN_TRAIN))
            rule(&d, &op);
    }
    update_weights(g, update);
    free(d.of);
    free(d.wanted);
    free(d.producer);
}
