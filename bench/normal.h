/*
 * Random numbers for measurements.
 */
#ifndef MEMDIAL_BENCH_NORMAL_H
#define MEMDIAL_BENCH_NORMAL_H

#include "kernels/philox.h"

/* About normal, with mean 0 and variance 1: four uniform numbers. */
static inline float normal(uint32_t stream, size_t i)
{
    struct philox r = philox(1, i, PHILOX_DRAW, stream);
    float sum = -2;

    for (int k = 0; k < 4; k++)
        sum += philox_unit(r.x[k]);
    return sum * 1.7320508f;
}

#endif
