/* The part of cuBLAS that kernels/cuda/blas.cu uses, on the CPU. It has no
 * memory but the workspace that it is given, and fails without one; each
 * product destroys what is there. */
#ifndef MEMDIAL_EMULATE_CUBLAS_V2_H
#define MEMDIAL_EMULATE_CUBLAS_V2_H

#include <cuda_runtime.h>

#define CUBLAS_VER_MAJOR 13

enum cublasStatus_t {
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_ALLOC_FAILED = 3,
    CUBLAS_STATUS_INVALID_VALUE = 7
};
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T };
enum cublasMath_t { CUBLAS_DEFAULT_MATH, CUBLAS_TF32_TENSOR_OP_MATH = 3 };

struct cublasContext {
    cudaStream_t stream;
    unsigned char *workspace;
    size_t bytes;
    cublasMath_t math;
};
typedef cublasContext *cublasHandle_t;

cublasStatus_t cublasCreate_v2(cublasHandle_t *);
cublasStatus_t cublasDestroy_v2(cublasHandle_t);
cublasStatus_t cublasSetStream_v2(cublasHandle_t, cudaStream_t);
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void *, size_t bytes);
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t);
cublasStatus_t cublasSgemm_v2(cublasHandle_t, cublasOperation_t of_a,
                              cublasOperation_t of_b, int m, int n, int k,
                              const float *alpha, const float *a, int lda,
                              const float *b, int ldb, const float *beta,
                              float *c, int ldc);

#endif
