/*
 * What the module of the CUDA backend, a shared object that is loaded when it
 * is wanted, gives to the program.
 */
#ifndef MEMDIAL_CUDA_MODULE_H
#define MEMDIAL_CUDA_MODULE_H

#include "../kernels.h"

struct cuda_module {
    const char *build_id;            /* must be the program's */
    const struct backend *backend;   /* without name and scratch */
};

#define CUDA_MODULE_NAME "memdial-cuda.so"
#define CUDA_MODULE_SYMBOL "memdial_cuda_module"

#endif
