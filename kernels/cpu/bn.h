/*
 * Helpers of the batch norm kernels. Kernels that reduce over rows keep two
 * double-precision sums per channel and thread in scratch. They fill these from
 * single-precision sums over some rows, which stay in registers and the
 * first-level cache.
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

#endif
