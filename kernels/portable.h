/*
 * Functions of headers that kernels use on every backend. Where a backend has a
 * compiler of its own, they exist on the host and on the device.
 */
#ifndef MEMDIAL_PORTABLE_H
#define MEMDIAL_PORTABLE_H

#include <stdint.h>

#ifdef __CUDACC__
#define PORTABLE static inline __host__ __device__
#else
#define PORTABLE static inline
#endif

/* How many bits are 1. */
PORTABLE int ones(uint64_t bits)
{
#ifdef __CUDA_ARCH__
    return __popcll(bits);
#else
    return __builtin_popcountll(bits);
#endif
}

/* The place of the lowest bit that is 1; one must be. */
PORTABLE int first_one(uint64_t bits)
{
#ifdef __CUDA_ARCH__
    return __ffsll((long long)bits) - 1;
#else
    return __builtin_ctzll(bits);
#endif
}

#endif
