/*
 * exp() of vectors of floats, about 1 unit in the last place from it.
 *
 * With n the integer next to x / log 2, exp(x) is 2^n exp(r), and r = x - n
 * log 2 is at most log 2 / 2 in size, where a polynomial is exact enough
 * (Moshier's Cephes library, expf). log 2 is subtracted in two parts: n times
 * the first part has no rounding error.
 */
#ifndef MEMDIAL_VEC_EXP_H
#define MEMDIAL_VEC_EXP_H

#include "kernels/cpu/vec.h"

/* a where the mask is set, else b. */
static inline vf vf_choose(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

/* x is at most 88, or a NaN, which stays one. Results below the least normal
 * float are 0. Adding 1.5 * 2^23 rounds to an integer, which is then the lower
 * bits of the sum. */
static inline vf vf_exp(vf x)
{
    const float round = 0x1.8p23f, least = -0x1.5d589ep6f;
    vf shifted = x * 0x1.715476p0f + round, n = shifted - round;
    vf r = x - n * 0x1.63p-1f + n * 0x1.bd0106p-13f;
    vf power = (vf)(((vu)shifted << 23) + (127u << 23));
    vf sum = vf_set(1.9875691500e-4f);

    sum = sum * r + 1.3981999507e-3f;
    sum = sum * r + 8.3334519073e-3f;
    sum = sum * r + 4.1665795894e-2f;
    sum = sum * r + 1.6666665459e-1f;
    sum = sum * r + 5.0000001201e-1f;
    sum = sum * (r * r) + r + 1;
    return vf_choose((vi)(x < vf_set(least)), vf_set(0), sum * power);
}

#endif
