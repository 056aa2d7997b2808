/*
 * conv: y (N, Ho, Wo, Co) = x (N, H, W, Ci) * w (KH, KW, Ci, Co), zero
 * padding, + add (N, Ho, Wo, Co) or nothing. x may be read through a saved
 * batch norm, and is padded after that. If wanted, the sums (tiles, SUM_ROWS,
 * Co) of y.
 */
#include "kernels/cuda/conv_halo.h"
#include "kernels/cuda/conv_out.h"

void cuda_conv(struct queue *q, const struct call *c)
{
    conv_with_bias(q, c, NULL);
}

void conv_with_bias(struct queue *q, const struct call *c, const float *bias)
{
    const struct operand *o = c->operand, *x = &o[CONV_X], *y = &o[CONV_Y];
    const struct operand *w = &o[CONV_W], *add = &o[CONV_ADD];
    struct conv_shape s = conv_shape_of(c, x, w, y);

    conv_choose(q, c, x, w, s, s.co, [&](auto product, auto width) {
        using Product = decltype(product);
        using T = typename Product::element;
        constexpr int W = decltype(width)::value;
        conv_result<T> result = { conv_out_of<T>(y, add, &o[CONV_SUMS]) };

        result.bias = bias;
        with_direct<W>(x, [&](auto direct) {
            constexpr bool DIRECT = decltype(direct)::value;

            with_elements<T, W>(w, [&](auto found) {
                plain<T, W, decltype(found)> weights = {
                    found, s.taps * s.ci, s.co
                };

                conv_multiply<Product, W, PATCHES, DIRECT>(q, s, x, weights,
                                                           s.co, result);
            });
        });
    });
}
