/*
 * The two 16-bit floating-point types, one number at a time and in integer
 * arithmetic, so that every machine gets the same bits: bfloat16, which is the
 * upper half of a float, and IEEE 754 binary16. Rounding is to nearest, ties to
 * even, with subnormals and infinities; a NaN becomes a quiet NaN. Vector units
 * have instructions for this (kernels/cpu/vec.h), with exactly the same
 * results.
 *
 * Stochastic rounding takes the neighbour above with a probability equal to the
 * number's distance from the neighbour below, in units of their distance. So
 * its mean is the number, and additions far below half a unit in the last place
 * are not lost.
 */
#ifndef MEMDIAL_HALF_H
#define MEMDIAL_HALF_H

#include <stdint.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/portable.h"

/* Bits of floats, without the sign: infinity, below the NaNs; the bit of a
 * quiet NaN; the least normal number of binary16 and the first that is too
 * large; the difference of the exponents' biases. Then bits of binary16. */
enum {
    FLOAT_INFINITY = 0x7F800000, FLOAT_QUIET = 0x00400000,
    F16_LEAST = 0x38800000, F16_OVERFLOW = 0x47800000,
    F16_REBIAS = (127 - 15) << 23, F16_INFINITY = 0x7C00, F16_QUIET = 0x0200
};

PORTABLE uint32_t float_bits(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

PORTABLE float float_of_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

PORTABLE float bf16_load(uint16_t h)
{
    return float_of_bits((uint32_t)h << 16);
}

/* `below` is added to the half that is cut off. */
PORTABLE uint16_t bf16_cut(float x, uint32_t below)
{
    uint32_t bits = float_bits(x);

    if ((bits & ~0x80000000u) > FLOAT_INFINITY)
        return (uint16_t)((bits | FLOAT_QUIET) >> 16);
    if ((bits & ~0x80000000u) == FLOAT_INFINITY)
        below = 0;
    return (uint16_t)((bits + below) >> 16);
}

PORTABLE uint16_t bf16_store(float x)
{
    return bf16_cut(x, 0x7FFF + (float_bits(x) >> 16 & 1));
}

/* `random` is uniform in 0..65535. */
PORTABLE uint16_t bf16_store_random(float x, uint32_t random)
{
    return bf16_cut(x, random);
}

PORTABLE float f16_load(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, bits = h & 0x7FFF;

    if (bits > F16_INFINITY)
        bits = FLOAT_INFINITY | FLOAT_QUIET | bits << 13;
    else if (bits == F16_INFINITY)
        bits = FLOAT_INFINITY;
    else if (bits >= 0x0400)
        bits = (bits << 13) + F16_REBIAS;
    else
        bits = float_bits((float)bits * 0x1p-24f);
    return float_of_bits(sign | bits);
}

/* `below` is added to the 13 bits that are cut off; `subnormal` is the result
 * where it is a multiple of 2^-24. */
PORTABLE uint16_t f16_cut(float x, uint32_t below, uint32_t subnormal)
{
    uint32_t bits = float_bits(x), sign = bits >> 16 & 0x8000;

    bits &= 0x7FFFFFFF;
    if (bits > FLOAT_INFINITY)
        bits = F16_INFINITY | F16_QUIET | (bits >> 13 & 0x01FF);
    else if (bits < F16_LEAST)
        bits = subnormal;
    else if (bits + below >= F16_OVERFLOW)
        bits = F16_INFINITY;
    else
        bits = (bits + below - F16_REBIAS) >> 13;
    return (uint16_t)(sign | bits);
}

/* Adding 1/2 leaves a multiple of 2^-24, rounded to nearest even. */
PORTABLE uint16_t f16_store(float x)
{
    float size = float_of_bits(float_bits(x) & 0x7FFFFFFF);

    return f16_cut(x, 0x0FFF + (float_bits(x) >> 13 & 1),
                   float_bits(size + 0.5f) - float_bits(0.5f));
}

PORTABLE uint16_t f16_store_random(float x, uint32_t random)
{
    float size = float_of_bits(float_bits(x) & 0x7FFFFFFF);
    float units = size < 0x1p-14f ? size * 0x1p24f : 0;
    uint32_t whole = (uint32_t)units;
    float chance = ((float)random + 0.5f) * 0x1p-16f;

    return f16_cut(x, random >> 3,
                   whole + (units - (float)whole > chance));
}

/* One element of a tensor that stores floats of any type. */
PORTABLE float float_load(const void *data, size_t i, enum dtype dtype)
{
    if (dtype == DTYPE_F32)
        return ((const float *)data)[i];
    if (dtype == DTYPE_BF16)
        return bf16_load(((const uint16_t *)data)[i]);
    return f16_load(((const uint16_t *)data)[i]);
}

PORTABLE void float_store(void *data, size_t i, enum dtype dtype,
                               float x)
{
    if (dtype == DTYPE_F32)
        ((float *)data)[i] = x;
    else if (dtype == DTYPE_BF16)
        ((uint16_t *)data)[i] = bf16_store(x);
    else
        ((uint16_t *)data)[i] = f16_store(x);
}

/* The value that x has after it is stored; of other types x itself. */
PORTABLE float float_rounded(float x, enum dtype dtype)
{
    if (dtype == DTYPE_BF16)
        return bf16_load(bf16_store(x));
    if (dtype == DTYPE_F16)
        return f16_load(f16_store(x));
    return x;
}

#endif
