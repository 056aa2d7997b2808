/*
 * The product of two matrices, C (rows, columns) = A (rows, depth) times
 * B (depth, columns), by the tile of the convolutions (conv_tile.h).
 */
#ifndef MEMDIAL_PRODUCT_H
#define MEMDIAL_PRODUCT_H

#include "kernels/cpu/cpu.h"

/* a is A, or its transpose if turned, and may be read through a stat; b is B,
 * or its transpose if turned, and may be a member of a pool; c is C, or an
 * operand in its place, or NULL. */
struct product {
    const struct call *call;
    const struct operand *a, *b, *c;
    /* Elements from row to row of each where it is some columns of a wider
     * matrix; 0: it is all of them. */
    int a_step, b_step, c_step;
    bool a_turned, b_turned;
    bool ones;           /* A has a last row of ones, which a, turned, lacks */
    int rows, depth, columns;
    /* Gets n sums of each of these rows, from `column` on. A row begins `step`
     * floats after the row before. It may change them. */
    void (*store)(const struct product *, struct range rows, int column, int n,
                  float *sum, int step);
    const void *own;     /* of store() */
};

/* Columns [first, first + n) of a matrix that is dense. The step of this
 * operand is the number of the matrix's columns. */
static inline struct operand product_view(const struct operand *o, int first,
                                          int n)
{
    struct operand view = *o;

    if (o->data)
        view.data = (char *)o->data + (size_t)first * dtype_size(o->dtype);
    view.dim[1] = n;
    return view;
}

size_t KERNEL(product_scratch)(const struct product *);
void KERNEL(product_run)(const struct product *);

#endif
