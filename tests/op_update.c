/*
 * The update of weights by stochastic gradient descent, the loss scale, and
 * rewiring: cases and references.
 */
#include "tests/op_cases.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

static const struct shape sgd_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3), .nesterov = true },
    { MAP(3, 3, 17, 33), .scaled = true },
    { MAP(3, 3, 16, 33), .master = true, .nesterov = true },
    { MAP(3, 3, 17, 33), .scaled = true, .overflow = true },
    { MAP(3, 3, 32, 64), .nesterov = true, .scaled = true, .master = true },
    { MAP(1, 1, 1, 1), .eight = true },
    { MAP(3, 3, 17, 33), .eight = true, .nesterov = true, .scaled = true },
    { MAP(3, 3, 16, 33), .eight = true, .master = true },
    { MAP(3, 3, 17, 33), .eight = true, .scaled = true, .overflow = true }
};

static const struct shape blend_shapes[] = {
    { MAP(1, 1, 1, 1) },
    { MAP(1, 5, 7, 3), .by_rate = true },
    { MAP(3, 3, 17, 33), .root = true },
    { MAP(3, 3, 17, 33), .fades = true },
    { MAP(3, 3, 16, 33), .fades = true, .root = true },
    { MAP(1, 5, 7, 3), .eight = true },
    { MAP(3, 3, 17, 33), .eight = true, .fades = true },
    { MAP(3, 3, 32, 64), .eight = true, .root = true },
    { MAP(3, 3, 17, 33), .eight = true, .root = true, .fades = true },
    { MAP(3, 3, 17, 33), .eight = true, .by_rate = true }
};

static const struct shape scale_shapes[] = {
    { MAP(1, 1, 1, 1), .scaled = true },
    { MAP(1, 1, 1, 1), .scaled = true, .overflow = true },
    { MAP(3, 3, 17, 33), .scaled = true },
    { MAP(3, 3, 17, 33), .scaled = true, .overflow = true },
    { MAP(3, 3, 32, 64), .scaled = true, .overflow = true }
};

static const struct shape rewire_shapes[] = { { .n = 1, .c = 1 } };

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
    if (p->shape->eight)
        p->call.operand[SGD_MOMENTUM].dtype = DTYPE_I8;
    p->call.attr.update.stream = 5;
    p->call.attr.update.sgd = (struct sgd){ 0.9f, 0.05f, p->shape->nesterov };
}

/* A moment takes a gradient, or, by the rate, a weight a moment. */
static void describe_blend(struct problem *p)
{
    const struct shape *s = p->shape;
    int moment = s->by_rate ? BLEND_X : BLEND_Y;

    shape_map(p, BLEND_Y);
    if (!s->fades)
        shape_map(p, BLEND_X);
    if (s->eight)
        p->call.operand[moment].dtype = s->root ? DTYPE_U8 : DTYPE_I8;
    p->call.attr.blend = (struct blend){
        .stream = 7, .root = s->root, .by_rate = s->by_rate,
        .of_part = !s->by_rate, .keep = 0.75f, .share = s->by_rate ? -1 : 0.3f
    };
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

/* A root is not negative. */
static void prepare_blend(struct problem *p)
{
    double *y = p->before[BLEND_Y].value;

    for (size_t i = 0; i < operand_elements(&p->call.operand[BLEND_Y]); i++)
        if (p->shape->root)
            y[i] = fabs(y[i]);
}

static void prepare_loss_scale(struct problem *p)
{
    prepare_scale(p, LOSS_SCALE_SCALE);
}

void reference_check_finite(const struct call *c, struct exact *t)
{
    const struct operand *gradient = &c->operand[CHECK_FINITE_GRADIENT];

    for (size_t i = 0; i < operand_elements(gradient); i++)
        if (!isfinite(t[CHECK_FINITE_GRADIENT].value[i]))
            t[CHECK_FINITE_SCALE].value[LOSS_SCALE_OVERFLOW] = 1;
}

/* Weights are updated where they are kept exactly: in a master copy, if there
 * is one. */
static void sgd_element(const struct call *c, const struct exact *t, int kept,
                        size_t i)
{
    const struct sgd by = c->attr.update.sgd;
    double rate = c->batch->learning_rate;
    double w = t[kept].value[i], before = t[SGD_MOMENTUM].value[i];
    double gradient = t[SGD_GRADIENT].value[i]
                      / scale_factor(c, t, SGD_SCALE);
    double g = gradient + (double)by.weight_decay * w;
    double m = (double)by.momentum * before + g;
    double size = fabs(by.momentum * before) + fabs(gradient)
                  + fabs(by.weight_decay * w);
    double step = by.nesterov ? g + (double)by.momentum * m : m;

    w -= rate * step;
    size = fmax(size, fabs(m));
    exact_set(&t[SGD_MOMENTUM], i, m, size);
    exact_set(&t[kept], i, w, fabs(w) + rate * 3 * size);
    exact_set(&t[SGD_W], i, w, t[kept].magnitude[i]);
}

void reference_sgd(const struct call *c, struct exact *t)
{
    bool master = operand_given(&c->operand[SGD_MASTER]);

    if (operand_given(&c->operand[SGD_SCALE])
        && t[SGD_SCALE].value[LOSS_SCALE_OVERFLOW] != 0)
        return;
    for (size_t i = 0; i < operand_elements(&c->operand[SGD_W]); i++)
        sgd_element(c, t, master ? SGD_MASTER : SGD_W, i);
}

void reference_blend(const struct call *c, struct exact *t)
{
    const struct blend *by = &c->attr.blend;
    double share = by->share * (by->by_rate ? c->batch->learning_rate : 1);

    for (size_t i = 0; i < operand_elements(&c->operand[BLEND_Y]); i++) {
        double x = operand_given(&c->operand[BLEND_X])
                       ? t[BLEND_X].value[i] : 0;
        double y = t[BLEND_Y].value[i];

        if (by->root)
            exact_set(&t[BLEND_Y], i, sqrt(by->keep * y * y + share * x * x),
                      2 * (fabs(x) + fabs(y)));
        else
            exact_set(&t[BLEND_Y], i, by->keep * y + share * x,
                      fabs(by->keep * y) + fabs(share * x));
    }
}

void reference_loss_scale(const struct call *c, struct exact *t)
{
    double *scale = t[LOSS_SCALE_SCALE].value;
    double *metrics = t[LOSS_SCALE_METRICS].value;

    (void)c;
    metrics[METRIC_SKIPPED] = scale[LOSS_SCALE_OVERFLOW];
    metrics[METRIC_LOSS_SCALE] = scale[LOSS_SCALE_FACTOR];
    if (scale[LOSS_SCALE_OVERFLOW] != 0)
        scale[LOSS_SCALE_FACTOR] /= 2;
    scale[LOSS_SCALE_CLEAN] = scale[LOSS_SCALE_OVERFLOW] != 0
                                  ? 0 : scale[LOSS_SCALE_CLEAN] + 1;
    scale[LOSS_SCALE_OVERFLOW] = 0;
}

/* A run that does not rewire: nothing changes. */
void reference_rewire(const struct call *c, struct exact *t)
{
    (void)c;
    (void)t;
}

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

const struct subject subject_blend = {
    SHAPES(blend_shapes),
    .describe = describe_blend,
    .prepare = prepare_blend,
    .weights = BLEND_Y
};

const struct subject subject_loss_scale = {
    SHAPES(scale_shapes),
    .describe = describe_loss_scale,
    .prepare = prepare_loss_scale
};

const struct subject subject_rewire = {
    SHAPES(rewire_shapes),
    .describe = describe_rewire
};
