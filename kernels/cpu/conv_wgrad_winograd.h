/*
 * A slab of conv_wgrad.c by fewer multiplications: see winograd.h.
 */
#ifndef MEMDIAL_CONV_WGRAD_WINOGRAD_H
#define MEMDIAL_CONV_WGRAD_WINOGRAD_H

#include "kernels/cpu/conv_strip.h"

enum { SQUARES_LEAST = 16 };

/* The gradient of the weights between a block of x's channels and a panel of
 * dy's, from some strips of winograd_cut(). */
struct wgrad_squares {
    const struct operand *x, *dy;
    const struct conv_strips *strips;
    int block, panel;
    int squares;         /* to multiply at once, at least SQUARES_LEAST */
    struct range items;
    float *scratch;      /* KERNEL(wgrad_squares_floats)() */
};

size_t KERNEL(wgrad_squares_floats)(const struct conv_strips *s, int squares);

/* Writes slab [tap][channel of the block][CONV_PANEL] where scratch begins. */
void KERNEL(wgrad_squares_sum)(const struct wgrad_squares *g);

#endif
