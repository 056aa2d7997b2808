#include "kernels/cuda/blas.h"

#include <cstdio>
#include <cublas_v2.h>
#include <dlfcn.h>

#define EACH_FUNCTION(F)                                                    \
    F(cublasCreate_v2)                                                      \
    F(cublasDestroy_v2)                                                     \
    F(cublasSetStream_v2)                                                   \
    F(cublasSetWorkspace_v2)                                                \
    F(cublasGetStatusName)                                                  \
    F(cublasGemmEx_64)

/* The library's functions, by their names. For products it is the name with
 * extents of 64 bits, for that one is not overloaded. */
static struct {
#define DECLARE(name) decltype(&::name) name;
    EACH_FUNCTION(DECLARE)
#undef DECLARE
} library;

#ifdef __CUDACC__

static void *open_library()
{
    char name[32], path[64];
    void *found;

    snprintf(name, sizeof(name), "libcublas.so.%d", CUBLAS_VER_MAJOR);
    snprintf(path, sizeof(path), "/usr/local/cuda/lib64/%s", name);
    found = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    return found ? found : dlopen(path, RTLD_LAZY | RTLD_LOCAL);
}

static bool find_functions()
{
    void *handle = open_library();
    bool all = handle;

#define FIND(name)                                                          \
    library.name = handle ? reinterpret_cast<decltype(&::name)>(            \
                                dlsym(handle, #name))                       \
                          : NULL;                                           \
    all &= library.name != NULL;
    EACH_FUNCTION(FIND)
#undef FIND
    return all;
}

#else

static bool find_functions()
{
#define FIND(name) library.name = name;
    EACH_FUNCTION(FIND)
#undef FIND
    return true;
}

#endif

bool blas_load(char why[WHY_SIZE])
{
    static bool tried, found;

    if (!tried)
        found = find_functions();
    tried = true;
    if (!found)
        snprintf(why, WHY_SIZE, "cuBLAS is not installed: no libcublas.so.%d "
                 "where libraries are; it comes with CUDA's runtime",
                 CUBLAS_VER_MAJOR);
    return found;
}

/* A queue's own. */
struct blas {
    cublasHandle_t handle;
    cublasStatus_t status;           /* the first that was no success */
};

static struct blas *blas_of(const struct queue *q)
{
    return static_cast<struct blas *>(q->blas);
}

static void check(struct queue *q, cublasStatus_t status)
{
    if (q->error != cudaSuccess || status == CUBLAS_STATUS_SUCCESS)
        return;
    blas_of(q)->status = status;
    queue_check(q, status == CUBLAS_STATUS_ALLOC_FAILED
                       ? cudaErrorMemoryAllocation : cudaErrorUnknown);
}

void blas_open(struct queue *q)
{
    struct blas *b = new blas();

    q->blas = b;
    check(q, library.cublasCreate_v2(&b->handle));
    if (b->handle)
        check(q, library.cublasSetStream_v2(b->handle, q->stream));
}

void blas_close(struct queue *q)
{
    struct blas *b = blas_of(q);

    if (b && b->handle)
        library.cublasDestroy_v2(b->handle);
    delete b;
    q->blas = NULL;
}

const char *blas_failure(const struct queue *q)
{
    const struct blas *b = blas_of(q);

    return b && b->status != CUBLAS_STATUS_SUCCESS
               ? library.cublasGetStatusName(b->status) : NULL;
}

static cublasComputeType_t arithmetic(bool tf32)
{
    return tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

void blas_square(struct queue *q, enum dtype dtype, bool tf32, int n,
                 const void *a, const void *b, void *to, void *workspace,
                 size_t bytes)
{
    cublasHandle_t handle = blas_of(q)->handle;
    cudaDataType_t type = dtype == DTYPE_BF16  ? CUDA_R_16BF
                          : dtype == DTYPE_F16 ? CUDA_R_16F : CUDA_R_32F;
    float one = 1, zero = 0;

    if (q->error != cudaSuccess)
        return;
    check(q, library.cublasSetWorkspace_v2(handle, workspace, bytes));
    queue_put(q, cudaSuccess);
    check(q, library.cublasGemmEx_64(
                 handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, b, type, n,
                 a, type, n, &zero, to, type, n, arithmetic(tf32),
                 CUBLAS_GEMM_DEFAULT));
}
