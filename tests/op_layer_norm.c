#include <math.h>
#include <stdlib.h>

#include "tests/op_derivative.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"
#include "tests/op_cases.h"

static const struct shape norm_shapes[] = {
    { .n = 1, .c = 2 },
    { .n = 1, .c = 33 },
    { .n = 5, .c = 16, .bare = true },
    { .n = 33, .c = 17, .offset = 100 },
    { .n = 40, .c = 300 },
    { .n = 7, .c = 513, .bare = true, .offset = -1000 },
    { .n = 260, .c = 64, .large = true }
};

static const float norm_eps = 1e-5f;

static void describe_layer_norm(struct problem *p)
{
    int c = p->shape->c;

    p->call.attr.norm.eps = norm_eps;
    shape_map(p, LAYER_NORM_X);
    shape_operand(p, LAYER_NORM_GAMMA, DTYPE_F32, 1, c);
    shape_operand(p, LAYER_NORM_BETA, DTYPE_F32, 1, c);
    if (!p->shape->bare)
        shape_operand(p, LAYER_NORM_STAT, DTYPE_F32, 2, p->shape->n,
                      LAYER_STATS);
    shape_map(p, LAYER_NORM_Y);
}

static void describe_layer_norm_grad(struct problem *p)
{
    int c = p->shape->c;

    p->call.attr.norm.eps = norm_eps;
    shape_map(p, LAYER_NORM_GRAD_DY);
    shape_map(p, LAYER_NORM_GRAD_X);
    shape_operand(p, LAYER_NORM_GRAD_STAT, DTYPE_F32, 2, p->shape->n,
                  LAYER_STATS);
    shape_operand(p, LAYER_NORM_GRAD_GAMMA, DTYPE_F32, 1, c);
    shape_operand(p, LAYER_NORM_GRAD_DGAMMA, DTYPE_F32, 1, c);
    shape_operand(p, LAYER_NORM_GRAD_DBETA, DTYPE_F32, 1, c);
    shape_map(p, LAYER_NORM_GRAD_DX);
}

/* Mean and rstd of a row of c numbers. */
struct row_stat {
    double mean, rstd;
};

static struct row_stat row_stat_of(const double *x, int c)
{
    double mean = 0, squares = 0;

    for (int i = 0; i < c; i++)
        mean += x[i] / c;
    for (int i = 0; i < c; i++)
        squares += (x[i] - mean) * (x[i] - mean) / c;
    return (struct row_stat){ mean, 1 / sqrt(squares + (double)norm_eps) };
}

/* The largest absolute value of a row: what its mean is rounded relative to. */
static double row_most(const double *x, int c)
{
    double most = 0;

    for (int i = 0; i < c; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

void reference_layer_norm(const struct call *c, struct exact *t)
{
    const int *dim = c->operand[LAYER_NORM_X].dim;
    bool given = operand_given(&c->operand[LAYER_NORM_STAT]);

    for (int r = 0; r < dim[0]; r++) {
        const double *x = t[LAYER_NORM_X].value + (size_t)r * (size_t)dim[1];
        struct row_stat s = row_stat_of(x, dim[1]);
        double most = row_most(x, dim[1]);

        for (int i = 0; i < dim[1]; i++) {
            double gamma = t[LAYER_NORM_GAMMA].value[i];
            double beta = t[LAYER_NORM_BETA].value[i];

            exact_set(&t[LAYER_NORM_Y], (size_t)(r * dim[1] + i),
                      (x[i] - s.mean) * s.rstd * gamma + beta,
                      most * s.rstd * fabs(gamma) + fabs(beta));
        }
        if (!given)
            continue;
        exact_set(&t[LAYER_NORM_STAT], (size_t)(r * LAYER_STATS + LAYER_MEAN),
                  s.mean, most);
        exact_set(&t[LAYER_NORM_STAT], (size_t)(r * LAYER_STATS + LAYER_RSTD),
                  s.rstd, s.rstd * (1 + most * s.rstd));
    }
}

/* Means over a row of the gradient g = dy * gamma: of it, of g * xhat, and of
 * their magnitudes. */
struct gradient_means {
    double g, g_xhat, size, size_xhat;
};

void reference_layer_norm_grad(const struct call *c, struct exact *t)
{
    const int *dim = c->operand[LAYER_NORM_GRAD_X].dim;
    const double *gamma = t[LAYER_NORM_GRAD_GAMMA].value;

    exact_go_on(c, t, LAYER_NORM_GRAD_DGAMMA);
    exact_go_on(c, t, LAYER_NORM_GRAD_DBETA);
    exact_start(c, t, LAYER_NORM_GRAD_DX, LAYER_NORM_GRAD_ADD);
    for (int r = 0; r < dim[0]; r++) {
        size_t at = (size_t)r * (size_t)dim[1];
        const double *x = t[LAYER_NORM_GRAD_X].value + at;
        const double *dy = t[LAYER_NORM_GRAD_DY].value + at;
        const double *stat =
            t[LAYER_NORM_GRAD_STAT].value + (size_t)r * LAYER_STATS;
        double mean = stat[LAYER_MEAN], rstd = stat[LAYER_RSTD];
        struct gradient_means m = { 0 };

        for (int i = 0; i < dim[1]; i++) {
            double xhat = (x[i] - mean) * rstd;
            double size = (fabs(x[i]) + fabs(mean)) * rstd;

            exact_add_with(&t[LAYER_NORM_GRAD_DGAMMA], (size_t)i, dy[i] * xhat,
                           fabs(dy[i]) * size);
            exact_add(&t[LAYER_NORM_GRAD_DBETA], (size_t)i, dy[i]);
            m.g += dy[i] * gamma[i] / dim[1];
            m.g_xhat += dy[i] * gamma[i] * xhat / dim[1];
            m.size += fabs(dy[i] * gamma[i]) / dim[1];
            m.size_xhat += fabs(dy[i] * gamma[i]) * size / dim[1];
        }
        for (int i = 0; i < dim[1]; i++) {
            double xhat = (x[i] - mean) * rstd;
            double size = (fabs(x[i]) + fabs(mean)) * rstd;

            exact_add_with(&t[LAYER_NORM_GRAD_DX], at + (size_t)i,
                           rstd * (dy[i] * gamma[i] - m.g - xhat * m.g_xhat),
                           rstd * (fabs(dy[i] * gamma[i]) + m.size
                                   + size * m.size_xhat));
        }
    }
}

/* The stat that layer_norm saves of x. */
static void prepare_layer_norm_grad(struct problem *p)
{
    const struct operand *x = &p->call.operand[LAYER_NORM_GRAD_X];
    double *value = p->before[LAYER_NORM_GRAD_X].value;
    double *stat = p->before[LAYER_NORM_GRAD_STAT].value;

    for (size_t i = 0; i < operand_elements(x); i++)
        value[i] += p->shape->offset;
    round_values(x, value);
    for (int r = 0; r < x->dim[0]; r++) {
        struct row_stat s =
            row_stat_of(value + (size_t)r * (size_t)x->dim[1], x->dim[1]);

        stat[r * LAYER_STATS + LAYER_MEAN] = s.mean;
        stat[r * LAYER_STATS + LAYER_RSTD] = s.rstd;
    }
}

/* The inner product of dy and the layer norm of x with gamma and dgamma for its
 * gain, and dbeta added: its slopes are the gradients at dgamma = dbeta = 0. */
static double objective_layer_norm_grad(const struct problem *p,
                                        double *const v[])
{
    const int *dim = p->call.operand[LAYER_NORM_GRAD_X].dim;
    double sum = 0;

    for (int r = 0; r < dim[0]; r++) {
        size_t at = (size_t)r * (size_t)dim[1];
        struct row_stat s = row_stat_of(v[LAYER_NORM_GRAD_X] + at, dim[1]);

        for (int i = 0; i < dim[1]; i++)
            sum += v[LAYER_NORM_GRAD_DY][at + (size_t)i]
                   * ((v[LAYER_NORM_GRAD_X][at + (size_t)i] - s.mean) * s.rstd
                          * (v[LAYER_NORM_GRAD_GAMMA][i]
                             + v[LAYER_NORM_GRAD_DGAMMA][i])
                      + v[LAYER_NORM_GRAD_DBETA][i]);
    }
    return sum;
}

static const struct gradients gradients_layer_norm = {
    .objective = objective_layer_norm_grad,
    .derivative = { { LAYER_NORM_GRAD_DX, LAYER_NORM_GRAD_X },
                    { LAYER_NORM_GRAD_DGAMMA, LAYER_NORM_GRAD_DGAMMA },
                    { LAYER_NORM_GRAD_DBETA, LAYER_NORM_GRAD_DBETA } },
    .derivatives = 3
};

const struct subject subject_layer_norm = {
    SHAPES(norm_shapes), .describe = describe_layer_norm
};

const struct subject subject_layer_norm_grad = {
    SHAPES(norm_shapes), .describe = describe_layer_norm_grad,
    .prepare = prepare_layer_norm_grad, .add = LAYER_NORM_GRAD_ADD,
    .gradients = &gradients_layer_norm
};
