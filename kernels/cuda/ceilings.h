#ifndef MEMDIAL_CUDA_CEILINGS_H
#define MEMDIAL_CUDA_CEILINGS_H

#include "kernels/cuda/module.h"

/* Measures with copies of so many bytes and n by n matrices, on the device of
 * the calling thread. */
bool cuda_ceilings(size_t bytes, int n, struct cuda_ceilings *,
                   char why[WHY_SIZE]);

#endif
