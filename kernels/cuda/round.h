/*
 * Helpers of the operations that update weights.
 */
#ifndef MEMDIAL_CUDA_ROUND_H
#define MEMDIAL_CUDA_ROUND_H

#include "kernels/cuda/table.h"
#include "kernels/philox.h"

/* Stores a number; one in 16 bits is rounded by the lower half of a random
 * word. */
static __device__ inline void store_random(float *to, float x, uint32_t)
{
    *to = x;
}

static __device__ inline void store_random(bf16 *to, float x, uint32_t random)
{
    to->bits = bf16_store_random(x, random & 0xFFFF);
}

static __device__ inline void store_random(fp16 *to, float x, uint32_t random)
{
    to->bits = f16_store_random(x, random & 0xFFFF);
}

/* Stores n weights, at most four: the master copies and their rounding to
 * nearest, or, without these, by the lower halves of random words. */
template <typename T>
static __device__ void store_weights(T *to, float *master,
                                     const float (&w)[4],
                                     const struct philox &random, int n)
{
    pack<T, 4> rounded;
    pack<float, 4> whole;

#pragma unroll
    for (int k = 0; k < 4; k++)
        if (master)
            narrow(&rounded.element[k], w[k]);
        else
            store_random(&rounded.element[k], w[k], random.x[k]);
    store_four(to, rounded, n);
    if (!master)
        return;
#pragma unroll
    for (int k = 0; k < 4; k++)
        whole.element[k] = w[k];
    store_four(master, whole, n);
}

#endif
