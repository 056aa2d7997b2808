/*
 * linear: y = x w + b.
 *   in x (N, Ci) float, w (Ci, Co), b (Co) float
 *   out y (N, Co) float
 */
#include "cuda.h"

/* One thread for an element of y. */
template <typename T>
static __global__ void linear(size_t n, size_t ci, size_t co, const float *x,
                              const T *w, const float *b, float *y)
{
    for (size_t at = thread_index(); at < n * co; at += grid_threads()) {
        const float *row = x + at / co * ci;
        size_t o = at % co;
        float sum = b[o];

        for (size_t i = 0; i < ci; i++)
            sum = fmaf(row[i], widen(w[i * co + o]), sum);
        y[at] = sum;
    }
}

void cuda_linear(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *w = &o[LINEAR_W];
    size_t n = (size_t)o[LINEAR_X].dim[0];
    size_t ci = (size_t)w->dim[0], co = (size_t)w->dim[1];

    with_number(w->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, blocks_for(n * co), BLOCK_THREADS, 0, linear<T>, n, ci, co,
               data_of<float>(&o[LINEAR_X]), data_of<T>(w),
               data_of<float>(&o[LINEAR_B]), data_of<float>(&o[LINEAR_Y]));
    });
}
