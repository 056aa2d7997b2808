/*
 * How weights are updated: where gradients go as they are made, the moments
 * that the optimizer keeps, and the operations on them. There are two ways for
 * a gradient.
 *
 * It is summed up in a buffer over the parts of a batch, and then the
 * optimizer's operation takes it. The operations that make gradients round the
 * sum to the nearest number. Over hundreds of parts a sum in 16 bits would lose
 * what each adds: there the buffer takes a part's gradient as soon as it is
 * made, and rounds stochastically. Or moments are the accumulators: before the
 * first part they decay, they take what each part adds to each gradient as soon
 * as it is made, and at the end move the weights. Then a gradient lives for
 * three operations. For SGD without Nesterov's look ahead that is the same
 * arithmetic in another order. Of Adam the root takes the squares of parts
 * instead of the square of their sum (Zhang et al., "Adam Accumulation to
 * reduce memory footprints of both activations and gradients for large-scale
 * DNN training", 2023).
 */
#ifndef MEMDIAL_UPDATE_H
#define MEMDIAL_UPDATE_H

#include "graph/graph.h"

struct update {
    const struct optimizer *optimizer;
    union attr attr;     /* of its operations, but for the stream */
    bool master;         /* from an fp32 copy, if weights are not fp32 */
    bool sums;           /* buffers take gradients as they are made */
    bool accumulates;    /* moments take gradients as they are made; without a
                            copy and a loss scale */
    bool scaled;         /* large moments are stored in 8 bits */
    int scale;           /* value of the loss scale, or VALUE_NONE */
};

/* The value that an operation adds a part of a weight's gradient to. An
 * operation that does so is added by update_with(), which says all such
 * values. */
int update_gradient(struct graph *, const struct update *, int weight);
void update_with(struct graph *, const struct update *, const struct op *,
                 const int gradient[], int gradients);

/* Adds the operations that end a batch: one update for each weight that has a
 * gradient. With a loss scale, all gradients are checked before. */
void update_weights(struct graph *, const struct update *);

#endif
