/*
 * The product of two matrices, C (rows, columns) = A (rows, depth) times
 * B (depth, columns), by the tile of the convolutions (conv_tile.h).
 */
#ifndef MEMDIAL_PRODUCT_H
#define MEMDIAL_PRODUCT_H

#include "kernels/cpu/cpu.h"

/* a is A, or its transpose if turned, and may be read through a stat; b is B,
 * or its transpose if turned, and may be a member of a pool; c is C, or an
 * operand in its place. */
struct product {
    const struct operand *a, *b, *c;
    bool a_turned, b_turned;
    bool ones;           /* A has a last row of ones, which a, turned, lacks */
    int rows, depth, columns;
    /* Gets n sums of each of these rows, from `column` on. A row begins `step`
     * floats after the row before. It may change them. */
    void (*store)(const struct call *, struct range rows, int column, int n,
                  float *sum, int step);
};

size_t KERNEL(product_scratch)(const struct call *, const struct product *);
void KERNEL(product_run)(const struct call *, const struct product *);

#endif
