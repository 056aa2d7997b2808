/*
 * avg_pool: the mean over all positions of each channel.
 *   in x (N, H, W, C), may be loaded through a stat, and is then rounded to the
 *      type it is stored in
 *   out y (N, C) float
 */
#include "kernels/cuda/bn.h"
#include "kernels/cuda/cuda.h"

/* One thread for W channels of a sample; stat may be NULL. */
template <typename T, int W>
static __global__ void avg_pool(size_t samples, size_t positions,
                                int channels, const T *x, const float *stat,
                                float *y)
{
    wait_for_earlier();

    size_t i = thread_index() * W, c = (size_t)channels;
    size_t sample = i / c, column = i % c;
    float sum[W] = {};

    if (sample >= samples)
        return;
    x += sample * positions * c + column;
    for (size_t p = 0; p < positions; p++) {
        float v[W];

        load(v, x + p * c);
        if (stat) {
            bn_affine<W> affine(stat, channels, (int)column);

            for (int k = 0; k < W; k++)
                v[k] = rounded<T>(relu(affine(k, v[k])));
        }
        for (int k = 0; k < W; k++)
            sum[k] += v[k];
    }
    for (int k = 0; k < W; k++)
        y[i + (size_t)k] = sum[k] / (float)positions;
}

void cuda_avg_pool(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[AVG_POOL_X];
    float *y = data_of<float>(&c->operand[AVG_POOL_Y]);
    size_t samples = (size_t)x->dim[0];
    size_t positions = (size_t)x->dim[1] * (size_t)x->dim[2];
    int channels = channels_of(x);

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        with_width<T>(channels, [&](auto width) {
            constexpr int W = decltype(width)::value;
            size_t threads = samples * (size_t)channels / W;

            launch(q, (unsigned)((threads + BLOCK_THREADS - 1)
                                 / BLOCK_THREADS),
                   BLOCK_THREADS, 0, avg_pool<T, W>, samples, positions,
                   channels, data_of<T>(x), x->through, y);
        });
    });
}
