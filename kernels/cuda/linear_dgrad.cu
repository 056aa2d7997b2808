/*
 * linear_dgrad: dx = dy w^T + add.
 *   in dy (N, Co) float, w (Ci, Co), add (N, Ci) float or empty
 *   out dx (N, Ci) float, may take over add
 *
 * scratch: cuBLAS's, and w as floats.
 */
#include "kernels/cuda/blas.h"

void cuda_linear_dgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *w = &o[LINEAR_DGRAD_W];
    const struct operand *dy = &o[LINEAR_DGRAD_DY];
    const struct operand *dx = &o[LINEAR_DGRAD_DX];
    const struct operand *add = &o[LINEAR_DGRAD_ADD];
    bool given = operand_given(add);

    if (given && add->data != dx->data)
        queue_check(q, cudaMemcpyAsync(dx->data, add->data,
                                       operand_elements(dx) * sizeof(float),
                                       cudaMemcpyDeviceToDevice, q->stream));
    blas_product(q, c, { data_of<float>(dy), dy->dim[0], dy->dim[1], false },
                 { blas_floats(q, w, blas_room(c)), w->dim[0], w->dim[1],
                   true },
                 given, data_of<float>(dx));
}
