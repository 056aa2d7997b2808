/*
 * The references of gradients against finite differences of the forward
 * operations' references.
 */
#ifndef MEMDIAL_TESTS_OP_DERIVATIVE_H
#define MEMDIAL_TESTS_OP_DERIVATIVE_H

#include "tests/op_problem.h"

/* Fails the test where they differ; an operation that is no gradient passes. */
void check_derivatives(const struct problem *);

#endif
