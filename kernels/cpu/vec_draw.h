/*
 * The factors of dropout (kernels/dropout.h) for VLEN positions in a row.
 *
 * The counters of even positions lie in one vector of 64-bit lanes, those of
 * odd ones in another. Only their positions differ, and these are read from the
 * lower halves of lanes; so no word changes its place.
 */
#ifndef MEMDIAL_VEC_DRAW_H
#define MEMDIAL_VEC_DRAW_H

#include "kernels/cpu/vec_philox.h"
#include "kernels/dropout.h"

/* The words of the draws of one group at each position. */
struct vec_draw {
    vu x[4];
};

static inline struct vec_draw vec_dropout_draw(const struct dropout *d,
                                               int sentence, int position,
                                               int group, int lane)
{
    vwide positions = (vwide)(vec_numbers() + position);
    struct vec_philox even = { { positions, vwide_set((uint32_t)sentence),
                                 vwide_set((uint32_t)group),
                                 vwide_set((uint32_t)lane) } };
    struct vec_philox odd = even;
    struct vec_draw draw;

    odd.x[0] >>= 32;
    even = vec_philox(d->key, even);
    odd = vec_philox(d->key, odd);
    for (int i = 0; i < 4; i++)
        draw.x[i] = (vu)((even.x[i] & UINT32_MAX) | odd.x[i] << 32);
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
