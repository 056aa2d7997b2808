/*
 * layer_norm: y = gamma * xhat + beta with xhat = (x - mean) * rstd of each row
 * (Ba, Kiros and Hinton 2016), rstd = 1 / sqrt(variance + eps), the variance
 * the biased one.
 *   in x (T, C), gamma (C), beta (C)
 *   out y (T, C), may take over x; stat (T, LAYER_STATS), or empty
 *
 * A warp takes a row, its lanes side by side over the columns.
 */
#include "kernels/cuda/cuda.h"

/* stat may be NULL. */
template <typename T>
static __global__ void layer_norm(int rows, int channels, float eps,
                                  const T *x, const float *gamma,
                                  const float *beta, float *stat, T *y)
{
    wait_for_earlier();

    size_t row = warp_index(), at = row * (size_t)channels;
    float sum = 0, squares = 0, mean, rstd;

    if (row >= (size_t)rows)
        return;
    for (int i = warp_lane(); i < channels; i += WARP_LANES)
        sum += widen(x[at + i]);
    mean = warp_sum(sum) / (float)channels;
    for (int i = warp_lane(); i < channels; i += WARP_LANES) {
        float d = widen(x[at + i]) - mean;

        squares = fmaf(d, d, squares);
    }
    rstd = 1 / sqrtf(warp_sum(squares) / (float)channels + eps);
    for (int i = warp_lane(); i < channels; i += WARP_LANES)
        narrow(&y[at + i], fmaf((widen(x[at + i]) - mean) * rstd, gamma[i],
                                beta[i]));
    if (stat && warp_lane() == 0) {
        stat[row * LAYER_STATS + LAYER_MEAN] = mean;
        stat[row * LAYER_STATS + LAYER_RSTD] = rstd;
    }
}

void cuda_layer_norm(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[LAYER_NORM_X];
    unsigned blocks = ((unsigned)x->dim[0] + BLOCK_WARPS - 1) / BLOCK_WARPS;

    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, blocks, BLOCK_THREADS, 0, layer_norm<T>, x->dim[0],
               channels_of(x), c->attr.norm.eps, data_of<T>(x),
               data_of<float>(&o[LAYER_NORM_GAMMA]),
               data_of<float>(&o[LAYER_NORM_BETA]),
               data_if_given<float>(&o[LAYER_NORM_STAT]),
               data_of<T>(&o[LAYER_NORM_Y]));
    });
}
