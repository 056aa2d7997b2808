/*
 * bn_relu_grad: the gradient of z = relu(gamma * xhat + beta) with
 * xhat = (x - mean) * rstd, where mean and rstd depend on x.
 *   in dz (..., C), x (..., C), stat (STAT_ROWS, C), add (..., C) or empty
 *   update dgamma (C), dbeta (C)
 *   out dx (..., C), may take over dz or add
 *
 *   dy = dz where scale * x + shift > 0, else 0
 *   dbeta += sum dy
 *   dgamma += sum dy * xhat
 *   dx = scale * (dy - mean(dy) - xhat * mean(dy * xhat)) + add
 *
 * One pass for the sums and one for dx, both at the speed of memory. The
 * second goes through the rows backwards, to meet first what the first pass
 * has left in the caches.
 *
 * scratch: per thread, the sums of dy and of dy * (x - mean) of each channel,
 * (threads, 2, C) doubles, every thread's on cache lines of its own; then the
 * coefficients of dx, (2, C) floats.
 */
#include <string.h>

#include "bn.h"

struct tensors {
    size_t rows, channels;
    const float *dz, *x;     /* (rows, C) */
    const float *add;        /* (rows, C), or NULL */
    float *dx;               /* (rows, C) */
    const float *mean, *rstd, *scale, *shift; /* (C) */
    float *linear, *constant; /* (C): dx = scale * dy
                                + linear * (x - mean) + constant + add */
};

static struct tensors tensors_of(const struct call *c)
{
    const struct operand *o = c->operand;
    const struct operand *x = &o[BN_RELU_GRAD_X];
    size_t channels = (size_t)x->dim[x->rank - 1];
    const float *stat = o[BN_RELU_GRAD_STAT].data;
    float *after_sums = scratch_part(c, bn_sums_bytes(channels), c->threads);

    return (struct tensors){
        .rows = operand_rows(x),
        .channels = channels,
        .dz = o[BN_RELU_GRAD_DZ].data,
        .x = x->data,
        .add = operand_given(&o[BN_RELU_GRAD_ADD]) ? o[BN_RELU_GRAD_ADD].data
                                                   : NULL,
        .dx = o[BN_RELU_GRAD_DX].data,
        .mean = stat + STAT_MEAN * channels,
        .rstd = stat + STAT_RSTD * channels,
        .scale = stat + STAT_SCALE * channels,
        .shift = stat + STAT_SHIFT * channels,
        .linear = after_sums,
        .constant = after_sums + channels
    };
}

/* Adds `rows` rows from row r, channels [from, from + n), to the sums. */
static inline void add_rows(const struct tensors *t, size_t r, int rows,
                            size_t from, size_t n, float *restrict sum_dy,
                            float *restrict sum_dy_x)
{
    const float *dz = t->dz + r * t->channels + from;
    const float *x = t->x + r * t->channels + from;
    const float *scale = t->scale + from, *shift = t->shift + from;
    const float *mean = t->mean + from;
    size_t stride = t->channels;

#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float s = 0, sx = 0;

        for (int k = 0; k < rows; k++) {
            float xi = x[(size_t)k * stride + i];
            float g = dz[(size_t)k * stride + i];
            float dy = scale[i] * xi + shift[i] > 0 ? g : 0;

            s += dy;
            sx += dy * (xi - mean[i]);
        }
        sum_dy[i] += s;
        sum_dy_x[i] += sx;
    }
}

static void sum_block(const struct tensors *t, size_t r, size_t end,
                      size_t from, size_t n, double *sums)
{
    float sum_dy[BN_BLOCK_CHANNELS] = { 0 };
    float sum_dy_x[BN_BLOCK_CHANNELS] = { 0 };

    for (; r + BN_UNROLL <= end; r += BN_UNROLL)
        add_rows(t, r, BN_UNROLL, from, n, sum_dy, sum_dy_x);
    for (; r < end; r++)
        add_rows(t, r, 1, from, n, sum_dy, sum_dy_x);
    for (size_t i = 0; i < n; i++) {
        sums[from + i] += sum_dy[i];
        sums[t->channels + from + i] += sum_dy_x[i];
    }
}

static void thread_sums(const struct tensors *t, struct range rows,
                        double *sums)
{
    memset(sums, 0, bn_sums_bytes(t->channels));
    for (size_t r = rows.begin; r < rows.end; r += BN_BLOCK_ROWS) {
        size_t end = size_min(r + BN_BLOCK_ROWS, rows.end);

        for (size_t i = 0; i < t->channels; i += BN_BLOCK_CHANNELS)
            sum_block(t, r, end, i,
                      size_min(t->channels - i, BN_BLOCK_CHANNELS), sums);
    }
}

/* The parameters' gradients and the coefficients of dx, from the sums. */
static void write_parameters(const struct call *c, const struct tensors *t)
{
    float *dgamma = c->operand[BN_RELU_GRAD_DGAMMA].data;
    float *dbeta = c->operand[BN_RELU_GRAD_DBETA].data;

    for (size_t i = 0; i < t->channels; i++) {
        double dy = 0, dy_x = 0, mean_dy, mean_dy_xhat;

        for (int k = 0; k < c->threads; k++) {
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

/* Row r of dx; `add` is constant where this is inlined. */
static inline void write_row(const struct tensors *t, size_t r, bool add)
{
    const float *dz = t->dz + r * t->channels, *x = t->x + r * t->channels;
    const float *other = add ? t->add + r * t->channels : dz;
    float *dx = t->dx + r * t->channels;
    const float *mean = t->mean, *scale = t->scale, *shift = t->shift;
    const float *linear = t->linear, *constant = t->constant;

#pragma omp simd
    for (size_t i = 0; i < t->channels; i++) {
        float dy = scale[i] * x[i] + shift[i] > 0 ? dz[i] : 0;
        float d = scale[i] * dy + linear[i] * (x[i] - mean[i]) + constant[i];

        dx[i] = add ? d + other[i] : d;
    }
}

static void write_rows(const struct tensors *t, struct range rows)
{
    if (t->add)
        for (size_t r = rows.end; r-- > rows.begin;)
            write_row(t, r, true);
    else
        for (size_t r = rows.end; r-- > rows.begin;)
            write_row(t, r, false);
}

size_t KERNEL(bn_relu_grad_scratch)(const struct call *c)
{
    const struct operand *x = &c->operand[BN_RELU_GRAD_X];
    size_t channels = (size_t)x->dim[x->rank - 1];

    return (size_t)c->threads * bn_sums_bytes(channels)
           + 2 * sizeof(float) * channels;
}

void KERNEL(bn_relu_grad)(const struct call *c)
{
    const struct tensors t = tensors_of(c);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int k = 0; k < c->threads; k++)
        thread_sums(&t, range_share(t.rows, k, c->threads),
                    bn_sums(c, k, t.channels));

    write_parameters(c, &t);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int k = 0; k < c->threads; k++)
        write_rows(&t, range_share(t.rows, k, c->threads));
}
