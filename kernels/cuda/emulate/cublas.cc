#include <cublas_v2.h>

#include "kernels/half.h"

enum { LEAST_WORKSPACE = 16 * 1024, ALIGNMENT = 256 };

const char *cublasGetStatusName(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    default:
        return "CUBLAS_STATUS_INVALID_VALUE";
    }
}

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle)
{
    *handle = new cublasContext();
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

/* The workspace goes with the stream. */
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    handle->workspace = NULL;
    handle->bytes = 0;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace,
                                     size_t bytes)
{
    if ((uintptr_t)workspace % ALIGNMENT)
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->workspace = (unsigned char *)workspace;
    handle->bytes = bytes;
    return CUBLAS_STATUS_SUCCESS;
}

static enum dtype dtype_of(cudaDataType_t type)
{
    return type == CUDA_R_16BF  ? DTYPE_BF16
           : type == CUDA_R_16F ? DTYPE_F16 : DTYPE_F32;
}

/* A matrix stored column by column. */
struct matrix {
    const void *data;
    enum dtype dtype;
    int64_t ld;
    bool transposed, short_mantissa;

    float at(int64_t row, int64_t column) const
    {
        int64_t i = transposed ? column + row * ld : row + column * ld;
        float x = float_load(data, (size_t)i, dtype);

        return short_mantissa ? __uint_as_float((__float_as_uint(x) + 0x1000)
                                                & ~0x1FFFu)
                              : x;
    }
};

cublasStatus_t cublasGemmEx_64(cublasHandle_t handle, cublasOperation_t of_a,
                               cublasOperation_t of_b, int64_t m, int64_t n,
                               int64_t k, const void *alpha, const void *a,
                               cudaDataType_t type_a, int64_t lda,
                               const void *b, cudaDataType_t type_b,
                               int64_t ldb, const void *beta, void *c,
                               cudaDataType_t type_c, int64_t ldc,
                               cublasComputeType_t compute, cublasGemmAlgo_t)
{
    bool tf32 = compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    matrix x = { a, dtype_of(type_a), lda, of_a == CUBLAS_OP_T, tf32 };
    matrix y = { b, dtype_of(type_b), ldb, of_b == CUBLAS_OP_T, tf32 };
    enum dtype dtype = dtype_of(type_c);
    float times = *(const float *)alpha, keep = *(const float *)beta;
    unsigned char *workspace = handle->workspace;
    size_t bytes = handle->bytes;
    unsigned blocks = (unsigned)(m * n + emulate::WARP - 1) / emulate::WARP;

    if (!workspace || bytes < LEAST_WORKSPACE)
        return CUBLAS_STATUS_ALLOC_FAILED;
    emulate::launch(handle->stream, dim3(blocks), dim3(emulate::WARP), 0,
                    false, [=] {
        int64_t i = blockIdx.x * (int64_t)emulate::WARP + threadIdx.x;
        size_t at = (size_t)(i % m + i / m * ldc);
        float sum = 0;

        if (i == 0)
            memset(workspace, 0xFF, bytes);
        if (i >= m * n)
            return;
        for (int64_t j = 0; j < k; j++)
            sum = fmaf(x.at(i % m, j), y.at(j, i / m), sum);
        sum *= times;
        if (keep != 0)
            sum += keep * float_load(c, at, dtype);
        float_store(c, at, dtype, sum);
    });
    return CUBLAS_STATUS_SUCCESS;
}
