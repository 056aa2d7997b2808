/*
 * Helpers of the batch norm kernels, and the sums over rows that these need.
 * Sums are in single precision over some rows, in registers and the first-level
 * cache, and in double precision beyond: a batch norm has two for each channel.
 */
#ifndef MEMDIAL_BN_H
#define MEMDIAL_BN_H

#include "kernels/bn_stat.h"
#include "kernels/cpu/stage.h"

/* Rows that are summed in single precision, and rows added at once. */
enum { BN_ROWS = 128, BN_UNROLL = STAGE_ROWS };

/* One thread's sums, (2, C) doubles, on cache lines of its own. */
static inline size_t bn_sums_bytes(size_t channels)
{
    return round_up(2 * sizeof(double) * channels, CPU_ALIGNMENT);
}

static inline double *bn_sums(const struct call *c, int thread,
                              size_t channels)
{
    return scratch_part(c, bn_sums_bytes(channels), thread);
}

/* Merges moments b of n_b samples into a of n_a, by the formula of Chan, Golub
 * and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
 * variances" (1979). */
static inline void bn_merge(double *mean_a, double *m2_a, double n_a,
                            double mean_b, double m2_b, double n_b)
{
    double share = n_b / (n_a + n_b), delta = mean_b - *mean_a;

    *mean_a += delta * share;
    *m2_a += m2_b + delta * delta * n_a * share;
}

/* Merges the mean of rows of x (..., C) and the squared deviations from it into
 * those of `before` rows. mean and m2 begin with the first of the columns.
 * Values are summed as differences from the first of BN_ROWS rows, so that a
 * mean far from zero costs no digits. */
void KERNEL(bn_add_moments)(const struct operand *x, struct range rows,
                            struct range columns, size_t before, double *mean,
                            double *m2);

/* The gradient dz of relu(scale * x + shift), all (..., C). */
struct bn_gradient {
    const struct operand *dz, *x;
    const float *stat;       /* (STAT_ROWS, C) */
};

/* Adds the sums of dy, which is dz where the result is not 0, and of
 * dy * (x - mean). dy and dy_x begin with the first of the columns. */
void KERNEL(bn_add_gradient)(const struct bn_gradient *g, struct range rows,
                             struct range columns, double *dy, double *dy_x);

#endif
