/*
 * The most multiply-adds that one thread can do: enough independent ones to
 * hide their latency, all in registers.
 */
#include "kernels/cpu/vec.h"

enum { SUMS = 12 };

const double KERNEL(peak_flops) = 2.0 * SUMS * VLEN;

/* `one` comes from outside so that nothing can be computed beforehand. */
float KERNEL(peak)(long loops, float one)
{
    vf sum[SUMS], factor = one - (vf){ 0 };
    float total = 0;

    for (int i = 0; i < SUMS; i++)
        sum[i] = factor * (float)i;
    for (long k = 0; k < loops; k++)
        UNROLL
        for (int i = 0; i < SUMS; i++)
            sum[i] = sum[i] * factor + factor;
    for (int i = 0; i < SUMS; i++)
        for (int j = 0; j < VLEN; j++)
            total += sum[i][j];
    return total;
}
