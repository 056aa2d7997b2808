/*
 * The CPU's device, for measurements of single operations.
 */
#ifndef MEMDIAL_BENCH_OPEN_CPU_H
#define MEMDIAL_BENCH_OPEN_CPU_H

#include <stdio.h>
#include <stdlib.h>

#include "kernels/kernels.h"

/* Opens it and names it and its instruction set, or says why not and exits. */
static inline struct device *open_cpu(int threads, char hardware[WHY_SIZE])
{
    char why[WHY_SIZE];
    struct device *device;

    if (!cpu_backend.open(&device, DEVICE_ANY, threads, why)) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    cpu_backend.hardware(hardware);
    return device;
}

#endif
