/*
 * zero: fills with zero bytes.
 *   out x, any shape and dtype
 */
#include "kernels/cuda/cuda.h"

void cuda_zero(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[ZERO_X];

    queue_check(q, cudaMemsetAsync(x->data, 0,
                                   operand_elements(x) * dtype_size(x->dtype),
                                   q->stream));
}
