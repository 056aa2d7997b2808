/*
 * Descriptions that cases of several operations share: shapes of operands, and
 * values that must not be random alone.
 */
#ifndef MEMDIAL_TESTS_OP_DESCRIBE_H
#define MEMDIAL_TESTS_OP_DESCRIBE_H

#include "tests/op_problem.h"

/* The dimensions of a shape. */
#define MAP(n_, h_, w_, c_) .n = n_, .h = h_, .w = w_, .c = c_

#define SHAPES(array) \
    .shapes = array, .count = sizeof(array) / sizeof(array[0])

/* Gives a slot a type and its `rank` dimensions. */
void shape_operand(struct problem *, int slot, enum dtype, int rank, ...);

/* (N, H, W, C), or (N, C), in the storage type. */
void shape_map(struct problem *, int slot);

/* The sums of tiles of the tensor in slot `of`, if they are tried. */
void shape_sums(struct problem *, int slot, int of);

/* A loss scale, where the shape has one; one that has seen 7 clean updates. */
void describe_scale(struct problem *, int slot);
void prepare_scale(struct problem *, int slot);

/* Draws whole numbers below `classes`. */
void prepare_classes(struct problem *, int slot, int classes);

#endif
