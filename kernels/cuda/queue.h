/*
 * The queue that operations put their work on: a stream, or the graph that is
 * captured from it.
 *
 * Kernels overlap where the device can (programmatic dependent launch, from
 * capability 9.0 on). As soon as the last blocks of a kernel have begun, blocks
 * of the next one take what room is left, and wait there. So a kernel begins
 * without delay when the one before it ends, and two of a step of some hundred
 * kernels never have a launch between them. This is right under these rules:
 *
 * - A kernel's first line is wait_for_earlier(), in every thread, before any
 *   access to memory, reads and writes alike. It returns when the kernel before
 *   has ended and its writes can be seen. That one had waited too before it
 *   could end, and so on back to a kernel that did not overlap. So what follows
 *   the line comes after all that was put on the queue earlier, not only after
 *   the last kernel, and may write where the arena gives bytes of an earlier
 *   value to a new one. A single thread that returned without the line could
 *   let its kernel end too early, and break this for all kernels behind it.
 * - The same line lets the next kernel come. Its blocks cannot take the places
 *   of this one's, for all of these have begun then; and no more than two
 *   kernels are ever on the device.
 * - A kernel overlaps with another kernel of launch() alone. Copies, events, a
 *   library's products and the begin of a capture wait for nothing of their
 *   own. They begin when the kernel before them has ended, and with it all
 *   others; the kernel behind them is launched as if nothing overlapped.
 *   queue_put() tells them from kernels. A graph gets such edges by capture, as
 *   CUDA from 12.3 on has them; with an older driver nothing overlaps.
 * - The compiler moves no access across the line, unless it is told that memory
 *   does not change: no kernel reads by __ldg() or pointers that are const and
 *   __restrict__.
 * - Code for less than capability 9.0 has no such wait, and a newer device may
 *   run it. So the code decides, not the device.
 */
#ifndef MEMDIAL_CUDA_QUEUE_H
#define MEMDIAL_CUDA_QUEUE_H

#include <cuda_runtime.h>

#include "kernels/kernels.h"

#ifndef CUDA_EMULATED
#define CUDA_EMULATED false
#endif

/* Numbers that change in every step. They are on the device, where a recorded
 * step reads their present values. */
struct progress {
    int64_t step;
    float learning_rate;
};

struct crew;
struct gathering;
struct load_list;
struct rewiring;

struct queue {
    cudaStream_t stream;
    int capability;                  /* 90 for 9.0 */
    bool overlaps;                   /* kernels may */
    bool after_kernel;               /* of launch(): the last thing on it */
    cudaError_t error;               /* the first; nothing holds after it */
    const struct progress *progress; /* on the device */
    double *report;                  /* [METRIC_COUNT] on the host, pinned */
    void *blas;                      /* struct blas (blas.h) */
    struct crew *crew;               /* makes samples */
    struct gathering *gathered;      /* [TABLES], calls that wait (table.h) */
    struct load_list *loads;
    struct rewiring *rewiring;
    bool recording;
};

/* The code of kernels that can wait for earlier ones: for capability 9.0. */
enum { CODE_THAT_WAITS = 90 };

static inline void queue_check(struct queue *q, cudaError_t error)
{
    if (q->error == cudaSuccess)
        q->error = error;
}

/* Checks a call that has put something else than a kernel on the queue. */
static inline void queue_put(struct queue *q, cudaError_t error)
{
    queue_check(q, error);
    q->after_kernel = false;
}

/* The first line of every kernel. */
static __device__ inline void wait_for_earlier()
{
#ifndef __CUDACC__
    emulate::wait_for_earlier();
#elif __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" : : : "memory");
    asm volatile("griddepcontrol.launch_dependents;" : : : "memory");
#endif
}

/* Puts a kernel on the queue, with shared_bytes of shared memory. */
template <typename... Parameters, typename... Arguments>
static void launch(struct queue *q, dim3 grid, unsigned threads,
                   size_t shared_bytes, void (*kernel)(Parameters...),
                   Arguments... arguments)
{
    cudaLaunchConfig_t config = {};
    cudaLaunchAttribute overlap = {};

    overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    overlap.val.programmaticStreamSerializationAllowed = 1;
    config.gridDim = grid;
    config.blockDim = dim3(threads);
    config.dynamicSmemBytes = shared_bytes;
    config.stream = q->stream;
    config.attrs = &overlap;
    config.numAttrs = q->overlaps && q->after_kernel;
    if (shared_bytes > 48 * 1024)
        queue_check(q, cudaFuncSetAttribute(
                           kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                           (int)shared_bytes));
    queue_check(q, cudaLaunchKernelEx(&config, kernel, arguments...));
    q->after_kernel = true;
}

#endif
