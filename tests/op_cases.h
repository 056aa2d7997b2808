/*
 * What each operation is tried on: shapes, operands, and values that are more
 * than random. A new operation is a row here.
 */
#ifndef MEMDIAL_TESTS_OP_CASES_H
#define MEMDIAL_TESTS_OP_CASES_H

#include "tests/op_problem.h"

extern const struct subject op_cases[OP_COUNT];

#endif
