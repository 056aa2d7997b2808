/* Conversion of bfloat16, as in CUDA's header of this name. */
#ifndef MEMDIAL_EMULATE_CUDA_BF16_H
#define MEMDIAL_EMULATE_CUDA_BF16_H

#include "kernels/half.h"

struct __nv_bfloat16 {
    uint16_t bits;
};

static inline uint16_t __bfloat16_as_ushort(__nv_bfloat16 h)
{
    return h.bits;
}

static inline __nv_bfloat16 __float2bfloat16_rn(float x)
{
    return { bf16_store(x) };
}

#endif
