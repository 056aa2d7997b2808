/*
 * The outputs of a convolution and of its data gradient. They store the sums.
 * While these are still in registers they also take the tile's two sums for
 * each channel that a batch norm needs.
 */
#ifndef MEMDIAL_CUDA_CONV_OUT_H
#define MEMDIAL_CUDA_CONV_OUT_H

#include "kernels/cuda/bn.h"
#include "kernels/cuda/gemm.h"

static_assert((int)GEMM_BM == (int)TILE_ROWS, "a block has the rows of a tile");

/* A matrix (rows, columns). A tensor may be added to it, and a bias to each of
 * its rows. */
template <typename T> struct conv_out {
    T *to;
    const T *add;                /* or NULL */
    const float *bias;           /* [columns], or NULL */
    int rows, columns;
    float *sums;                 /* (tiles, SUM_ROWS, columns), or NULL */

    __device__ size_t index(int row, int column) const
    {
        return (size_t)row * (size_t)columns + (size_t)column;
    }

    __device__ void put_one(int row, int column, float &x) const
    {
        size_t at = index(row, column);

        if (row >= rows || column >= columns)
            return;
        if (bias)
            x += bias[column];
        x = rounded<T>(add ? x + widen(add[at]) : x);
        narrow(&to[at], x);
    }

    /* Stores two sums that are side by side, at once where all pairs are whole.
     * They become the values that are stored. */
    __device__ void put(int row, int column, float &first, float &second) const
    {
        size_t at = index(row, column);
        float v[2] = { first, second }, more[2] = {};

        if (columns % 2) {
            put_one(row, column, first);
            put_one(row, column + 1, second);
            return;
        }
        if (row >= rows || column >= columns)
            return;
        if (bias) {
            v[0] += bias[column];
            v[1] += bias[column + 1];
        }
        if (add)
            load(more, add + at);
        first = rounded<T>(v[0] + more[0]);
        second = rounded<T>(v[1] + more[1]);
        v[0] = first;
        v[1] = second;
        store(to + at, v);
    }

    template <typename Product>
    __device__ void store_tile(Product &p, int m, int n) const
    {
        each_pair(p, [&](int row, int column, float &first, float &second) {
            put(m + row, n + column, first, second);
        });
    }

    /* f(which, column) is one of the tile's sums. */
    template <typename F>
    __device__ void store_sums(int m, int n, int width, F f) const
    {
        int column = (int)threadIdx.x;

        if (column < width && n + column < columns)
            for (int k = 0; k < SUM_ROWS; k++)
                sums[((size_t)(m / TILE_ROWS) * SUM_ROWS + (size_t)k)
                         * (size_t)columns
                     + (size_t)(n + column)] = f(k, column);
    }
};

template <typename T>
static conv_out<T> conv_out_of(const struct operand *to,
                               const struct operand *add,
                               const struct operand *sums)
{
    return { data_of<T>(to), data_if_given<T>(add), NULL,
             (int)operand_rows(to), channels_of(to),
             data_if_given<float>(sums) };
}

/* The result of a convolution, with the mean of each channel and the squared
 * deviations from it. */
template <typename T> struct conv_result : conv_out<T> {
    template <typename Product>
    __device__ void take(Product &p, column_sums<Product> &s, int m,
                         int n) const
    {
        int high = this->rows - m;
        float count = (float)(high < TILE_ROWS ? high : (int)TILE_ROWS);

        this->store_tile(p, m, n);
        if (!this->sums)
            return;
        __syncthreads();
#pragma unroll
        for (int j = 0; j < Product::COLUMNS; j++) {
            float sum = 0;

#pragma unroll
            for (int i = 0; i < Product::ROWS; i++)
                sum += p.row(i) < high ? p.at(i, j) : 0;
            s.put(SUM_MEAN, j, sum);
        }
        __syncthreads();
#pragma unroll
        for (int j = 0; j < Product::COLUMNS; j++) {
            float mean = s.total(SUM_MEAN, p.column(j)) / count, sum = 0;

#pragma unroll
            for (int i = 0; i < Product::ROWS; i++) {
                float d = p.row(i) < high ? p.at(i, j) - mean : 0;

                sum = fmaf(d, d, sum);
            }
            s.put(SUM_SQUARES, j, sum);
        }
        __syncthreads();
        this->store_sums(m, n, Product::BN, [&](int which, int column) {
            return s.total(which, column)
                   / (which == SUM_MEAN ? count : 1.0f);
        });
    }
};

/* The gradient dz of a batch norm's result, with the sums of dy and of
 * dy (x - mean). */
template <typename T> struct conv_gradient : conv_out<T> {
    const T *x;                  /* (rows, columns) */
    const float *stat;           /* (STAT_ROWS, columns) */

    /* Loads two elements that are side by side, at once where all pairs are
     * whole. */
    __device__ void load_x(int row, int column, float (&v)[2]) const
    {
        const T *at = x + this->index(row, column);

        if (this->columns % 2) {
            v[0] = widen(at[0]);
            v[1] = column + 1 < this->columns ? widen(at[1]) : 0;
        } else {
            load(v, at);
        }
    }

    /* Adds up columns j and j + 1 of a thread's sums. */
    template <typename Product>
    __device__ void add_columns(Product &p, int j, int m, int column,
                                float (&dy_sum)[2], float (&dy_x_sum)[2]) const
    {
        int last = this->columns - 1;
        int beside = column < last ? column + 1 : last;
        bn_affine<1> affine[2] = { { stat, this->columns, column },
                                   { stat, this->columns, beside } };
        const float *means = stat + STAT_MEAN * this->columns;
        float mean[2] = { means[column], means[beside] };

#pragma unroll
        for (int i = 0; i < Product::ROWS; i++) {
            float v[2];

            if (m + p.row(i) >= this->rows)
                continue;
            load_x(m + p.row(i), column, v);
#pragma unroll
            for (int k = 0; k < 2; k++) {
                float dy = affine[k](0, v[k]) > 0 ? p.at(i, j + k) : 0;

                dy_sum[k] += dy;
                dy_x_sum[k] = fmaf(dy, v[k] - mean[k], dy_x_sum[k]);
            }
        }
    }

    template <typename Product>
    __device__ void take(Product &p, column_sums<Product> &s, int m,
                         int n) const
    {
        this->store_tile(p, m, n);
        if (!this->sums)
            return;
        __syncthreads();
#pragma unroll
        for (int j = 0; j < Product::COLUMNS; j += 2) {
            int column = n + p.column(j);
            float dy[2] = {}, dy_x[2] = {};

            if (column < this->columns)
                add_columns(p, j, m, column, dy, dy_x);
#pragma unroll
            for (int k = 0; k < 2; k++) {
                s.put(SUM_DY, j + k, dy[k]);
                s.put(SUM_DY_X, j + k, dy_x[k]);
            }
        }
        __syncthreads();
        this->store_sums(m, n, Product::BN, [&](int which, int column) {
            return s.total(which, column);
        });
    }
};

#endif
