/*
 * conv_dgrad: dx (N, H, W, Ci) = the gradient of a convolution's input, from dy
 * (N, Ho, Wo, Co) and w (KH, KW, Ci, Co), + add (N, H, W, Ci) or nothing. If
 * wanted, the sums (tiles, SUM_ROWS, Ci) of dx as the gradient of the result
 * of a batch norm of x (N, H, W, Ci) with stat (STAT_ROWS, Ci).
 */
#include "kernels/cuda/conv_halo.h"
#include "kernels/cuda/conv_out.h"

void cuda_conv_dgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *dx = &o[CONV_DGRAD_DX];
    const struct operand *dy = &o[CONV_DGRAD_DY], *w = &o[CONV_DGRAD_W];
    const struct operand *add = &o[CONV_DGRAD_ADD];
    struct conv_shape s = conv_shape_of(c, dx, w, dy);

    conv_choose(q, c, dy, w, s, s.ci, [&](auto product, auto width) {
        using Product = decltype(product);
        using T = typename Product::element;
        constexpr int W = decltype(width)::value;
        conv_gradient<T> gradient = {
            conv_out_of<T>(dx, add, &o[CONV_DGRAD_SUMS]),
            data_of<T>(&o[CONV_DGRAD_X]),
            data_of<float>(&o[CONV_DGRAD_STAT])
        };

        with_transposed(s, [&](auto kind) {
            constexpr patch_kind KIND = decltype(kind)::value;

            with_elements<T, W>(w, [&](auto found) {
                swapped_weights<T, W, decltype(found)> weights(found, s);

                conv_multiply<Product, W, KIND, true>(q, s, dy, weights, s.ci,
                                                      gradient);
            });
        });
    });
}
