/*
 * The factors of dropout (kernels/dropout.h) for VLEN positions in a row.
 */
#ifndef MEMDIAL_VEC_DRAW_H
#define MEMDIAL_VEC_DRAW_H

#include "kernels/cpu/vec.h"
#include "kernels/dropout.h"

/* The words of the draws of one group at each position. */
struct vec_draw {
    vu x[4];
};

static inline struct vec_draw vec_dropout_draw(const struct dropout *d,
                                               int sentence, int position,
                                               int group, int lane)
{
    uint32_t x[4][VLEN];
    struct vec_draw draw;

#pragma omp simd
    for (int i = 0; i < VLEN; i++) {
        struct philox one = dropout_draw(d, sentence, position + i, group,
                                         lane);

        x[0][i] = one.x[0];
        x[1][i] = one.x[1];
        x[2][i] = one.x[2];
        x[3][i] = one.x[3];
    }
    for (int i = 0; i < 4; i++)
        draw.x[i] = *(const vu *)x[i];
    return draw;
}

/* The factors of element i of the group. */
static inline vf vec_dropout_factor(const struct dropout *d,
                                    const struct vec_draw *draw, int i)
{
    vu bits = draw->x[i / 2] >> 16 * (i % 2) & 0xFFFF;

    return (vf)((vi)(bits >= d->drop) & (vi)vf_set(d->scale));
}

#endif
