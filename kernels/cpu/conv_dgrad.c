/*
 * conv_dgrad: the gradient of a convolution's input, dx (N, H, W, Ci) = the
 * transpose of conv applied to dy (N, Ho, Wo, Co) with w (KH, KW, Ci, Co),
 * + add (N, H, W, Ci) or nothing.
 */
#include "kernels/cpu/conv_core.h"

static struct conv_core core_of(const struct call *c)
{
    const struct operand *o = c->operand;

    return KERNEL(conv_core)(c, &o[CONV_DGRAD_DY], &o[CONV_DGRAD_W],
                             &o[CONV_DGRAD_ADD], &o[CONV_DGRAD_DX], true);
}

size_t KERNEL(conv_dgrad_scratch)(const struct call *c)
{
    struct conv_core core = core_of(c);

    return KERNEL(conv_core_scratch)(&core);
}

void KERNEL(conv_dgrad)(const struct call *c)
{
    struct conv_core core = core_of(c);

    KERNEL(conv_core_run)(&core);
}
