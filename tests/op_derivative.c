#include "tests/op_derivative.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double objective_of(const struct problem *p, double *const v[],
                    enum op_code op, const int from[], int out)
{
    const struct operand *y = &p->call.operand[from[out]];
    size_t n = operand_elements(y);
    struct exact t[CALL_MAX_OPERANDS] = { 0 };
    struct call c = { .attr = p->call.attr, .batch = &p->batch,
                      .part = &p->part };
    double sum = 0;

    for (int s = 0; s <= out; s++)
        if (from[s] >= 0) {
            t[s].value = v[from[s]];
            c.operand[s] = p->call.operand[from[s]];
        }
    t[out].value = calloc(n, sizeof(double));
    t[out].magnitude = calloc(n, sizeof(double));
    op_reference(op, &c, t);
    for (size_t i = 0; i < n; i++)
        sum += t[out].value[i] * v[from[out]][i];
    free(t[out].value);
    free(t[out].magnitude);
    return sum;
}

static double objective_conv_dgrad(const struct problem *p, double *const v[])
{
    return objective_of(p, v, OP_conv, (int[]){
        [CONV_X] = CONV_DGRAD_DX, [CONV_W] = CONV_DGRAD_W, [CONV_ADD] = -1,
        [CONV_Y] = CONV_DGRAD_DY
    }, CONV_Y);
}

static double objective_conv_wgrad(const struct problem *p, double *const v[])
{
    return objective_of(p, v, OP_conv, (int[]){
        [CONV_X] = CONV_WGRAD_X, [CONV_W] = CONV_WGRAD_DW, [CONV_ADD] = -1,
        [CONV_Y] = CONV_WGRAD_DY
    }, CONV_Y);
}

static double objective_avg_pool_grad(const struct problem *p,
                                      double *const v[])
{
    return objective_of(p, v, OP_avg_pool, (int[]){
        [AVG_POOL_X] = AVG_POOL_GRAD_DX, [AVG_POOL_Y] = AVG_POOL_GRAD_DY
    }, AVG_POOL_Y);
}

static double objective_linear_dgrad(const struct problem *p,
                                     double *const v[])
{
    return objective_of(p, v, OP_linear, (int[]){
        [LINEAR_X] = LINEAR_DGRAD_DX, [LINEAR_W] = LINEAR_DGRAD_W,
        [LINEAR_B] = -1, [LINEAR_Y] = LINEAR_DGRAD_DY
    }, LINEAR_Y);
}

static double objective_linear_wgrad(const struct problem *p,
                                     double *const v[])
{
    return objective_of(p, v, OP_linear, (int[]){
        [LINEAR_X] = LINEAR_WGRAD_X, [LINEAR_W] = LINEAR_WGRAD_DW,
        [LINEAR_B] = LINEAR_WGRAD_DB, [LINEAR_Y] = LINEAR_WGRAD_DY
    }, LINEAR_Y);
}

/* Batch norm of x with its own statistics, and with gamma and beta: those in
 * stat, moved by v[DGAMMA] and v[DBETA]. */
static double objective_bn_relu_grad(const struct problem *p,
                                     double *const v[])
{
    const struct operand *o = &p->call.operand[BN_RELU_GRAD_X];
    size_t n = operand_elements(o), c = (size_t)p->shape->c;
    const double *x = v[BN_RELU_GRAD_X], *given = v[BN_RELU_GRAD_STAT];
    double gamma[c], beta[c], sum = 0;
    double *stat = calloc(STAT_ROWS * c, sizeof(*stat));

    for (size_t i = 0; i < c; i++) {
        double scale = given[STAT_SCALE * c + i];

        gamma[i] = scale / given[STAT_RSTD * c + i]
                   + v[BN_RELU_GRAD_DGAMMA][i];
        beta[i] = given[STAT_SHIFT * c + i]
                  + given[STAT_MEAN * c + i] * scale
                  + v[BN_RELU_GRAD_DBETA][i];
    }
    stat_reference(x, n / c, (int)c, gamma, beta,
                   (double)p->call.attr.norm.eps, stat);
    for (size_t i = 0; i < n; i++)
        sum += v[BN_RELU_GRAD_DZ][i]
               * fmax(stat[STAT_SCALE * c + i % c] * x[i]
                      + stat[STAT_SHIFT * c + i % c], 0);
    free(stat);
    return sum;
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

const struct gradients gradients_conv_dgrad = {
    .objective = objective_conv_dgrad,
    .derivative = { { CONV_DGRAD_DX, CONV_DGRAD_DX } }, .derivatives = 1
};

const struct gradients gradients_conv_wgrad = {
    .objective = objective_conv_wgrad,
    .derivative = { { CONV_WGRAD_DW, CONV_WGRAD_DW } }, .derivatives = 1
};

const struct gradients gradients_bn_relu_grad = {
    .objective = objective_bn_relu_grad,
    .derivative = { { BN_RELU_GRAD_DX, BN_RELU_GRAD_X },
                    { BN_RELU_GRAD_DGAMMA, BN_RELU_GRAD_DGAMMA },
                    { BN_RELU_GRAD_DBETA, BN_RELU_GRAD_DBETA } },
    .derivatives = 3
};

const struct gradients gradients_avg_pool_grad = {
    .objective = objective_avg_pool_grad,
    .derivative = { { AVG_POOL_GRAD_DX, AVG_POOL_GRAD_DX } },
    .derivatives = 1
};

const struct gradients gradients_linear_dgrad = {
    .objective = objective_linear_dgrad,
    .derivative = { { LINEAR_DGRAD_DX, LINEAR_DGRAD_DX } },
    .derivatives = 1
};

const struct gradients gradients_linear_wgrad = {
    .objective = objective_linear_wgrad,
    .derivative = { { LINEAR_WGRAD_DW, LINEAR_WGRAD_DW },
                    { LINEAR_WGRAD_DB, LINEAR_WGRAD_DB } },
    .derivatives = 2
};

const struct gradients gradients_softmax_xent = {
    .objective = objective_softmax_xent,
    .derivative = { { SOFTMAX_XENT_DLOGITS, SOFTMAX_XENT_LOGITS } },
    .derivatives = 1
};

/* Compares an element of the reference's gradient with the slope of the
 * objective. */
static void check_slope(const struct problem *p, double *const v[],
                        const struct exact *gradient, int at, size_t i)
{
    double (*objective)(const struct problem *, double *const v[])
        = p->subject->gradients->objective;
    double here = v[at][i], step = 1e-5, slope;

    v[at][i] = here + step;
    slope = objective(p, v);
    v[at][i] = here - step;
    slope = (slope - objective(p, v)) / (2 * step);
    v[at][i] = here;
    cr_expect(fabs(slope - gradient->value[i])
                  <= 1e-5 * (1 + gradient->magnitude[i]),
              "%s: derivative by slot %d, element %zu: %.9g, but finite "
              "difference %.9g", problem_text(p), at, i, gradient->value[i],
              slope);
}

/* Compares the reference of a gradient with finite differences at about 24
 * elements. Gradients are taken at the values before the call. Operands that
 * only the forward operation reads are zero there. */
void check_derivatives(const struct problem *p)
{
    const struct gradients *made = p->subject->gradients;
    struct exact t[CALL_MAX_OPERANDS] = { 0 };
    double *v[CALL_MAX_OPERANDS] = { 0 };

    cr_assert(made || !strstr(problem_text(p), "grad"),
              "%s: no finite differences in the table", problem_text(p));
    if (!made)
        return;
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        size_t n = operand_elements(&p->call.operand[s]);

        if (n == 0)
            continue;
        t[s] = exact_copy(&p->before[s], n);
        if (is_output(p->op, s))
            memset(t[s].value, 0, n * sizeof(double));
        v[s] = calloc(n, sizeof(double));
        memcpy(v[s], t[s].value, n * sizeof(double));
    }
    op_reference(p->op, &p->call, t);
    for (int d = 0; d < made->derivatives; d++) {
        const struct derivative *by = &made->derivative[d];
        size_t n = operand_elements(&p->call.operand[by->at]);

        for (size_t i = 0; i < n; i += n / 24 + 1)
            check_slope(p, v, &t[by->gradient], by->at, i);
    }
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        exact_free(&t[s]);
        free(v[s]);
    }
}
