/*
 * The factors of dropout (kernels/dropout.h) for several draws at once: the
 * same numbers, with Philox on vectors.
 */
#ifndef MEMDIAL_VEC_DROPOUT_H
#define MEMDIAL_VEC_DROPOUT_H

#include "kernels/cpu/vec_philox.h"
#include "kernels/dropout.h"

/* Draws that are made together. */
enum { VEC_DRAWS = WIDE_LANES, VEC_DRAW_WORDS = DROPOUT_GROUP / 2 };

typedef uint32_t vec_narrow
    __attribute__((vector_size(VLEN * 2), aligned(4), may_alias));

/* How the words of the draws' lanes, word by word, become words draw by draw:
 * JOIN joins two words' lanes, FIRST and LAST are the two halves of all. PAIR_LOW
 * and PAIR_HIGH interleave two vectors. */
#if defined(__AVX512F__)
#define VEC_JOIN 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define VEC_FIRST 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27
#define VEC_LAST 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31
#define VEC_PAIR_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define VEC_PAIR_HIGH \
    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif defined(__AVX2__)
#define VEC_JOIN 0, 1, 2, 3, 4, 5, 6, 7
#define VEC_FIRST 0, 4, 8, 12, 1, 5, 9, 13
#define VEC_LAST 2, 6, 10, 14, 3, 7, 11, 15
#define VEC_PAIR_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define VEC_PAIR_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define VEC_JOIN 0, 1, 2, 3
#define VEC_FIRST 0, 2, 4, 6
#define VEC_LAST 1, 3, 5, 7
#define VEC_PAIR_LOW 0, 4, 1, 5
#define VEC_PAIR_HIGH 2, 6, 3, 7
#endif

INLINE vf vec_factor(const struct dropout *d, vi bits)
{
    return (vf)((bits >= (int32_t)d->drop) & (vi)vf_set(d->scale));
}

/* Writes the factors that belong to a vector of words. */
INLINE void vec_store_factors(const struct dropout *d, vu word, float *factor)
{
    vf low = vec_factor(d, (vi)(word & 0xFFFF));
    vf high = vec_factor(d, (vi)(word >> 16));

    vf_store(factor, __builtin_shufflevector(low, high, VEC_PAIR_LOW));
    vf_store(factor + VLEN, __builtin_shufflevector(low, high, VEC_PAIR_HIGH));
}

/* The factors of VEC_DRAWS draws, DROPOUT_GROUP of each: those of dropout_draw()
 * for elements of `position` and `group`. */
INLINE void vec_factors(const struct dropout *d, int sentence,
                        const uint32_t position[VEC_DRAWS],
                        const uint32_t group[VEC_DRAWS], int lane,
                        float *factor)
{
    struct vec_philox draw = vec_philox(d->key, (struct vec_philox){ {
        __builtin_convertvector(*(const vec_narrow *)position, vwide),
        vwide_set((uint32_t)sentence),
        __builtin_convertvector(*(const vec_narrow *)group, vwide),
        vwide_set((uint32_t)lane)
    } });
    vec_narrow word[VEC_DRAW_WORDS];
    vu a, b;

    UNROLL
    for (int i = 0; i < VEC_DRAW_WORDS; i++)
        word[i] = __builtin_convertvector(draw.x[i], vec_narrow);
    a = __builtin_shufflevector(word[0], word[1], VEC_JOIN);
    b = __builtin_shufflevector(word[2], word[3], VEC_JOIN);
    vec_store_factors(d, __builtin_shufflevector(a, b, VEC_FIRST), factor);
    vec_store_factors(d, __builtin_shufflevector(a, b, VEC_LAST),
                      factor + 2 * VLEN);
}

#endif
