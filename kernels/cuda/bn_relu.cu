/*
 * bn_relu: z = relu(scale * x + shift), z may take over x.
 *   in x (..., C), stat (STAT_ROWS, C)
 *   out z (..., C)
 */
#include "kernels/cuda/bn.h"
#include "kernels/cuda/cuda.h"

/* n: elements; W divides C. */
template <typename T, int W>
static __global__ void bn_relu(size_t n, int channels, const T *x,
                               const float *stat, T *z)
{
    wait_for_earlier();

    for (size_t i = thread_index() * W; i < n; i += grid_threads() * W) {
        bn_affine<W> affine(stat, channels, (int)(i % (size_t)channels));
        float v[W];

        load(v, x + i);
#pragma unroll
        for (int k = 0; k < W; k++)
            v[k] = relu(affine(k, v[k]));
        store(z + i, v);
    }
}

void cuda_bn_relu(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[BN_RELU_X];
    const float *stat = data_of<float>(&c->operand[BN_RELU_STAT]);
    size_t n = operand_elements(x);
    int channels = channels_of(x);

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        with_width<T>(channels, [&](auto width) {
            constexpr int W = decltype(width)::value;

            launch(q, blocks_for(n / W), BLOCK_THREADS, 0, bn_relu<T, W>, n,
                   channels, data_of<T>(x), stat,
                   data_of<T>(&c->operand[BN_RELU_Z]));
        });
    });
}
