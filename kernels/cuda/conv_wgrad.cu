/*
 * conv_wgrad: dw (KH, KW, Ci, Co) += the gradient of a convolution's weights,
 * the sum over images and output pixels of x (N, H, W, Ci), which may be read
 * through a saved batch norm and may be stored in blocks of fewer bits, times dy
 * (N, Ho, Wo, Co).
 *
 * The pixels are cut into parts, which blocks sum in parallel.
 *
 * scratch: the sum of each part, (parts, KH, KW, Ci, Co) floats.
 */
#include "kernels/cuda/conv.h"
#include "kernels/cuda/partial_sums.h"
#include "kernels/cuda/parts.h"

/* Adds the parts to dw. A member of a pool has only its nonzeros there. */
template <typename T>
static __global__ void add_parts(size_t n, int parts, const float *sums,
                                 elements<T> where, T *dw)
{
    for (size_t i = thread_index(); i < n; i += grid_threads()) {
        float sum = 0;
        size_t at;

        if (!where.find(i, &at))
            continue;
        for (int k = 0; k < parts; k++)
            sum += sums[(size_t)k * n + i];
        narrow(&dw[at], widen(dw[at]) + sum);
    }
}

void cuda_conv_wgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[CONV_WGRAD_X];
    const struct operand *dy = &o[CONV_WGRAD_DY], *dw = &o[CONV_WGRAD_DW];
    struct conv_shape s = conv_shape_of(c, x, dw, dy);
    float *sums = static_cast<float *>(c->scratch);
    int depth = s.outputs(), parts = wgrad_parts(dw, (size_t)depth);
    int part = wgrad_part((size_t)depth, parts);

    conv_choose(q, c, dtype_in_blocks(x->dtype) ? dy : x, dy, s, s.co,
                [&](auto product, auto width) {
        using Product = decltype(product);
        using T = typename Product::element;
        constexpr int W = decltype(width)::value;
        plain<T, W, dense<T>> gradient = { dense<T>(dy), depth, s.co };
        partial_sums to = { sums, s.taps * s.ci, s.co };

        if (dtype_in_blocks(x->dtype))
            gemm_launch<Product>(q, saved_patches<T, W>(x, s), gradient,
                                 s.taps * s.ci, s.co, depth, part, to);
        else
            with_direct<W>(x, [&](auto direct) {
                patches<T, W, false, false, decltype(direct)::value> seen(x, s);

                gemm_launch<Product>(q, seen, gradient, s.taps * s.ci, s.co,
                                     depth, part, to);
            });
    });
    with_number(dw->dtype, [&](auto number) {
        using T = decltype(number);
        size_t n = operand_elements(dw);

        launch(q, blocks_for(n), BLOCK_THREADS, 0, add_parts<T>, n,
               (depth + part - 1) / part, sums, elements<T>(dw),
               data_of<T>(dw));
    });
}
