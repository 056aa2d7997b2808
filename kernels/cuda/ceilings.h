#ifndef MEMDIAL_CUDA_CEILINGS_H
#define MEMDIAL_CUDA_CEILINGS_H

#include "kernels/kernels.h"

/* What a device does at most in a second. */
struct cuda_ceilings {
    double copy;                     /* bytes, read and written */
    double product, tf32_product;    /* floating-point operations, on floats */
    double bf16_product, fp16_product;
};

/* Measures with copies of `bytes` and n by n matrices, on the device of the
 * calling thread. */
bool cuda_ceilings(size_t bytes, int n, struct cuda_ceilings *,
                   char why[WHY_SIZE]);

#endif
