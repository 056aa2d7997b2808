/*
 * Operands that are stored in blocks of 8 or 4 bits (kernels/squeeze.h), as
 * tests write and read them.
 */
#ifndef MEMDIAL_TESTS_OP_BLOCKS_H
#define MEMDIAL_TESTS_OP_BLOCKS_H

#include "kernels/kernels.h"

/* Turns values into some that blocks hold exactly, and leaves such as they are.
 */
void blocks_round(const struct operand *, double *value);

/* Stores such values, and reads one. */
void blocks_store(const struct operand *, const double *value);
double blocks_element(const struct operand *, size_t i);

#endif
