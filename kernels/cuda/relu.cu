/*
 * relu: y = max(x, 0), any shape. A NaN stays one.
 *   in x
 *   out y, may take over x
 */
#include "kernels/cuda/cuda.h"

/* n: elements, a multiple of W. */
template <typename T, int W>
static __global__ void relu_elements(size_t n, const T *x, T *y)
{
    wait_for_earlier();

    for (size_t i = thread_index() * W; i < n; i += grid_threads() * W) {
        float v[W];

        load(v, x + i);
#pragma unroll
        for (int k = 0; k < W; k++)
            v[k] = relu(v[k]);
        store(y + i, v);
    }
}

void cuda_relu(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[RELU_X];
    size_t n = operand_elements(x);

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        with_width<T>(channels_of(x), [&](auto width) {
            constexpr int W = decltype(width)::value;

            launch(q, blocks_for(n / W), BLOCK_THREADS, 0,
                   relu_elements<T, W>, n, data_of<T>(x),
                   data_of<T>(&c->operand[RELU_Y]));
        });
    });
}
