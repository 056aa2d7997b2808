/* Conversion of binary16, as in CUDA's header of this name. */
#ifndef MEMDIAL_EMULATE_CUDA_FP16_H
#define MEMDIAL_EMULATE_CUDA_FP16_H

#include "kernels/half.h"

struct __half {
    uint16_t bits;
};

static inline __half __ushort_as_half(uint16_t bits)
{
    return { bits };
}

static inline uint16_t __half_as_ushort(__half h)
{
    return h.bits;
}

static inline float __half2float(__half h)
{
    return f16_load(h.bits);
}

static inline __half __float2half_rn(float x)
{
    return { f16_store(x) };
}

#endif
