/*
 * The highest rates of the processors, to compare kernels with.
 */
#ifndef MEMDIAL_CPU_CEILINGS_H
#define MEMDIAL_CPU_CEILINGS_H

#include "kernels/cpu/isa.h"

/* Floating-point operations per second: multiply-adds in registers, of factors
 * that are stored in a type. */
double cpu_peak(const struct isa *, enum dtype, int threads);

/* The peaks, and the bytes of a copy that no cache holds. Arithmetic is in
 * floats, however numbers are stored, but for products of bf16 where the
 * processor has them. */
bool cpu_ceilings(const struct isa *, int threads, struct ceilings *,
                  char why[WHY_SIZE]);

#endif
