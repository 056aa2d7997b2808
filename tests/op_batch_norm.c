#include "tests/op_batch_norm.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "tests/op_cases.h"
#include "tests/op_derivative.h"
#include "tests/op_describe.h"
#include "tests/op_exact.h"

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

/* The eps of all batch norms. */
static const float norm_eps = 1e-5f;

static void describe_norm(struct problem *p)
{
    p->call.attr.norm.eps = norm_eps;
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

static void prepare_bn_running(struct problem *p)
{
    int c = p->shape->c;
    double *running = p->before[BN_RUNNING_RUNNING].value;

    for (int i = 0; i < c; i++)
        running[RUNNING_VAR * c + i] += 1.125;
}

void prepare_stat(struct problem *p, int x_slot, int stat_slot)
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
        stat_reference(x, n / c, (int)c, gamma, beta, (double)norm_eps, stat);
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

int tile_rows_of(const struct operand *sums)
{
    return sums->dim[0] > 1 ? TILE_ROWS : TILE_ALL_ROWS;
}

void moments_reference(const struct exact *x, size_t rows, int channels,
                       int tile_rows, const struct exact *sums)
{
    size_t wide = (size_t)channels, high = (size_t)tile_rows;

    for (size_t i = 0; i < tiles_of(rows, tile_rows) * wide; i++) {
        size_t first = i / wide * high, at = first * wide + i % wide;
        size_t n = rows - first < high ? rows - first : high;
        size_t mean = i / wide * SUM_ROWS * wide + i % wide;
        size_t squares = mean + SUM_SQUARES * wide;

        exact_set(sums, mean, 0, 0);
        exact_set(sums, squares, 0, 0);
        for (size_t k = 0; k < n; k++)
            exact_add_with(sums, mean, x->value[at + k * wide] / (double)n,
                           x->magnitude[at + k * wide] / (double)n);
        for (size_t k = 0; k < n; k++) {
            double d = x->value[at + k * wide] - sums->value[mean];

            exact_add_with(sums, squares, d * d,
                           d * d + 2 * fabs(d) * (x->magnitude[at + k * wide]
                                                  + sums->magnitude[mean]));
        }
    }
}

void gradient_sums_reference(const struct exact *dz, const double *x,
                             const double *stat, size_t rows, int channels,
                             int tile_rows, const struct exact *sums)
{
    size_t wide = (size_t)channels;

    for (size_t i = 0; i < tiles_of(rows, tile_rows) * SUM_ROWS * wide; i++)
        exact_set(sums, i, 0, 0);
    for (size_t i = 0; i < rows * wide; i++) {
        size_t k = i % wide;
        size_t dy = i / wide / (size_t)tile_rows * SUM_ROWS * wide + k;
        size_t dy_x = dy + SUM_DY_X * wide;
        double mean = stat[STAT_MEAN * wide + k];

        if (stat[STAT_SCALE * wide + k] * x[i] + stat[STAT_SHIFT * wide + k]
            <= 0)
            continue;
        exact_add_with(sums, dy, dz->value[i], dz->magnitude[i]);
        exact_add_with(sums, dy_x, dz->value[i] * (x[i] - mean),
                       dz->magnitude[i] * (fabs(x[i]) + fabs(mean)));
    }
}

static double row_mean(const double *x, size_t rows, int channels, int i)
{
    double sum = 0;

    for (size_t r = 0; r < rows; r++)
        sum += x[r * (size_t)channels + (size_t)i];
    return sum / (double)rows;
}

/* The biased variance, about a given mean. */
static double row_variance(const double *x, size_t rows, int channels, int i,
                           double mean)
{
    double sum = 0;

    for (size_t r = 0; r < rows; r++) {
        double d = x[r * (size_t)channels + (size_t)i] - mean;

        sum += d * d;
    }
    return sum / (double)rows;
}

static void stat_set(double *stat, int channels, int i, double mean,
                     double variance, double gamma, double beta, double eps)
{
    double rstd = 1 / sqrt(variance + eps);

    stat[STAT_MEAN * channels + i] = mean;
    stat[STAT_RSTD * channels + i] = rstd;
    stat[STAT_SCALE * channels + i] = gamma * rstd;
    stat[STAT_SHIFT * channels + i] = beta - mean * gamma * rstd;
}

/* The mean has an error of a rounding of itself and of the deviations from it;
 * shift is a difference of two numbers. */
static void stat_magnitude(double *m, const double *stat, int channels, int i,
                           double deviation, double beta)
{
    double mean = fabs(stat[STAT_MEAN * channels + i]) + deviation;
    double scale = fabs(stat[STAT_SCALE * channels + i]);

    m[STAT_MEAN * channels + i] = mean;
    m[STAT_RSTD * channels + i] = stat[STAT_RSTD * channels + i];
    m[STAT_SCALE * channels + i] = scale;
    m[STAT_SHIFT * channels + i] = fabs(beta) + mean * scale;
}

void stat_reference(const double *x, size_t rows, int channels,
                    const double *gamma, const double *beta, double eps,
                    double *stat)
{
    for (int i = 0; i < channels; i++) {
        double mean = row_mean(x, rows, channels, i);

        stat_set(stat, channels, i, mean,
                 row_variance(x, rows, channels, i, mean), gamma[i], beta[i],
                 eps);
    }
}

void reference_bn_stats(const struct call *c, struct exact *t)
{
    const struct operand *o = &c->operand[BN_STATS_X];
    int channels = o->dim[o->rank - 1];
    size_t rows = operand_rows(o);
    const double *x = t[BN_STATS_X].value;
    const double *beta = t[BN_STATS_BETA].value;
    const struct exact *running = &t[BN_STATS_RUNNING];
    const struct exact *stat = &t[BN_STATS_STAT];
    double keep = pow(1 - (double)c->attr.norm.momentum,
                      c->part->count.of[EXTENT_SAMPLES]
                       / (double)c->batch->whole.of[EXTENT_SAMPLES]);

    stat_reference(x, rows, channels, t[BN_STATS_GAMMA].value, beta,
                   c->attr.norm.eps, stat->value);
    exact_go_on(c, t, BN_STATS_RUNNING);
    for (int i = 0; i < channels; i++) {
        double mean = stat->value[STAT_MEAN * channels + i];
        double variance = row_variance(x, rows, channels, i, mean);
        double unbiased = rows > 1 ? variance * (double)rows
                                         / (double)(rows - 1)
                                   : 0;
        int at_mean = RUNNING_MEAN * channels + i;
        int at_var = RUNNING_VAR * channels + i;

        stat_magnitude(stat->magnitude, stat->value, channels, i,
                       sqrt(variance), beta[i]);
        running->value[at_mean] *= keep;
        running->value[at_var] *= keep;
        exact_add(running, (size_t)at_mean, (1 - keep) * mean);
        exact_add(running, (size_t)at_var, (1 - keep) * unbiased);
    }
}

void reference_bn_running(const struct call *c, struct exact *t)
{
    int channels = c->operand[BN_RUNNING_GAMMA].dim[0];
    const double *running = t[BN_RUNNING_RUNNING].value;
    const double *beta = t[BN_RUNNING_BETA].value;
    const struct exact *stat = &t[BN_RUNNING_STAT];

    for (int i = 0; i < channels; i++) {
        stat_set(stat->value, channels, i,
                 running[RUNNING_MEAN * channels + i],
                 running[RUNNING_VAR * channels + i],
                 t[BN_RUNNING_GAMMA].value[i], beta[i], c->attr.norm.eps);
        stat_magnitude(stat->magnitude, stat->value, channels, i, 0,
                       beta[i]);
    }
}

void reference_bn_relu(const struct call *c, struct exact *t)
{
    const struct operand *x = &c->operand[BN_RELU_X];
    size_t channels = (size_t)x->dim[x->rank - 1];
    const double *stat = t[BN_RELU_STAT].value;

    for (size_t i = 0; i < operand_elements(x); i++) {
        size_t k = i % channels;
        double product = stat[STAT_SCALE * channels + k]
                         * t[BN_RELU_X].value[i];
        double shift = stat[STAT_SHIFT * channels + k];

        exact_set(&t[BN_RELU_Z], i, fmax(product + shift, 0),
                  fabs(product) + fabs(shift));
    }
}

static void grad_channel(const struct exact *t, size_t channels, size_t rows,
                         size_t k)
{
    const double *stat = t[BN_RELU_GRAD_STAT].value + k;
    double mean = stat[STAT_MEAN * channels];
    double rstd = stat[STAT_RSTD * channels];
    double scale = stat[STAT_SCALE * channels];
    double shift = stat[STAT_SHIFT * channels];
    struct exact sum = { (double[1]){ 0 }, (double[1]){ 0 } };
    struct exact sum_xhat = { (double[1]){ 0 }, (double[1]){ 0 } };
    double n = (double)rows;

    for (size_t i = k; i < rows * channels; i += channels) {
        double x = t[BN_RELU_GRAD_X].value[i];

        if (scale * x + shift > 0) {
            double dy = t[BN_RELU_GRAD_DZ].value[i];

            exact_add(&sum, 0, dy);
            exact_add(&sum_xhat, 0, dy * (x - mean) * rstd);
        }
    }
    t[BN_RELU_GRAD_DBETA].value[k] += *sum.value;
    t[BN_RELU_GRAD_DBETA].magnitude[k] += *sum.magnitude;
    t[BN_RELU_GRAD_DGAMMA].value[k] += *sum_xhat.value;
    t[BN_RELU_GRAD_DGAMMA].magnitude[k] += *sum_xhat.magnitude;

    for (size_t i = k; i < rows * channels; i += channels) {
        const struct exact *dx = &t[BN_RELU_GRAD_DX];
        double x = t[BN_RELU_GRAD_X].value[i], xhat = (x - mean) * rstd;
        double dz = t[BN_RELU_GRAD_DZ].value[i];

        exact_add(dx, i, scale * x + shift > 0 ? scale * dz : 0);
        exact_add(dx, i, -scale * *sum.value / n);
        exact_add(dx, i, -scale * xhat * *sum_xhat.value / n);
        dx->magnitude[i] += fabs(scale) * (*sum.magnitude
                                + fabs(xhat) * *sum_xhat.magnitude) / n;
    }
}

void reference_bn_relu_grad(const struct call *c, struct exact *t)
{
    const struct operand *x = &c->operand[BN_RELU_GRAD_X];
    size_t channels = (size_t)x->dim[x->rank - 1];

    exact_start(c, t, BN_RELU_GRAD_DX, BN_RELU_GRAD_ADD);
    exact_go_on(c, t, BN_RELU_GRAD_DGAMMA);
    exact_go_on(c, t, BN_RELU_GRAD_DBETA);
    for (size_t k = 0; k < channels; k++)
        grad_channel(t, channels, operand_rows(x), k);
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

static const struct gradients gradients_bn_relu_grad = {
    .objective = objective_bn_relu_grad,
    .derivative = { { BN_RELU_GRAD_DX, BN_RELU_GRAD_X },
                    { BN_RELU_GRAD_DGAMMA, BN_RELU_GRAD_DGAMMA },
                    { BN_RELU_GRAD_DBETA, BN_RELU_GRAD_DBETA } },
    .derivatives = 3
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
