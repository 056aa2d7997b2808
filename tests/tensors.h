/*
 * Helpers for tests of sparse weights: a pool with its storage, and calls of
 * operations on it.
 */
#ifndef MEMDIAL_TESTS_TENSORS_H
#define MEMDIAL_TESTS_TENSORS_H

#include "kernels/kernels.h"
#include "kernels/pool.h"

struct tensors {
    struct pool pool;
    struct pool_member member[3];
    void *index;
    float *values;
};

/* Three members without nonzeros. */
struct tensors *tensors_empty(const size_t elements[3]);

/* Gives them nonzeros at the bits of a bitmap, which is freed. */
struct tensors *tensors_fill(struct tensors *, uint64_t *bits);

/* Three members, `density` of each nonzero; with 1 and 0 nothing is left to
 * chance. */
struct tensors *tensors_new(const size_t elements[3], double density);
void tensors_free(struct tensors *);

/* A bitmap encoded as the pool's index, with exactly its number of bytes. */
void *encoded(const struct pool *, const uint64_t *bits);

/* The bitmap of an index, found by going through all of its bits. */
uint64_t *bitmap_of(const struct tensors *);

/* Numbers in (-1, 1), uniform, the same in every run. */
float *noise(size_t n, uint32_t stream);

/* Runs an operation in scratch filled with NaN patterns; in a batch of one
 * sample if the call has no batch. */
void run_call(const struct backend *, struct device *, enum op_code,
              struct call *);

#endif
