/*
 * linear_dgrad: dx (N, Ci) = dy (N, Co) times the transpose of w (Ci, Co),
 * + add (N, Ci) or nothing.
 */
#include "kernels/cuda/linear.h"

void cuda_linear_dgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    struct call conv = linear_call(c);

    conv.operand[CONV_DGRAD_DY] = linear_images(o[LINEAR_DGRAD_DY]);
    conv.operand[CONV_DGRAD_W] = linear_filter(o[LINEAR_DGRAD_W]);
    conv.operand[CONV_DGRAD_ADD] = linear_images(o[LINEAR_DGRAD_ADD]);
    conv.operand[CONV_DGRAD_DX] = linear_images(o[LINEAR_DGRAD_DX]);
    cuda_conv_dgrad(q, &conv);
}
