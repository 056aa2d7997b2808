/*
 * The cross-entropy of a softmax, with its gradient: cases, reference and
 * objective.
 */
#include <stdlib.h>

#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

static const struct shape xent_shapes[] = {
    { .n = 1, .co = 1 },
    { .n = 1, .co = 10, .parts = 2 },
    { .n = 7, .co = 3, .parts = 3 },
    { .n = 7, .co = 3, .parts = 3, .scaled = true },
    { .n = 33, .co = 17, .offset = 80 },
    { .n = 100, .co = 10 }
};

static void describe_softmax_xent(struct problem *p)
{
    int n = p->shape->n, classes = p->shape->co;

    shape_operand(p, SOFTMAX_XENT_LOGITS, DTYPE_F32, 2, n, classes);
    shape_operand(p, SOFTMAX_XENT_LABELS, DTYPE_I32, 1, n);
    describe_scale(p, SOFTMAX_XENT_SCALE);
    shape_operand(p, SOFTMAX_XENT_METRICS, DTYPE_F64, 1, METRIC_COUNT);
    shape_operand(p, SOFTMAX_XENT_DLOGITS, DTYPE_F32, 2, n, classes);
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

static void xent_sample(const struct call *c, const struct exact *t, int n)
{
    double weight = scale_factor(c, t, SOFTMAX_XENT_SCALE) / c->batch->terms;
    int classes = c->operand[SOFTMAX_XENT_LOGITS].dim[1], best = 0;
    const double *logits = t[SOFTMAX_XENT_LOGITS].value + n * classes;
    int label = (int)t[SOFTMAX_XENT_LABELS].value[n];
    const struct exact *metrics = &t[SOFTMAX_XENT_METRICS];
    double sum = 0, loss;

    for (int k = 0; k < classes; k++)
        if (logits[k] > logits[best])
            best = k;
    for (int k = 0; k < classes; k++)
        sum += exp(logits[k] - logits[best]);
    loss = log(sum) - logits[label] + logits[best];
    exact_add(metrics, METRIC_LOSS, loss);
    metrics->magnitude[METRIC_LOSS] += fabs(logits[label])
                                       + fabs(logits[best]) + 1;
    metrics->value[METRIC_HITS] += best == label;
    for (int k = 0; k < classes; k++) {
        double p = exp(logits[k] - logits[best]) / sum;
        double far = 1 + logits[best] - logits[k];

        exact_set(&t[SOFTMAX_XENT_DLOGITS], (size_t)(n * classes + k),
            (p - (k == label)) * weight, (p * far + (k == label)) * weight);
    }
}

void reference_softmax_xent(const struct call *c, struct exact *t)
{
    exact_go_on(c, t, SOFTMAX_XENT_METRICS);
    for (int n = 0; n < c->operand[SOFTMAX_XENT_LOGITS].dim[0]; n++)
        xent_sample(c, t, n);
    t[SOFTMAX_XENT_METRICS].magnitude[METRIC_HITS] = 0;
}

/* The mean loss over the batch, scaled. */
static double objective_softmax_xent(const struct problem *p,
                                     double *const v[])
{
    size_t n = operand_elements(&p->call.operand[SOFTMAX_XENT_LOGITS]);
    struct exact t[CALL_MAX_OPERANDS] = { 0 };
    double metrics[METRIC_COUNT] = { 0 }, magnitude[METRIC_COUNT];

    t[SOFTMAX_XENT_LOGITS].value = v[SOFTMAX_XENT_LOGITS];
    t[SOFTMAX_XENT_LABELS].value = v[SOFTMAX_XENT_LABELS];
    t[SOFTMAX_XENT_SCALE].value = v[SOFTMAX_XENT_SCALE];
    t[SOFTMAX_XENT_METRICS] = (struct exact){ metrics, magnitude };
    t[SOFTMAX_XENT_DLOGITS].value = calloc(n, sizeof(double));
    t[SOFTMAX_XENT_DLOGITS].magnitude = calloc(n, sizeof(double));
    op_reference(OP_softmax_xent, &p->call, t);
    free(t[SOFTMAX_XENT_DLOGITS].value);
    free(t[SOFTMAX_XENT_DLOGITS].magnitude);
    return metrics[METRIC_LOSS] / p->batch.terms
           * (p->shape->scaled ? v[SOFTMAX_XENT_SCALE][LOSS_SCALE_FACTOR] : 1);
}

static const struct gradients gradients_softmax_xent = {
    .objective = objective_softmax_xent,
    .derivative = { { SOFTMAX_XENT_DLOGITS, SOFTMAX_XENT_LOGITS } },
    .derivatives = 1
};

const struct subject subject_softmax_xent = {
    SHAPES(xent_shapes),
    .describe = describe_softmax_xent,
    .prepare = prepare_softmax_xent,
    .gradients = &gradients_softmax_xent
};
