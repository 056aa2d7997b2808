/*
 * linear_wgrad: dw += x^T dy, db += sum of dy.
 *   in x (N, Ci) float, dy (N, Co) float
 *   update dw (Ci, Co), db (Co) float
 */
#include "cuda.h"

/* One thread for an element of dw and, after them, of db. */
template <typename T>
static __global__ void linear_wgrad(size_t n, size_t ci, size_t co,
                                    const float *x, const float *dy, T *dw,
                                    float *db)
{
    for (size_t at = thread_index(); at < (ci + 1) * co;
         at += grid_threads()) {
        size_t i = at / co, o = at % co;
        float sum = 0;

        for (size_t k = 0; k < n; k++)
            sum = i < ci ? fmaf(x[k * ci + i], dy[k * co + o], sum)
                         : sum + dy[k * co + o];
        if (i < ci)
            narrow(&dw[at], widen(dw[at]) + sum);
        else
            db[o] += sum;
    }
}

void cuda_linear_wgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *dw = &o[LINEAR_WGRAD_DW];
    size_t n = (size_t)o[LINEAR_WGRAD_X].dim[0];
    size_t ci = (size_t)dw->dim[0], co = (size_t)dw->dim[1];

    with_number(dw->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, blocks_for((ci + 1) * co), BLOCK_THREADS, 0,
               linear_wgrad<T>, n, ci, co,
               data_of<float>(&o[LINEAR_WGRAD_X]),
               data_of<float>(&o[LINEAR_WGRAD_DY]), data_of<T>(dw),
               data_of<float>(&o[LINEAR_WGRAD_DB]));
    });
}
