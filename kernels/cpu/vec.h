/*
 * Vectors of VLEN floats through the compiler's vector extension, and the few
 * operations on them that kernels share. A pointer to floats need not be
 * aligned. `_part` forms touch the first n elements only, 0 < n < VLEN, and
 * see zeros in the rest.
 */
#ifndef MEMDIAL_VEC_H
#define MEMDIAL_VEC_H

#include "cpu.h"

#if defined(__AVX512F__)
enum { VLEN = 16 };
#elif defined(__AVX2__)
enum { VLEN = 8 };
#else
enum { VLEN = 4 };
#endif

typedef float vf
    __attribute__((vector_size(VLEN * 4), aligned(4), may_alias));
typedef int32_t vi
    __attribute__((vector_size(VLEN * 4), aligned(4), may_alias));

static inline vf vf_load(const float *p)
{
    return *(const vf *)p;
}

static inline void vf_store(float *p, vf v)
{
    *(vf *)p = v;
}

static inline vf vf_load_part(const float *p, int n)
{
    vf v = { 0 };

    for (int i = 0; i < n; i++)
        v[i] = p[i];
    return v;
}

static inline void vf_store_part(float *p, vf v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = v[i];
}

static inline vf vf_set(float x)
{
    return x - (vf){ 0 };
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

/* x where p > 0, else 0. */
static inline vf vf_where_positive(vf p, vf x)
{
    return (vf)((vi)(p > vf_set(0)) & (vi)x);
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

/* x as it is read through a saved batch norm: relu(scale * x + shift). */
static inline vf vf_through(vf x, vf scale, vf shift)
{
    return vf_relu(scale * x + shift);
}

#endif
