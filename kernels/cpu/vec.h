/*
 * Vectors of VLEN floats through the compiler's vector extension, and the few
 * operations on them that kernels share. A pointer to floats need not be
 * aligned.
 */
#ifndef MEMDIAL_VEC_H
#define MEMDIAL_VEC_H

#ifdef __F16C__
#include <immintrin.h>
#endif

#include "kernels/cpu/cpu.h"
#include "kernels/half.h"

#if defined(__AVX512F__)
enum { VLEN = 16 };
#elif defined(__AVX2__)
enum { VLEN = 8 };
#else
enum { VLEN = 4 };
#endif

/* For loops over vectors in registers, and functions that are called with
 * constants. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vf
    __attribute__((vector_size(VLEN * 4), aligned(4), may_alias));
typedef int32_t vi
    __attribute__((vector_size(VLEN * 4), aligned(4), may_alias));
typedef uint32_t vu
    __attribute__((vector_size(VLEN * 4), aligned(4), may_alias));
typedef uint16_t vh
    __attribute__((vector_size(VLEN * 2), aligned(2), may_alias));
typedef uint8_t vb
    __attribute__((vector_size(VLEN), aligned(1), may_alias));

/* Bytes as numbers and back, by way of 16 bits: compilers take a step of two
 * at once element by element. */
static inline vi vi_of_bytes(vb bytes)
{
    return __builtin_convertvector(__builtin_convertvector(bytes, vh), vi);
}

static inline vb vi_to_bytes(vi numbers)
{
    return __builtin_convertvector(__builtin_convertvector(numbers, vh), vb);
}

static inline vf vf_load(const float *p)
{
    return *(const vf *)p;
}

static inline void vf_store(float *p, vf v)
{
    *(vf *)p = v;
}

/* VLEN numbers of 16 bits. gcc 12 takes five instructions for a vector of them
 * where AVX2 and AVX-512 have one. */
static inline vu vu_load_half(const uint16_t *p)
{
#if defined(__AVX512F__)
    return (vu)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
#elif defined(__AVX2__)
    return (vu)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
#else
    return __builtin_convertvector(*(const vh *)p, vu);
#endif
}

static inline vf vf_load_bf16(const uint16_t *p)
{
    return (vf)(vu_load_half(p) << 16);
}

static inline void vf_store_bf16(uint16_t *p, vf v)
{
    vu bits = (vu)v, is_nan = (vu)(v != v);
    vu nearest = bits + 0x7FFF + (bits >> 16 & 1);
    vu quiet = bits | FLOAT_QUIET;

    *(vh *)p = __builtin_convertvector(
        ((is_nan & quiet) | (~is_nan & nearest)) >> 16, vh);
}

#if defined(__AVX512F__)
static inline vf vf_load_f16(const uint16_t *p)
{
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline void vf_store_f16(uint16_t *p, vf v)
{
    _mm256_storeu_si256((__m256i *)p,
                        _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT));
}
#elif defined(__AVX2__) && defined(__F16C__)
static inline vf vf_load_f16(const uint16_t *p)
{
    return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline void vf_store_f16(uint16_t *p, vf v)
{
    _mm_storeu_si128((__m128i *)p,
                     _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
}
#else
static inline vf vf_load_f16(const uint16_t *p)
{
    vf v;

    for (int i = 0; i < VLEN; i++)
        v[i] = f16_load(p[i]);
    return v;
}

static inline void vf_store_f16(uint16_t *p, vf v)
{
    for (int i = 0; i < VLEN; i++)
        p[i] = f16_store(v[i]);
}
#endif

/* VLEN elements from element i on; the dtype should be a constant. */
static inline vf vf_load_as(const enum dtype dtype, const void *p, size_t i)
{
    if (dtype == DTYPE_F32)
        return vf_load((const float *)p + i);
    if (dtype == DTYPE_BF16)
        return vf_load_bf16((const uint16_t *)p + i);
    return vf_load_f16((const uint16_t *)p + i);
}

static inline void vf_store_as(const enum dtype dtype, void *p, size_t i,
                               vf v)
{
    if (dtype == DTYPE_F32)
        vf_store((float *)p + i, v);
    else if (dtype == DTYPE_BF16)
        vf_store_bf16((uint16_t *)p + i, v);
    else
        vf_store_f16((uint16_t *)p + i, v);
}

/* Calls an inline function with its first argument, the dtype in which floats
 * are stored, as a constant. */
#define DTYPE_SWITCH(dtype, function, ...) \
    do { \
        if ((dtype) == DTYPE_F32) \
            function(DTYPE_F32, __VA_ARGS__); \
        else if ((dtype) == DTYPE_BF16) \
            function(DTYPE_BF16, __VA_ARGS__); \
        else \
            function(DTYPE_F16, __VA_ARGS__); \
    } while (0)

static inline vf vf_set(float x)
{
    return x - (vf){ 0 };
}

/* Whether sums of products of bf16 are made by vf_dot(). */
#if defined(__AVX512BF16__) || defined(CPU_EMULATED_DOTS)
enum { VF_DOTS = 1 };
#else
enum { VF_DOTS = 0 };
#endif

/* VLEN pairs of bf16, each in the place of a float: one of either array, the
 * first in the low half. */
static inline vf vf_load_pairs(const uint16_t *first, const uint16_t *second)
{
    return (vf)(vu_load_half(first) | vu_load_half(second) << 16);
}

/* The same pair VLEN times. */
static inline vf vf_set_pair(const float *pair)
{
    uint32_t bits;

    memcpy(&bits, pair, sizeof(bits));
    return (vf)(bits | (vu){ 0 });
}

/*
 * sum + the two products of pairs, that of the high halves first. A product of
 * two bf16 is exact in a float, so each addition rounds once. The instruction
 * takes denormals for zeros, in factors and in sums; the emulation does not.
 */
INLINE vf vf_dot(vf sum, vf a, vf b)
{
#ifdef __AVX512BF16__
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    sum += (vf)((vu)a & 0xFFFF0000) * (vf)((vu)b & 0xFFFF0000);
    return sum + (vf)((vu)a << 16) * (vf)((vu)b << 16);
#endif
}

/* The number of each lane. */
static inline vi vec_numbers(void)
{
    static const int32_t numbers[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
                                       12, 13, 14, 15 };

    return *(const vi *)numbers;
}

/* Whether any lane of a mask is set. */
static inline bool vi_any(vi mask)
{
#if defined(__AVX512F__)
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
    return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#else
    int32_t any = 0;

    for (int i = 0; i < VLEN; i++)
        any |= mask[i];
    return any != 0;
#endif
}

static inline float vf_sum(vf v)
{
    float half[VLEN / 2];

    for (int i = 0; i < VLEN / 2; i++)
        half[i] = v[i] + v[i + VLEN / 2];
    for (int n = VLEN / 4; n > 0; n /= 2)
        for (int i = 0; i < n; i++)
            half[i] += half[i + n];
    return half[0];
}

/* max(x, 0); a NaN stays one, so that a run that diverges shows it. */
static inline vf vf_relu(vf x)
{
    return (vf)(~(vi)(x < vf_set(0)) & (vi)x);
}

static inline float relu(float x)
{
    return x < 0 ? 0 : x;
}

/* x, of a tensor of some type, as it is read through a saved batch norm:
 * relu(scale * x + shift), rounded as if it had been stored between. */
static inline vf vf_through(const enum dtype dtype, vf x, vf scale, vf shift)
{
    vf z = vf_relu(scale * x + shift);
    uint16_t stored[VLEN];

    if (dtype == DTYPE_BF16) {
        vf_store_bf16(stored, z);
        return vf_load_bf16(stored);
    }
    if (dtype == DTYPE_F16) {
        vf_store_f16(stored, z);
        return vf_load_f16(stored);
    }
    return z;
}

#endif
