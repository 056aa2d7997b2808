/*
 * relu: y = max(x, 0), any shape. A NaN stays one.
 *   in x
 *   out y, may take over x
 */
#include "kernels/cpu/vec.h"

INLINE void relu_elements(const enum dtype dtype, const void *x, void *y,
                          struct range part)
{
    size_t i = part.begin;

    for (; i + VLEN <= part.end; i += VLEN)
        vf_store_as(dtype, y, i, vf_relu(vf_load_as(dtype, x, i)));
    for (; i < part.end; i++)
        float_store(y, i, dtype, relu(float_load(x, i, dtype)));
}

void KERNEL(relu)(const struct call *c)
{
    const struct operand *x = &c->operand[RELU_X];
    void *y = c->operand[RELU_Y].data;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++)
        DTYPE_SWITCH(x->dtype, relu_elements, x->data, y,
                     range_share(operand_elements(x), t, c->threads));
}
