/*
 * The factors of dropout (kernels/dropout.h) for several draws at once: the
 * same numbers, with the rounds of Philox on vectors.
 *
 * A draw takes a lane of 64 bits, which has room for the products of its words.
 * Only the low 32 bits of a lane count; the multiplication ignores the others.
 * Two vectors of draws go through the rounds together, so that one works while
 * the other waits for its product.
 */
#ifndef MEMDIAL_VEC_DROPOUT_H
#define MEMDIAL_VEC_DROPOUT_H

#include "kernels/cpu/vec.h"
#include "kernels/dropout.h"

/* Draws that are made together, and their words. */
enum { VEC_DRAWS = VLEN, VEC_WORDS = DROPOUT_GROUP / 2 };

/* Numbers of 64 and of 32 bits in as many lanes. */
typedef uint64_t vec_wide
    __attribute__((vector_size(VLEN * 4), aligned(8), may_alias));
typedef uint32_t vec_narrow
    __attribute__((vector_size(VLEN * 2), aligned(4), may_alias));

/* The halves of a vector's lanes; and how two vectors are interleaved, lane by
 * lane and by pairs of lanes: their first halves and their last. */
#if defined(__AVX512F__)
#define VEC_LOW 0, 1, 2, 3, 4, 5, 6, 7
#define VEC_HIGH 8, 9, 10, 11, 12, 13, 14, 15
#define VEC_FIRST 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define VEC_LAST 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define VEC_FIRST_2 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23
#define VEC_LAST_2 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31
#elif defined(__AVX2__)
#define VEC_LOW 0, 1, 2, 3
#define VEC_HIGH 4, 5, 6, 7
#define VEC_FIRST 0, 8, 1, 9, 2, 10, 3, 11
#define VEC_LAST 4, 12, 5, 13, 6, 14, 7, 15
#define VEC_FIRST_2 0, 1, 8, 9, 2, 3, 10, 11
#define VEC_LAST_2 4, 5, 12, 13, 6, 7, 14, 15
#else
#define VEC_LOW 0, 1
#define VEC_HIGH 2, 3
#define VEC_FIRST 0, 4, 1, 5
#define VEC_LAST 2, 6, 3, 7
#define VEC_FIRST_2 0, 1, 4, 5
#define VEC_LAST_2 2, 3, 6, 7
#endif

#define VEC_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

/* Every lane's low word times b. */
static inline vec_wide vec_multiply(vec_wide a, uint32_t b)
{
#if defined(__AVX512F__)
    return (vec_wide)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
    return (vec_wide)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#else
    return (a & 0xFFFFFFFF) * b;
#endif
}

/* philox() of each lane's counter. */
INLINE void vec_philox_pair(uint64_t key, vec_wide x[2][VEC_WORDS])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

    UNROLL
    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        UNROLL
        for (int v = 0; v < 2; v++) {
            vec_wide a = vec_multiply(x[v][0], PHILOX_FACTOR_0);
            vec_wide b = vec_multiply(x[v][2], PHILOX_FACTOR_1);

            x[v][0] = b >> 32 ^ x[v][1] ^ k0;
            x[v][1] = b;
            x[v][2] = a >> 32 ^ x[v][3] ^ k1;
            x[v][3] = a;
        }
        k0 += PHILOX_KEY_0;
        k1 += PHILOX_KEY_1;
    }
}

/* Writes the factors that belong to a vector of words. */
INLINE void vec_store_factors(const struct dropout *d, vu word, float *factor)
{
    vi least = (vi){ 0 } + (int32_t)d->drop, scale = (vi)vf_set(d->scale);
    vf low = (vf)(((vi)(word & 0xFFFF) >= least) & scale);
    vf high = (vf)(((vi)(word >> 16) >= least) & scale);

    vf_store(factor, VEC_SHUFFLE(low, high, VEC_FIRST));
    vf_store(factor + VLEN, VEC_SHUFFLE(low, high, VEC_LAST));
}

/* Sets a word of all lanes. */
INLINE void vec_set_word(vec_wide x[2][VEC_WORDS], int i, vu v)
{
    x[0][i] = __builtin_convertvector(VEC_SHUFFLE(v, v, VEC_LOW), vec_wide);
    x[1][i] = __builtin_convertvector(VEC_SHUFFLE(v, v, VEC_HIGH), vec_wide);
}

/* The factors of VEC_DRAWS draws, DROPOUT_GROUP of each: those of
 * dropout_draw() at a position and for a group. */
INLINE void vec_factors(const struct dropout *d, int sentence, vu position,
                        vu group, int lane, float *factor)
{
    vec_wide x[2][VEC_WORDS];
    vu word[VEC_WORDS], pairs[4];

    vec_set_word(x, 0, position);
    vec_set_word(x, 1, (vu){ 0 } + (uint32_t)sentence);
    vec_set_word(x, 2, group);
    vec_set_word(x, 3, (vu){ 0 } + (uint32_t)lane);
    vec_philox_pair(d->key, x);
    UNROLL
    for (int i = 0; i < VEC_WORDS; i++)
        word[i] = VEC_SHUFFLE(__builtin_convertvector(x[0][i], vec_narrow),
                              __builtin_convertvector(x[1][i], vec_narrow),
                              VEC_LOW, VEC_HIGH);
    UNROLL
    for (int i = 0; i < 2; i++) {
        pairs[i] = VEC_SHUFFLE(word[2 * i], word[2 * i + 1], VEC_FIRST);
        pairs[2 + i] = VEC_SHUFFLE(word[2 * i], word[2 * i + 1], VEC_LAST);
    }
    UNROLL
    for (int i = 0; i < 4; i += 2) {
        vec_store_factors(d, VEC_SHUFFLE(pairs[i], pairs[i + 1], VEC_FIRST_2),
                          factor);
        vec_store_factors(d, VEC_SHUFFLE(pairs[i], pairs[i + 1], VEC_LAST_2),
                          factor + 2 * VLEN);
        factor += 4 * VLEN;
    }
}

#endif
