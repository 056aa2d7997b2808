#include <cublas_v2.h>

enum { LEAST_WORKSPACE = 16 * 1024, ALIGNMENT = 256 };

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

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t math)
{
    handle->math = math;
    return CUBLAS_STATUS_SUCCESS;
}

/* Column-major. */
struct factor {
    const float *data;
    int ld;
    bool transposed, short_mantissa;

    float at(int row, int column) const
    {
        float x = transposed ? data[column + (size_t)row * (size_t)ld]
                             : data[row + (size_t)column * (size_t)ld];

        return short_mantissa ? __uint_as_float((__float_as_uint(x) + 0x1000)
                                                & ~0x1FFFu)
                              : x;
    }
};

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t of_a,
                              cublasOperation_t of_b, int m, int n, int k,
                              const float *alpha, const float *a, int lda,
                              const float *b, int ldb, const float *beta,
                              float *c, int ldc)
{
    bool tf32 = handle->math == CUBLAS_TF32_TENSOR_OP_MATH;
    factor x = { a, lda, of_a == CUBLAS_OP_T, tf32 };
    factor y = { b, ldb, of_b == CUBLAS_OP_T, tf32 };
    float times = *alpha, keep = *beta;
    unsigned char *workspace = handle->workspace;
    size_t bytes = handle->bytes;
    unsigned blocks = (unsigned)(m * n + emulate::WARP - 1) / emulate::WARP;

    if (!workspace || bytes < LEAST_WORKSPACE)
        return CUBLAS_STATUS_ALLOC_FAILED;
    emulate::launch(handle->stream, dim3(blocks), dim3(emulate::WARP), 0, [=] {
        int i = (int)(blockIdx.x * emulate::WARP + threadIdx.x);
        float sum = 0, *to = c + i % m + (size_t)(i / m) * (size_t)ldc;

        if (i == 0)
            memset(workspace, 0xFF, bytes);
        if (i >= m * n)
            return;
        for (int j = 0; j < k; j++)
            sum = fmaf(x.at(i % m, j), y.at(j, i / m), sum);
        *to = times * sum + (keep != 0 ? keep * *to : 0);
    });
    return CUBLAS_STATUS_SUCCESS;
}
