#ifndef MEMDIAL_CUDA_CEILINGS_H
#define MEMDIAL_CUDA_CEILINGS_H

#include "kernels/kernels.h"

/* Measures with copies of `bytes` and n by n matrices, on the device of the
 * calling thread. */
bool cuda_ceilings(size_t bytes, int n, struct ceilings *,
                   char why[WHY_SIZE]);

#endif
