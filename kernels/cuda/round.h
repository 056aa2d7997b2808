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

/* Weight i, or its master copy. */
template <typename T>
static __device__ float load_weight(const T *w, const float *master, size_t i)
{
    return master ? master[i] : widen(w[i]);
}

/* Stores weight i: the master copy and its rounding to nearest, or, without
 * one, by the lower half of a random word. */
template <typename T>
static __device__ void store_weight(T *to, float *master, size_t i, float w,
                                    uint32_t random)
{
    if (master) {
        master[i] = w;
        narrow(&to[i], w);
    } else {
        store_random(&to[i], w, random);
    }
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
