/*
 * What the processors do at most, to hold kernels against.
 */
#ifndef MEMDIAL_CPU_CEILINGS_H
#define MEMDIAL_CPU_CEILINGS_H

#include "kernels/cpu/isa.h"

/* Floating-point operations per second: multiply-adds in registers. */
double cpu_peak(const struct isa *, int threads);

/* That, and the bytes of a copy that no cache holds. Arithmetic is in floats
 * whatever numbers are stored as. */
bool cpu_ceilings(const struct isa *, int threads, struct ceilings *,
                  char why[WHY_SIZE]);

#endif
