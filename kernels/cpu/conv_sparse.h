/*
 * The product of conv_product.h for a sparse filter in which skipping zeros
 * pays: one multiplication of a vector of pixels per nonzero.
 */
#ifndef MEMDIAL_CONV_SPARSE_H
#define MEMDIAL_CONV_SPARSE_H

#include "kernels/cpu/conv_core.h"
#include "kernels/cpu/sparse.h"

/* Whether the pool as a whole has few enough nonzeros that there is scratch for
 * skipping zeros, and the shape is one that skipping is made for. */
bool KERNEL(conv_sparse_may_pay)(const struct conv_core *core);

/* Floats of scratch. */
size_t KERNEL(conv_sparse_floats)(const struct conv_core *core);

/* Makes all output, if skipping pays in this filter. Every thread of a team
 * calls it, and gets the same answer. */
bool KERNEL(conv_sparse_run)(const struct conv_core *core, float *scratch);

#endif
