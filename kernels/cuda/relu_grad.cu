/*
 * relu_grad: the gradient of relu's operand, by its result y:
 * dx = (y > 0 ? dy : 0) + add, any shape.
 *   in dy, y, add or empty
 *   out dx, may take over dy or add
 */
#include "kernels/cuda/cuda.h"

/* n: elements, a multiple of W; add may be NULL. */
template <typename T, int W>
static __global__ void relu_grad(size_t n, const T *dy, const T *y,
                                 const T *add, T *dx)
{
    wait_for_earlier();

    for (size_t i = thread_index() * W; i < n; i += grid_threads() * W) {
        float of_y[W], value[W], sum[W] = {};

        load(value, dy + i);
        load(of_y, y + i);
        if (add)
            load(sum, add + i);
#pragma unroll
        for (int k = 0; k < W; k++)
            sum[k] += of_y[k] > 0 ? value[k] : 0;
        store(dx + i, sum);
    }
}

void cuda_relu_grad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *dy = &o[RELU_GRAD_DY];
    size_t n = operand_elements(dy);

    with_number(dy->dtype, [&](auto number) {
        using T = decltype(number);

        with_width<T>(channels_of(dy), [&](auto width) {
            constexpr int W = decltype(width)::value;

            launch(q, blocks_for(n / W), BLOCK_THREADS, 0, relu_grad<T, W>, n,
                   data_of<T>(dy), data_of<T>(&o[RELU_GRAD_Y]),
                   data_if_given<T>(&o[RELU_GRAD_ADD]),
                   data_of<T>(&o[RELU_GRAD_DX]));
        });
    });
}
