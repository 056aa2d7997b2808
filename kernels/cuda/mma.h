/*
 * Matrix instructions of a warp: sums of products of fragments. Every lane has
 * a part of each. With g = lane / 4 and t = lane % 4, a lane holds
 *
 *     sum (16, 8)   [0] (g, 2t)  [1] (g, 2t + 1)  [2], [3] likewise at g + 8
 *
 * and of operands stored in 16 bits, two in a register, the lower one first,
 *
 *     a (16, 16)    [0] (g, 2t..)  [1] (g + 8, 2t..)  [2], [3] at 2t + 8..
 *     b (16, 8)     [0] (2t.., g)  [1] (2t + 8.., g)
 *
 * and of floats cut to 10 bits of mantissa (TF32), one in a register,
 *
 *     a (16, 8)     [0] (g, t)  [1] (g + 8, t)  [2] (g, t + 4)  [3] both
 *     b (8, 8)      [0] (t, g)  [1] (t + 4, g)
 */
#ifndef MEMDIAL_CUDA_MMA_H
#define MEMDIAL_CUDA_MMA_H

#include "kernels/cuda/cuda.h"

#ifdef __CUDACC__

/*
 * Four matrices of 8 x 8 elements of 16 bits from shared memory: lane i gives
 * the address of row i % 8 of matrix i / 8, and gets two elements of row g of
 * each matrix, 2t and 2t + 1; or of column g, if TRANSPOSED.
 */
template <bool TRANSPOSED>
static __device__ inline void load_matrices(uint32_t (&r)[4], const void *row)
{
    uint32_t address = (uint32_t)__cvta_generic_to_shared(row);

    if (TRANSPOSED)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 "
                     "{%0, %1, %2, %3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(address) : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 "
                     "{%0, %1, %2, %3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(address) : "memory");
}

#if __CUDA_ARCH__ >= 800

static __device__ inline void multiply_add(fp16, float (&sum)[4],
                                           const uint32_t (&a)[4],
                                           const uint32_t (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                   "r"(b[1]));
}

static __device__ inline void multiply_add(bf16, float (&sum)[4],
                                           const uint32_t (&a)[4],
                                           const uint32_t (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                   "r"(b[1]));
}

static __device__ inline uint32_t to_tf32(float x)
{
    uint32_t bits;

    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}

static __device__ inline void multiply_add_tf32(float (&sum)[4],
                                                const uint32_t (&a)[4],
                                                const uint32_t (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                   "r"(b[1]));
}

#else

/* Capability 7.5: half the depth, for binary16 only. */
static __device__ inline void multiply_add(fp16, float (&sum)[4],
                                           const uint32_t (&a)[4],
                                           const uint32_t (&b)[2])
{
#pragma unroll
    for (int i = 0; i < 2; i++)
        asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
                     "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                     : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                     : "r"(a[2 * i]), "r"(a[2 * i + 1]), "r"(b[i]));
}

static __device__ inline float bf16_half(uint32_t pair, int which)
{
    return __uint_as_float(which ? pair & 0xFFFF0000 : pair << 16);
}

/* Without the instruction, lanes exchange their fragments. */
static __device__ inline void multiply_add(bf16, float (&sum)[4],
                                           const uint32_t (&a)[4],
                                           const uint32_t (&b)[2])
{
    int g = warp_lane() / 4, t = warp_lane() % 4;

    for (int deep = 0; deep < 2; deep++)
        for (int from = 0; from < 4; from++)
            for (int i = 0; i < 4; i++) {
                uint32_t x = __shfl_sync(0xFFFFFFFF, a[i / 2 + 2 * deep],
                                         4 * g + from);
                uint32_t y = __shfl_sync(0xFFFFFFFF, b[deep],
                                         4 * (2 * t + i % 2) + from);

                for (int k = 0; k < 2; k++)
                    sum[i] = fmaf(bf16_half(x, k), bf16_half(y, k), sum[i]);
            }
}

/* Never called: such devices have no TF32. */
static __device__ inline uint32_t to_tf32(float x)
{
    return __float_as_uint(x);
}

static __device__ inline void multiply_add_tf32(float (&)[4],
                                                const uint32_t (&)[4],
                                                const uint32_t (&)[2])
{
}

#endif

#else
#include "kernels/cuda/emulate/mma.h"
#endif

#endif
