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

INLINE void put_row(const enum dtype dtype, const struct call *c, size_t at,
                    float mean, float rstd)
{
    const void *x = c->operand[LAYER_NORM_X].data;
    const float *gamma = c->operand[LAYER_NORM_GAMMA].data;
    const float *beta = c->operand[LAYER_NORM_BETA].data;
    void *y = c->operand[LAYER_NORM_Y].data;
    size_t columns = (size_t)c->operand[LAYER_NORM_X].dim[1], i = 0;

    for (; i + VLEN <= columns; i += VLEN) {
        vf xhat = (vf_load_as(dtype, x, at + i) - mean) * rstd;

        vf_store_as(dtype, y, at + i,
                    xhat * vf_load(gamma + i) + vf_load(beta + i));
    }
    for (; i < columns; i++)
        float_store(y, at + i, dtype,
                    (float_load(x, at + i, dtype) - mean) * rstd * gamma[i]
                        + beta[i]);
}

INLINE void norm_row(const enum dtype dtype, const struct call *c, size_t t)
{
    const struct operand *x = &c->operand[LAYER_NORM_X];
    const struct operand *stat = &c->operand[LAYER_NORM_STAT];
    size_t columns = (size_t)x->dim[1], at = t * columns;
    float n = (float)columns;
    float mean = layer_row_sum(dtype, false, x, at, columns, 0) / n;
    float variance = layer_row_sum(dtype, true, x, at, columns, mean) / n;
    float rstd = 1 / sqrtf(variance + c->attr.norm.eps);

    put_row(dtype, c, at, mean, rstd);
    if (operand_given(stat)) {
        float *to = (float *)stat->data + t * LAYER_STATS;

        to[LAYER_MEAN] = mean;
        to[LAYER_RSTD] = rstd;
    }
}

INLINE void norm_rows(const enum dtype dtype, const struct call *c,
                      struct range rows)
{
    for (size_t t = rows.begin; t < rows.end; t++)
        norm_row(dtype, c, t);
}

void KERNEL(layer_norm)(const struct call *c)
{
    const struct operand *x = &c->operand[LAYER_NORM_X];

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++) {
        struct range rows = range_share((size_t)x->dim[0], t, c->threads);

        DTYPE_SWITCH(x->dtype, norm_rows, c, rows);
    }
}
