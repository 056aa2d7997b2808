/*
 * The state that a run begins with: random weights, each by its rule, the
 * places of sparse weights, statistics and moments.
 */
#ifndef MEMDIAL_INITIAL_H
#define MEMDIAL_INITIAL_H

#include "train/executor.h"

/* Gives all state its initial value: a function of the seed and the graph. */
void initial_state(const struct executor *, uint64_t seed);

#endif
