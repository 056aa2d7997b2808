/*
 * The declarations that kernels of the CUDA backend share. Each operation has a
 * function on the host that puts its kernels on a queue. A kernel's result is a
 * function of its operands alone: not of the device, nor of the order in which
 * its blocks run. So no kernel adds with atomics. Several blocks sum in parts,
 * which a second kernel adds in order; shapes alone determine the number of
 * parts (parts.h).
 *
 * Arithmetic is in floats. Where an operation is a fused multiply-add it is
 * written as one, so that forward and backward kernels agree on it.
 */
#ifndef MEMDIAL_CUDA_H
#define MEMDIAL_CUDA_H

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <type_traits>

#include "kernels/cuda/queue.h"
#include "kernels/half.h"
#include "kernels/kernels.h"

/* Begins the declaration of a device's function that kernels call. */
#ifdef __CUDACC__
#define OUT_OF_LINE __noinline__
#else
#define OUT_OF_LINE
#endif

#define OP(name, cpu, cuda, access, ...) \
    void cuda_##name(struct queue *, const struct call *);
#include "kernels/op_list.h"
#undef OP

/* The alignment of operands that are copied to the host's memory, bytes. */
enum { HOST_ALIGNMENT = 16 };

enum { WARP_LANES = 32, BLOCK_THREADS = 256, BLOCK_WARPS = 8,
       MAX_BLOCKS = 4096 };

/* Blocks for a loop over n that strides by the grid. */
static inline unsigned blocks_for(size_t n)
{
    size_t blocks = (n + BLOCK_THREADS - 1) / BLOCK_THREADS;

    return blocks < MAX_BLOCKS ? (unsigned)blocks : (unsigned)MAX_BLOCKS;
}

/* The shared memory of a block, as one struct, whose size the launch gives. */
template <typename T> static __device__ T &shared()
{
#ifdef __CUDACC__
    extern __shared__ uint4 memory[];

    return *reinterpret_cast<T *>(memory);
#else
    return *static_cast<T *>(emulate::shared_memory(sizeof(T)));
#endif
}

static __device__ inline size_t thread_index()
{
    return blockIdx.x * (size_t)blockDim.x + threadIdx.x;
}

static __device__ inline size_t grid_threads()
{
    return gridDim.x * (size_t)blockDim.x;
}

/* The sum over a warp, in every lane of it and in the same order. */
template <typename T> static __device__ inline T warp_sum(T x)
{
    for (int mask = WARP_LANES / 2; mask > 0; mask /= 2)
        x += __shfl_xor_sync(0xFFFFFFFF, x, mask);
    return x;
}

/* The largest of a warp's numbers, in every lane of it. */
static __device__ inline float warp_max(float x)
{
    for (int mask = WARP_LANES / 2; mask > 0; mask /= 2) {
        float other = __shfl_xor_sync(0xFFFFFFFF, x, mask);

        x = other > x ? other : x;
    }
    return x;
}

static __device__ inline int warp_lane()
{
    return (int)(threadIdx.x % WARP_LANES);
}

/* This warp's number in a grid of one dimension. */
static __device__ inline size_t warp_index()
{
    return thread_index() / WARP_LANES;
}

/* The types in which floats are stored. */

struct bf16 {
    uint16_t bits;
};

struct fp16 {
    uint16_t bits;
};

static __device__ inline float widen(float x)
{
    return x;
}

static __device__ inline float widen(bf16 x)
{
    return __uint_as_float((uint32_t)x.bits << 16);
}

static __device__ inline float widen(fp16 x)
{
    return __half2float(__ushort_as_half(x.bits));
}

static __device__ inline void narrow(float *to, float x)
{
    *to = x;
}

static __device__ inline void narrow(bf16 *to, float x)
{
    to->bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
}

static __device__ inline void narrow(fp16 *to, float x)
{
    to->bits = __half_as_ushort(__float2half_rn(x));
}

/* The value of x after it is stored. */
template <typename T> static __device__ inline float rounded(float x)
{
    T stored;

    narrow(&stored, x);
    return widen(stored);
}

/* W elements in a row, moved at once. */
template <typename T, int W> struct alignas(sizeof(T) * W) pack {
    T element[W];
};

template <typename T> constexpr int FULL_WIDTH = 16 / sizeof(T);

template <typename T, int W>
static __device__ inline void load(float (&to)[W], const T *from)
{
    pack<T, W> p = *reinterpret_cast<const pack<T, W> *>(from);

#pragma unroll
    for (int i = 0; i < W; i++)
        to[i] = widen(p.element[i]);
}

template <typename T, int W>
static __device__ inline void store(T *to, const float (&from)[W])
{
    pack<T, W> p;

#pragma unroll
    for (int i = 0; i < W; i++)
        narrow(&p.element[i], from[i]);
    *reinterpret_cast<pack<T, W> *>(to) = p;
}

/* max(x, 0); a NaN stays one, so that a run that diverges shows it. */
static __device__ inline float relu(float x)
{
    return x < 0 ? 0 : x;
}

/* Calls f with a number of the type in which floats are stored. */
template <typename F> static void with_number(enum dtype dtype, F f)
{
    if (dtype == DTYPE_F32)
        f(float());
    else if (dtype == DTYPE_BF16)
        f(bf16());
    else
        f(fp16());
}

/* Calls f, on the device, with a number of the type in which floats are stored.
 */
template <typename F>
static __device__ inline void with_stored(enum dtype dtype, F f)
{
    if (dtype == DTYPE_F32)
        f(float());
    else if (dtype == DTYPE_BF16)
        f(bf16());
    else
        f(fp16());
}

/* Calls f with a constant: the elements of T that can be moved at once, in rows
 * of `columns` that begin at the alignment of the arena's values. */
template <typename T, typename F> static void with_width(int columns, F f)
{
    if (columns % FULL_WIDTH<T> == 0)
        f(std::integral_constant<int, FULL_WIDTH<T>>());
    else
        f(std::integral_constant<int, 1>());
}

template <typename T> static T *data_of(const struct operand *o)
{
    return static_cast<T *>(o->data);
}

/* NULL if the slot is empty. */
template <typename T> static T *data_if_given(const struct operand *o)
{
    return operand_given(o) ? data_of<T>(o) : NULL;
}

static inline int channels_of(const struct operand *o)
{
    return o->dim[o->rank - 1];
}

#endif
