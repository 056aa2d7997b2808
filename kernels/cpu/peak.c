/*
 * The most multiply-adds that one thread can do: enough independent ones to
 * hide their latency, all in registers.
 */
#include "kernels/cpu/vec.h"

enum { SUMS = 12 };

static bool has_dots(enum dtype dtype)
{
    return VF_DOTS && dtype == DTYPE_BF16;
}

double KERNEL(peak_flops)(enum dtype dtype)
{
    return 2.0 * SUMS * VLEN * (has_dots(dtype) ? 2 : 1);
}

INLINE void add_up(const bool dots, vf sum[SUMS], long loops, vf factor)
{
    for (long k = 0; k < loops; k++)
        UNROLL
        for (int i = 0; i < SUMS; i++)
            if (dots)
                sum[i] = vf_dot(sum[i], factor, factor);
            else
                sum[i] = sum[i] * factor + factor;
}

/* `one` comes from outside so that nothing can be computed beforehand. */
float KERNEL(peak)(enum dtype dtype, long loops, float one)
{
    vf sum[SUMS], factor = vf_set(one);
    vf pairs = (vf)((vu)factor | (vu)factor >> 16);
    float total = 0;

    for (int i = 0; i < SUMS; i++)
        sum[i] = factor * (float)i;
    if (has_dots(dtype))
        add_up(true, sum, loops, pairs);
    else
        add_up(false, sum, loops, factor);
    for (int i = 0; i < SUMS; i++)
        for (int j = 0; j < VLEN; j++)
            total += sum[i][j];
    return total;
}
