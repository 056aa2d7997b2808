/*
 * The weight gradient of a sparse filter whose nonzeros are few: that of each
 * one alone.
 */
#ifndef MEMDIAL_CONV_WGRAD_SPARSE_H
#define MEMDIAL_CONV_WGRAD_SPARSE_H

#include "kernels/cpu/conv_strip.h"

struct wgrad_sparse {
    const struct operand *x, *dy, *dw;
    const struct conv_strips *strips;
    int threads;
    float *scratch;
};

/* Whether nonzeros of the pool as a whole are few, and the shape is one that
 * this is made for. */
bool KERNEL(wgrad_sparse_may_pay)(const struct wgrad_sparse *g);

/* Floats of scratch. */
size_t KERNEL(wgrad_sparse_floats)(const struct wgrad_sparse *g);

/* Adds to all of dw; does nothing and returns false if this filter has too many
 * nonzeros. */
bool KERNEL(wgrad_sparse_run)(const struct wgrad_sparse *g);

#endif
