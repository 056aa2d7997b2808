/*
 * Products of square matrices by cuBLAS, by which ceilings are measured. The
 * library is loaded for the first measurement, and stays loaded; a queue has a
 * handle of it.
 */
#ifndef MEMDIAL_CUDA_BLAS_H
#define MEMDIAL_CUDA_BLAS_H

#include "kernels/cuda/cuda.h"

/* Finds the library, or says why it cannot be used. */
bool blas_load(char why[WHY_SIZE]);

/* A handle for products on the queue's stream. */
void blas_open(struct queue *);
void blas_close(struct queue *);

/* The name of the status with which the library failed; NULL: it has not. */
const char *blas_failure(const struct queue *);

/* to = a b, all of them n by n and of one type, with a workspace of `bytes`. */
void blas_square(struct queue *, enum dtype, bool tf32, int n, const void *a,
                 const void *b, void *to, void *workspace, size_t bytes);

#endif
