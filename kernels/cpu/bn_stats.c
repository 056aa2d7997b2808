/*
 * bn_stats: batch norm's statistics of the microbatch, and the update of the
 * running ones.
 *   in x (..., C), gamma (C), beta (C)
 *   update running (RUNNING_ROWS, C)
 *   out stat (STAT_ROWS, C)
 *
 * One pass over x. Each thread sums blocks of rows in single precision, as
 * differences from the block's first row so that a mean far from zero costs
 * no digits, and merges the blocks' moments in double precision by the
 * formula of Chan, Golub and LeVeque, "Updating formulae and a pairwise
 * algorithm for computing sample variances" (1979).
 *
 * scratch: per thread, the mean and the sum of squared deviations of each
 * channel, (threads, 2, C) doubles, every thread's on cache lines of its own.
 */
#include <string.h>

#include "bn.h"

/* Merges moments b of n_b samples into a of n_a. */
static inline void merge(double *mean_a, double *m2_a, double n_a,
                         double mean_b, double m2_b, double n_b)
{
    double share = n_b / (n_a + n_b), delta = mean_b - *mean_a;

    *mean_a += delta * share;
    *m2_a += m2_b + delta * delta * n_a * share;
}

/* Adds `rows` rows, less `origin`, to the sums of each channel. */
static inline void add_rows(const float *restrict x, size_t stride, int rows,
                            int channels, const float *restrict origin,
                            float *restrict sum, float *restrict square)
{
#pragma omp simd
    for (int i = 0; i < channels; i++) {
        float s = 0, q = 0;

        for (int r = 0; r < rows; r++) {
            float d = x[(size_t)r * stride + (size_t)i] - origin[i];

            s += d;
            q += d * d;
        }
        sum[i] += s;
        square[i] += q;
    }
}

/* Merges a block of rows into the moments of `before` rows. */
static void merge_block(const float *x, size_t stride, size_t rows,
                        int channels, size_t before, double *mean, double *m2)
{
    float sum[BN_BLOCK_CHANNELS] = { 0 }, square[BN_BLOCK_CHANNELS] = { 0 };
    double n = (double)rows;
    size_t r = 0;

    for (; r + BN_UNROLL <= rows; r += BN_UNROLL)
        add_rows(x + r * stride, stride, BN_UNROLL, channels, x, sum, square);
    for (; r < rows; r++)
        add_rows(x + r * stride, stride, 1, channels, x, sum, square);
    for (int i = 0; i < channels; i++) {
        double s = sum[i];

        merge(&mean[i], &m2[i], (double)before, x[i] + s / n,
              square[i] - s * s / n, n);
    }
}

static void thread_moments(const struct call *c, struct range rows,
                           int channels, double *mean, double *m2)
{
    const float *x = c->operand[BN_STATS_X].data;

    memset(mean, 0, bn_sums_bytes((size_t)channels));
    for (size_t r = rows.begin; r < rows.end; r += BN_BLOCK_ROWS) {
        size_t n = size_min(rows.end - r, BN_BLOCK_ROWS);

        for (int i = 0; i < channels; i += BN_BLOCK_CHANNELS)
            merge_block(x + r * (size_t)channels + i, (size_t)channels, n,
                        int_min(channels - i, BN_BLOCK_CHANNELS),
                        r - rows.begin, mean + i, m2 + i);
    }
}

/* What one microbatch of the batch contributes to the running statistics, so
 * that all of them together contribute `momentum`. */
static double running_factor(const struct call *c)
{
    return 1 - pow(1 - (double)c->attr.norm.momentum,
                   c->run->samples / (double)c->run->batch);
}

static void write_stat(const struct call *c, int channels, size_t rows,
                       const double *mean, const double *m2)
{
    const float *gamma = c->operand[BN_STATS_GAMMA].data;
    const float *beta = c->operand[BN_STATS_BETA].data;
    float *running = c->operand[BN_STATS_RUNNING].data;
    float *stat = c->operand[BN_STATS_STAT].data;
    double factor = running_factor(c), n = (double)rows;

    for (int i = 0; i < channels; i++) {
        double unbiased = m2[i] / (rows > 1 ? n - 1 : 1);
        float *running_mean = &running[RUNNING_MEAN * channels + i];
        float *running_var = &running[RUNNING_VAR * channels + i];

        bn_write_stat(stat, channels, i, mean[i], m2[i] / n, gamma[i],
                      beta[i], c->attr.norm.eps);
        *running_mean += (float)(factor * (mean[i] - *running_mean));
        *running_var += (float)(factor * (unbiased - *running_var));
    }
}

size_t KERNEL(bn_stats_scratch)(const struct call *c)
{
    const struct operand *x = &c->operand[BN_STATS_X];

    return (size_t)c->threads * bn_sums_bytes((size_t)x->dim[x->rank - 1]);
}

void KERNEL(bn_stats)(const struct call *c)
{
    const struct operand *x = &c->operand[BN_STATS_X];
    int channels = x->dim[x->rank - 1];
    size_t rows = operand_rows(x);
    double *mean = bn_sums(c, 0, (size_t)channels), *m2 = mean + channels;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        double *own = bn_sums(c, t, (size_t)channels);

        thread_moments(c, range_share(rows, t, c->threads), channels, own,
                       own + channels);
    }

    for (int t = 1; t < c->threads; t++) {
        struct range part = range_share(rows, t, c->threads);
        const double *other = bn_sums(c, t, (size_t)channels);

        if (part.begin == part.end)
            break;
        for (int i = 0; i < channels; i++)
            merge(&mean[i], &m2[i], (double)part.begin, other[i],
                  other[channels + i], (double)(part.end - part.begin));
    }
    write_stat(c, channels, rows, mean, m2);
}
