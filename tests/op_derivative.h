/*
 * Compares the references of gradients with finite differences of the forward
 * operations' references.
 */
#ifndef MEMDIAL_TESTS_OP_DERIVATIVE_H
#define MEMDIAL_TESTS_OP_DERIVATIVE_H

#include "tests/op_problem.h"

/* Fails the test where they differ; passes operations that are no gradient. */
void check_derivatives(const struct problem *);

#endif
