/*
 * Carrying a pool of sparse weights over to other settings: pruned by magnitude
 * where fewer nonzeros are wanted, filled up with zeros where more are, or
 * all, for a graph without a pool.
 */
#ifndef MEMDIAL_POOL_CARRY_H
#define MEMDIAL_POOL_CARRY_H

#include "train/executor.h"

/* Weights, momentum and index of the pool of either graph; does nothing if
 * neither has one. Both are of the same model. The seed is for the places of
 * new nonzeros. */
void pool_carry(const struct executor *from, const struct executor *to,
                uint64_t seed);

#endif
