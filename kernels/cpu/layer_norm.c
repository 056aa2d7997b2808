/*
 * layer_norm: y = gamma * xhat + beta with xhat = (x - mean) * rstd of each row
 * (Ba, Kiros and Hinton 2016), rstd = 1 / sqrt(variance + eps), the variance
 * the biased one.
 *   in x (T, C), gamma (C), beta (C)
 *   out y (T, C), may take over x; stat (T, LAYER_STATS), or empty
 *
 * The variance is summed about the mean, in a second pass over the row, which
 * is then in the first-level cache.
 */
#include <math.h>

#include "kernels/cpu/layer_row.h"

static void put_row(const struct call *c, size_t t, float mean, float rstd)
{
    const struct operand *x = &c->operand[LAYER_NORM_X];
    const float *gamma = c->operand[LAYER_NORM_GAMMA].data;
    const float *beta = c->operand[LAYER_NORM_BETA].data;
    size_t columns = (size_t)x->dim[1];
    float room[STAGE_COLUMNS], y[STAGE_COLUMNS];

    for (size_t k = 0; k < columns; k += STAGE_COLUMNS) {
        size_t n = size_min(columns - k, STAGE_COLUMNS), at = t * columns + k;
        const float *v = stage_floats(x, at, n, room);

#pragma omp simd
        for (size_t i = 0; i < n; i++)
            y[i] = (v[i] - mean) * rstd * gamma[k + i] + beta[k + i];
        stage_put(&c->operand[LAYER_NORM_Y], at, n, y);
    }
}

static void norm_row(const struct call *c, size_t t)
{
    const struct operand *x = &c->operand[LAYER_NORM_X];
    const struct operand *stat = &c->operand[LAYER_NORM_STAT];
    float columns = (float)x->dim[1];
    float mean = layer_row_sum(x, t) / columns;
    float rstd = 1 / sqrtf(layer_row_squares(x, t, mean) / columns
                           + c->attr.norm.eps);

    put_row(c, t, mean, rstd);
    if (operand_given(stat)) {
        float *to = (float *)stat->data + t * LAYER_STATS;

        to[LAYER_MEAN] = mean;
        to[LAYER_RSTD] = rstd;
    }
}

void KERNEL(layer_norm)(const struct call *c)
{
    size_t rows = (size_t)c->operand[LAYER_NORM_X].dim[0];

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t t = 0; t < rows; t++)
        norm_row(c, t);
}
