/*
 * Slabs of conv_wgrad.c by fewer multiplications: see winograd.h.
 */
#ifndef MEMDIAL_CONV_WGRAD_WINOGRAD_H
#define MEMDIAL_CONV_WGRAD_WINOGRAD_H

#include "kernels/cpu/conv_slabs.h"

/* Squares that are multiplied at once, at least, and panels at most. */
enum { SQUARES_LEAST = 16, WGRAD_SET = 2 };

/* Slabs of dw, from some strips of winograd_cut(). */
struct wgrad_squares {
    const struct operand *x, *dy;
    const struct operand *dw; /* that is asked for meanwhile, or NULL */
    const struct conv_strips *strips;
    struct conv_slabs set;
    int squares;         /* to multiply at once, at least SQUARES_LEAST */
    struct range items;
    float *scratch;      /* KERNEL(wgrad_squares_floats)() */
};

size_t KERNEL(wgrad_squares_floats)(const struct conv_strips *s, int squares,
                                    int panels);

/* Writes the slabs, [panel][tap][channel of the block][CONV_PANEL], where
 * scratch begins. */
void KERNEL(wgrad_squares_sum)(const struct wgrad_squares *g);

#endif
