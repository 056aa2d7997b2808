/*
 * One rule per forward operation. The gradient of a value with several
 * readers is a chain: each rule hands the gradient so far to the `add` slot of
 * its operation and stores the result as the new gradient. A weight gradient is
 * computed before the gradient of the activation, so that operands of the
 * former alone are dead when the latter is allocated.
 */
#include "graph/grad.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The most weights of an operation. */
enum { MAX_GRADIENTS = 2 };

struct grad {
    struct graph *graph;
    int *of;             /* [forward values] gradient so far, or VALUE_NONE */
    bool *wanted;        /* [forward values] depends on a weight */
    int *producer;       /* [forward values] training operation */
    const struct update *update;
    int gradient[MAX_GRADIENTS]; /* that the next operation adds to */
    int added;
};

/* The value that the next backward operation adds a weight's gradient to. */
static int weight_gradient(struct grad *d, int weight)
{
    assert(d->added < MAX_GRADIENTS);
    return d->gradient[d->added++] =
               update_gradient(d->graph, d->update, weight);
}

/* A new value for the gradient of x, which becomes the gradient so far. */
static int activation_gradient(struct grad *d, int x, const char *name)
{
    struct value v = graph_like(d->graph, x, name, KIND_TRANSIENT);

    return d->of[x] = graph_value(d->graph, &v);
}

/* Adds the backward operation `op`, its code and operands given, of the forward
 * operation `of`, with the same attributes. */
static void add_backward(struct grad *d, const struct op *of, struct op op)
{
    op.pass = PASS_BACKWARD;
    op.programs = IN_TRAIN;
    op.layer = of->layer;
    op.forward = of->forward;
    op.attr = of->attr;
    update_with(d->graph, d->update, &op, d->gradient, d->added);
    d->added = 0;
}

/* A sum hands its gradient to a term as it is. */
static void hand_on(struct grad *d, int term, int dy)
{
    if (!term)
        return;
    assert(!d->of[term]);
    d->of[term] = dy;
}

static void conv_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[CONV_X], w = op->operand[CONV_W];
    int add = op->operand[CONV_ADD], dy = d->of[op->operand[CONV_Y]];
    int dw = weight_gradient(d, w);

    add_backward(d, op, (struct op){
        .code = OP_conv_wgrad,
        .operand = { [CONV_WGRAD_X] = x, [CONV_WGRAD_DY] = dy,
                     [CONV_WGRAD_DW] = dw }
    });
    if (d->wanted[x]) {
        int before = d->of[x];
        int dx = activation_gradient(d, x, "dz");
        add_backward(d, op, (struct op){
            .code = OP_conv_dgrad,
            .operand = { [CONV_DGRAD_DY] = dy, [CONV_DGRAD_W] = w,
                         [CONV_DGRAD_ADD] = before, [CONV_DGRAD_DX] = dx }
        });
    }
    hand_on(d, add, dy);
}

static void linear_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[LINEAR_X], w = op->operand[LINEAR_W];
    int dy = d->of[op->operand[LINEAR_Y]];
    int dw = weight_gradient(d, w);
    int b = op->operand[LINEAR_B];
    int db = b ? weight_gradient(d, b) : VALUE_NONE;

    add_backward(d, op, (struct op){
        .code = OP_linear_wgrad,
        .operand = { [LINEAR_WGRAD_X] = x, [LINEAR_WGRAD_DY] = dy,
                     [LINEAR_WGRAD_DW] = dw, [LINEAR_WGRAD_DB] = db }
    });
    if (d->wanted[x]) {
        int before = d->of[x];
        int dx = activation_gradient(d, x, "dx");
        add_backward(d, op, (struct op){
            .code = OP_linear_dgrad,
            .operand = { [LINEAR_DGRAD_DY] = dy, [LINEAR_DGRAD_W] = w,
                         [LINEAR_DGRAD_ADD] = before,
                         [LINEAR_DGRAD_DX] = dx }
        });
    }
}

/* Goes through the normalisation and the batch's statistics at once. */
static void bn_relu_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[BN_RELU_X], stat = op->operand[BN_RELU_STAT];
    int dz = d->of[op->operand[BN_RELU_Z]];
    struct op stats = d->graph->ops[d->producer[stat]];
    int dgamma = weight_gradient(d, stats.operand[BN_STATS_GAMMA]);
    int dbeta = weight_gradient(d, stats.operand[BN_STATS_BETA]);
    int before = d->of[x];
    int dx = activation_gradient(d, x, "dx");

    add_backward(d, op, (struct op){
        .code = OP_bn_relu_grad,
        .operand = { [BN_RELU_GRAD_DZ] = dz, [BN_RELU_GRAD_X] = x,
                     [BN_RELU_GRAD_STAT] = stat, [BN_RELU_GRAD_ADD] = before,
                     [BN_RELU_GRAD_DGAMMA] = dgamma,
                     [BN_RELU_GRAD_DBETA] = dbeta, [BN_RELU_GRAD_DX] = dx }
    });
}

static void avg_pool_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[AVG_POOL_X];
    int dy = d->of[op->operand[AVG_POOL_Y]];
    int before = d->of[x];
    int dx = activation_gradient(d, x, "dz");

    add_backward(d, op, (struct op){
        .code = OP_avg_pool_grad,
        .operand = { [AVG_POOL_GRAD_DY] = dy, [AVG_POOL_GRAD_ADD] = before,
                     [AVG_POOL_GRAD_DX] = dx }
    });
}

static void embedding_rule(struct grad *d, const struct op *op)
{
    int dw = weight_gradient(d, op->operand[EMBEDDING_W]);

    add_backward(d, op, (struct op){
        .code = OP_embedding_wgrad,
        .operand = {
            [EMBEDDING_WGRAD_TOKENS] = op->operand[EMBEDDING_TOKENS],
            [EMBEDDING_WGRAD_DY] = d->of[op->operand[EMBEDDING_Y]],
            [EMBEDDING_WGRAD_DW] = dw
        }
    });
}

/* Its own backward operation: a sum with dropout of one term. */
static void dropout_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[DROPOUT_X], add = op->operand[DROPOUT_ADD];
    int dy = d->of[op->operand[DROPOUT_Y]], before = d->of[x];

    if (op->attr.dropout.rate > 0 || before)
        add_backward(d, op, (struct op){
            .code = OP_dropout,
            .operand = { [DROPOUT_X] = dy,
                         [DROPOUT_ENDS] = op->operand[DROPOUT_ENDS],
                         [DROPOUT_ADD] = before,
                         [DROPOUT_Y] = activation_gradient(d, x, "dx") }
        });
    else
        d->of[x] = dy;
    hand_on(d, add, dy);
}

static void relu_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[RELU_X], y = op->operand[RELU_Y];
    int dy = d->of[y], before = d->of[x];

    add_backward(d, op, (struct op){
        .code = OP_relu_grad,
        .operand = { [RELU_GRAD_DY] = dy, [RELU_GRAD_Y] = y,
                     [RELU_GRAD_ADD] = before,
                     [RELU_GRAD_DX] = activation_gradient(d, x, "dx") }
    });
}

static void layer_norm_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[LAYER_NORM_X], before = d->of[x];
    int gamma = op->operand[LAYER_NORM_GAMMA];
    int dgamma = weight_gradient(d, gamma);
    int dbeta = weight_gradient(d, op->operand[LAYER_NORM_BETA]);
    int dy = d->of[op->operand[LAYER_NORM_Y]];

    add_backward(d, op, (struct op){
        .code = OP_layer_norm_grad,
        .operand = {
            [LAYER_NORM_GRAD_DY] = dy, [LAYER_NORM_GRAD_X] = x,
            [LAYER_NORM_GRAD_STAT] = op->operand[LAYER_NORM_STAT],
            [LAYER_NORM_GRAD_GAMMA] = gamma, [LAYER_NORM_GRAD_ADD] = before,
            [LAYER_NORM_GRAD_DGAMMA] = dgamma,
            [LAYER_NORM_GRAD_DBETA] = dbeta,
            [LAYER_NORM_GRAD_DX] = activation_gradient(d, x, "dx")
        }
    });
}

static void dynconv_rule(struct grad *d, const struct op *op)
{
    int x = op->operand[DYNCONV_X], logits = op->operand[DYNCONV_LOGITS];
    int ends = op->operand[DYNCONV_ENDS], before = d->of[x];
    int dy = d->of[op->operand[DYNCONV_Y]];

    assert(!d->of[logits]);
    add_backward(d, op, (struct op){
        .code = OP_dynconv_wgrad,
        .operand = { [DYNCONV_WGRAD_DY] = dy, [DYNCONV_WGRAD_X] = x,
                     [DYNCONV_WGRAD_LOGITS] = logits,
                     [DYNCONV_WGRAD_ENDS] = ends,
                     [DYNCONV_WGRAD_DLOGITS] =
                         activation_gradient(d, logits, "dlogits") }
    });
    add_backward(d, op, (struct op){
        .code = OP_dynconv_dgrad,
        .operand = { [DYNCONV_DGRAD_DY] = dy, [DYNCONV_DGRAD_LOGITS] = logits,
                     [DYNCONV_DGRAD_ENDS] = ends, [DYNCONV_DGRAD_ADD] = before,
                     [DYNCONV_DGRAD_DX] = activation_gradient(d, x, "dx") }
    });
}

static void attention_rule(struct grad *d, const struct op *op)
{
    const int *o = op->operand;
    int q = o[ATTENTION_Q], k = o[ATTENTION_K], v = o[ATTENTION_V];
    int y = o[ATTENTION_Y];

    assert(!d->of[q] && !d->of[k] && !d->of[v]);
    add_backward(d, op, (struct op){
        .code = OP_attention_grad,
        .operand = {
            [ATTENTION_GRAD_DY] = d->of[y], [ATTENTION_GRAD_Q] = q,
            [ATTENTION_GRAD_K] = k, [ATTENTION_GRAD_V] = v,
            [ATTENTION_GRAD_Y] = y, [ATTENTION_GRAD_LSE] = o[ATTENTION_LSE],
            [ATTENTION_GRAD_TARGET_ENDS] = o[ATTENTION_TARGET_ENDS],
            [ATTENTION_GRAD_SOURCE_ENDS] = o[ATTENTION_SOURCE_ENDS],
            [ATTENTION_GRAD_DQ] = activation_gradient(d, q, "dq"),
            [ATTENTION_GRAD_DK] = activation_gradient(d, k, "dk"),
            [ATTENTION_GRAD_DV] = activation_gradient(d, v, "dv")
        }
    });
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
    case OP_embedding:
        embedding_rule(d, op);
        break;
    case OP_bn_relu:
        bn_relu_rule(d, op);
        break;
    case OP_avg_pool:
        avg_pool_rule(d, op);
        break;
    case OP_dropout:
        dropout_rule(d, op);
        break;
    case OP_relu:
        relu_rule(d, op);
        break;
    case OP_layer_norm:
        layer_norm_rule(d, op);
        break;
    case OP_dynconv:
        dynconv_rule(d, op);
        break;
    case OP_attention:
        attention_rule(d, op);
        break;
    case OP_load:
    case OP_pick:
    case OP_zero:
    case OP_blend: /* moments take gradients that a loss has made */
    case OP_token_loss:
    case OP_bn_stats: /* in the rule of the operation that applies it */
    case OP_softmax_xent: /* losses compute the gradients we start from */
        break;
    default:
        assert(!"operation without a derivative");
    }
}

/* Finds the operation that computes each value in training, and the values that
 * depend on a weight. */
static void trace(struct grad *d, int ops)
{
    for (int i = 0; i < ops; i++) {
        const struct op *op = &d->graph->ops[i];
        bool wanted = false;

        if (op->pass != PASS_FORWARD || !(op->programs & IN_TRAIN))
            continue;
        for (int s = 0; s < op_slots(op->code); s++) {
            int v = op->operand[s];
            if (v && op_reads(op->code, s))
                wanted |= d->wanted[v] ||
                          d->graph->values[v].kind == KIND_WEIGHTS;
        }
        for (int s = 0; s < op_slots(op->code); s++)
            if (op->operand[s] && !op_reads(op->code, s)) {
                d->producer[op->operand[s]] = i;
                d->wanted[op->operand[s]] = wanted;
            }
    }
}

void grad_build(struct graph *g, const struct seed *seed, int seeds,
                struct update update)
{
    unsigned long n = (unsigned long)g->value_count;
    int ops = g->op_count;
    struct grad d = { .graph = g, .update = &update,
                      .of = xcalloc(n, sizeof(int)),
                      .wanted = xcalloc(n, sizeof(bool)),
                      .producer = xcalloc(n, sizeof(int)) };

    trace(&d, ops);
    for (int i = 0; i < seeds; i++)
        d.of[seed[i].value] = seed[i].gradient;
    for (int i = ops - 1; i >= 0; i--) {
        struct op op = g->ops[i]; /* a copy: rules grow the array */
        if (op.pass == PASS_FORWARD && (op.programs & IN_TRAIN))
            rule(&d, &op);
    }
    update_weights(g, &update);
    free(d.of);
    free(d.wanted);
    free(d.producer);
}
