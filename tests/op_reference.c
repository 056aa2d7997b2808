#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/op_exact.h"

const char *const op_access[OP_COUNT] = {
#define OP(name, cpu, cuda, access, ...) [OP_##name] = access,
#include "kernels/op_list.h"
#undef OP
};

/* The data that the test's loader gives. */
void reference_load(const struct call *c, struct exact *t)
{
    const struct operand *x = &c->operand[LOAD_STREAM_0];
    size_t n = (size_t)x->dim[0], each = operand_elements(x) / n;

    for (size_t i = 0; i < n; i++) {
        int index = c->part->first.of[EXTENT_SAMPLES] + (int)i;

        for (size_t j = 0; j < each; j++)
            exact_set(&t[LOAD_STREAM_0], i * each + j,
                index * 1000 + (int)(j % 1000), 0);
        exact_set(&t[LOAD_STREAM_1], i, index + 7, 0);
    }
}

void reference_zero(const struct call *c, struct exact *t)
{
    for (size_t i = 0; i < operand_elements(&c->operand[ZERO_X]); i++)
        exact_set(&t[ZERO_X], i, 0, 0);
}

/* A run that does not rewire: nothing changes. */
void reference_rewire(const struct call *c, struct exact *t)
{
    (void)c;
    (void)t;
}

void reference_report(const struct call *c, struct exact *t)
{
    (void)c;
    (void)t;
}

/*
 * Convolution and its two gradients are one sum of products of elements of
 * x, w and y, read in three ways: y += x w, dx += dy w, dw += x dy. A linear
 * layer is the convolution of 1x1 images.
 */
enum { X, W, Y };

struct reach {
    int n, h, w, ci;     /* x (n, h, w, ci) */
    int kh, kw, co;      /* w (kh, kw, ci, co) */
    int ho, wo;          /* y (n, ho, wo, co) */
    int stride, pad;
};

static void add_products(const struct reach *e, const struct exact *t[3],
                         int into, size_t x, size_t w, size_t y)
{
    for (int i = 0; i < e->ci; i++)
        for (int o = 0; o < e->co; o++) {
            size_t at[3] = {
                [X] = x + (size_t)i,
                [W] = w + (size_t)i * (size_t)e->co + (size_t)o,
                [Y] = y + (size_t)o
            };
            int a = (into + 1) % 3, b = (into + 2) % 3;

            exact_add_with(t[into], at[into],
                     t[a]->value[at[a]] * t[b]->value[at[b]],
                     t[a]->magnitude[at[a]] * t[b]->magnitude[at[b]]);
        }
}

static void convolve(const struct reach *e, const struct exact *t[3],
                     int into)
{
    for (int n = 0; n < e->n; n++)
        for (int ho = 0; ho < e->ho; ho++)
            for (int wo = 0; wo < e->wo; wo++)
                for (int kh = 0; kh < e->kh; kh++)
                    for (int kw = 0; kw < e->kw; kw++) {
                        int h = ho * e->stride + kh - e->pad;
                        int w = wo * e->stride + kw - e->pad;

                        if (h < 0 || h >= e->h || w < 0 || w >= e->w)
                            continue;
                        add_products(
                            e, t, into,
                            (size_t)(((n * e->h + h) * e->w + w) * e->ci),
                            (size_t)((kh * e->kw + kw) * e->ci * e->co),
                            (size_t)(((n * e->ho + ho) * e->wo + wo)
                                     * e->co));
                    }
}

static struct reach conv_extent(const struct call *c, int x, int w, int y)
{
    const int *dx = c->operand[x].dim, *dw = c->operand[w].dim;
    const int *dy = c->operand[y].dim;

    return (struct reach){
        .n = dx[0], .h = dx[1], .w = dx[2], .ci = dx[3],
        .kh = dw[0], .kw = dw[1], .co = dw[3], .ho = dy[1], .wo = dy[2],
        .stride = c->attr.conv.stride, .pad = c->attr.conv.pad
    };
}

static struct reach linear_extent(const struct call *c, int x, int w)
{
    const int *dx = c->operand[x].dim, *dw = c->operand[w].dim;

    return (struct reach){ dx[0], 1, 1, dw[0], 1, 1, dw[1], 1, 1, 1, 0 };
}

/* The rows of the tiles that sums are of. */
static int tile_rows_of(const struct operand *sums)
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

void reference_conv(const struct call *c, struct exact *t)
{
    struct reach e = conv_extent(c, CONV_X, CONV_W, CONV_Y);
    const struct operand *y = &c->operand[CONV_Y];

    exact_start(c, t, CONV_Y, CONV_ADD);
    convolve(&e, (const struct exact *[]){ &t[CONV_X], &t[CONV_W],
                                           &t[CONV_Y] }, Y);
    if (operand_given(&c->operand[CONV_SUMS]))
        moments_reference(&t[CONV_Y], operand_rows(y), y->dim[3],
                          tile_rows_of(&c->operand[CONV_SUMS]),
                          &t[CONV_SUMS]);
}

void reference_conv_dgrad(const struct call *c, struct exact *t)
{
    struct reach e = conv_extent(c, CONV_DGRAD_DX, CONV_DGRAD_W,
                                  CONV_DGRAD_DY);
    const struct operand *dx = &c->operand[CONV_DGRAD_DX];

    exact_start(c, t, CONV_DGRAD_DX, CONV_DGRAD_ADD);
    convolve(&e, (const struct exact *[]){ &t[CONV_DGRAD_DX],
                                           &t[CONV_DGRAD_W],
                                           &t[CONV_DGRAD_DY] }, X);
    if (operand_given(&c->operand[CONV_DGRAD_SUMS]))
        gradient_sums_reference(&t[CONV_DGRAD_DX], t[CONV_DGRAD_X].value,
                                t[CONV_DGRAD_STAT].value, operand_rows(dx),
                                dx->dim[3],
                                tile_rows_of(&c->operand[CONV_DGRAD_SUMS]),
                                &t[CONV_DGRAD_SUMS]);
}

void reference_conv_wgrad(const struct call *c, struct exact *t)
{
    struct reach e = conv_extent(c, CONV_WGRAD_X, CONV_WGRAD_DW,
                                  CONV_WGRAD_DY);

    exact_go_on(c, t, CONV_WGRAD_DW);
    convolve(&e, (const struct exact *[]){ &t[CONV_WGRAD_X],
                                           &t[CONV_WGRAD_DW],
                                           &t[CONV_WGRAD_DY] }, W);
}

void reference_linear(const struct call *c, struct exact *t)
{
    struct reach e = linear_extent(c, LINEAR_X, LINEAR_W);

    for (int n = 0; n < e.n; n++)
        for (int o = 0; o < e.co; o++) {
            size_t at = (size_t)(n * e.co + o);

            exact_set(&t[LINEAR_Y], at, 0, 0);
            if (operand_given(&c->operand[LINEAR_B]))
                exact_add(&t[LINEAR_Y], at, t[LINEAR_B].value[o]);
        }
    convolve(&e, (const struct exact *[]){ &t[LINEAR_X], &t[LINEAR_W],
                                           &t[LINEAR_Y] }, Y);
}

void reference_linear_dgrad(const struct call *c, struct exact *t)
{
    struct reach e = linear_extent(c, LINEAR_DGRAD_DX, LINEAR_DGRAD_W);

    exact_start(c, t, LINEAR_DGRAD_DX, LINEAR_DGRAD_ADD);
    convolve(&e, (const struct exact *[]){ &t[LINEAR_DGRAD_DX],
                                           &t[LINEAR_DGRAD_W],
                                           &t[LINEAR_DGRAD_DY] }, X);
}

void reference_linear_wgrad(const struct call *c, struct exact *t)
{
    struct reach e = linear_extent(c, LINEAR_WGRAD_X, LINEAR_WGRAD_DW);

    exact_go_on(c, t, LINEAR_WGRAD_DW);
    convolve(&e, (const struct exact *[]){ &t[LINEAR_WGRAD_X],
                                           &t[LINEAR_WGRAD_DW],
                                           &t[LINEAR_WGRAD_DY] }, W);
    if (!operand_given(&c->operand[LINEAR_WGRAD_DB]))
        return;
    exact_go_on(c, t, LINEAR_WGRAD_DB);
    for (int n = 0; n < e.n; n++)
        for (int o = 0; o < e.co; o++)
            exact_add(&t[LINEAR_WGRAD_DB], (size_t)o,
                t[LINEAR_WGRAD_DY].value[n * e.co + o]);
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

/* The element of (N, C) that element i of (N, H, W, C) belongs to. */
static size_t pooled(const struct operand *x, size_t i)
{
    size_t channels = (size_t)x->dim[3];

    return i / (channels * (size_t)x->dim[1] * (size_t)x->dim[2]) * channels
           + i % channels;
}

void reference_avg_pool(const struct call *c, struct exact *t)
{
    const struct operand *x = &c->operand[AVG_POOL_X];
    double positions = x->dim[1] * x->dim[2];

    for (size_t i = 0; i < operand_elements(&c->operand[AVG_POOL_Y]); i++)
        exact_set(&t[AVG_POOL_Y], i, 0, 0);
    for (size_t i = 0; i < operand_elements(x); i++)
        exact_add_with(&t[AVG_POOL_Y], pooled(x, i),
                 t[AVG_POOL_X].value[i] / positions,
                 t[AVG_POOL_X].magnitude[i] / positions);
}

void reference_avg_pool_grad(const struct call *c, struct exact *t)
{
    const struct operand *dx = &c->operand[AVG_POOL_GRAD_DX];
    double positions = dx->dim[1] * dx->dim[2];

    exact_start(c, t, AVG_POOL_GRAD_DX, AVG_POOL_GRAD_ADD);
    for (size_t i = 0; i < operand_elements(dx); i++)
        exact_add(&t[AVG_POOL_GRAD_DX], i,
            t[AVG_POOL_GRAD_DY].value[pooled(dx, i)] / positions);
}

/* The factor that gradients are multiplied with. */
static double scale_factor(const struct call *c, const struct exact *t,
                           int slot)
{
    return operand_given(&c->operand[slot])
               ? t[slot].value[LOSS_SCALE_FACTOR] : 1;
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

/* An input as a kernel sees it, through a stat if it has one. */
static struct exact input(const struct operand *o, const double *x)
{
    size_t n = operand_elements(o);
    struct exact t = { malloc(n * sizeof(double)),
                       malloc(n * sizeof(double)) };

    for (size_t i = 0; i < n; i++)
        if (o->through) {
            size_t channels = (size_t)o->dim[o->rank - 1];
            const float *stat = o->through + i % channels;
            double product = stat[STAT_SCALE * channels] * x[i];
            double shift = stat[STAT_SHIFT * channels];

            exact_set(&t, i, fmax(product + shift, 0),
                fabs(product) + fabs(shift));
        } else {
            exact_set(&t, i, x[i], fabs(x[i]));
        }
    return t;
}

void op_reference(enum op_code op, const struct call *c, struct exact t[])
{
    static void (*const reference[OP_COUNT])(const struct call *,
                                             struct exact *) = {
#define OP(name, cpu, cuda, access, ...) [OP_##name] = reference_##name,
#include "kernels/op_list.h"
#undef OP
    };
    struct exact seen[CALL_MAX_OPERANDS] = { 0 };
    int slots = (int)strlen(op_access[op]);

    for (int s = 0; s < slots; s++)
        seen[s] = strchr("wuo", op_access[op][s])
                      ? t[s] : input(&c->operand[s], t[s].value);
    reference[op](c, seen);
    for (int s = 0; s < slots; s++)
        if (seen[s].value != t[s].value) {
            free(seen[s].value);
            free(seen[s].magnitude);
        }
}
