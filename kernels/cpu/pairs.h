/*
 * How products of bf16 read their factors where there is vf_dot(): as pairs of
 * neighbours along the depth, in the place of floats, the earlier of each in
 * the low half. A zero completes the last pair of an odd depth. Ranges of depth
 * are of pairs.
 */
#ifndef MEMDIAL_PAIRS_H
#define MEMDIAL_PAIRS_H

#include <string.h>

#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/vec.h"

static inline void pair_store(float *to, uint16_t first, uint16_t second)
{
    uint32_t bits = first | (uint32_t)second << 16;

    memcpy(to, &bits, sizeof(bits));
}

/* The depth is the rows of x, `step` elements apart: packs CONV_BLOCK columns,
 * from `column` on; zeros follow the last one. Pairs get to_step floats from
 * one to the next along the depth. */
static inline void pairs_of_rows(const struct operand *x, size_t step,
                                 int column, struct range depth, float *to,
                                 size_t to_step)
{
    static const uint16_t zeros[CONV_BLOCK];
    size_t rows = operand_rows(x);
    int lanes = int_min(x->dim[x->rank - 1] - column, CONV_BLOCK);

    for (size_t k = depth.begin; k < depth.end; k++, to += to_step) {
        const uint16_t *first = (const uint16_t *)x->data + 2 * k * step
                                + column;
        const uint16_t *second = 2 * k + 1 < rows ? first + step : zeros;

        if (lanes == CONV_BLOCK)
            for (int i = 0; i < CONV_BLOCK; i += VLEN)
                vf_store(to + i, vf_load_pairs(first + i, second + i));
        else
            for (int i = 0; i < CONV_BLOCK; i++)
                pair_store(to + i, i < lanes ? first[i] : 0,
                           i < lanes ? second[i] : 0);
    }
}

/* The depth is the columns of x: copies pairs of the row that begins at element
 * `row`, CONV_BLOCK at most. */
static inline void pairs_of_row(const struct operand *x, size_t row,
                                struct range depth, float *to)
{
    size_t columns = (size_t)x->dim[x->rank - 1], begin = 2 * depth.begin;
    size_t n = size_min(2 * depth.end, columns) - begin;
    const uint16_t *from = (const uint16_t *)x->data + row + begin;

    if (n == 2 * CONV_BLOCK) {
        memcpy(to, from, CONV_BLOCK * sizeof(*to));
        return;
    }
    memcpy(to, from, n / 2 * sizeof(*to));
    if (n % 2)
        pair_store(to + n / 2, from[n - 1], 0);
}

#endif
