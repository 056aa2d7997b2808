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
    bool master;         /* from an fp32 copy, if weights are not fp32 */
    int scale;           /* value of the loss scale, or VALUE_NONE */
};

/* A value that a loss was computed from, and its gradient. */
struct seed {
    int value, gradient;
};

/*
 * Adds one gradient, the optimizer's moments and one update per weight that one
 * of the seeds depends on. A gradient is set to zero when a batch is prepared,
 * and each part adds to it. With a loss scale, one check per gradient comes
 * before all updates.
 */
void grad_build(struct graph *, const struct seed *, int seeds, struct update);

#endif
