#include "kernels/cpu/ceilings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIES = 5, COPY_BYTES = 1 << 26 };

static const long peak_loops = 1000000;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double cpu_peak(const struct isa *isa, enum dtype dtype, int threads)
{
    const struct cpu_kernels *k = isa->kernels;
    volatile float one = 1, sink = 0;
    double start;

#pragma omp parallel num_threads(threads)
    k->peak(dtype, peak_loops / 20, one);
    start = now();
#pragma omp parallel num_threads(threads)
    {
        float result = k->peak(dtype, peak_loops, one);
#pragma omp critical
        sink += result;
    }
    return k->peak_flops(dtype) * (double)peak_loops * threads
           / (now() - start);
}

/* Each thread copies its own share. */
static double time_copy(char *to, const char *from, int threads)
{
    size_t part = COPY_BYTES / (size_t)threads;
    double start = now();

#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < threads; i++)
        memcpy(to + (size_t)i * part, from + (size_t)i * part, part);
    return now() - start;
}

/* Raises a peak to that of one more try. */
static void raise_peak(double *most, const struct isa *isa, enum dtype dtype,
                       int threads)
{
    double flops = cpu_peak(isa, dtype, threads);

    *most = flops > *most ? flops : *most;
}

bool cpu_ceilings(const struct isa *isa, int threads, struct ceilings *c,
                  char why[WHY_SIZE])
{
    char *from = malloc(COPY_BYTES), *to = malloc(COPY_BYTES);
    double (*flops)(enum dtype) = isa->kernels->peak_flops;
    bool dots = flops(DTYPE_BF16) > flops(DTYPE_F32);
    double seconds = 0, peak = 0, dot_peak = 0;

    if (!from || !to) {
        snprintf(why, WHY_SIZE, "no memory for a copy of %d MiB",
                 COPY_BYTES >> 20);
        free(from);
        free(to);
        return false;
    }
    memset(from, 1, COPY_BYTES);
    memset(to, 2, COPY_BYTES);
    for (int i = 0; i < TRIES; i++) {
        double took = time_copy(to, from, threads);

        seconds = i == 0 || took < seconds ? took : seconds;
        raise_peak(&peak, isa, DTYPE_F32, threads);
        if (dots)
            raise_peak(&dot_peak, isa, DTYPE_BF16, threads);
    }
    free(from);
    free(to);
    *c = (struct ceilings){ 2.0 * COPY_BYTES / seconds, peak, peak,
                            dots ? dot_peak : peak, peak };
    return true;
}
