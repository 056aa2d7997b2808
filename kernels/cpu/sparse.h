/*
 * Reading and adding to members of a pool, a piece of a row at a time.
 */
#ifndef MEMDIAL_SPARSE_H
#define MEMDIAL_SPARSE_H

#include "../pool.h"

/* A piece of a row: which of its elements are nonzeros, bit by bit, and the
 * values of these. */
struct sparse_piece {
    uint32_t mask;
    float *values;
};

/* Elements [at, at + n) of operand o, 0 < n <= 32. */
static inline struct sparse_piece sparse_piece(const struct operand *o,
                                               size_t at, int n)
{
    size_t bit = pool_member_bit(&o->pool->member[o->member]) + at;

    return (struct sparse_piece){
        pool_bits(o->index, bit, n),
        (float *)o->data + pool_rank(o->pool, o->index, bit)
    };
}

/* Loops over the nonzeros of a piece: `at` is each one's place in it, and
 * *value its value. */
#define SPARSE_EACH(piece, at, value) \
    for (uint32_t at, ones_ = (piece).mask; \
         ones_ && (at = (uint32_t)__builtin_ctz(ones_), true); \
         ones_ &= ones_ - 1, (value)++)

#endif
