/* The part of cuBLAS that kernels/cuda/blas.cu uses, on the CPU. Its only
 * memory is the workspace that it is given: it fails without one, and each
 * product overwrites it. */
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
enum cublasComputeType_t {
    CUBLAS_COMPUTE_32F = 68,
    CUBLAS_COMPUTE_32F_FAST_TF32 = 77
};
enum cublasGemmAlgo_t { CUBLAS_GEMM_DEFAULT = -1 };
enum cudaDataType_t { CUDA_R_32F = 0, CUDA_R_16F = 2, CUDA_R_16BF = 14 };

struct cublasContext {
    cudaStream_t stream;
    unsigned char *workspace;
    size_t bytes;
};
typedef cublasContext *cublasHandle_t;

const char *cublasGetStatusName(cublasStatus_t);
cublasStatus_t cublasCreate_v2(cublasHandle_t *);
cublasStatus_t cublasDestroy_v2(cublasHandle_t);
cublasStatus_t cublasSetStream_v2(cublasHandle_t, cudaStream_t);
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void *, size_t bytes);
cublasStatus_t cublasGemmEx_64(cublasHandle_t, cublasOperation_t of_a,
                               cublasOperation_t of_b, int64_t m, int64_t n,
                               int64_t k, const void *alpha, const void *a,
                               cudaDataType_t type_a, int64_t lda,
                               const void *b, cudaDataType_t type_b,
                               int64_t ldb, const void *beta, void *c,
                               cudaDataType_t type_c, int64_t ldc,
                               cublasComputeType_t, cublasGemmAlgo_t);

#endif
