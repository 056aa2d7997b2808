/*
 * Medians of measurements.
 */
#ifndef MEMDIAL_BENCH_MEDIAN_H
#define MEMDIAL_BENCH_MEDIAN_H

#include <stdlib.h>

static inline int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Puts the n numbers in order, the least first, and returns the one in the
 * middle. */
static inline double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof(*v), by_value);
    return v[n / 2];
}

#endif
