/*
 * Products of dense matrices of floats by cuBLAS. The library is looked for
 * when devices are listed, and stays loaded; a device has a handle of it. What
 * a product needs of the device's memory beside its operands is at the
 * beginning of the call's scratch, so that the library allocates nothing and
 * a recorded step can hold the product.
 *
 * Which of its kernels the library takes depends on the device, and so do the
 * last bits of these products, but not on anything else.
 */
#ifndef MEMDIAL_CUDA_BLAS_H
#define MEMDIAL_CUDA_BLAS_H

#include "kernels/cuda/cuda.h"
#include "kernels/cuda/parts.h"

/* A matrix as it lies in memory, row-major, and whether it is transposed to
 * be a factor. */
struct factor {
    const float *data;
    int rows, columns;
    bool transposed;
};

/* Finds the library, or says why it cannot be used. */
bool blas_load(char why[WHY_SIZE]);

/* A handle for products on the queue's stream. */
void blas_open(struct queue *);
void blas_close(struct queue *);

/* to = a b + keep * to, row-major; keep 0 reads nothing of it. */
void blas_product(struct queue *, const struct call *, const struct factor &a,
                  const struct factor &b, float keep, float *to);

/* to = a b, all of them n by n and of one type, with a workspace of `bytes`:
 * for benchmarks. */
void blas_square(struct queue *, enum dtype, bool tf32, int n, const void *a,
                 const void *b, void *to, void *workspace, size_t bytes);

/* What is left of the scratch of a call with a product, for floats. */
static inline float *blas_room(const struct call *c)
{
    return reinterpret_cast<float *>(static_cast<char *>(c->scratch)
                                     + BLAS_WORKSPACE);
}

template <typename T>
static __global__ void widen_all(size_t n, const T *from, float *to)
{
    for (size_t i = thread_index(); i < n; i += grid_threads())
        to[i] = widen(from[i]);
}

/* A tensor's elements as floats, in `room` if they are stored otherwise. */
static inline const float *blas_floats(struct queue *q,
                                       const struct operand *o, float *room)
{
    const float *floats = room;

    with_number(o->dtype, [&](auto number) {
        using T = decltype(number);
        size_t n = operand_elements(o);

        if constexpr (std::is_same<T, float>::value)
            floats = data_of<float>(o);
        else
            launch(q, blocks_for(n), BLOCK_THREADS, 0, widen_all<T>, n,
                   data_of<T>(o), room);
    });
    return floats;
}

#endif
