#include "kernels/cpu/stage.h"

#include "kernels/cpu/vec.h"

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
