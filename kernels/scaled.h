/*
 * Moments of optimizers in 8 bits, in blocks with a scale each (Dettmers,
 * Lewis, Shleifer and Zettlemoyer, "8-bit optimizers via block-wise
 * quantization", 2022):
 *
 *     int8_t or uint8_t code[elements]     up to a whole number of floats
 *     float scale[blocks]
 *
 * An element is its code times the scale of its block. A block is SCALED_BLOCK
 * elements of a dense tensor, or the nonzeros of a group of a pool's index:
 * when nonzeros move, codes move with them and scales stay.
 *
 * Codes are evenly spaced, and rounded stochastically, so that the mean of an
 * element is its number and that small additions are not lost. Within a block,
 * gradients have a bell's shape, for which even steps lose the least. The
 * largest element has the largest code.
 *
 * Those of DTYPE_I8 are from -127 to 127. Those of DTYPE_U8 are for roots,
 * which others are divided by: from 0 to 255, and 0 is for 0 alone (Li, Chen
 * and Zhu, "Memory efficient optimizers with 4-bit states", 2023).
 */
#ifndef MEMDIAL_SCALED_H
#define MEMDIAL_SCALED_H

#include "kernels/half.h"
#include "kernels/pool_index.h"

/* The most elements of a block; bits of the least number that is not 0 beside
 * it, 2^-100. */
enum { SCALED_MOST = POOL_GROUP, SCALED_LEAST = 27 << 23 };

/* The blocks of a tensor. */
struct scaled_blocks {
    size_t count, elements;
    const uint32_t *before; /* [count] elements before each; NULL: all blocks
                               but the last are of SCALED_BLOCK */
};

/* Those of a tensor in any type, which need not be scaled. The index of one in
 * a pool is read. */
static inline struct scaled_blocks scaled_blocks_of(const struct operand *o)
{
    size_t n = operand_elements(o);
    struct scaled_blocks b = { scaled_count(n, o->pool), n, NULL };

    if (o->pool) {
        b.elements = o->pool->nonzeros;
        b.before = pool_index_of(o->pool, o->index).before;
    }
    return b;
}

/* The first element of block i; of the end, the number of elements. */
PORTABLE size_t scaled_begin(const struct scaled_blocks *b, size_t i)
{
    if (i >= b->count)
        return b->elements;
    return b->before ? b->before[i] : i * SCALED_BLOCK;
}

/* Where scales begin: after this many floats. */
PORTABLE size_t scaled_after(size_t elements)
{
    return (elements + sizeof(float) - 1) / sizeof(float);
}

static inline size_t scaled_at(const struct scaled_blocks *b)
{
    return scaled_after(b->elements);
}

PORTABLE int scaled_codes(enum dtype dtype)
{
    return dtype == DTYPE_I8 ? 127 : 255;
}

/* The scale of a block, by the bits of its largest magnitude. Where that is not
 * finite, neither is the scale. */
PORTABLE float scaled_scale(enum dtype dtype, uint32_t most)
{
    if (most < SCALED_LEAST)
        return 0;
    return float_of_bits(most) / (float)scaled_codes(dtype);
}

/* The factor that makes codes of numbers; 0 if all are 0, and where the largest
 * is not finite. */
PORTABLE float scaled_inverse(enum dtype dtype, uint32_t most)
{
    if (most < SCALED_LEAST || most >= FLOAT_INFINITY)
        return 0;
    return (float)scaled_codes(dtype) / float_of_bits(most);
}

/* The code of a number. `unit` is uniform in [0, 1) in steps of 2^-16, or 1/2
 * to round to nearest. A whole code stays itself, 0 above all: no sum is over
 * 256, up to which floats are such steps apart. */
PORTABLE int scaled_code(enum dtype dtype, float x, float inverse, float unit)
{
    float units = inverse > 0 ? x * inverse : 0;
    int most = scaled_codes(dtype), below = dtype == DTYPE_I8 ? 128 : 0;
    int code = (int)(units + unit + (float)below) - below;

    if (dtype == DTYPE_U8)
        code = units > 0 && code < 1 ? 1 : code;
    return code > most ? most : code < -most ? -most : code;
}

PORTABLE float scaled_number(enum dtype dtype, const void *codes, size_t i)
{
    return dtype == DTYPE_I8 ? (float)((const int8_t *)codes)[i]
                             : (float)((const uint8_t *)codes)[i];
}

/* Conversion of a whole tensor, rounded to nearest. */
static inline void scaled_decode(const struct operand *o, float *to)
{
    struct scaled_blocks b = scaled_blocks_of(o);
    const float *scale = (const float *)o->data + scaled_at(&b);

    for (size_t k = 0; k < b.count; k++)
        for (size_t i = scaled_begin(&b, k); i < scaled_begin(&b, k + 1); i++)
            to[i] = scale[k] * scaled_number(o->dtype, o->data, i);
}

static inline void scaled_encode(const struct operand *o, const float *from)
{
    struct scaled_blocks b = scaled_blocks_of(o);
    float *scale = (float *)o->data + scaled_at(&b);
    uint8_t *code = (uint8_t *)o->data;

    for (size_t k = 0; k < b.count; k++) {
        size_t begin = scaled_begin(&b, k), end = scaled_begin(&b, k + 1);
        uint32_t most = 0;
        float inverse;

        for (size_t i = begin; i < end; i++) {
            uint32_t bits = float_bits(from[i]) & ~0x80000000u;

            most = bits > most ? bits : most;
        }
        inverse = scaled_inverse(o->dtype, most);
        scale[k] = scaled_scale(o->dtype, most);
        for (size_t i = begin; i < end; i++)
            code[i] = (uint8_t)scaled_code(o->dtype, from[i], inverse, 0.5f);
    }
}

#endif
