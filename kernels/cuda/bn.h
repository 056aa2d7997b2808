/*
 * Helpers of the batch norm kernels.
 */
#ifndef MEMDIAL_CUDA_BN_H
#define MEMDIAL_CUDA_BN_H

#include "kernels/bn_stat.h"
#include "kernels/cuda/cuda.h"

/* W channels of two rows of a stat, to apply a batch norm with. The first is a
 * multiple of W. */
template <int W> struct bn_affine {
    float scale[W], shift[W];

    __device__ bn_affine(const float *stat, int channels, int at)
    {
        load(scale, stat + STAT_SCALE * channels + at);
        load(shift, stat + STAT_SHIFT * channels + at);
    }

    __device__ float operator()(int i, float x) const
    {
        return fmaf(scale[i], x, shift[i]);
    }
};

#endif
