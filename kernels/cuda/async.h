/*
 * Copies from device memory to shared memory that go on while the thread that
 * asked for them works. The thread collects its copies in groups. Its elements
 * are in place only after it has waited for their group; other threads of the
 * block see them after a barrier behind that.
 *
 * Capability 7.5 has no such instruction, and copies at once.
 */
#ifndef MEMDIAL_CUDA_ASYNC_H
#define MEMDIAL_CUDA_ASYNC_H

#include "kernels/cuda/cuda.h"

#ifdef __CUDACC__

#if __CUDA_ARCH__ >= 800

/* Copies 4, 8 or 16 bytes to shared memory, both addresses aligned to as many;
 * unless `there`, reads nothing and writes zeros. */
template <int BYTES>
static __device__ inline void copy_async(void *to, const void *from,
                                         bool there)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;"
                 :
                 : "r"((uint32_t)__cvta_generic_to_shared(to)),
                   "l"(__cvta_generic_to_global(from)), "n"(BYTES),
                   "r"(there ? BYTES : 0)
                 : "memory");
}

/* Ends a group. */
static __device__ inline void async_commit()
{
    asm volatile("cp.async.commit_group;" : : : "memory");
}

/* Waits for all groups that have ended, except for the last LEFT. */
template <int LEFT> static __device__ inline void async_wait()
{
    asm volatile("cp.async.wait_group %0;" : : "n"(LEFT) : "memory");
}

#else

template <int BYTES>
static __device__ inline void copy_async(void *to, const void *from,
                                         bool there)
{
    using bytes = pack<uint32_t, BYTES / 4>;

    *static_cast<bytes *>(to) = there ? *static_cast<const bytes *>(from)
                                      : bytes{};
}

static __device__ inline void async_commit()
{
}

template <int LEFT> static __device__ inline void async_wait()
{
}

#endif

#else
#include "kernels/cuda/emulate/async.h"
#endif

#endif
