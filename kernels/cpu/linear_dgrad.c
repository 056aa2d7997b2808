/*
 * linear_dgrad: dx = dy w^T + add.
 *   in dy (N, Co), w (Ci, Co), add (N, Ci) or empty
 *   out dx (N, Ci), may take over add
 */
#include "kernels/cpu/conv_core.h"
#include "kernels/cpu/product.h"

static void store_dx(const struct product *p, struct range rows, int column,
                     int n, float *sum, int step)
{
    const struct operand *dx = &p->call->operand[LINEAR_DGRAD_DX];
    const struct operand *add = &p->call->operand[LINEAR_DGRAD_ADD];

    for (size_t row = rows.begin; row < rows.end; row++, sum += step)
        DTYPE_SWITCH(dx->dtype, conv_store, dx->data,
                     operand_given(add) ? add->data : NULL,
                     row * (size_t)dx->dim[1] + (size_t)column, sum, n);
}

static struct product product_for_dx(const struct call *c)
{
    const struct operand *dy = &c->operand[LINEAR_DGRAD_DY];
    const struct operand *w = &c->operand[LINEAR_DGRAD_W];

    return (struct product){
        .call = c, .a = dy, .b = w, .c = &c->operand[LINEAR_DGRAD_DX],
        .b_turned = true, .rows = dy->dim[0], .depth = w->dim[1],
        .columns = w->dim[0], .store = store_dx
    };
}

size_t KERNEL(linear_dgrad_scratch)(const struct call *c)
{
    struct product p = product_for_dx(c);

    return KERNEL(product_scratch)(&p);
}

void KERNEL(linear_dgrad)(const struct call *c)
{
    struct product p = product_for_dx(c);

    KERNEL(product_run)(&p);
}
