/*
 * Facts about each operation: the operation list as a table, and the arithmetic
 * of a call.
 */
#ifndef MEMDIAL_OP_H
#define MEMDIAL_OP_H

#include "kernels/kernels.h"

struct op_row {
    const char *name, *access;   /* one letter per slot */
    int slots;
};

extern const struct op_row op_table[OP_COUNT];

static inline const char *op_name(enum op_code code)
{
    return op_table[code].name;
}

static inline const char *op_access(enum op_code code)
{
    return op_table[code].access;
}

static inline int op_slots(enum op_code code)
{
    return op_table[code].slots;
}

static inline bool op_reads(enum op_code code, int slot)
{
    char access = op_table[code].access[slot];

    return access != 'w' && access != 'o';
}

static inline bool op_writes(enum op_code code, int slot)
{
    return !op_reads(code, slot) || op_table[code].access[slot] == 'u';
}

bool op_loads_through(enum op_code, int slot); /* 'l' or 'L' */

/* Whether an operation can run again to recompute its result: it updates
 * nothing, and it does not load the input. The results of other operations are
 * kept instead: they are small. */
bool op_repeatable(enum op_code);

/* Arithmetic of a call. Only the shapes of the operands and the attributes
 * matter. A multiply-add counts 2, any other operation on an element 1. */
double op_flops(enum op_code, const struct operand operand[CALL_MAX_OPERANDS],
                const union attr *);

/* Whether the arithmetic leaves out the zeros of a sparse weight. */
bool op_skips(enum op_code, const struct operand operand[CALL_MAX_OPERANDS]);

#endif
