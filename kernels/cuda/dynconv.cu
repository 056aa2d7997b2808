/*
 * dynconv: the dynamic convolution of Wu, Fan, Baevski, Dauphin and Auli, "Pay
 * less attention with lightweight and dynamic convolutions" (ICLR 2019), on
 * packed sentences.
 *   in x (T, C), logits (T, H * K), ends (N) int32
 *   out y (T, C)
 *
 * p = softmax of a row's K logits of a head, then dropout. With h the head of
 * channel c, which has C / H of them,
 *   y[t, c] = sum over k of p[t, h, k] * x[t + k - pad, c]
 * where rows outside of t's sentence are left out. pad is K - 1 if the
 * convolution is causal, else K / 2.
 */
#include "kernels/cuda/dynconv.h"

void cuda_dynconv(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[DYNCONV_X];

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);
        band<T, false> b = {};

        b.v = dynconv_of<T>(q, c, DYNCONV_X, DYNCONV_LOGITS, DYNCONV_ENDS);
        b.in = data_of<T>(x);
        b.out = data_of<T>(&o[DYNCONV_Y]);
        band_launch(q, b);
    });
}
