/*
 * Reverse-mode differentiation: appends to a graph of forward operations the
 * operations that compute gradients and those that update the weights.
 */
#ifndef MEMDIAL_GRAD_H
#define MEMDIAL_GRAD_H

#include "graph/graph.h"

/* How weights are updated. */
struct update {
    const struct optimizer *optimizer;
    union attr attr;     /* of its operations, but for the stream */
    bool master;         /* from an fp32 copy, if they are not fp32 */
    int scale;           /* value of the loss scale, or VALUE_NONE */
};

/* A value that a loss was computed from, and its gradient. */
struct seed {
    int value, gradient;
};

/*
 * Adds one gradient (set to zero when a batch is prepared, accumulated by each
 * part), the optimizer's moments and one update per weight that one of the
 * seeds depends on; with a loss scale, before all updates, one check per
 * gradient.
 */
void grad_build(struct graph *, const struct seed *, int seeds, struct update);

#endif
