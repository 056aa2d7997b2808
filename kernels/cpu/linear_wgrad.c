/*
 * linear_wgrad: dw += x^T dy, db += sum of dy.
 *   in x (N, Ci), may be loaded through a stat; dy (N, Co)
 *   update dw (Ci, Co); db (Co) float, or empty
 *
 * db is one more row of dw, for an x of ones.
 */
#include "kernels/cpu/conv_core.h"
#include "kernels/cpu/product.h"
#include "kernels/cpu/sparse.h"

static void store_dw(const struct product *p, struct range rows, int column,
                     int n, float *sum, int step)
{
    const struct operand *dw = &p->call->operand[LINEAR_WGRAD_DW];
    const struct operand *db = &p->call->operand[LINEAR_WGRAD_DB];

    for (size_t row = rows.begin; row < rows.end; row++, sum += step) {
        bool last = row == (size_t)dw->dim[0];
        const struct operand *to = last ? db : dw;
        size_t at = (last ? 0 : row * (size_t)dw->dim[1]) + (size_t)column;

        if (to->pool)
            sparse_add(to, at, (size_t)n, sum);
        else
            DTYPE_SWITCH(to->dtype, conv_store, to->data, to->data, at, sum,
                         n);
    }
}

static struct product product_for_dw(const struct call *c)
{
    const struct operand *x = &c->operand[LINEAR_WGRAD_X];
    const struct operand *dy = &c->operand[LINEAR_WGRAD_DY];
    bool ones = operand_given(&c->operand[LINEAR_WGRAD_DB]);

    return (struct product){
        .call = c, .a = x, .b = dy, .c = &c->operand[LINEAR_WGRAD_DW],
        .a_turned = true, .ones = ones, .rows = x->dim[1] + ones,
        .depth = x->dim[0], .columns = dy->dim[1], .store = store_dw
    };
}

size_t KERNEL(linear_wgrad_scratch)(const struct call *c)
{
    struct product p = product_for_dw(c);

    return KERNEL(product_scratch)(&p);
}

void KERNEL(linear_wgrad)(const struct call *c)
{
    struct product p = product_for_dw(c);

    KERNEL(product_run)(&p);
}
