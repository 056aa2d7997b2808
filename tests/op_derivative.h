/*
 * Compares the references of gradients with finite differences of the forward
 * operations' references.
 */
#ifndef MEMDIAL_TESTS_OP_DERIVATIVE_H
#define MEMDIAL_TESTS_OP_DERIVATIVE_H

#include "tests/op_problem.h"

/* The gradients that an operation computes. */
struct gradients {
    /* A scalar, whose derivative by v[at] is v[gradient]. */
    double (*objective)(const struct problem *, double *const v[]);
    struct derivative {
        int gradient, at;
    } derivative[3];
    int derivatives;
};

/*
 * The inner product of v[from[out]] and a forward operation's result. Slot s of
 * the operation is slot from[s] of the problem, or empty if that is negative.
 */
double objective_of(const struct problem *, double *const v[], enum op_code,
                    const int from[], int out);

/* Fails the test where they differ; passes operations that are no gradient. */
void check_derivatives(const struct problem *);

#endif
