/*
 * dynconv_dgrad: the gradient of a dynamic convolution (dynconv.cu) by its
 * input.
 *   in dy (T, C), logits (T, H * K), ends (N) int32, add (T, C) or empty
 *   out dx (T, C), may take over add
 *
 *   dx[s, c] = sum over k of p[t, h, k] * dy[t, c] + add[s, c], t = s - k + pad
 * where rows t outside of s's sentence are left out.
 */
#include "kernels/cuda/dynconv.h"

void cuda_dynconv_dgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *dy = &o[DYNCONV_DGRAD_DY];

    with_number(dy->dtype, [&](auto number) {
        using T = decltype(number);
        band<T, true> b = {};

        b.v = dynconv_of<T>(q, c, DYNCONV_DGRAD_DY, DYNCONV_DGRAD_LOGITS,
                            DYNCONV_DGRAD_ENDS);
        b.in = data_of<T>(dy);
        b.add = data_if_given<T>(&o[DYNCONV_DGRAD_ADD]);
        b.out = data_of<T>(&o[DYNCONV_DGRAD_DX]);
        band_launch(q, b);
    });
}
