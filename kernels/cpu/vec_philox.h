/*
 * Philox (kernels/philox.h) for several counters at once. A word has a 64-bit
 * lane: processors multiply 32 by 32 bits in such lanes, and do not look at the
 * upper halves of the factors. So these may hold anything, and both halves of a
 * product are words of the next round where they are.
 */
#ifndef MEMDIAL_VEC_PHILOX_H
#define MEMDIAL_VEC_PHILOX_H

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "kernels/cpu/vec.h"
#include "kernels/philox.h"

/* Counters at once. */
enum { WIDE_LANES = VLEN / 2 };

typedef uint64_t vwide
    __attribute__((vector_size(VLEN * 4), aligned(4), may_alias));

#if defined(__AVX512F__)
#define WIDE_EVEN 0, 8, 2, 10, 4, 12, 6, 14
#define WIDE_ODD 1, 9, 3, 11, 5, 13, 7, 15
#elif defined(__AVX2__)
#define WIDE_EVEN 0, 4, 2, 6
#define WIDE_ODD 1, 5, 3, 7
#else
#define WIDE_EVEN 0, 2
#define WIDE_ODD 1, 3
#endif

struct vec_philox {
    vwide x[4];          /* the word of each counter, below any bits */
};

/* The products of the lower halves of lanes. */
static inline vwide vwide_product(vwide a, vwide b)
{
#if defined(__AVX512F__)
    return (vwide)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (vwide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (vwide)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & UINT32_MAX) * (b & UINT32_MAX);
#endif
}

static inline vwide vwide_set(uint64_t x)
{
    return x + (vwide){ 0 };
}

/* The lanes of even numbers, and those of odd numbers, by turns of a and b. */
static inline vwide vwide_even(vwide a, vwide b)
{
    return __builtin_shufflevector(a, b, WIDE_EVEN);
}

static inline vwide vwide_odd(vwide a, vwide b)
{
    return __builtin_shufflevector(a, b, WIDE_ODD);
}

/* philox_round() of every lane. */
static inline struct vec_philox vec_philox_round(struct vec_philox c,
                                                 uint32_t k0, uint32_t k1)
{
    vwide a = vwide_product(c.x[0], vwide_set(PHILOX_FACTOR_0));
    vwide b = vwide_product(c.x[2], vwide_set(PHILOX_FACTOR_1));

    return (struct vec_philox){ { (b >> 32) ^ c.x[1] ^ k0, b,
                                  (a >> 32) ^ c.x[3] ^ k1, a } };
}

/* The words for a counter in each lane. */
static inline struct vec_philox vec_philox(uint64_t key, struct vec_philox c)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

    UNROLL
    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        c = vec_philox_round(c, k0, k1);
        k0 += PHILOX_KEY_0;
        k1 += PHILOX_KEY_1;
    }
    return c;
}

/*
 * The words for WIDE_LANES counters in their order, four of each counter. They
 * differ in word number `which`, which grows by 1. Lanes with even numbers have
 * the counters that come first: so two vectors are interleaved without a word
 * leaving its 16 bytes.
 */
static inline void vec_philox_row(uint64_t key, struct vec_philox c, int which,
                                  vwide words[2])
{
    vwide low, high;

    for (int i = 0; i < WIDE_LANES; i++)
        c.x[which][i] += (uint64_t)(i / 2 + i % 2 * (WIDE_LANES / 2));
    c = vec_philox(key, c);
    low = (c.x[0] & UINT32_MAX) | c.x[1] << 32;
    high = (c.x[2] & UINT32_MAX) | c.x[3] << 32;
    words[0] = vwide_even(low, high);
    words[1] = vwide_odd(low, high);
}

#endif
