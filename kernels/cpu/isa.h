/*
 * The instruction sets that the CPU's kernels are built for and this processor
 * has. Their kernels are called through this table alone: any function compiled
 * for an instruction set may use it, even one that only returns the size of
 * scratch.
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

/* NULL if this processor, or any, does not have it. */
const struct isa *isa_named(const char *name);

/* The instruction set that every processor has. */
const struct isa *isa_generic(void);

#endif
