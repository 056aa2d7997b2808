/*
 * Transposes blocks of numbers: pixels by channels become channels by pixels.
 */
#ifndef MEMDIAL_CONV_TRANSPOSE_H
#define MEMDIAL_CONV_TRANSPOSE_H

#include "kernels/cpu/vec.h"

/* The halves of two vectors, interleaved. */
#ifdef __AVX512F__
#define CONV_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define CONV_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif defined(__AVX2__)
#define CONV_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define CONV_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define CONV_LOW 0, 4, 1, 5
#define CONV_HIGH 2, 6, 3, 7
#endif

/* A square of vectors: interleaving its halves once for every bit of an index
 * exchanges rows and columns. */
static inline void conv_transpose_square(vf row[VLEN])
{
    UNROLL
    for (int bit = 1; bit < VLEN; bit *= 2) {
        vf next[VLEN];

        UNROLL
        for (int i = 0; i < VLEN / 2; i++) {
            vf a = row[i], b = row[i + VLEN / 2];

            next[2 * i] = __builtin_shufflevector(a, b, CONV_LOW);
            next[2 * i + 1] = __builtin_shufflevector(a, b, CONV_HIGH);
        }
        UNROLL
        for (int i = 0; i < VLEN; i++)
            row[i] = next[i];
    }
}

/* Transposes the first CONV_BLOCK channels of [pixel][step] to lines of pixels
 * [CONV_BLOCK][line]. */
void KERNEL(conv_transpose)(const float *from, int step, int pixels,
                            size_t line, float *to);

#endif
