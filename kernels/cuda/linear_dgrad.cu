/*
 * linear_dgrad: dx = dy w^T + add.
 *   in dy (N, Co) float, w (Ci, Co), add (N, Ci) float or empty
 *   out dx (N, Ci) float, may take over add
 */
#include "cuda.h"

/* One thread for an element of dx; add may be NULL. */
template <typename T>
static __global__ void linear_dgrad(size_t n, size_t ci, size_t co,
                                    const float *dy, const T *w,
                                    const float *add, float *dx)
{
    for (size_t at = thread_index(); at < n * ci; at += grid_threads()) {
        const float *row = dy + at / ci * co;
        const T *weights = w + at % ci * co;
        float sum = add ? add[at] : 0;

        for (size_t o = 0; o < co; o++)
            sum = fmaf(row[o], widen(weights[o]), sum);
        dx[at] = sum;
    }
}

void cuda_linear_dgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *w = &o[LINEAR_DGRAD_W];
    const struct operand *add = &o[LINEAR_DGRAD_ADD];
    size_t n = (size_t)o[LINEAR_DGRAD_DY].dim[0];
    size_t ci = (size_t)w->dim[0], co = (size_t)w->dim[1];

    with_number(w->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, blocks_for(n * ci), BLOCK_THREADS, 0, linear_dgrad<T>, n,
               ci, co, data_of<float>(&o[LINEAR_DGRAD_DY]), data_of<T>(w),
               operand_given(add) ? data_of<float>(add) : NULL,
               data_of<float>(&o[LINEAR_DGRAD_DX]));
    });
}
