/*
 * bn_stats: batch norm's statistics of the microbatch, and the update of the
 * running statistics.
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

#include "kernels/cpu/bn.h"

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

/* Adds a block, less `origin`, to the sums. */
static void add_block(const struct stage *x, const float *origin, float *sum,
                      float *square)
{
    const float *data = x->data;
    int n = (int)x->block.columns;
    size_t r = 0;

    for (; r + BN_UNROLL <= x->block.rows; r += BN_UNROLL)
        add_rows(data + r * x->stride, x->stride, BN_UNROLL, n, origin, sum,
                 square);
    for (; r < x->block.rows; r++)
        add_rows(data + r * x->stride, x->stride, 1, n, origin, sum, square);
}

/* Merges columns [column, column + n) of rows into the moments of `before`
 * rows. */
static void merge_rows(const struct operand *x, struct range rows,
                       size_t column, size_t n, size_t before, double *mean,
                       double *m2)
{
    float sum[STAGE_COLUMNS] = { 0 }, square[STAGE_COLUMNS] = { 0 };
    float origin[STAGE_COLUMNS], room[STAGE_FLOATS];
    double count = (double)(rows.end - rows.begin);
    struct blocks blocks = blocks_of(x, rows);

    for (size_t i = column / blocks.wide; i < blocks.count;
         i += blocks.across) {
        struct stage s = stage_load(x, blocks_get(&blocks, i), room);

        if (s.block.row == rows.begin)
            memcpy(origin, s.data, n * sizeof(*origin));
        add_block(&s, origin, sum, square);
    }
    for (size_t i = 0; i < n; i++) {
        double s = sum[i];

        merge(&mean[i], &m2[i], (double)before, origin[i] + s / count,
              square[i] - s * s / count, count);
    }
}

static void thread_moments(const struct call *c, struct range rows,
                           double *mean, double *m2)
{
    const struct operand *x = &c->operand[BN_STATS_X];
    size_t channels = (size_t)x->dim[x->rank - 1];

    memset(mean, 0, bn_sums_bytes(channels));
    for (size_t r = rows.begin; r < rows.end; r += BN_ROWS) {
        struct range some = { r, size_min(r + BN_ROWS, rows.end) };

        for (size_t i = 0; i < channels; i += STAGE_COLUMNS)
            merge_rows(x, some, i, size_min(channels - i, STAGE_COLUMNS),
                       r - rows.begin, mean + i, m2 + i);
    }
}

/* The weight of one microbatch in the running statistics: all microbatches of a
 * batch together weigh `momentum`. */
static double running_factor(const struct call *c)
{
    return 1 - pow(1 - (double)c->attr.norm.momentum,
                   c->part->count.of[EXTENT_SAMPLES]
                       / (double)c->batch->whole.of[EXTENT_SAMPLES]);
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

#pragma omp parallel for num_threads(threads_worth(c, x)) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        double *own = bn_sums(c, t, (size_t)channels);

        thread_moments(c, range_share(rows, t, c->threads), own,
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
