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

double cpu_peak(const struct isa *isa, int threads)
{
    const struct cpu_kernels *k = isa->kernels;
    volatile float one = 1, sink = 0;
    double start;

#pragma omp parallel num_threads(threads)
    k->peak(peak_loops / 20, one);
    start = now();
#pragma omp parallel num_threads(threads)
    {
        float result = k->peak(peak_loops, one);
#pragma omp critical
        sink += result;
    }
    return *k->peak_flops * (double)peak_loops * threads / (now() - start);
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

bool cpu_ceilings(const struct isa *isa, int threads, struct ceilings *c,
                  char why[WHY_SIZE])
{
    char *from = malloc(COPY_BYTES), *to = malloc(COPY_BYTES);
    double seconds = 0, peak = 0;

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
        double flops = cpu_peak(isa, threads);

        seconds = i == 0 || took < seconds ? took : seconds;
        peak = flops > peak ? flops : peak;
    }
    free(from);
    free(to);
    *c = (struct ceilings){ 2.0 * COPY_BYTES / seconds, peak, peak, peak,
                            peak };
    return true;
}
