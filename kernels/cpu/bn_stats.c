/*
 * bn_stats: batch norm's statistics of the microbatch, and the update of the
 * running statistics.
 *   in x (..., C), gamma (C), beta (C), sums (1, SUM_ROWS, C) or empty
 *   update running (RUNNING_ROWS, C)
 *   out stat (STAT_ROWS, C)
 *
 * Without sums, one pass over x: each thread has the moments of its rows, and
 * those of all threads are merged.
 *
 * scratch: per thread, the mean and the sum of squared deviations of each
 * channel, (threads, 2, C) doubles, every thread's on cache lines of its own;
 * with sums, one thread's.
 */
#include <string.h>

#include "kernels/cpu/bn.h"

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

/* Threads that have moments of their own. */
static int moment_threads(const struct call *c)
{
    return operand_given(&c->operand[BN_STATS_SUMS]) ? 1 : c->threads;
}

size_t KERNEL(bn_stats_scratch)(const struct call *c)
{
    const struct operand *x = &c->operand[BN_STATS_X];

    return (size_t)moment_threads(c)
           * bn_sums_bytes((size_t)x->dim[x->rank - 1]);
}

/* Sums up x into the first thread's moments. */
static void sum_moments(const struct call *c)
{
    const struct operand *x = &c->operand[BN_STATS_X];
    size_t channels = (size_t)x->dim[x->rank - 1], rows = operand_rows(x);
    double *mean = bn_sums(c, 0, channels), *m2 = mean + channels;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        double *own = bn_sums(c, t, channels);

        memset(own, 0, bn_sums_bytes(channels));
        KERNEL(bn_add_moments)(x, range_share(rows, t, c->threads),
                               (struct range){ 0, channels }, 0, own,
                               own + channels);
    }

    for (int t = 1; t < c->threads; t++) {
        struct range part = range_share(rows, t, c->threads);
        const double *other = bn_sums(c, t, channels);

        if (part.begin == part.end)
            break;
        for (size_t i = 0; i < channels; i++)
            bn_merge(&mean[i], &m2[i], (double)part.begin, other[i],
                     other[channels + i], (double)(part.end - part.begin));
    }
}

void KERNEL(bn_stats)(const struct call *c)
{
    const struct operand *x = &c->operand[BN_STATS_X];
    const struct operand *sums = &c->operand[BN_STATS_SUMS];
    size_t channels = (size_t)x->dim[x->rank - 1];
    double *moments = bn_sums(c, 0, channels);

    if (operand_given(sums))
        for (size_t i = 0; i < SUM_ROWS * channels; i++)
            moments[i] = ((const float *)sums->data)[i];
    else
        sum_moments(c);
    write_stat(c, (int)channels, operand_rows(x), moments, moments + channels);
}
