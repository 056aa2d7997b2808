/*
 * Reverse-mode differentiation: appends to a graph of forward operations the
 * operations that compute gradients and those that update the weights.
 */
#ifndef MEMDIAL_GRAD_H
#define MEMDIAL_GRAD_H

#include "graph/update.h"

/* A value that a loss was computed from, and its gradient. */
struct seed {
    int value, gradient;
};

/*
 * Adds the gradient, the optimizer's moments and the update of each weight that
 * one of the seeds depends on (update.h).
 */
void grad_build(struct graph *, const struct seed *, int seeds, struct update);

#endif
