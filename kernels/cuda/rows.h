/*
 * Two sums for each channel over each tile of the rows of a matrix (rows, C),
 * as batch norm needs forward and backward, for a matrix that was written
 * without them. A block sums a tile, in floats; the reader of the sums adds up
 * tiles in double precision.
 *
 *     sums (tiles, SUM_ROWS, C) float
 */
#ifndef MEMDIAL_CUDA_ROWS_H
#define MEMDIAL_CUDA_ROWS_H

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/parts.h"

enum { ROWS_ACROSS = 32 }; /* threads side by side, at most */

template <int W> struct rows_shared {
    float sum[2][BLOCK_THREADS][W];
};

/* Adds up the sums that the threads of a block have for the same columns. Such
 * threads are `across` apart; the first `across` threads get the results. */
template <int W>
static __device__ void rows_fold(rows_shared<W> &s, int across)
{
    int thread = (int)threadIdx.x, n = BLOCK_THREADS / across;

    while (n > 1) {
        int half = (n + 1) / 2, other = thread + half * across;

        __syncthreads();
        if (other < n * across)
            for (int i = 0; i < W; i++) {
                s.sum[0][thread][i] += s.sum[0][other][i];
                s.sum[1][thread][i] += s.sum[1][other][i];
            }
        n = half;
    }
}

/* Rows of a tile. */
static __device__ inline int rows_of_tile(size_t rows, int tile)
{
    size_t left = rows - (size_t)tile * TILE_ROWS;

    return left < TILE_ROWS ? (int)left : (int)TILE_ROWS;
}

/* Terms::at<W>(terms, column) has two functions. add(row, a, b) adds the terms
 * of a row to W sums each; finish(n, a, b) ends the sums of n rows. */
template <int W, typename Terms>
static __global__ void rows_sum(Terms terms, size_t rows, int channels,
                                int across, float *sums)
{
    wait_for_earlier();

    rows_shared<W> &s = shared<rows_shared<W>>();
    int thread = (int)threadIdx.x, high = BLOCK_THREADS / across;
    int column = ((int)blockIdx.y * across + thread % across) * W;
    size_t first = (size_t)blockIdx.x * TILE_ROWS;
    int n = rows_of_tile(rows, (int)blockIdx.x);
    float a[W] = {}, b[W] = {};

    if (thread < high * across && column < channels) {
        typename Terms::template at<W> at(terms, column);

        for (int row = thread / across; row < n; row += high)
            at.add(first + (size_t)row, a, b);
    }
    for (int i = 0; i < W; i++) {
        s.sum[0][thread][i] = a[i];
        s.sum[1][thread][i] = b[i];
    }
    rows_fold(s, across);
    if (thread < across && column < channels) {
        typename Terms::template at<W> at(terms, column);

        at.finish(n, s.sum[0][thread], s.sum[1][thread]);
        for (int k = 0; k < SUM_ROWS; k++)
            store(sums + (blockIdx.x * SUM_ROWS + (size_t)k)
                             * (size_t)channels
                      + column,
                  s.sum[k][thread]);
    }
}

template <int W, typename Terms>
static void rows_launch(struct queue *q, Terms terms, size_t rows,
                        int channels, float *sums)
{
    int columns = channels / W;
    int across = columns < ROWS_ACROSS ? columns : (int)ROWS_ACROSS;

    launch(q, dim3((unsigned)tiles_of(rows, TILE_ROWS),
                   (unsigned)((columns + across - 1) / across)),
           BLOCK_THREADS, sizeof(rows_shared<W>), rows_sum<W, Terms>, terms,
           rows, channels, across, sums);
}

struct channel_memory {
    double of_warp[BLOCK_WARPS];
};

/* The sums of a channel, which a block adds up. */
struct channel_sums {
    const float *sums;   /* of tile 0 */
    size_t channels;
    int tiles;

    __device__ channel_sums(const float *all, int tiles_, int channels_,
                            int channel)
        : sums(all + channel), channels((size_t)channels_), tiles(tiles_)
    {
    }

    __device__ float at(int tile, int which) const
    {
        return sums[((size_t)tile * SUM_ROWS + (size_t)which) * channels];
    }

    /* The sum of f(tile) over all tiles, in every thread. */
    template <typename F> __device__ double total(F f) const
    {
        channel_memory &memory = shared<channel_memory>();
        double sum = 0;

        for (int i = (int)threadIdx.x; i < tiles; i += BLOCK_THREADS)
            sum += f(i);
        sum = warp_sum(sum);
        __syncthreads();
        if (warp_lane() == 0)
            memory.of_warp[threadIdx.x / WARP_LANES] = sum;
        __syncthreads();
        sum = 0;
        for (int i = 0; i < BLOCK_WARPS; i++)
            sum += memory.of_warp[i];
        return sum;
    }
};

#endif
