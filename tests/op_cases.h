/*
 * The cases of each operation: shapes, operands, and values that must not be
 * random alone. A new operation needs a row here.
 */
#ifndef MEMDIAL_TESTS_OP_CASES_H
#define MEMDIAL_TESTS_OP_CASES_H

#include "tests/op_problem.h"

extern const struct subject op_cases[OP_COUNT];

#endif
