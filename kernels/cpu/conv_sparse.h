/*
 * The product of conv_core.h for a panel of a sparse filter that is worth
 * skipping zeros in: one multiplication of a vector of pixels per nonzero.
 */
#ifndef MEMDIAL_CONV_SPARSE_H
#define MEMDIAL_CONV_SPARSE_H

#include "conv_core.h"
#include "sparse.h"

/* Channels [pixel][step], the first CONV_BLOCK of them, to lines of pixels
 * [CONV_BLOCK][line]. */
void KERNEL(conv_transpose)(const float *from, int step, int pixels,
                            size_t line, float *to);

/* Whether skipping pays; the panel then fits where it would be packed
 * dense. */
bool KERNEL(conv_sparse_pays)(const struct conv_core *core, int panel);

/* Floats of a thread's strip: channels one after the other, a block as
 * conv_strip_pack() makes it, and what a last vector reads beyond. */
static inline size_t conv_sparse_strip(const struct conv_strips *s)
{
    return ((size_t)s->blocks + 1) * (size_t)s->block + CONV_BLOCK;
}

/* Lists the nonzeros of a panel. */
void KERNEL(conv_sparse_pack)(const struct conv_core *core,
                              const struct conv_taps *taps, int panel,
                              float *list);

/* All output of one strip in the panel's channels. */
void KERNEL(conv_sparse_run)(const struct conv_core *core, int item, int panel,
                             float *list, float *strip);

#endif
