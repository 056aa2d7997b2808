/*
 * linear: y (N, Co) = x (N, Ci) w (Ci, Co) + b (Co) float, or nothing. x may be
 * loaded through a stat.
 */
#include "kernels/cuda/patches.h"
#include "kernels/cuda/linear.h"

void cuda_linear(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    struct call conv = linear_call(c);

    conv.operand[CONV_X] = linear_images(o[LINEAR_X]);
    conv.operand[CONV_W] = linear_filter(o[LINEAR_W]);
    conv.operand[CONV_Y] = linear_images(o[LINEAR_Y]);
    conv_with_bias(q, &conv, data_if_given<float>(&o[LINEAR_B]));
}
