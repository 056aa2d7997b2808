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

/*
 * `value` is what the loss was computed from and `gradient` its gradient. Adds
 * one gradient (set to zero when a batch is prepared, accumulated by each
 * microbatch), the optimizer's moments and one update per weight that the value
 * depends on; with a loss scale, before all updates, one check per gradient.
 */
void grad_build(struct graph *, int value, int gradient, struct update);

#endif
