/*
 * The interface of the CUDA backend's module, a shared object that is loaded on
 * first use.
 */
#ifndef MEMDIAL_CUDA_MODULE_H
#define MEMDIAL_CUDA_MODULE_H

#include "kernels/cuda/ceilings.h"
#include "kernels/kernels.h"

struct cuda_module {
    const char *build_id;            /* must be the program's */
    const struct backend *backend;   /* without name and scratch */
    bool (*ceilings)(struct device *, size_t bytes, int n,
                     struct ceilings *, char why[WHY_SIZE]);
};

/* The module, once the backend has listed or opened a device of it; NULL if
 * there is none. */
const struct cuda_module *cuda_module(void);

#define CUDA_MODULE_NAME "memdial-cuda.so"
#define CUDA_MODULE_SYMBOL "memdial_cuda_module"

#endif
