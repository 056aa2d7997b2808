/*
 * conv_dgrad: the gradient of a convolution's input, dx (N, H, W, Ci) = the
 * transpose of conv applied to dy (N, Ho, Wo, Co) with w (KH, KW, Ci, Co),
 * + add (N, H, W, Ci) or nothing. If wanted, the sums (1, SUM_ROWS, Ci) of dx
 * as the gradient of the result of a batch norm, which had x (N, H, W, Ci) and
 * stat (STAT_ROWS, Ci).
 */
#include "kernels/cpu/conv_product.h"

static struct conv_core product_for_dgrad(const struct call *c)
{
    const struct operand *o = c->operand;

    struct conv_core core = KERNEL(conv_product)(
        c, &o[CONV_DGRAD_DY], &o[CONV_DGRAD_W], &o[CONV_DGRAD_ADD],
        &o[CONV_DGRAD_DX], &o[CONV_DGRAD_SUMS], true);

    if (operand_given(core.sums))
        core.gradient = (struct bn_gradient){
            &o[CONV_DGRAD_DX], &o[CONV_DGRAD_X], o[CONV_DGRAD_STAT].data
        };
    return core;
}

size_t KERNEL(conv_dgrad_scratch)(const struct call *c)
{
    struct conv_core core = product_for_dgrad(c);

    return KERNEL(conv_product_scratch)(&core);
}

void KERNEL(conv_dgrad)(const struct call *c)
{
    struct conv_core core = product_for_dgrad(c);

    KERNEL(conv_product_run)(&core);
}
