/*
 * linear_wgrad: dw += x^T dy, db += sum of dy.
 *   in x (N, Ci) float, dy (N, Co) float
 *   update dw (Ci, Co), db (Co) float
 *
 * scratch: cuBLAS's, and x^T dy if dw is not of floats.
 */
#include "kernels/cuda/blas.h"

template <typename T>
static __global__ void add_all(size_t n, const float *from, T *to)
{
    for (size_t i = thread_index(); i < n; i += grid_threads())
        narrow(&to[i], widen(to[i]) + from[i]);
}

/* One thread for a column. */
static __global__ void add_rows(size_t rows, size_t columns,
                                const float *from, float *to)
{
    size_t i = thread_index();
    float sum = 0;

    if (i >= columns)
        return;
    for (size_t k = 0; k < rows; k++)
        sum += from[k * columns + i];
    to[i] += sum;
}

void cuda_linear_wgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *dw = &o[LINEAR_WGRAD_DW];
    const struct operand *x = &o[LINEAR_WGRAD_X], *dy = &o[LINEAR_WGRAD_DY];
    struct factor seen = { data_of<float>(x), x->dim[0], x->dim[1], true };
    struct factor gradient = { data_of<float>(dy), dy->dim[0], dy->dim[1],
                               false };
    size_t n = operand_elements(dw), co = (size_t)dy->dim[1];

    with_number(dw->dtype, [&](auto number) {
        using T = decltype(number);

        if constexpr (std::is_same<T, float>::value) {
            blas_product(q, c, seen, gradient, 1, data_of<float>(dw));
        } else {
            blas_product(q, c, seen, gradient, 0, blas_room(c));
            launch(q, blocks_for(n), BLOCK_THREADS, 0, add_all<T>, n,
                   static_cast<const float *>(blas_room(c)), data_of<T>(dw));
        }
    });
    launch(q, blocks_for(co), BLOCK_THREADS, 0, add_rows, (size_t)dy->dim[0],
           co, data_of<float>(dy), data_of<float>(&o[LINEAR_WGRAD_DB]));
}
