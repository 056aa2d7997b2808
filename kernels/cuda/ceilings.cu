/*
 * The highest rates of a device, to compare kernels with: a copy that no cache
 * holds, and cuBLAS's product of large matrices. These hold random numbers, for
 * zeros take less power and so less time. Only these measurements allocate
 * memory beside the arena.
 */
#include "kernels/cuda/ceilings.h"

#include <cstdio>
#include <ctime>

#include "kernels/cuda/blas.h"
#include "kernels/philox.h"

enum { TRIES = 3, REPEATS = 10, WORKSPACE = 32 * 1024 * 1024 };

/* Memory and queue of the measurements. */
struct bench {
    struct queue queue;
    void *from, *other, *to, *workspace;
};

static double seconds()
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

template <typename T> static __global__ void fill(size_t n, T *to)
{
    wait_for_earlier();

    for (size_t i = thread_index(); i < n; i += grid_threads())
        narrow(&to[i],
               philox_unit(philox(1, i, PHILOX_DRAW, 0).x[0]) - 0.5f);
}

using block = pack<uint32_t, 4>;

static __global__ void copy(size_t n, const block *from, block *to)
{
    wait_for_earlier();

    for (size_t i = thread_index(); i < n; i += grid_threads())
        to[i] = from[i];
}

/* How often per second f, which puts work on the queue, can be done. */
template <typename F> static double rate(struct queue *q, F f)
{
    double best = 0;

    for (int i = 0; i <= TRIES; i++) {
        double start;

        queue_check(q, cudaStreamSynchronize(q->stream));
        start = seconds();
        for (int k = 0; k < REPEATS; k++)
            f();
        queue_check(q, cudaStreamSynchronize(q->stream));
        if (i > 0)
            best = fmax(best, REPEATS / (seconds() - start));
    }
    return best;
}

static void fill_all(struct queue *q, enum dtype dtype, void *to, size_t n)
{
    with_number(dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, blocks_for(n), BLOCK_THREADS, 0, fill<T>, n,
               static_cast<T *>(to));
    });
}

static double copy_rate(struct bench *b, size_t bytes)
{
    size_t n = bytes / sizeof(block);

    fill_all(&b->queue, DTYPE_F32, b->from, bytes / sizeof(float));
    return 2.0 * (double)bytes * rate(&b->queue, [&] {
        launch(&b->queue, blocks_for(n), BLOCK_THREADS, 0, copy, n,
               static_cast<const block *>(b->from),
               static_cast<block *>(b->to));
    });
}

static double product_rate(struct bench *b, enum dtype dtype, bool tf32,
                           int n)
{
    size_t elements = (size_t)n * (size_t)n;

    fill_all(&b->queue, dtype, b->from, elements);
    fill_all(&b->queue, dtype, b->other, elements);
    return 2.0 * n * n * n * rate(&b->queue, [&] {
        blas_square(&b->queue, dtype, tf32, n, b->from, b->other, b->to,
                    b->workspace, WORKSPACE);
    });
}

static void reserve(struct bench *b, size_t bytes)
{
    void **const all[] = { &b->from, &b->other, &b->to };
    struct queue *q = &b->queue;

    queue_check(q, cudaStreamCreateWithFlags(&q->stream,
                                             cudaStreamNonBlocking));
    for (void **one : all)
        queue_check(q, cudaMalloc(one, bytes));
    queue_check(q, cudaMalloc(&b->workspace, WORKSPACE));
    if (q->error == cudaSuccess)
        blas_open(q);
}

static void say_failure(const struct queue *q, char why[WHY_SIZE])
{
    const char *of_blas = blas_failure(q);

    snprintf(why, WHY_SIZE, "%s%s", of_blas ? "cuBLAS: " : "",
             of_blas ? of_blas : cudaGetErrorString(q->error));
}

static void give_back(struct bench *b)
{
    blas_close(&b->queue);
    cudaFree(b->from);
    cudaFree(b->other);
    cudaFree(b->to);
    cudaFree(b->workspace);
    if (b->queue.stream)
        cudaStreamDestroy(b->queue.stream);
}

bool cuda_ceilings(size_t bytes, int n, struct ceilings *found,
                   char why[WHY_SIZE])
{
    struct bench b = {};
    size_t matrix = (size_t)n * (size_t)n * sizeof(float);

    if (!blas_load(why))
        return false;
    reserve(&b, bytes > matrix ? bytes : matrix);
    if (b.queue.error == cudaSuccess) {
        found->copy = copy_rate(&b, bytes);
        found->product = product_rate(&b, DTYPE_F32, false, n);
        found->tf32_product = product_rate(&b, DTYPE_F32, true, n);
        found->bf16_product = product_rate(&b, DTYPE_BF16, false, n);
        found->fp16_product = product_rate(&b, DTYPE_F16, false, n);
    }
    say_failure(&b.queue, why);
    give_back(&b);
    return b.queue.error == cudaSuccess;
}
