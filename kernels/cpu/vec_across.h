/*
 * Sums and maxima over the lanes of a vector, as vectors that have them in
 * every lane. Each step joins lanes across a distance that halves.
 */
#ifndef MEMDIAL_VEC_ACROSS_H
#define MEMDIAL_VEC_ACROSS_H

#include "kernels/cpu/vec_exp.h"

#ifdef __AVX512F__
#define VEC_ACROSS_8 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7
#define VEC_ACROSS_4 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11
#define VEC_ACROSS_2 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13
#define VEC_ACROSS_1 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14
#elif defined(__AVX2__)
#define VEC_ACROSS_4 4, 5, 6, 7, 0, 1, 2, 3
#define VEC_ACROSS_2 2, 3, 0, 1, 6, 7, 4, 5
#define VEC_ACROSS_1 1, 0, 3, 2, 5, 4, 7, 6
#else
#define VEC_ACROSS_2 2, 3, 0, 1
#define VEC_ACROSS_1 1, 0, 3, 2
#endif

#define VEC_ACROSS(v, lanes) __builtin_shufflevector(v, v, lanes)

INLINE vf vf_max_across(vf v)
{
#ifdef VEC_ACROSS_8
    v = vf_larger(v, VEC_ACROSS(v, VEC_ACROSS_8));
#endif
#ifdef VEC_ACROSS_4
    v = vf_larger(v, VEC_ACROSS(v, VEC_ACROSS_4));
#endif
    v = vf_larger(v, VEC_ACROSS(v, VEC_ACROSS_2));
    return vf_larger(v, VEC_ACROSS(v, VEC_ACROSS_1));
}

INLINE vf vf_sum_across(vf v)
{
#ifdef VEC_ACROSS_8
    v += VEC_ACROSS(v, VEC_ACROSS_8);
#endif
#ifdef VEC_ACROSS_4
    v += VEC_ACROSS(v, VEC_ACROSS_4);
#endif
    v += VEC_ACROSS(v, VEC_ACROSS_2);
    return v + VEC_ACROSS(v, VEC_ACROSS_1);
}

#endif
