/*
 * The CPU's device, for measurements of single operations.
 */
#ifndef MEMDIAL_BENCH_OPEN_CPU_H
#define MEMDIAL_BENCH_OPEN_CPU_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

/* Seconds of the fastest of some calls. */
static inline double fastest_call(struct device *device, enum op_code code,
                                  const struct call *c, int calls)
{
    double best = 1e9;

    for (int i = 0; i < calls; i++) {
        struct timespec start, end;
        double took;

        clock_gettime(CLOCK_MONOTONIC, &start);
        cpu_backend.run(device, code, c);
        clock_gettime(CLOCK_MONOTONIC, &end);
        took = (double)(end.tv_sec - start.tv_sec)
               + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
        best = took < best ? took : best;
    }
    return best;
}

#endif
