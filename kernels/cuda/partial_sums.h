/*
 * An output of products whose depth is cut into parts (gemm.h): it stores sums
 * unchanged, in the part's own matrix of (parts, rows, columns) floats.
 */
#ifndef MEMDIAL_CUDA_PARTIAL_SUMS_H
#define MEMDIAL_CUDA_PARTIAL_SUMS_H

#include "kernels/cuda/gemm.h"

struct partial_sums {
    float *to;
    int rows, columns;

    template <typename Product>
    __device__ void take(Product &p, column_sums<Product> &, int m,
                         int n) const
    {
        each_pair(p, [&](int row, int column, float first, float second) {
            put(m + row, n + column, first, second);
        });
    }

    __device__ void put(int row, int column, float first, float second) const
    {
        float *at = to + (blockIdx.z * (size_t)rows + (size_t)row)
                             * (size_t)columns
                    + column;

        if (row < rows && column < columns)
            at[0] = first;
        if (row < rows && column + 1 < columns)
            at[1] = second;
    }
};

#endif
