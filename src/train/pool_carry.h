/*
 * Carries a pool of sparse weights over to other settings. It prunes by
 * magnitude where fewer nonzeros are wanted, and fills up with zeros where more
 * are, or all, for a graph without a pool.
 */
#ifndef MEMDIAL_POOL_CARRY_H
#define MEMDIAL_POOL_CARRY_H

#include "train/executor.h"

/* Carries weights, momentum and index of the pool of either graph; does nothing
 * if neither has one. Both graphs are of the same model. The seed is for the
 * places of new nonzeros. */
void pool_carry(const struct executor *from, const struct executor *to,
                uint64_t seed);

#endif
