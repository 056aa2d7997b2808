/*
 * check_finite: marks the loss scale if a gradient is not finite.
 *   in gradient, any shape
 *   update scale (LOSS_SCALE_COUNT)
 */
#include <cfloat>

#include "kernels/cuda/cuda.h"

/* n: elements; W divides it. All threads that write, write the same. */
template <typename T, int W>
static __global__ void check_finite(size_t n, const T *gradient, float *scale)
{
    for (size_t i = thread_index() * W; i < n; i += grid_threads() * W) {
        float v[W];

        load(v, gradient + i);
        for (int k = 0; k < W; k++)
            if (!(fabsf(v[k]) <= FLT_MAX))
                scale[LOSS_SCALE_OVERFLOW] = 1;
    }
}

void cuda_check_finite(struct queue *q, const struct call *c)
{
    const struct operand *gradient = &c->operand[CHECK_FINITE_GRADIENT];
    float *scale = data_of<float>(&c->operand[CHECK_FINITE_SCALE]);
    size_t n = operand_elements(gradient);

    with_number(gradient->dtype, [&](auto number) {
        using T = decltype(number);

        with_width<T>((int)(n % FULL_WIDTH<T>), [&](auto width) {
            constexpr int W = decltype(width)::value;

            launch(q, blocks_for(n / W), BLOCK_THREADS, 0, check_finite<T, W>,
                   n, data_of<T>(gradient), scale);
        });
    });
}
