/*
 * What the batch norm kernels share.
 */
#ifndef MEMDIAL_CUDA_BN_H
#define MEMDIAL_CUDA_BN_H

#include "cuda.h"

/* Column i of a stat (STAT_ROWS, C). */
static __device__ inline void bn_write_stat(float *stat, int channels, int i,
                                            double mean, double variance,
                                            double gamma, double beta,
                                            double eps)
{
    double rstd = 1 / sqrt(variance + eps), scale = gamma * rstd;

    stat[STAT_MEAN * channels + i] = (float)mean;
    stat[STAT_RSTD * channels + i] = (float)rstd;
    stat[STAT_SCALE * channels + i] = (float)scale;
    stat[STAT_SHIFT * channels + i] = (float)(beta - mean * scale);
}

/* W channels of two rows of a stat, to apply it with. */
template <int W> struct bn_affine {
    float scale[W], shift[W];

    __device__ bn_affine(const float *stat, int channels, int at)
    {
#pragma unroll
        for (int i = 0; i < W; i++) {
            scale[i] = stat[STAT_SCALE * channels + at + i];
            shift[i] = stat[STAT_SHIFT * channels + at + i];
        }
    }

    __device__ float operator()(int i, float x) const
    {
        return fmaf(scale[i], x, shift[i]);
    }
};

#endif
