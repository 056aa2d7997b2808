/*
 * avg_pool_grad: dx = dy / (H * W) + add.
 *   in dy (N, C) float, add (N, H, W, C) or empty
 *   out dx (N, H, W, C), may take over add
 */
#include "kernels/cuda/cuda.h"

/* n: elements; W divides C; add may be NULL. */
template <typename T, int W>
static __global__ void avg_pool_grad(size_t n, size_t positions,
                                     size_t channels, const float *dy,
                                     const T *add, T *dx)
{
    wait_for_earlier();

    float factor = 1 / (float)positions;

    for (size_t i = thread_index() * W; i < n; i += grid_threads() * W) {
        const float *from = dy + i / (positions * channels) * channels
                            + i % channels;
        float v[W] = {};

        if (add)
            load(v, add + i);
#pragma unroll
        for (int k = 0; k < W; k++)
            v[k] = fmaf(factor, from[k], v[k]);
        store(dx + i, v);
    }
}

void cuda_avg_pool_grad(struct queue *q, const struct call *c)
{
    const struct operand *dx = &c->operand[AVG_POOL_GRAD_DX];
    const struct operand *add = &c->operand[AVG_POOL_GRAD_ADD];
    const float *dy = data_of<float>(&c->operand[AVG_POOL_GRAD_DY]);
    size_t n = operand_elements(dx);
    size_t positions = (size_t)dx->dim[1] * (size_t)dx->dim[2];
    int channels = channels_of(dx);

    with_number(dx->dtype, [&](auto number) {
        using T = decltype(number);

        with_width<T>(channels, [&](auto width) {
            constexpr int W = decltype(width)::value;

            launch(q, blocks_for(n / W), BLOCK_THREADS, 0,
                   avg_pool_grad<T, W>, n, positions, (size_t)channels, dy,
                   data_if_given<T>(add), data_of<T>(dx));
        });
    });
}
