/*
 * bn_stats: batch norm's statistics of the microbatch, and the update of the
 * running statistics.
 *   in x (..., C), gamma (C), beta (C), sums (tiles, SUM_ROWS, C) or empty
 *   update running (RUNNING_ROWS, C)
 *   out stat (STAT_ROWS, C)
 *
 * Without sums, one pass over x sums the differences from its first row, so
 * that a mean far from zero costs no digits. The moments of the tiles are
 * merged by the formula of Chan, Golub and LeVeque (1979).
 *
 * scratch: the sums, if they are not given.
 */
#include "kernels/cuda/bn.h"
#include "kernels/cuda/rows.h"

template <typename T> struct moments {
    const T *x;
    int channels;

    template <int W> struct at {
        const T *x;
        size_t channels;
        float origin[W];

        __device__ at(const moments &m, int column)
            : x(m.x + column), channels((size_t)m.channels)
        {
            load(origin, x);
        }

        __device__ void add(size_t row, float (&sum)[W], float (&square)[W])
        {
            float v[W];

            load(v, x + row * channels);
#pragma unroll
            for (int i = 0; i < W; i++) {
                float d = v[i] - origin[i];

                sum[i] += d;
                square[i] = fmaf(d, d, square[i]);
            }
        }

        __device__ void finish(int n, float (&sum)[W], float (&square)[W])
        {
            for (int i = 0; i < W; i++) {
                double mean = (double)sum[i] / n;

                square[i] = (float)fmax(square[i] - mean * sum[i], 0.0);
                sum[i] = (float)mean;
            }
        }
    };
};

/* The results for each channel, and the operands they need. */
struct norm {
    int channels, tiles;
    size_t rows;
    double eps;
    double factor;       /* of these rows in the running statistics */
    const float *gamma, *beta;
    float *running, *stat;
};

/* Writes a channel with this mean and sum of squared deviations. */
static __device__ void write_channel(const struct norm &n, int i, double mean,
                                     double squares)
{
    float *running_mean = &n.running[RUNNING_MEAN * n.channels + i];
    float *running_var = &n.running[RUNNING_VAR * n.channels + i];
    double rows = (double)n.rows;
    double unbiased = squares / (rows > 1 ? rows - 1 : 1);

    bn_write_stat(n.stat, n.channels, i, mean, squares / rows, n.gamma[i],
                  n.beta[i], n.eps);
    *running_mean += (float)(n.factor * (mean - *running_mean));
    *running_var += (float)(n.factor * (unbiased - *running_var));
}

/* One block for each channel; sums are of differences from an origin (C), or
 * from 0 if that is NULL. */
template <typename T>
static __global__ void write_stat(struct norm n, const float *sums,
                                  const T *origin)
{
    wait_for_earlier();

    int i = (int)blockIdx.x;
    channel_sums of(sums, n.tiles, n.channels, i);
    double mean, squares;

    mean = of.total([&](int tile) {
        return (double)of.at(tile, SUM_MEAN) * rows_of_tile(n.rows, tile);
    }) / (double)n.rows;
    squares = of.total([&](int tile) {
        double d = of.at(tile, SUM_MEAN) - mean;

        return of.at(tile, SUM_SQUARES) + d * d * rows_of_tile(n.rows, tile);
    });
    if (threadIdx.x == 0)
        write_channel(n, i, origin ? widen(origin[i]) + mean : mean, squares);
}

/* The weight of one microbatch in the running statistics: all microbatches of a
 * batch together weigh `momentum`. */
static double running_factor(const struct call *c)
{
    return 1 - pow(1 - (double)c->attr.norm.momentum,
                   c->part->count.of[EXTENT_SAMPLES]
                       / (double)c->batch->whole.of[EXTENT_SAMPLES]);
}

void cuda_bn_stats(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[BN_STATS_X];
    bool given = operand_given(&o[BN_STATS_SUMS]);
    float *sums = given ? data_of<float>(&o[BN_STATS_SUMS])
                        : static_cast<float *>(c->scratch);
    struct norm n = {};

    n.channels = channels_of(x);
    n.rows = operand_rows(x);
    n.tiles = (int)tiles_of(n.rows, TILE_ROWS);
    n.eps = c->attr.norm.eps;
    n.factor = running_factor(c);
    n.gamma = data_of<float>(&o[BN_STATS_GAMMA]);
    n.beta = data_of<float>(&o[BN_STATS_BETA]);
    n.running = data_of<float>(&o[BN_STATS_RUNNING]);
    n.stat = data_of<float>(&o[BN_STATS_STAT]);
    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        if (!given)
            with_width<T>(n.channels, [&](auto width) {
                rows_launch<decltype(width)::value>(
                    q, moments<T>{ data_of<T>(x), n.channels }, n.rows,
                    n.channels, sums);
            });
        launch(q, (unsigned)n.channels, BLOCK_THREADS, sizeof(channel_memory),
               write_stat<T>, n, sums, given ? NULL : data_of<T>(x));
    });
}
