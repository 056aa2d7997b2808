/*
 * Kernels compute on floats. A tensor that is stored in 16 bits they convert
 * one block at a time, small enough to stay in the first-level cache; a tensor
 * of floats they read and write where it lies. So the arithmetic of a kernel is
 * written once, and a 16-bit type costs one conversion per element. A tensor in
 * fewer bits (kernels/squeeze.h) is read in the same way.
 *
 * A tensor is seen as a matrix of its last dimension. A block is some rows by
 * some columns of it, at most STAGE_FLOATS elements.
 */
#ifndef MEMDIAL_STAGE_H
#define MEMDIAL_STAGE_H

#include <string.h>

#include "kernels/cpu/cpu.h"

enum { STAGE_FLOATS = 1024, STAGE_COLUMNS = 256, STAGE_ROWS = 4 };

struct block {
    size_t row, rows;
    size_t column, columns;
};

/* Rows of a matrix, cut into blocks. */
struct blocks {
    struct range rows;
    size_t columns;
    size_t high, wide;   /* of a block; the last ones may be smaller. high is a
                            multiple of STAGE_ROWS; wide is all columns if these
                            are no more than STAGE_COLUMNS */
    size_t across;       /* blocks beside each other */
    size_t count;
};

static inline struct blocks blocks_of(const struct operand *o,
                                      struct range rows)
{
    struct blocks b = { .rows = rows,
                        .columns = (size_t)o->dim[o->rank - 1] };

    b.wide = size_min(b.columns, STAGE_COLUMNS);
    b.high = STAGE_FLOATS / b.wide / STAGE_ROWS * STAGE_ROWS;
    b.across = (b.columns + b.wide - 1) / b.wide;
    b.count = (rows.end - rows.begin + b.high - 1) / b.high * b.across;
    return b;
}

static inline struct block blocks_get(const struct blocks *b, size_t i)
{
    size_t row = b->rows.begin + i / b->across * b->high;
    size_t column = i % b->across * b->wide;

    return (struct block){ row, size_min(b->rows.end - row, b->high),
                           column, size_min(b->columns - column, b->wide) };
}

/* A block as floats: row i begins at data + i * stride. */
struct stage {
    const struct operand *tensor;
    struct block block;
    float *data;
    size_t stride;
};

/* Conversion of n elements to and from a 16-bit type. */
void KERNEL(stage_widen)(enum dtype dtype, const uint16_t *from, float *to,
                         size_t n);
void KERNEL(stage_narrow)(enum dtype dtype, const float *from, uint16_t *to,
                          size_t n);

/* n elements from element `at` on of a tensor in blocks of fewer bits. */
void KERNEL(stage_expand)(enum dtype dtype, const void *blocks, size_t at,
                          float *to, size_t n);

/* n elements in a row, from element `at` on, converted into `room` if they are
 * not floats. */
static inline const float *stage_floats(const struct operand *tensor,
                                        size_t at, size_t n, float *room)
{
    if (tensor->dtype == DTYPE_F32)
        return (const float *)tensor->data + at;
    if (dtype_in_blocks(tensor->dtype))
        KERNEL(stage_expand)(tensor->dtype, tensor->data, at, room, n);
    else
        KERNEL(stage_widen)(tensor->dtype, (const uint16_t *)tensor->data + at,
                            room, n);
    return room;
}

/* Stores n floats as elements from element `at` on. */
static inline void stage_put(const struct operand *tensor, size_t at,
                             size_t n, const float *from)
{
    if (tensor->dtype == DTYPE_F32)
        memcpy((float *)tensor->data + at, from, n * sizeof(*from));
    else
        KERNEL(stage_narrow)(tensor->dtype, from,
                             (uint16_t *)tensor->data + at, n);
}

/* A block to be written, in the tensor or in `room`. */
static inline struct stage stage_open(const struct operand *tensor,
                                      struct block block,
                                      float room[STAGE_FLOATS])
{
    size_t columns = (size_t)tensor->dim[tensor->rank - 1];
    struct stage s = { tensor, block, room, block.columns };

    if (tensor->dtype == DTYPE_F32) {
        s.data = (float *)tensor->data + block.row * columns + block.column;
        s.stride = columns;
    }
    return s;
}

/* The first element of row i of a block, in its tensor. */
static inline size_t stage_at(const struct stage *s, size_t i)
{
    const struct operand *t = s->tensor;

    return (s->block.row + i) * (size_t)t->dim[t->rank - 1] + s->block.column;
}

/* Row i of a block in its tensor of 16-bit elements. */
static inline uint16_t *stage_row(const struct stage *s, size_t i)
{
    return (uint16_t *)s->tensor->data + stage_at(s, i);
}

/* Whole rows lie one after another and are converted at once. */
static inline bool stage_whole(const struct stage *s)
{
    return s->block.columns == (size_t)s->tensor->dim[s->tensor->rank - 1];
}

/* A block to be read. */
static inline struct stage stage_load(const struct operand *tensor,
                                      struct block block,
                                      float room[STAGE_FLOATS])
{
    struct stage s = stage_open(tensor, block, room);
    size_t runs = stage_whole(&s) ? 1 : block.rows;
    size_t run = block.rows * block.columns / runs;

    if (tensor->dtype != DTYPE_F32)
        for (size_t i = 0; i < runs; i++)
            stage_floats(tensor, stage_at(&s, i), run, s.data + i * run);
    return s;
}

/* Call it when the floats of a block are written. */
static inline void stage_store(const struct stage *s)
{
    size_t runs = stage_whole(s) ? 1 : s->block.rows;
    size_t run = s->block.rows * s->block.columns / runs;

    if (s->tensor->dtype != DTYPE_F32)
        for (size_t i = 0; i < runs; i++)
            KERNEL(stage_narrow)(s->tensor->dtype, s->data + i * run,
                                 stage_row(s, i), run);
}

#endif
