/*
 * Sums over a row of a matrix that may be stored in 16 bits.
 */
#ifndef MEMDIAL_LAYER_ROW_H
#define MEMDIAL_LAYER_ROW_H

#include "kernels/cpu/stage.h"

static inline float layer_row_sum(const struct operand *x, size_t row)
{
    size_t columns = (size_t)x->dim[1];
    float room[STAGE_COLUMNS], sum = 0;

    for (size_t k = 0; k < columns; k += STAGE_COLUMNS) {
        size_t n = size_min(columns - k, STAGE_COLUMNS);
        const float *v = stage_floats(x, row * columns + k, n, room);

#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < n; i++)
            sum += v[i];
    }
    return sum;
}

/* The sum of squared deviations from the mean. */
static inline float layer_row_squares(const struct operand *x, size_t row,
                                      float mean)
{
    size_t columns = (size_t)x->dim[1];
    float room[STAGE_COLUMNS], sum = 0;

    for (size_t k = 0; k < columns; k += STAGE_COLUMNS) {
        size_t n = size_min(columns - k, STAGE_COLUMNS);
        const float *v = stage_floats(x, row * columns + k, n, room);

#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < n; i++)
            sum += (v[i] - mean) * (v[i] - mean);
    }
    return sum;
}

#endif
