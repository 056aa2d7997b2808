/*
 * conv_dgrad: dx (N, H, W, Ci) = the gradient of a convolution's input, from dy
 * (N, Ho, Wo, Co) and w (KH, KW, Ci, Co), + add (N, H, W, Ci) or nothing.
 */
#include "conv.h"

void cuda_conv_dgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *dx = &o[CONV_DGRAD_DX];
    const struct operand *dy = &o[CONV_DGRAD_DY], *w = &o[CONV_DGRAD_W];
    const struct operand *add = &o[CONV_DGRAD_ADD];
    struct conv_shape s = conv_shape_of(c, dx, w, dy);
    int depth = s.taps * s.co;

    conv_choose(q, c, dy->dtype, s, s.ci, [&](auto product, auto width) {
        using Product = decltype(product);
        using T = typename Product::element;
        constexpr int W = decltype(width)::value;
        patches<T, W, true, true, true> seen(dy, s);
        stored_sums<T> sums = { data_of<T>(dx),
                                operand_given(add) ? data_of<T>(add) : NULL,
                                s.inputs(), s.ci };

        with_elements<T, W>(w, [&](auto found) {
            swapped_weights<T, W, decltype(found)> weights(found, s);

            gemm_launch<Product>(q, seen, weights, s.inputs(), s.ci, depth,
                                 depth, sums);
        });
    });
}
