/*
 * Facts about each operation: the operation list as a table, and the arithmetic
 * of a call.
 */
#ifndef MEMDIAL_OP_H
#define MEMDIAL_OP_H

#include "kernels/kernels.h"

const char *op_name(enum op_code);
const char *op_access(enum op_code); /* one letter per slot */
int op_slots(enum op_code);
bool op_writes(enum op_code, int slot); /* 'w', 'o' or 'u' */
bool op_reads(enum op_code, int slot);  /* all but 'w' and 'o' */
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
