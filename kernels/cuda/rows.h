/*
 * Two sums for each channel over the rows of a matrix (rows, C), as batch norm
 * needs forward and backward. A block sums a part of the rows, in floats;
 * whoever wants the sums adds the parts in double precision.
 *
 *     parts (parts, 2, C) float
 */
#ifndef MEMDIAL_CUDA_ROWS_H
#define MEMDIAL_CUDA_ROWS_H

#include "cuda.h"
#include "parts.h"

enum { ROWS_ACROSS = 32 }; /* threads side by side, at most */

template <int W> struct rows_shared {
    float sum[2][BLOCK_THREADS][W];
};

/* Adds up what the threads of a block have for the same columns, which are
 * `across` threads apart, in the first `across` threads. */
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

/* Terms::at<W>(terms, column).add(row, a, b) adds to W sums each of a row. */
template <int W, typename Terms>
static __global__ void rows_sum(Terms terms, size_t rows, int channels,
                                int across, float *parts)
{
    rows_shared<W> &s = shared<rows_shared<W>>();
    int thread = (int)threadIdx.x, high = BLOCK_THREADS / across;
    int column = ((int)blockIdx.y * across + thread % across) * W;
    size_t end = rows * (blockIdx.x + 1) / gridDim.x;
    size_t row = rows * blockIdx.x / gridDim.x + (size_t)(thread / across);
    float a[W] = {}, b[W] = {};

    if (thread < high * across && column < channels) {
        typename Terms::template at<W> at(terms, column);

        for (; row < end; row += (size_t)high)
            at.add(row, a, b);
    }
    for (int i = 0; i < W; i++) {
        s.sum[0][thread][i] = a[i];
        s.sum[1][thread][i] = b[i];
    }
    rows_fold(s, across);
    if (thread < across && column < channels)
        for (int k = 0; k < 2; k++)
            store(parts + (blockIdx.x * 2 + (size_t)k) * (size_t)channels
                      + column,
                  s.sum[k][thread]);
}

template <int W, typename Terms>
static void rows_launch(struct queue *q, Terms terms, size_t rows,
                        int channels, float *parts)
{
    int columns = channels / W;
    int across = columns < ROWS_ACROSS ? columns : (int)ROWS_ACROSS;

    launch(q, dim3((unsigned)parts_of_rows(rows),
                   (unsigned)((columns + across - 1) / across)),
           BLOCK_THREADS, sizeof(rows_shared<W>), rows_sum<W, Terms>, terms,
           rows, channels, across, parts);
}

/* Sum `which` of a channel over all parts, by a warp. */
static __device__ inline double rows_total(const float *parts, int count,
                                           int channels, int which,
                                           int channel)
{
    double sum = 0;

    for (int i = warp_lane(); i < count; i += WARP_LANES)
        sum += parts[(size_t)(i * 2 + which) * (size_t)channels
                     + (size_t)channel];
    return warp_sum(sum);
}

#endif
