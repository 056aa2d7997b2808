/*
 * The state that a run begins with: weights at random, each by its rule, the
 * places of sparse ones, statistics and moments.
 */
#ifndef MEMDIAL_INITIAL_H
#define MEMDIAL_INITIAL_H

#include "train/executor.h"

/* Gives all state its initial value: a function of the seed and the graph. */
void initial_state(const struct executor *, uint64_t seed);

#endif
