/*
 * The cases of each operation: shapes, operands, and values that must not be
 * random alone. With its reference they are in the file of its idea, such as
 * op_conv.c; without them tests do not link.
 */
#ifndef MEMDIAL_TESTS_OP_CASES_H
#define MEMDIAL_TESTS_OP_CASES_H

#include "tests/op_problem.h"

#define OP(name, cpu, cuda, access, ...) \
    extern const struct subject subject_##name;
#include "kernels/op_list.h"
#undef OP

const struct subject *op_subject(enum op_code);

#endif
