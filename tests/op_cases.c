#include "tests/op_cases.h"

#include <criterion/criterion.h>
#include <math.h>

#include "tests/op_derivative.h"
#include "tests/op_describe.h"

#define MAP(n_, h_, w_, c_) .n = n_, .h = h_, .w = w_, .c = c_
#define TO(kh_, kw_, co_) .kh = kh_, .kw = kw_, .co = co_

static const struct shape any_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3), .nesterov = true },
    { MAP(2, 8, 8, 16), .parts = 3, .dtype = DTYPE_F64 },
    { MAP(3, 3, 17, 33), .nesterov = true, .dtype = DTYPE_I32 }
};

static const struct shape sgd_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3), .nesterov = true },
    { MAP(3, 3, 17, 33), .scaled = true },
    { MAP(3, 3, 16, 33), .master = true, .nesterov = true },
    { MAP(3, 3, 17, 33), .scaled = true, .overflow = true },
    { MAP(3, 3, 32, 64), .nesterov = true, .scaled = true, .master = true }
};

static const struct shape scale_shapes[] = {
    { MAP(1, 1, 1, 1), .scaled = true },
    { MAP(1, 1, 1, 1), .scaled = true, .overflow = true },
    { MAP(3, 3, 17, 33), .scaled = true },
    { MAP(3, 3, 17, 33), .scaled = true, .overflow = true },
    { MAP(3, 3, 32, 64), .scaled = true, .overflow = true }
};

static const struct shape conv_shapes[] = {
    { MAP(1, 1, 1, 1), TO(1, 1, 1), .stride = 1 },
    { MAP(1, 1, 1, 3), TO(3, 3, 16), .stride = 1, .pad = 1 },
    { MAP(1, 5, 7, 3), TO(3, 3, 16), .stride = 1, .pad = 1 },
    { MAP(2, 8, 8, 16), TO(3, 3, 16), .stride = 1, .pad = 1 },
    { MAP(3, 7, 5, 17), TO(3, 3, 33), .stride = 1, .pad = 1 },
    { MAP(1, 8, 8, 33), TO(3, 3, 1), .stride = 1, .pad = 1 },
    { MAP(1, 8, 8, 1), TO(3, 3, 17), .stride = 1, .pad = 1 },
    { MAP(2, 8, 8, 16), TO(3, 3, 33), .stride = 2, .pad = 1 },
    { MAP(1, 5, 7, 33), TO(3, 3, 17), .stride = 2, .pad = 1 },
    { MAP(2, 1, 8, 16), TO(3, 3, 16), .stride = 2, .pad = 1 },
    { MAP(2, 7, 8, 17), TO(1, 1, 16), .stride = 1 },
    { MAP(2, 8, 7, 16), TO(1, 1, 32), .stride = 2 },
    { MAP(5, 1, 1, 16), TO(1, 1, 3), .stride = 1 },
    { MAP(1, 7, 7, 3), TO(3, 3, 5), .stride = 1 },
    { MAP(1, 8, 7, 3), TO(5, 5, 16), .stride = 1, .pad = 2 },
    { MAP(1, 7, 8, 3), TO(1, 3, 16), .stride = 3, .pad = 1 },
    { MAP(2, 6, 6, 4), TO(2, 2, 4), .stride = 2 },
    { MAP(2, 9, 9, 5), TO(3, 3, 3), .stride = 1, .pad = 1 },
    { MAP(2, 16, 16, 64), TO(3, 3, 80), .stride = 1, .pad = 1, .large = true },
    { MAP(3, 17, 16, 48), TO(3, 3, 64), .stride = 2, .pad = 1, .large = true },
    { MAP(1, 4, 4, 300), TO(3, 3, 136), .stride = 1, .pad = 1, .large = true },
    /* By squares on a few threads, by taps on more: winograd.h. */
    { MAP(8, 16, 16, 16), TO(3, 3, 16), .stride = 1, .pad = 1, .large = true },
    { MAP(4, 10, 18, 48), TO(3, 3, 80), .stride = 1, .pad = 1, .large = true },
    { MAP(64, 4, 4, 32), TO(3, 3, 32), .stride = 1, .pad = 1, .large = true }
};

/* Few words that come often, and many that come once or never. */
static const struct shape token_shapes[] = {
    { .n = 1, .c = 1, .co = 1 },
    { .n = 5, .c = 3, .co = 2 },
    { .n = 33, .c = 16, .co = 7 },
    { .n = 7, .c = 300, .co = 40 },
    { .n = 250, .c = 17, .co = 90 },
    { .n = 100, .c = 512, .co = 60, .large = true }
};

static const struct shape bn_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 1, 1, 33) },
    { MAP(2, 0, 0, 16) },
    { MAP(1, 5, 7, 3), .parts = 4 },
    { MAP(1, 5, 1, 1) },
    { MAP(2, 8, 8, 16) },
    { MAP(3, 7, 5, 17), .parts = 10 },
    { MAP(2, 8, 8, 33) },
    { MAP(4, 8, 7, 17), .offset = 100 },
    { MAP(4, 16, 13, 300), .large = true }
};

static const struct shape bn_stats_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 1, 1, 33), .offset = 1000 },
    { MAP(2, 0, 0, 16) },
    { MAP(1, 5, 7, 3), .parts = 4 },
    { MAP(1, 5, 1, 1) },
    { MAP(2, 8, 8, 16) },
    { MAP(3, 7, 5, 17), .parts = 10 },
    { MAP(4, 8, 7, 17), .offset = 4096 },
    { MAP(8, 16, 16, 33), .offset = -30000 },
    { MAP(4, 16, 13, 300) }
};

static const struct shape pool_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3) },
    { MAP(2, 8, 8, 16) },
    { MAP(3, 7, 5, 17) },
    { MAP(2, 8, 1, 33) }
};

/* The last two shapes are larger than the parts into which a product is cut: by
 * depth, in pairs of bf16 too, and all of them. */
static const struct shape linear_shapes[] = {
    { .n = 1, .c = 1, .co = 1 },
    { .n = 1, .c = 128, .co = 10, .floats = true },
    { .n = 7, .c = 17, .co = 33 },
    { .n = 3, .c = 33, .co = 1, .bare = true },
    { .n = 16, .c = 16, .co = 16, .floats = true, .bare = true },
    { .n = 2, .c = 3, .co = 17 },
    { .n = 53, .c = 40, .co = 48, .bare = true },
    { .n = 61, .c = 49, .co = 64, .floats = true },
    { .n = 100, .c = 136, .co = 72 },
    { .n = 389, .c = 33, .co = 40, .large = true },
    { .n = 300, .c = 530, .co = 272, .large = true }
};

static const struct shape xent_shapes[] = {
    { .n = 1, .co = 1 },
    { .n = 1, .co = 10, .parts = 2 },
    { .n = 7, .co = 3, .parts = 3 },
    { .n = 7, .co = 3, .parts = 3, .scaled = true },
    { .n = 33, .co = 17, .offset = 80 },
    { .n = 100, .co = 10 }
};

/* Shapes the sums of tiles of the tensor in another slot, if they are tried. */
static void shape_sums(struct problem *p, int slot, int of)
{
    const struct operand *o = &p->call.operand[of];

    if (p->tile_rows)
        shape_operand(p, slot, DTYPE_F32, 3,
                      (int)tiles_of(operand_rows(o), p->tile_rows), SUM_ROWS,
                      o->dim[o->rank - 1]);
}

static void describe_load(struct problem *p)
{
    shape_map(p, LOAD_STREAM_0);
    shape_operand(p, LOAD_STREAM_1, DTYPE_I32, 1, p->shape->n);
}

static void describe_zero(struct problem *p)
{
    shape_map(p, ZERO_X);
    if (p->storage == DTYPE_F32)
        p->call.operand[ZERO_X].dtype = p->shape->dtype;
}

static void describe_report(struct problem *p)
{
    shape_operand(p, REPORT_METRICS, DTYPE_F64, 1, METRIC_COUNT);
}

static void describe_conv_slots(struct problem *p, int x, int w, int y)
{
    const struct shape *s = p->shape;

    p->call.attr.conv.stride = s->stride;
    p->call.attr.conv.pad = s->pad;
    p->call.attr.conv.tf32 = p->with_tf32;
    shape_operand(p, x, p->storage, 4, s->n, s->h, s->w, s->c);
    shape_operand(p, w, p->storage, 4, s->kh, s->kw, s->c, s->co);
    shape_operand(p, y, p->storage, 4, s->n,
                  (s->h + 2 * s->pad - s->kh) / s->stride + 1,
                  (s->w + 2 * s->pad - s->kw) / s->stride + 1, s->co);
}

static void describe_conv(struct problem *p)
{
    describe_conv_slots(p, CONV_X, CONV_W, CONV_Y);
    shape_sums(p, CONV_SUMS, CONV_Y);
}

static void describe_conv_dgrad(struct problem *p)
{
    describe_conv_slots(p, CONV_DGRAD_DX, CONV_DGRAD_W, CONV_DGRAD_DY);
    shape_sums(p, CONV_DGRAD_SUMS, CONV_DGRAD_DX);
    if (p->tile_rows) {
        shape_map(p, CONV_DGRAD_X);
        shape_operand(p, CONV_DGRAD_STAT, DTYPE_F32, 2, STAT_ROWS,
                      p->shape->c);
    }
}

static void describe_conv_wgrad(struct problem *p)
{
    describe_conv_slots(p, CONV_WGRAD_X, CONV_WGRAD_DW, CONV_WGRAD_DY);
}

/* The eps of all batch norms. */
static const float eps = 1e-5f;

static void describe_norm(struct problem *p)
{
    p->call.attr.norm.eps = eps;
    p->call.attr.norm.momentum = 0.1f;
}

static void describe_bn_stats(struct problem *p)
{
    int c = p->shape->c;

    describe_norm(p);
    shape_map(p, BN_STATS_X);
    shape_operand(p, BN_STATS_GAMMA, DTYPE_F32, 1, c);
    shape_operand(p, BN_STATS_BETA, DTYPE_F32, 1, c);
    shape_operand(p, BN_STATS_RUNNING, DTYPE_F32, 2, RUNNING_ROWS, c);
    shape_operand(p, BN_STATS_STAT, DTYPE_F32, 2, STAT_ROWS, c);
    shape_sums(p, BN_STATS_SUMS, BN_STATS_X);
}

static void describe_bn_running(struct problem *p)
{
    int c = p->shape->c;

    describe_norm(p);
    shape_operand(p, BN_RUNNING_GAMMA, DTYPE_F32, 1, c);
    shape_operand(p, BN_RUNNING_BETA, DTYPE_F32, 1, c);
    shape_operand(p, BN_RUNNING_RUNNING, DTYPE_F32, 2, RUNNING_ROWS, c);
    shape_operand(p, BN_RUNNING_STAT, DTYPE_F32, 2, STAT_ROWS, c);
}

static void describe_bn_relu(struct problem *p)
{
    describe_norm(p);
    shape_map(p, BN_RELU_X);
    shape_operand(p, BN_RELU_STAT, DTYPE_F32, 2, STAT_ROWS, p->shape->c);
    shape_map(p, BN_RELU_Z);
}

static void describe_bn_relu_grad(struct problem *p)
{
    int c = p->shape->c;

    describe_norm(p);
    shape_map(p, BN_RELU_GRAD_DZ);
    shape_map(p, BN_RELU_GRAD_X);
    shape_operand(p, BN_RELU_GRAD_STAT, DTYPE_F32, 2, STAT_ROWS, c);
    shape_operand(p, BN_RELU_GRAD_DGAMMA, DTYPE_F32, 1, c);
    shape_operand(p, BN_RELU_GRAD_DBETA, DTYPE_F32, 1, c);
    shape_map(p, BN_RELU_GRAD_DX);
    shape_sums(p, BN_RELU_GRAD_SUMS, BN_RELU_GRAD_X);
}

static void describe_avg_pool(struct problem *p)
{
    shape_map(p, AVG_POOL_X);
    shape_operand(p, AVG_POOL_Y, DTYPE_F32, 2, p->shape->n, p->shape->c);
}

static void describe_avg_pool_grad(struct problem *p)
{
    shape_operand(p, AVG_POOL_GRAD_DY, DTYPE_F32, 2, p->shape->n,
                  p->shape->c);
    shape_map(p, AVG_POOL_GRAD_DX);
}

static void describe_linear_slots(struct problem *p, int x, int w, int y)
{
    const struct shape *s = p->shape;
    enum dtype rows = s->floats ? DTYPE_F32 : p->storage;

    p->call.attr.linear.tf32 = p->with_tf32;
    shape_operand(p, x, rows, 2, s->n, s->c);
    shape_operand(p, w, p->storage, 2, s->c, s->co);
    shape_operand(p, y, rows, 2, s->n, s->co);
}

static void describe_bias(struct problem *p, int slot)
{
    if (!p->shape->bare)
        shape_operand(p, slot, DTYPE_F32, 1, p->shape->co);
}

static void describe_linear(struct problem *p)
{
    describe_linear_slots(p, LINEAR_X, LINEAR_W, LINEAR_Y);
    describe_bias(p, LINEAR_B);
}

static void describe_linear_dgrad(struct problem *p)
{
    describe_linear_slots(p, LINEAR_DGRAD_DX, LINEAR_DGRAD_W,
                          LINEAR_DGRAD_DY);
}

static void describe_linear_wgrad(struct problem *p)
{
    describe_linear_slots(p, LINEAR_WGRAD_X, LINEAR_WGRAD_DW,
                          LINEAR_WGRAD_DY);
    describe_bias(p, LINEAR_WGRAD_DB);
}

/* Describes n tokens of a vocabulary of co. */
static void describe_tokens(struct problem *p, int tokens, int w, int y)
{
    const struct shape *s = p->shape;

    shape_operand(p, tokens, DTYPE_I32, 1, s->n);
    shape_operand(p, w, p->storage, 2, s->co, s->c);
    shape_operand(p, y, p->storage, 2, s->n, s->c);
}

static void describe_embedding(struct problem *p)
{
    describe_tokens(p, EMBEDDING_TOKENS, EMBEDDING_W, EMBEDDING_Y);
}

static void describe_embedding_wgrad(struct problem *p)
{
    describe_tokens(p, EMBEDDING_WGRAD_TOKENS, EMBEDDING_WGRAD_DW,
                    EMBEDDING_WGRAD_DY);
}

static void describe_softmax_xent(struct problem *p)
{
    int n = p->shape->n, classes = p->shape->co;

    shape_operand(p, SOFTMAX_XENT_LOGITS, DTYPE_F32, 2, n, classes);
    shape_operand(p, SOFTMAX_XENT_LABELS, DTYPE_I32, 1, n);
    describe_scale(p, SOFTMAX_XENT_SCALE);
    shape_operand(p, SOFTMAX_XENT_METRICS, DTYPE_F64, 1, METRIC_COUNT);
    shape_operand(p, SOFTMAX_XENT_DLOGITS, DTYPE_F32, 2, n, classes);
}

static void describe_check_finite(struct problem *p)
{
    shape_map(p, CHECK_FINITE_GRADIENT);
    describe_scale(p, CHECK_FINITE_SCALE);
}

static void describe_sgd(struct problem *p)
{
    shape_map(p, SGD_W);
    shape_map(p, SGD_MOMENTUM);
    shape_map(p, SGD_GRADIENT);
    describe_scale(p, SGD_SCALE);
    if (p->shape->master) {
        p->call.operand[SGD_MASTER] = p->call.operand[SGD_W];
        p->call.operand[SGD_MASTER].dtype = DTYPE_F32;
    }
    p->call.attr.update.stream = 5;
    p->call.attr.update.sgd = (struct sgd){ 0.9f, 0.05f, p->shape->nesterov };
}

static void describe_loss_scale(struct problem *p)
{
    shape_operand(p, LOSS_SCALE_METRICS, DTYPE_F64, 1, METRIC_COUNT);
    describe_scale(p, LOSS_SCALE_SCALE);
}

/* Rewiring itself is in test_sparse.c. */
static void describe_rewire(struct problem *p)
{
    static struct pool_member member = { 0, 100 };
    static const struct pool pool = { 1, &member, 2, 100, 30, 0 };

    p->call.attr.rewire.pool = &pool;
    shape_operand(p, REWIRE_THRESHOLD, DTYPE_F32, 1, 1);
    shape_operand(p, REWIRE_MOMENT_0, DTYPE_F32, 1, 30);
    shape_operand(p, REWIRE_W, DTYPE_F32, 1, 30);
    shape_operand(p, REWIRE_INDEX, DTYPE_I32, 1, 5);
}

static void prepare_bn_running(struct problem *p)
{
    int c = p->shape->c;
    double *running = p->before[BN_RUNNING_RUNNING].value;

    for (int i = 0; i < c; i++)
        running[RUNNING_VAR * c + i] += 1.125;
}

/*
 * Makes stat the statistics of x, and keeps relu's argument clear of 0. There a
 * rounding would decide which branch is taken, and no finite difference is a
 * derivative.
 */
static void prepare_stat(struct problem *p, int x_slot, int stat_slot)
{
    const struct operand *o = &p->call.operand[x_slot];
    size_t n = operand_elements(o), c = (size_t)p->shape->c, near = 1;
    double *x = p->before[x_slot].value;
    double *stat = p->before[stat_slot].value;
    double gamma[c], beta[c];

    for (size_t i = 0; i < c; i++) {
        double g = uniform(100, i), b = uniform(101, i);

        gamma[i] = g + copysign(1, g);
        beta[i] = b / 2 + copysign(0.2, b);
    }
    for (int tries = 0; near && tries < 1000; tries++) {
        near = 0;
        round_values(o, x);
        stat_reference(x, n / c, (int)c, gamma, beta, (double)eps, stat);
        for (size_t i = 0; i < n; i++)
            if (fabs(stat[STAT_SCALE * c + i % c] * x[i]
                     + stat[STAT_SHIFT * c + i % c]) < 0.02) {
                near++;
                x[i] += uniform(102 + (uint32_t)tries, i) / 2;
            }
    }
    cr_assert_eq(near, 0);
}

static void prepare_bn_relu(struct problem *p)
{
    prepare_stat(p, BN_RELU_X, BN_RELU_STAT);
}

static void prepare_conv_dgrad(struct problem *p)
{
    if (p->tile_rows)
        prepare_stat(p, CONV_DGRAD_X, CONV_DGRAD_STAT);
}

static void prepare_bn_stats(struct problem *p)
{
    const struct operand *x = &p->call.operand[BN_STATS_X];

    round_values(x, p->before[BN_STATS_X].value);
    if (p->tile_rows)
        moments_reference(&p->before[BN_STATS_X], operand_rows(x),
                          p->shape->c, p->tile_rows,
                          &p->before[BN_STATS_SUMS]);
}

static void prepare_bn_relu_grad(struct problem *p)
{
    const struct operand *dz = &p->call.operand[BN_RELU_GRAD_DZ];

    prepare_stat(p, BN_RELU_GRAD_X, BN_RELU_GRAD_STAT);
    round_values(dz, p->before[BN_RELU_GRAD_DZ].value);
    if (p->tile_rows)
        gradient_sums_reference(&p->before[BN_RELU_GRAD_DZ],
                                p->before[BN_RELU_GRAD_X].value,
                                p->before[BN_RELU_GRAD_STAT].value,
                                operand_rows(dz), p->shape->c, p->tile_rows,
                                &p->before[BN_RELU_GRAD_SUMS]);
}

static void prepare_check_finite(struct problem *p)
{
    size_t n = operand_elements(&p->call.operand[CHECK_FINITE_GRADIENT]);
    double *gradient = p->before[CHECK_FINITE_GRADIENT].value;

    prepare_scale(p, CHECK_FINITE_SCALE);
    p->before[CHECK_FINITE_SCALE].value[LOSS_SCALE_OVERFLOW] = 0;
    if (p->shape->overflow)
        gradient[n - 1] = n % 2 ? -INFINITY : NAN;
}

static void prepare_sgd(struct problem *p)
{
    prepare_scale(p, SGD_SCALE);
}

static void prepare_loss_scale(struct problem *p)
{
    prepare_scale(p, LOSS_SCALE_SCALE);
}

/* Tokens are the first slot of both embedding and its gradient. */
static void prepare_tokens(struct problem *p)
{
    prepare_classes(p, EMBEDDING_TOKENS, p->shape->co);
}

/* Draws labels, and logits so coarse that many are equal. */
static void prepare_softmax_xent(struct problem *p)
{
    int n = p->shape->n, classes = p->shape->co;

    prepare_classes(p, SOFTMAX_XENT_LABELS, p->shape->co);
    prepare_scale(p, SOFTMAX_XENT_SCALE);
    for (int i = 0; i < n * classes; i++) {
        double *logit = &p->before[SOFTMAX_XENT_LOGITS].value[i];

        *logit = round(*logit * 4) / 2;
    }
}

const struct subject subject_load = {
    SHAPES(any_shapes),
    .describe = describe_load
};

const struct subject subject_zero = {
    SHAPES(any_shapes),
    .describe = describe_zero
};

const struct subject subject_report = {
    SHAPES(any_shapes),
    .describe = describe_report
};

const struct subject subject_conv = {
    SHAPES(conv_shapes),
    .describe = describe_conv,
    .add = CONV_ADD,
    .sums = CONV_SUMS
};

const struct subject subject_conv_dgrad = {
    SHAPES(conv_shapes),
    .describe = describe_conv_dgrad,
    .prepare = prepare_conv_dgrad,
    .add = CONV_DGRAD_ADD,
    .sums = CONV_DGRAD_SUMS,
    .gradients = &gradients_conv_dgrad
};

const struct subject subject_conv_wgrad = {
    SHAPES(conv_shapes),
    .describe = describe_conv_wgrad,
    .gradients = &gradients_conv_wgrad
};

const struct subject subject_bn_stats = {
    SHAPES(bn_stats_shapes),
    .describe = describe_bn_stats,
    .prepare = prepare_bn_stats,
    .sums = BN_STATS_SUMS
};

const struct subject subject_bn_running = {
    SHAPES(bn_shapes),
    .describe = describe_bn_running,
    .prepare = prepare_bn_running
};

const struct subject subject_bn_relu = {
    SHAPES(bn_shapes),
    .describe = describe_bn_relu,
    .prepare = prepare_bn_relu
};

const struct subject subject_bn_relu_grad = {
    SHAPES(bn_shapes),
    .describe = describe_bn_relu_grad,
    .prepare = prepare_bn_relu_grad,
    .add = BN_RELU_GRAD_ADD,
    .sums = BN_RELU_GRAD_SUMS,
    .gradients = &gradients_bn_relu_grad
};

const struct subject subject_avg_pool = {
    SHAPES(pool_shapes),
    .describe = describe_avg_pool
};

const struct subject subject_avg_pool_grad = {
    SHAPES(pool_shapes),
    .describe = describe_avg_pool_grad,
    .add = AVG_POOL_GRAD_ADD,
    .gradients = &gradients_avg_pool_grad
};

const struct subject subject_linear = {
    SHAPES(linear_shapes),
    .describe = describe_linear
};

const struct subject subject_linear_dgrad = {
    SHAPES(linear_shapes),
    .describe = describe_linear_dgrad,
    .add = LINEAR_DGRAD_ADD,
    .gradients = &gradients_linear_dgrad
};

const struct subject subject_linear_wgrad = {
    SHAPES(linear_shapes),
    .describe = describe_linear_wgrad,
    .gradients = &gradients_linear_wgrad
};

const struct subject subject_embedding = {
    SHAPES(token_shapes),
    .describe = describe_embedding,
    .prepare = prepare_tokens
};

const struct subject subject_embedding_wgrad = {
    SHAPES(token_shapes),
    .describe = describe_embedding_wgrad,
    .prepare = prepare_tokens,
    .gradients = &gradients_embedding_wgrad
};

const struct subject subject_softmax_xent = {
    SHAPES(xent_shapes),
    .describe = describe_softmax_xent,
    .prepare = prepare_softmax_xent,
    .gradients = &gradients_softmax_xent
};

const struct subject subject_check_finite = {
    SHAPES(scale_shapes),
    .describe = describe_check_finite,
    .prepare = prepare_check_finite
};

const struct subject subject_sgd = {
    SHAPES(sgd_shapes),
    .describe = describe_sgd,
    .prepare = prepare_sgd,
    .weights = SGD_W
};

const struct subject subject_loss_scale = {
    SHAPES(scale_shapes),
    .describe = describe_loss_scale,
    .prepare = prepare_loss_scale
};

const struct subject subject_rewire = {
    SHAPES(any_shapes),
    .describe = describe_rewire
};

const struct subject *op_subject(enum op_code op)
{
    static const struct subject *const subjects[OP_COUNT] = {
#define OP(name, cpu, cuda, access, ...) [OP_##name] = &subject_##name,
#include "kernels/op_list.h"
#undef OP
    };

    return subjects[op];
}
