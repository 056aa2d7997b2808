/*
 * bn_stats: batch norm's statistics of the microbatch, and the update of the
 * running ones.
 *   in x (..., C), gamma (C), beta (C)
 *   update running (RUNNING_ROWS, C)
 *   out stat (STAT_ROWS, C)
 *
 * One pass over x, which sums differences from the first row, so that a mean
 * far from zero costs no digits.
 *
 * scratch: the parts of the sums of differences and of their squares.
 */
#include "bn.h"
#include "rows.h"

template <typename T> struct moments {
    const T *x;
    int channels;

    template <int W> struct at {
        const T *x;
        size_t channels;
        float origin[W];

        __device__ at(const moments &m, int column)
            : x(m.x + column), channels((size_t)m.channels)
        {
            load(origin, x);
        }

        __device__ void add(size_t row, float (&sum)[W], float (&square)[W])
        {
            float v[W];

            load(v, x + row * channels);
#pragma unroll
            for (int i = 0; i < W; i++) {
                float d = v[i] - origin[i];

                sum[i] += d;
                square[i] = fmaf(d, d, square[i]);
            }
        }
    };
};

/* What is written for each channel, and with what. */
struct norm {
    int channels, parts;
    double rows, eps;
    double factor;       /* of these rows in the running statistics */
    const float *gamma, *beta;
    float *running, *stat;
};

/* One warp for each channel. */
template <typename T>
static __global__ void write_stat(struct norm n, const T *x,
                                  const float *parts)
{
    int i = (int)warp_index();
    double sum, square, mean, m2;

    if (i >= n.channels)
        return;
    sum = rows_total(parts, n.parts, n.channels, 0, i);
    square = rows_total(parts, n.parts, n.channels, 1, i);
    if (warp_lane() > 0)
        return;
    mean = widen(x[i]) + sum / n.rows;
    m2 = fmax(square - sum * sum / n.rows, 0.0);
    bn_write_stat(n.stat, n.channels, i, mean, m2 / n.rows, n.gamma[i],
                  n.beta[i], n.eps);
    float *running_mean = &n.running[RUNNING_MEAN * n.channels + i];
    float *running_var = &n.running[RUNNING_VAR * n.channels + i];
    double unbiased = m2 / (n.rows > 1 ? n.rows - 1 : 1);

    *running_mean += (float)(n.factor * (mean - *running_mean));
    *running_var += (float)(n.factor * (unbiased - *running_var));
}

/* What one microbatch of the batch contributes to the running statistics, so
 * that all of them together contribute `momentum`. */
static double running_factor(const struct call *c)
{
    return 1 - pow(1 - (double)c->attr.norm.momentum,
                   c->run->samples / (double)c->run->batch);
}

void cuda_bn_stats(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[BN_STATS_X];
    size_t rows = operand_rows(x);
    float *parts = static_cast<float *>(c->scratch);
    struct norm n = {};

    n.channels = channels_of(x);
    n.parts = parts_of_rows(rows);
    n.rows = (double)rows;
    n.eps = c->attr.norm.eps;
    n.factor = running_factor(c);
    n.gamma = data_of<float>(&o[BN_STATS_GAMMA]);
    n.beta = data_of<float>(&o[BN_STATS_BETA]);
    n.running = data_of<float>(&o[BN_STATS_RUNNING]);
    n.stat = data_of<float>(&o[BN_STATS_STAT]);
    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        with_width<T>(n.channels, [&](auto width) {
            rows_launch<decltype(width)::value>(
                q, moments<T>{ data_of<T>(x), n.channels }, rows, n.channels,
                parts);
        });
        launch(q, blocks_for((size_t)n.channels * WARP_LANES), BLOCK_THREADS,
               0, write_stat<T>, n, data_of<T>(x), parts);
    });
}
