/*
 * linear: y = x w + b.
 *   in x (N, Ci) float, w (Ci, Co), b (Co) float
 *   out y (N, Co) float
 *
 * scratch: cuBLAS's, and w as floats.
 */
#include "kernels/cuda/blas.h"

static __global__ void repeat(size_t n, size_t columns, const float *row,
                              float *to)
{
    for (size_t i = thread_index(); i < n; i += grid_threads())
        to[i] = row[i % columns];
}

void cuda_linear(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[LINEAR_X];
    const struct operand *w = &o[LINEAR_W], *y = &o[LINEAR_Y];
    size_t n = operand_elements(y);

    launch(q, blocks_for(n), BLOCK_THREADS, 0, repeat, n, (size_t)w->dim[1],
           data_of<float>(&o[LINEAR_B]), data_of<float>(y));
    blas_product(q, c, { data_of<float>(x), x->dim[0], x->dim[1], false },
                 { blas_floats(q, w, blas_room(c)), w->dim[0], w->dim[1],
                   false },
                 1, data_of<float>(y));
}
