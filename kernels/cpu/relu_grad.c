/*
 * relu_grad: the gradient of relu's operand, by its result y:
 * dx = (y > 0 ? dy : 0) + add, any shape.
 *   in dy, y, add or empty
 *   out dx, may take over dy or add
 */
#include "kernels/cpu/vec.h"

struct relu_grad {
    const void *dy, *y, *add; /* add may be NULL */
    void *dx;
};

INLINE void relu_grad_elements(const enum dtype dtype,
                               const struct relu_grad *g, struct range part)
{
    size_t i = part.begin;

    for (; i + VLEN <= part.end; i += VLEN) {
        vi is_on = vf_load_as(dtype, g->y, i) > vf_set(0);
        vf dx = (vf)(is_on & (vi)vf_load_as(dtype, g->dy, i));

        if (g->add)
            dx += vf_load_as(dtype, g->add, i);
        vf_store_as(dtype, g->dx, i, dx);
    }
    for (; i < part.end; i++) {
        float dx = float_load(g->y, i, dtype) > 0
                       ? float_load(g->dy, i, dtype) : 0;

        if (g->add)
            dx += float_load(g->add, i, dtype);
        float_store(g->dx, i, dtype, dx);
    }
}

void KERNEL(relu_grad)(const struct call *c)
{
    const struct operand *o = c->operand, *add = &o[RELU_GRAD_ADD];
    struct relu_grad g = {
        o[RELU_GRAD_DY].data, o[RELU_GRAD_Y].data,
        operand_given(add) ? add->data : NULL, o[RELU_GRAD_DX].data
    };
    size_t n = operand_elements(&o[RELU_GRAD_DY]);

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int t = 0; t < c->threads; t++)
        DTYPE_SWITCH(o[RELU_GRAD_DY].dtype, relu_grad_elements, &g,
                     range_share(n, t, c->threads));
}
