/*
 * layer_norm_grad: the gradient of layer_norm.
 *   in dy (T, C), x (T, C), stat (T, LAYER_STATS), gamma (C), add (T, C) or
 *   empty
 *   update dgamma (C), dbeta (C)
 *   out dx (T, C), may take over dy or add
 *
 *   g = dy * gamma, xhat = (x - mean) * rstd
 *   dgamma += sum of dy * xhat, dbeta += sum of dy, over the rows
 *   dx = rstd * (g - mean(g) - xhat * mean(g * xhat)) + add, means over a row
 *
 * The sums over rows come first, tile by tile, and then dx, a warp for a row:
 * dx may lie where dy was.
 *
 * scratch: sums of each tile of rows, (tiles, 2, C) floats.
 */
#include "kernels/cuda/cuda.h"

template <typename T> struct norm_gradient {
    int rows, channels;
    const T *dy, *x;
    const float *stat, *gamma;

    __device__ float xhat(size_t row, int i) const
    {
        const float *s = stat + row * LAYER_STATS;

        return (widen(x[row * (size_t)channels + i]) - s[LAYER_MEAN])
               * s[LAYER_RSTD];
    }

    __device__ float dy_at(size_t row, int i) const
    {
        return widen(dy[row * (size_t)channels + i]);
    }
};

/* A block for a tile and BLOCK_THREADS columns of it. */
template <typename T>
static __global__ void sum_tiles(norm_gradient<T> n, float *sums)
{
    wait_for_earlier();

    int i = (int)(blockIdx.y * blockDim.x + threadIdx.x);
    int begin = (int)blockIdx.x * TILE_ROWS;
    float dgamma = 0, dbeta = 0;

    if (i >= n.channels)
        return;
    for (int r = begin; r < begin + TILE_ROWS && r < n.rows; r++) {
        dgamma = fmaf(n.dy_at(r, i), n.xhat(r, i), dgamma);
        dbeta += n.dy_at(r, i);
    }
    sums += (size_t)blockIdx.x * 2 * (size_t)n.channels;
    sums[i] = dgamma;
    sums[n.channels + i] = dbeta;
}

/* One thread for each column. */
static __global__ void add_tiles(int tiles, int channels, const float *sums,
                                 float *dgamma, float *dbeta)
{
    wait_for_earlier();

    int i = (int)thread_index();
    double gamma = 0, beta = 0;

    if (i >= channels)
        return;
    for (int t = 0; t < tiles; t++, sums += 2 * channels) {
        gamma += (double)sums[i];
        beta += (double)sums[channels + i];
    }
    dgamma[i] += (float)gamma;
    dbeta[i] += (float)beta;
}

/* add may be NULL. */
template <typename T>
static __global__ void norm_dx(norm_gradient<T> n, const T *add, T *dx)
{
    wait_for_earlier();

    size_t row = warp_index(), at = row * (size_t)n.channels;
    float g = 0, g_xhat = 0, rstd;

    if (row >= (size_t)n.rows)
        return;
    rstd = n.stat[row * LAYER_STATS + LAYER_RSTD];
    for (int i = warp_lane(); i < n.channels; i += WARP_LANES) {
        float v = n.dy_at(row, i) * n.gamma[i];

        g += v;
        g_xhat = fmaf(v, n.xhat(row, i), g_xhat);
    }
    g = warp_sum(g) / (float)n.channels;
    g_xhat = warp_sum(g_xhat) / (float)n.channels;
    for (int i = warp_lane(); i < n.channels; i += WARP_LANES) {
        float v = n.dy_at(row, i) * n.gamma[i] - g;

        narrow(&dx[at + i], fmaf(rstd, fmaf(-n.xhat(row, i), g_xhat, v),
                                 add ? widen(add[at + i]) : 0));
    }
}

template <typename T>
static void norm_gradients(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[LAYER_NORM_GRAD_X];
    norm_gradient<T> n = { x->dim[0], channels_of(x),
                           data_of<T>(&o[LAYER_NORM_GRAD_DY]), data_of<T>(x),
                           data_of<float>(&o[LAYER_NORM_GRAD_STAT]),
                           data_of<float>(&o[LAYER_NORM_GRAD_GAMMA]) };
    float *sums = static_cast<float *>(c->scratch);
    unsigned tiles = (unsigned)tiles_of((size_t)n.rows, TILE_ROWS);
    unsigned wide = ((unsigned)n.channels + BLOCK_THREADS - 1) / BLOCK_THREADS;

    launch(q, dim3(tiles, wide), BLOCK_THREADS, 0, sum_tiles<T>, n, sums);
    launch(q, wide, BLOCK_THREADS, 0, add_tiles, (int)tiles, n.channels, sums,
           data_of<float>(&o[LAYER_NORM_GRAD_DGAMMA]),
           data_of<float>(&o[LAYER_NORM_GRAD_DBETA]));
    launch(q, ((unsigned)n.rows + BLOCK_WARPS - 1) / BLOCK_WARPS,
           BLOCK_THREADS, 0, norm_dx<T>, n,
           data_if_given<T>(&o[LAYER_NORM_GRAD_ADD]),
           data_of<T>(&o[LAYER_NORM_GRAD_DX]));
}

void cuda_layer_norm_grad(struct queue *q, const struct call *c)
{
    with_number(c->operand[LAYER_NORM_GRAD_X].dtype, [&](auto number) {
        norm_gradients<decltype(number)>(q, c);
    });
}
