/*
 * The instruction sets that the CPU's kernels are built for, as far as this
 * processor has them. Only here are their kernels to be had: any function that
 * was compiled for an instruction set may use it, even one that only says how
 * much scratch there must be.
 */
#ifndef MEMDIAL_ISA_H
#define MEMDIAL_ISA_H

#include "kernels/cpu/cpu.h"

struct isa {
    const char *name;
    const struct cpu_kernels *kernels;
};

/* The instruction sets of this processor, best first; NULL after the last. */
const struct isa *isa_at(int index);

/* NULL if this processor does not have it, or nobody. */
const struct isa *isa_named(const char *name);

/* The one that every processor has. */
const struct isa *isa_generic(void);

#endif
