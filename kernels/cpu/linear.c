/*
 * linear: y = x w + b.
 *   in x (N, Ci), may be loaded through a stat; w (Ci, Co); b (Co) float, or
 *   empty
 *   out y (N, Co)
 */
#include "kernels/cpu/conv_core.h"
#include "kernels/cpu/product.h"

/* n floats of y from element `at` on, with their bias if there is one. */
static inline void store_row(const enum dtype dtype, void *y, size_t at,
                             const float *bias, const float *sum, int n)
{
    int i = 0;

    if (!bias) {
        conv_store(dtype, y, NULL, at, sum, n);
        return;
    }
    for (; i + VLEN <= n; i += VLEN)
        vf_store_as(dtype, y, at + (size_t)i,
                    vf_load(sum + i) + vf_load(bias + i));
    for (; i < n; i++)
        float_store(y, at + (size_t)i, dtype, sum[i] + bias[i]);
}

static void store_y(const struct product *p, struct range rows, int column,
                    int n, float *sum, int step)
{
    const struct operand *y = &p->call->operand[LINEAR_Y];
    const struct operand *b = &p->call->operand[LINEAR_B];
    const float *bias = operand_given(b) ? (const float *)b->data + column
                                         : NULL;

    for (size_t row = rows.begin; row < rows.end; row++, sum += step) {
        size_t at = row * (size_t)y->dim[1] + (size_t)column;

        DTYPE_SWITCH(y->dtype, store_row, y->data, at, bias, sum, n);
    }
}

static struct product product_for_y(const struct call *c)
{
    const struct operand *x = &c->operand[LINEAR_X];
    const struct operand *w = &c->operand[LINEAR_W];

    return (struct product){
        .call = c, .a = x, .b = w, .c = &c->operand[LINEAR_Y],
        .rows = x->dim[0], .depth = w->dim[0], .columns = w->dim[1],
        .store = store_y
    };
}

size_t KERNEL(linear_scratch)(const struct call *c)
{
    struct product p = product_for_y(c);

    return KERNEL(product_scratch)(&p);
}

void KERNEL(linear)(const struct call *c)
{
    struct product p = product_for_y(c);

    KERNEL(product_run)(&p);
}
