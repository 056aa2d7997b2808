/*
 * The backends of this build.
 */
#include "kernels/kernels.h"

const struct backend *const backends[] = {
    &cuda_backend, &cpu_backend, NULL
};
