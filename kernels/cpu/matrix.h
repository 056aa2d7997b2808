/*
 * Small matrices of floats in scratch, and their products. A matrix lies in
 * blocks of columns,
 *
 *     [block][row][MATRIX_BLOCK]
 *
 * so that one layout serves all three places in a product: a vector of B or of
 * C is part of a row of a block, and the rows of A that are multiplied at a
 * time, or the columns of A if it is turned, are a constant distance apart.
 * There is room for whole blocks.
 */
#ifndef MEMDIAL_MATRIX_H
#define MEMDIAL_MATRIX_H

#include "kernels/cpu/conv_ahead.h"

enum { MATRIX_BLOCK = 16 };

struct matrix {
    float *at;
    int rows;            /* that a block has room for */
};

static inline int matrix_round(int n)
{
    return (n + MATRIX_BLOCK - 1) / MATRIX_BLOCK * MATRIX_BLOCK;
}

static inline float *matrix_at(const struct matrix *m, int row, int column)
{
    return m->at + ((size_t)(column / MATRIX_BLOCK) * (size_t)m->rows
                    + (size_t)row) * MATRIX_BLOCK + column % MATRIX_BLOCK;
}

/* A part of a tensor that is seen as a matrix. */
struct window {
    const struct operand *tensor;
    int row, rows;
    int column, columns;
};

/* Reads a window, times a factor; zeros fill the matrix's other rows, and its
 * last block. */
void KERNEL(matrix_load)(const struct matrix *m, const struct window *w,
                         float factor);

/* Writes a window, times a factor. */
void KERNEL(matrix_store)(const struct matrix *m, const struct window *w,
                          float factor);

/* Exchanges rows and columns, in whole blocks of both, for which both matrices
 * have room. */
void KERNEL(matrix_turn)(const struct matrix *from, int rows, int columns,
                         const struct matrix *to);

/* C = A B, or C += A B: `lines` by `depth` times `depth` by `columns`, which
 * are rounded up to whole vectors. */
struct matrix_product {
    const struct matrix *a, *b, *c;
    int lines, depth, columns;
    bool turned;         /* A is stored as depth by lines */
    bool fresh;          /* C = A B: C is not read */
    struct conv_ahead *ahead; /* a portion for each tile and block of depth */
};

void KERNEL(matrix_multiply)(const struct matrix_product *p);

#endif
