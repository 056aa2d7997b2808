/*
 * bn_relu_grad: the gradient of z = relu(gamma * xhat + beta) with
 * xhat = (x - mean) * rstd, where mean and rstd depend on x.
 *   in dz (..., C), x (..., C), stat (STAT_ROWS, C), add (..., C) or empty,
 *      sums (1, SUM_ROWS, C) or empty
 *   update dgamma (C), dbeta (C)
 *   out dx (..., C), may take over dz or add
 *
 *   dy = dz where scale * x + shift > 0, else 0
 *   dbeta += sum dy
 *   dgamma += sum dy * xhat
 *   dx = scale * (dy - mean(dy) - xhat * mean(dy * xhat)) + add
 *
 * x may be stored in blocks of fewer bits.
 *
 * One pass for the sums, unless these are given, and one for dx, both at the
 * speed of memory. The second goes through the rows backwards, to begin with
 * the rows that the first pass has left in the caches.
 *
 * scratch: per thread, the sums of dy and of dy * (x - mean) of each channel,
 * (threads, 2, C) doubles, every thread's on cache lines of its own, or one
 * thread's if they are given; then the coefficients of dx, (2, C) floats.
 */
#include <string.h>

#include "kernels/cpu/bn.h"

struct tensors {
    size_t rows, channels;
    const struct operand *dz, *x, *add, *dx; /* (rows, C) */
    const float *mean, *rstd, *scale, *shift; /* (C) */
    float *linear, *constant; /* (C): dx = scale * dy
                                + linear * (x - mean) + constant + add */
};

/* Threads that have sums of their own. */
static int sum_threads(const struct call *c)
{
    return operand_given(&c->operand[BN_RELU_GRAD_SUMS]) ? 1 : c->threads;
}

static struct tensors tensors_of(const struct call *c)
{
    const struct operand *o = c->operand;
    const struct operand *x = &o[BN_RELU_GRAD_X];
    size_t channels = (size_t)x->dim[x->rank - 1];
    const float *stat = o[BN_RELU_GRAD_STAT].data;
    float *after_sums =
        scratch_part(c, bn_sums_bytes(channels), sum_threads(c));

    return (struct tensors){
        .rows = operand_rows(x),
        .channels = channels,
        .dz = &o[BN_RELU_GRAD_DZ],
        .x = x,
        .add = &o[BN_RELU_GRAD_ADD],
        .dx = &o[BN_RELU_GRAD_DX],
        .mean = stat + STAT_MEAN * channels,
        .rstd = stat + STAT_RSTD * channels,
        .scale = stat + STAT_SCALE * channels,
        .shift = stat + STAT_SHIFT * channels,
        .linear = after_sums,
        .constant = after_sums + channels
    };
}

/* Sums up what each thread has of the rows. */
static void sum_gradient(const struct call *c, const struct tensors *t)
{
    struct bn_gradient g = { t->dz, t->x, c->operand[BN_RELU_GRAD_STAT].data };

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int k = 0; k < c->threads; k++) {
        double *sums = bn_sums(c, k, t->channels);

        memset(sums, 0, bn_sums_bytes(t->channels));
        KERNEL(bn_add_gradient)(&g, range_share(t->rows, k, c->threads),
                                (struct range){ 0, t->channels }, sums,
                                sums + t->channels);
    }
}

/* Writes the parameters' gradients and the coefficients of dx, from the sums.
 */
static void write_parameters(const struct call *c, const struct tensors *t)
{
    float *dgamma = c->operand[BN_RELU_GRAD_DGAMMA].data;
    float *dbeta = c->operand[BN_RELU_GRAD_DBETA].data;

    for (size_t i = 0; i < t->channels; i++) {
        double dy = 0, dy_x = 0, mean_dy, mean_dy_xhat;

        for (int k = 0; k < sum_threads(c); k++) {
            const double *sums = bn_sums(c, k, t->channels);

            dy += sums[i];
            dy_x += sums[t->channels + i];
        }
        dbeta[i] += (float)dy;
        dgamma[i] += (float)(dy_x * t->rstd[i]);
        mean_dy = dy / (double)t->rows;
        mean_dy_xhat = dy_x * t->rstd[i] / (double)t->rows;
        t->linear[i] = (float)(-t->scale[i] * mean_dy_xhat * t->rstd[i]);
        t->constant[i] = (float)(-t->scale[i] * mean_dy);
    }
}

/* Writes a row of dx, columns [from, from + n). Where it is inlined, it is
 * known whether there is an `add`. */
static inline void write_dx_row(const struct tensors *t, size_t from, size_t n,
                                const float *dz, const float *x,
                                const float *add, float *dx)
{
    const float *mean = t->mean + from;
    const float *scale = t->scale + from, *shift = t->shift + from;
    const float *linear = t->linear + from, *constant = t->constant + from;

#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float dy = scale[i] * x[i] + shift[i] > 0 ? dz[i] : 0;
        float d = scale[i] * dy + linear[i] * (x[i] - mean[i]) + constant[i];

        dx[i] = add ? d + add[i] : d;
    }
}

static void write_block(const struct tensors *t, struct block b)
{
    float room[4][STAGE_FLOATS];
    struct stage dz = stage_load(t->dz, b, room[0]);
    struct stage x = stage_load(t->x, b, room[1]);
    struct stage dx = stage_open(t->dx, b, room[2]);

    if (operand_given(t->add)) {
        struct stage add = stage_load(t->add, b, room[3]);

        for (size_t r = b.rows; r-- > 0;)
            write_dx_row(t, b.column, b.columns, dz.data + r * dz.stride,
                         x.data + r * x.stride, add.data + r * add.stride,
                         dx.data + r * dx.stride);
    } else {
        for (size_t r = b.rows; r-- > 0;)
            write_dx_row(t, b.column, b.columns, dz.data + r * dz.stride,
                         x.data + r * x.stride, NULL, dx.data + r * dx.stride);
    }
    stage_store(&dx);
}

static void write_dx_rows(const struct tensors *t, struct range rows)
{
    struct blocks blocks = blocks_of(t->x, rows);

    for (size_t i = blocks.count; i-- > 0;)
        write_block(t, blocks_get(&blocks, i));
}

size_t KERNEL(bn_relu_grad_scratch)(const struct call *c)
{
    const struct operand *x = &c->operand[BN_RELU_GRAD_X];
    size_t channels = (size_t)x->dim[x->rank - 1];

    return (size_t)sum_threads(c) * bn_sums_bytes(channels)
           + 2 * sizeof(float) * channels;
}

void KERNEL(bn_relu_grad)(const struct call *c)
{
    const struct tensors t = tensors_of(c);
    const struct operand *sums = &c->operand[BN_RELU_GRAD_SUMS];

    if (operand_given(sums))
        for (size_t i = 0; i < SUM_ROWS * t.channels; i++)
            bn_sums(c, 0, t.channels)[i] = ((const float *)sums->data)[i];
    else
        sum_gradient(c, &t);
    write_parameters(c, &t);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int k = 0; k < c->threads; k++)
        write_dx_rows(&t, range_share(t.rows, k, c->threads));
}
