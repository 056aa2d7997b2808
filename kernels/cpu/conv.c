/*
 * conv: y (N, Ho, Wo, Co) = x (N, H, W, Ci) * w (KH, KW, Ci, Co), zero
 * padding, + add (N, Ho, Wo, Co) or nothing. x may be read through a saved
 * batch norm, and is padded after that. If wanted, the sums (1, SUM_ROWS, Co)
 * of y as the input of a batch norm.
 */
#include "kernels/cpu/conv_product.h"

static struct conv_core product_for_conv(const struct call *c)
{
    const struct operand *o = c->operand;

    return KERNEL(conv_product)(c, &o[CONV_X], &o[CONV_W], &o[CONV_ADD],
                                &o[CONV_Y], &o[CONV_SUMS], false);
}

size_t KERNEL(conv_scratch)(const struct call *c)
{
    struct conv_core core = product_for_conv(c);

    return KERNEL(conv_product_scratch)(&core);
}

void KERNEL(conv)(const struct call *c)
{
    struct conv_core core = product_for_conv(c);

    KERNEL(conv_product_run)(&core);
}
