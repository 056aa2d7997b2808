/*
 * bn_relu_grad: the gradient of z = relu(gamma * xhat + beta) with
 * xhat = (x - mean) * rstd, where mean and rstd depend on x.
 *   in dz (..., C), x (..., C), stat (STAT_ROWS, C), add (..., C) or empty,
 *      sums (tiles, SUM_ROWS, C) or empty
 *   update dgamma (C), dbeta (C)
 *   out dx (..., C), may take over dz or add
 *
 *   dy = dz where scale * x + shift > 0, else 0
 *   dbeta += sum dy
 *   dgamma += sum dy * xhat
 *   dx = scale * (dy - mean(dy) - xhat * mean(dy * xhat)) + add
 *
 * x may be stored in blocks of fewer bits.
 *
 * scratch: the coefficients of dx, (2, C) floats, and the sums of dy and of
 * dy * (x - mean), if these are not given.
 */
#include "kernels/cuda/bn.h"
#include "kernels/cuda/rows.h"
#include "kernels/squeeze.h"

/* x, as it is or in blocks. */
template <typename T> struct whole {
    const T *data;

    template <int W> __device__ void get(float (&to)[W], size_t i) const
    {
        load(to, data + i);
    }
};

struct in_blocks {
    const void *data;
    enum dtype dtype;

    template <int W> __device__ void get(float (&to)[W], size_t i) const
    {
#pragma unroll
        for (int k = 0; k < W; k++)
            to[k] = squeeze_load(data, i + k, dtype);
    }
};

template <typename T, typename X> struct gradients {
    const T *dz;
    X x;
    const float *stat;
    int channels;

    template <int W> struct at {
        const T *dz;
        X x;
        size_t column, channels;
        bn_affine<W> affine;
        float mean[W];

        __device__ at(const gradients &g, int column_)
            : dz(g.dz + column_), x(g.x), column((size_t)column_),
              channels((size_t)g.channels),
              affine(g.stat, g.channels, column_)
        {
            load(mean, g.stat + STAT_MEAN * g.channels + column_);
        }

        __device__ void add(size_t row, float (&sum)[W], float (&product)[W])
        {
            float d[W], v[W];

            load(d, dz + row * channels);
            x.get(v, row * channels + column);
#pragma unroll
            for (int i = 0; i < W; i++) {
                float dy = affine(i, v[i]) > 0 ? d[i] : 0;

                sum[i] += dy;
                product[i] = fmaf(dy, v[i] - mean[i], product[i]);
            }
        }

        __device__ void finish(int, float (&)[W], float (&)[W])
        {
        }
    };
};

/* dx = scale * dy + linear * (x - mean) + constant + add */
struct coefficients {
    float *linear, *constant; /* (C) */
};

/* One block for each channel. */
static __global__ void write_parameters(int channels, int tiles, double rows,
                                        const float *stat, const float *sums,
                                        struct coefficients k, float *dgamma,
                                        float *dbeta)
{
    wait_for_earlier();

    int i = (int)blockIdx.x;
    channel_sums of(sums, tiles, channels, i);
    double dy, dy_xhat;

    dy = of.total([&](int tile) { return of.at(tile, SUM_DY); });
    dy_xhat = of.total([&](int tile) { return of.at(tile, SUM_DY_X); })
              * stat[STAT_RSTD * channels + i];
    if (threadIdx.x > 0)
        return;
    dbeta[i] += (float)dy;
    dgamma[i] += (float)dy_xhat;
    k.linear[i] = (float)(-stat[STAT_SCALE * channels + i] * dy_xhat / rows
                          * stat[STAT_RSTD * channels + i]);
    k.constant[i] = (float)(-stat[STAT_SCALE * channels + i] * dy / rows);
}

/* n: elements; W divides C; add may be NULL. */
template <typename T, typename X, int W>
static __global__ void write_dx(size_t n, gradients<T, X> g,
                                struct coefficients k, const T *add, T *dx)
{
    wait_for_earlier();

    for (size_t i = thread_index() * W; i < n; i += grid_threads() * W) {
        int column = (int)(i % (size_t)g.channels);
        typename gradients<T, X>::template at<W> at(g, column);
        float d[W], v[W], more[W] = {}, linear[W], constant[W];

        load(linear, k.linear + column);
        load(constant, k.constant + column);
        load(d, g.dz + i);
        g.x.get(v, i);
        if (add)
            load(more, add + i);
#pragma unroll
        for (int j = 0; j < W; j++) {
            float dy = at.affine(j, v[j]) > 0 ? d[j] : 0;
            float from_x = fmaf(linear[j], v[j] - at.mean[j], constant[j]);

            d[j] = fmaf(at.affine.scale[j], dy, from_x) + more[j];
        }
        store(dx + i, d);
    }
}

template <typename T, typename X>
static void bn_relu_grad(struct queue *q, const struct call *c, X seen)
{
    const struct operand *o = c->operand, *x = &o[BN_RELU_GRAD_X];
    size_t n = operand_elements(x), rows = operand_rows(x);
    int channels = channels_of(x);
    const float *stat = data_of<float>(&o[BN_RELU_GRAD_STAT]);
    bool given = operand_given(&o[BN_RELU_GRAD_SUMS]);
    float *linear = static_cast<float *>(c->scratch);
    float *sums = given ? data_of<float>(&o[BN_RELU_GRAD_SUMS])
                        : linear + 2 * channels;
    struct coefficients k = { linear, linear + channels };
    gradients<T, X> g = { data_of<T>(&o[BN_RELU_GRAD_DZ]), seen, stat,
                          channels };

    with_width<T>(channels, [&](auto width) {
        constexpr int W = decltype(width)::value;

        if (!given)
            rows_launch<W>(q, g, rows, channels, sums);
        launch(q, (unsigned)channels, BLOCK_THREADS, sizeof(channel_memory),
               write_parameters, channels, (int)tiles_of(rows, TILE_ROWS),
               (double)rows, stat, sums, k,
               data_of<float>(&o[BN_RELU_GRAD_DGAMMA]),
               data_of<float>(&o[BN_RELU_GRAD_DBETA]));
        launch(q, blocks_for(n / W), BLOCK_THREADS, 0, write_dx<T, X, W>, n, g,
               k, data_if_given<T>(&o[BN_RELU_GRAD_ADD]),
               data_of<T>(&o[BN_RELU_GRAD_DX]));
    });
}

void cuda_bn_relu_grad(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[BN_RELU_GRAD_X];

    with_number(c->operand[BN_RELU_GRAD_DZ].dtype, [&](auto number) {
        using T = decltype(number);

        if (dtype_in_blocks(x->dtype))
            bn_relu_grad<T>(q, c, in_blocks{ x->data, x->dtype });
        else
            bn_relu_grad<T>(q, c, whole<T>{ data_of<T>(x) });
    });
}
