/*
 * Slabs of conv_wgrad.c by fewer multiplications: see winograd.h.
 */
#ifndef MEMDIAL_CONV_WGRAD_WINOGRAD_H
#define MEMDIAL_CONV_WGRAD_WINOGRAD_H

#include "kernels/cpu/conv_strip.h"

/* Squares that are multiplied at once, at least, and panels at most. */
enum { SQUARES_LEAST = 16, WGRAD_SET = 2 };

/* The gradient of the weights between a block of x's channels and some panels
 * of dy's, from some strips of winograd_cut(). */
struct wgrad_squares {
    const struct operand *x, *dy;
    const struct conv_strips *strips;
    int block;
    int panel, panels;   /* the first, and their number */
    int squares;         /* to multiply at once, at least SQUARES_LEAST */
    struct range items;
    float *scratch;      /* KERNEL(wgrad_squares_floats)() */
};

size_t KERNEL(wgrad_squares_floats)(const struct conv_strips *s, int squares,
                                    int panels);

/* Writes slabs [panel][tap][channel of the block][CONV_PANEL] where scratch
 * begins. */
void KERNEL(wgrad_squares_sum)(const struct wgrad_squares *g);

#endif
