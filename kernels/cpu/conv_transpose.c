#include "kernels/cpu/conv_transpose.h"

#include "kernels/cpu/conv_tile.h"

void KERNEL(conv_transpose)(const float *from, int step, int pixels,
                            size_t line, float *to)
{
    int p = 0;

    for (; p + VLEN <= pixels; p += VLEN)
        for (int c = 0; c < CONV_BLOCK; c += VLEN) {
            vf row[VLEN];

            UNROLL
            for (int i = 0; i < VLEN; i++)
                row[i] = vf_load(from + (p + i) * step + c);
            conv_transpose_square(row);
            UNROLL
            for (int i = 0; i < VLEN; i++)
                vf_store(to + (size_t)(c + i) * line + p, row[i]);
        }
    for (; p < pixels; p++)
        for (int c = 0; c < CONV_BLOCK; c++)
            to[(size_t)c * line + (size_t)p] = from[p * step + c];
}
