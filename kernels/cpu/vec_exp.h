/*
 * exp() of vectors: 2^n e^r with n an integer and |r| <= ln(2) / 2. ln(2) is
 * subtracted in two parts, the first of so few bits that its product with n is
 * exact; e^r is Cephes' polynomial (Moshier). The relative error is below 2
 * units in the last place, of normal results. Results below them are subnormal
 * or 0, those that are too large infinity; a NaN stays one.
 */
#ifndef MEMDIAL_VEC_EXP_H
#define MEMDIAL_VEC_EXP_H

#include "kernels/cpu/vec.h"

/* 2^n for -127 < n < 128. */
static inline vf vf_power_of_two(vi n)
{
    return (vf)((n + 127) << 23);
}

/* x between two limits. */
static inline vf vf_clamp(vf x, float low, float high)
{
    vi below = x < vf_set(low), above = x > vf_set(high);

    return (vf)((below & (vi)vf_set(low)) | (above & (vi)vf_set(high))
                | (~(below | above) & (vi)x));
}

static inline vf vf_exp(vf x)
{
    /* Beside this number floats are 1 apart. */
    const vf shift = vf_set(0x1.8p23f);
    vf within = vf_clamp(x, -104, 89);
    vf whole = within * 1.44269504f + shift;
    vi n = (vi)whole - (vi)shift, half = n >> 1;
    vf r = within - (whole - shift) * 0.693359375f;
    vf p = vf_set(1.9875691500e-4f);

    r = r - (whole - shift) * -2.12194440e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1;
    return p * vf_power_of_two(half) * vf_power_of_two(n - half);
}

#endif
