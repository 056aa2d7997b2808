/*
 * The part of CUDA that the kernels and their module use, on the CPU: with
 * this directory in front of the compiler's search path, the .cu files are
 * C++. It is an instrument for tests, made to show mistakes and not to be
 * fast:
 *
 * - The threads of a block are fibers that run one at a time, from barrier to
 *   barrier, in an order that changes with every block and launch, and so are
 *   the blocks of a launch. Where a barrier is missing, results change with the
 *   order.
 * - Lanes of a warp meet in warp operations. Lanes that meet in different
 *   operations, and barriers that some threads do not reach, end the program.
 * - A copy to shared memory that a thread has to wait for arrives at once or
 *   only after the wait, at random; until then there are NaN patterns.
 * - Device, pinned and shared memory are allocations with guards around them,
 *   filled with NaN patterns; shared memory anew for every block.
 * - Work that is put on a stream is done when the stream, or an event behind
 *   the work, is waited for, and not before.
 * - Kernels are done in order, those too that may overlap with the one before.
 *   But every thread of these has to wait for earlier kernels, and memory is
 *   out of reach of the first thread until it has.
 *
 * Everything is a function of the launches before, so that every run of a
 * program is the same.
 */
#ifndef MEMDIAL_EMULATE_CUDA_RUNTIME_H
#define MEMDIAL_EMULATE_CUDA_RUNTIME_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#define CUDA_EMULATED true

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)

using std::fmax;
using std::fmin;

struct uint3 {
    unsigned x, y, z;
};

struct alignas(16) uint4 {
    uint32_t x, y, z, w;
};

struct alignas(16) float4 {
    float x, y, z, w;
};

struct dim3 {
    unsigned x, y, z;

    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1)
        : x(x_), y(y_), z(z_)
    {
    }
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

static inline uint32_t __float_as_uint(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static inline float __uint_as_float(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

namespace emulate {

struct stream;
struct event;
struct graph;

enum { WARP = 32, EXCHANGE_BYTES = 64 };

/* The value that each lane of a warp brought to a warp operation. */
typedef unsigned char exchange_slot[EXCHANGE_BYTES];

/* Meets the other lanes of the warp in `operation`; returns [WARP]. */
const exchange_slot *exchange(const char *operation, const void *mine,
                              size_t bytes);

void barrier();

/* Returns once all kernels before this one are done. */
void wait_for_earlier();

/* The block's shared memory, which must be of this many bytes. */
void *shared_memory(size_t bytes);

/* Copies to shared memory that this thread waits for, in groups; copies zeros
 * if `from` is NULL. */
void copy_later(void *to, const void *from, size_t bytes);
void commit_copies();
void wait_for_copies(unsigned groups_left);

/* This thread's lane, in 0..WARP-1. */
unsigned lane();

/* A kernel that overlaps has to come right behind a kernel. */
void launch(stream *, dim3 grid, dim3 block, size_t shared_bytes,
            bool overlaps, std::function<void()> thread);

template <typename T> T shuffle(const char *operation, T mine, unsigned from)
{
    T value;

    memcpy(&value, exchange(operation, &mine, sizeof(mine))[from],
           sizeof(value));
    return value;
}

} // namespace emulate

static inline void __syncthreads()
{
    emulate::barrier();
}

static inline uint32_t __umulhi(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b >> 32);
}

/* Fibers see each other's writes at once. */
static inline void __threadfence()
{
}

template <typename T> T __ldcg(const T *from)
{
    return *from;
}

static inline unsigned atomicInc(unsigned *at, unsigned most)
{
    unsigned old = *at;

    *at = old < most ? old + 1 : 0;
    return old;
}

static inline void __syncwarp()
{
    emulate::exchange("__syncwarp", NULL, 0);
}

template <typename T> T __shfl_xor_sync(unsigned, T mine, int mask)
{
    return emulate::shuffle("__shfl_xor_sync", mine,
                            emulate::lane() ^ (unsigned)mask);
}

template <typename T> T __shfl_sync(unsigned, T mine, int from)
{
    return emulate::shuffle("__shfl_sync", mine, (unsigned)from);
}

/* The runtime's functions; CUDA's manual describes them. */

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInsufficientDriver = 35,
    cudaErrorDevicesUnavailable = 46,
    cudaErrorNoDevice = 100,
    cudaErrorIllegalAddress = 700,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorUnknown = 999
};

enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };
enum cudaStreamCaptureMode { cudaStreamCaptureModeRelaxed };
enum { cudaStreamNonBlocking = 1, cudaHostAllocDefault = 0 };

typedef emulate::stream *cudaStream_t;
typedef emulate::event *cudaEvent_t;
typedef emulate::graph *cudaGraph_t;
typedef emulate::graph *cudaGraphExec_t;

struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
    int major, minor;
    int multiProcessorCount;
};

struct cudaFuncAttributes {
    int ptxVersion;
};

/* No other attribute is known. */
enum cudaLaunchAttributeID {
    cudaLaunchAttributeProgrammaticStreamSerialization = 6
};

struct cudaLaunchAttribute {
    cudaLaunchAttributeID id;
    struct {
        int programmaticStreamSerializationAllowed;
    } val;
};

struct cudaLaunchConfig_t {
    dim3 gridDim, blockDim;
    size_t dynamicSmemBytes = 0;
    cudaStream_t stream = NULL;
    cudaLaunchAttribute *attrs = NULL;
    unsigned numAttrs = 0;
};

const char *cudaGetErrorString(cudaError_t);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceReset();
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaMemGetInfo(size_t *available, size_t *total);
cudaError_t cudaMalloc(void **, size_t bytes);
cudaError_t cudaFree(void *);
cudaError_t cudaHostAlloc(void **, size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void *);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaEventCreate(cudaEvent_t *);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from,
                                 cudaEvent_t to);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                            cudaMemcpyKind, cudaStream_t);
cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t);
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode);
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t *);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *, cudaGraph_t,
                                 unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t);
cudaError_t cudaGraphDestroy(cudaGraph_t);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t);
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *, void (*kernel)());

template <typename T>
cudaError_t cudaGetSymbolAddress(void **address, T &symbol)
{
    *address = &symbol;
    return cudaSuccess;
}

template <typename F>
cudaError_t cudaFuncSetAttribute(F *, cudaFuncAttribute, int)
{
    return cudaSuccess;
}

template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config,
                               void (*kernel)(Parameters...),
                               Arguments... arguments)
{
    emulate::launch(config->stream, config->gridDim, config->blockDim,
                    config->dynamicSmemBytes, config->numAttrs > 0,
                    [=] { kernel(Parameters(arguments)...); });
    return cudaGetLastError();
}

#endif
