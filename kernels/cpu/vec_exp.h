/*
 * The exponential function of a vector of floats.
 */
#ifndef MEMDIAL_VEC_EXP_H
#define MEMDIAL_VEC_EXP_H

#include "kernels/cpu/vec.h"

/* The larger of two numbers, and the smaller; b where either is a NaN. */
#if defined(__AVX512F__)
static inline vf vf_larger(vf a, vf b)
{
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
}

static inline vf vf_smaller(vf a, vf b)
{
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
}
#elif defined(__AVX2__)
static inline vf vf_larger(vf a, vf b)
{
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
}

static inline vf vf_smaller(vf a, vf b)
{
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
}
#else
static inline vf vf_larger(vf a, vf b)
{
    vi mask = a > b;

    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

static inline vf vf_smaller(vf a, vf b)
{
    vi mask = a < b;

    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}
#endif

/*
 * exp(x), to about 2 units in the last place; 0 where x is below -86, so that
 * no result is subnormal, infinity above 88.8, NaN of NaN. With n the integer
 * nearest to x / ln 2, exp(x) is 2^n exp(r), r = x - n ln 2. ln 2 is the sum of
 * two floats, the first short enough for an exact product with n. The
 * polynomial is that of expf() in Moshier's Cephes. 2^128 is no float, so one
 * factor of 2 is apart.
 */
static inline vf vf_exp(vf x)
{
    const float least = -86, most = 89;
    const float whole = 0x1.8p23f; /* above it floats are whole numbers */
    vf within = vf_smaller(vf_set(most), vf_larger(vf_set(least), x));
    vf shifted = within * 1.44269504f + whole, n = shifted - whole;
    vf r = within - n * 0.693359375f + n * 2.12194440e-4f;
    vi exponent = (vi)shifted - (vi)vf_set(whole);
    vf p = vf_set(1.9875691500e-4f);

    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1;
    p = (p + p) * (vf)(((vu)exponent + 126) << 23);
    return (vf)(~(vi)(x < vf_set(least)) & (vi)p);
}

#endif
