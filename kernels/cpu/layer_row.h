/*
 * Sums over a row of a matrix that may be stored in 16 bits. Compilers leave
 * such loops on single floats where the row may be in either of two places, so
 * they are written with vectors.
 */
#ifndef MEMDIAL_LAYER_ROW_H
#define MEMDIAL_LAYER_ROW_H

#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_across.h"

/* The sum of n elements' deviations from `mean`, or of their squares. */
INLINE float layer_row_sum(const enum dtype dtype, const bool squares,
                           const struct operand *x, size_t at, size_t n,
                           float mean)
{
    vf sum = { 0 };
    float rest = 0;
    size_t i = 0;

    for (; i + VLEN <= n; i += VLEN) {
        vf v = vf_load_as(dtype, x->data, at + i) - mean;

        if (squares)
            v *= v;
        sum += v;
    }
    for (; i < n; i++) {
        float v = float_load(x->data, at + i, dtype) - mean;

        rest += squares ? v * v : v;
    }
    return vf_sum_across(sum)[0] + rest;
}

#endif
