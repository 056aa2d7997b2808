/*
 * Reading and writing members of a pool, a piece of a row at a time. The
 * nonzeros of a piece lie one after the other, so that they are converted
 * together.
 */
#ifndef MEMDIAL_SPARSE_H
#define MEMDIAL_SPARSE_H

#include "kernels/cpu/stage.h"
#include "kernels/pool.h"

/* The most elements of a piece: the bits of a mask. */
enum { SPARSE_PIECE = 32 };

static inline size_t sparse_nonzeros(struct pool_piece piece)
{
    return (size_t)__builtin_popcount(piece.mask);
}

/* Elements [at, at + n) of operand o, 0 < n <= SPARSE_PIECE. */
static inline struct pool_piece sparse_piece(const struct operand *o,
                                               size_t at, size_t n)
{
    struct pool_index index = pool_index_of(o->pool, o->index);

    return pool_piece(&index,
                      pool_member_place(&o->pool->member[o->member]) + at,
                      (int)n);
}

/* Loops over the nonzeros of a piece: `at` is each one's place in it, *value
 * its value. The values lie together. */
#define SPARSE_EACH(piece, at, value) \
    for (uint32_t at, ones_ = (piece).mask; \
         ones_ && (at = (uint32_t)__builtin_ctz(ones_), true); \
         ones_ &= ones_ - 1, (value)++)

/* stage_floats() for an operand that may be sparse. */
static inline const float *sparse_floats(const struct operand *o, size_t at,
                                         size_t n, float *room)
{
    float values[SPARSE_PIECE];
    struct pool_piece piece;
    const float *value;

    if (!o->pool)
        return stage_floats(o, at, n, room);
    piece = sparse_piece(o, at, n);
    value = stage_floats(o, piece.first, sparse_nonzeros(piece), values);
    memset(room, 0, n * sizeof(*room));
    SPARSE_EACH(piece, i, value)
        room[i] = *value;
    return room;
}

/* Adds n floats to elements from element `at` on; in a sparse operand, to its
 * nonzeros alone. */
static inline void sparse_add(const struct operand *o, size_t at, size_t n,
                              const float *from)
{
    float room[SPARSE_PIECE], sum[SPARSE_PIECE];
    const float *value;
    float *to = sum;

    if (o->pool) {
        struct pool_piece piece = sparse_piece(o, at, n);

        at = piece.first;
        n = sparse_nonzeros(piece);
        value = stage_floats(o, at, n, room);
        SPARSE_EACH(piece, i, value)
            *to++ = *value + from[i];
    } else {
        value = stage_floats(o, at, n, room);
        for (size_t i = 0; i < n; i++)
            sum[i] = value[i] + from[i];
    }
    stage_put(o, at, n, sum);
}

#endif
