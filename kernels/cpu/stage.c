#include "kernels/cpu/stage.h"

#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_block.h"

void KERNEL(stage_widen)(enum dtype dtype, const uint16_t *from, float *to,
                         size_t n)
{
    size_t i = 0;

    if (dtype == DTYPE_BF16)
        for (; i + VLEN <= n; i += VLEN)
            vf_store(to + i, vf_load_bf16(from + i));
    else
        for (; i + VLEN <= n; i += VLEN)
            vf_store(to + i, vf_load_f16(from + i));
    for (; i < n; i++)
        to[i] = float_load(from, i, dtype);
}

void KERNEL(stage_narrow)(enum dtype dtype, const float *from, uint16_t *to,
                          size_t n)
{
    size_t i = 0;

    if (dtype == DTYPE_BF16)
        for (; i + VLEN <= n; i += VLEN)
            vf_store_bf16(to + i, vf_load(from + i));
    else
        for (; i + VLEN <= n; i += VLEN)
            vf_store_f16(to + i, vf_load(from + i));
    for (; i < n; i++)
        float_store(to, i, dtype, from[i]);
}

INLINE void expand(const enum dtype from, const void *blocks, size_t at,
                   float *to, size_t n)
{
    size_t i = 0;

    for (; i < n && (at + i) % VLEN; i++)
        to[i] = squeeze_load(blocks, at + i, from);
    for (; i + VLEN <= n; i += VLEN)
        vf_store(to + i, vec_block_load(from, blocks, at + i));
    for (; i < n; i++)
        to[i] = squeeze_load(blocks, at + i, from);
}

void KERNEL(stage_expand)(enum dtype dtype, const void *blocks, size_t at,
                          float *to, size_t n)
{
    if (dtype == DTYPE_8BIT)
        expand(DTYPE_8BIT, blocks, at, to, n);
    else
        expand(DTYPE_4BIT, blocks, at, to, n);
}
