/*
 * Helpers of the operations that update weights.
 */
#ifndef MEMDIAL_CUDA_ROUND_H
#define MEMDIAL_CUDA_ROUND_H

#include "kernels/cuda/cuda.h"
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

#endif
