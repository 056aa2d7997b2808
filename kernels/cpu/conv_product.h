/*
 * The product of a convolution and of its data gradient: for every output
 * pixel and panel of output channels, the sum over the taps that the pixel sees
 * and over the input channels, in blocks of 16. No im2col matrix is ever
 * written to memory: see conv_strip.h for how x is read.
 *
 * For a set of panels the threads together pack the weights,
 *
 *     panel [class][block][tap][CONV_BLOCK][width]
 *
 * and then each works through strips, most of them its own (share_out()). It
 * packs a strip, and for each panel of the set sums up groups of its pixels, a
 * few blocks at a time, so that their part of the panel, of the strip and of
 * the sums stay in the first-level cache together. A set has as many panels as
 * a second-level cache has room for, so that pixels are read and packed once
 * for all of them.
 *
 *     sum [pixel][width]
 *
 * Filters of 3x3 at stride 1 go by squares instead, where there is memory for
 * it: see conv_winograd.h.
 *
 * A sparse filter goes another way if skipping its zeros pays: see
 * conv_sparse.h. One with too many nonzeros uses the scratch for skipping, in
 * narrower panels and lower strips: which filters skip changes as nonzeros
 * move, and the plan should name the bytes that are used.
 *
 * Inputs, weights and outputs are each read or written in one place, where they
 * are also converted. Floats that need no conversion may be read where they lie
 * (conv_weights.h, conv_planes.c).
 */
#ifndef MEMDIAL_CONV_PRODUCT_H
#define MEMDIAL_CONV_PRODUCT_H

#include "kernels/cpu/conv_core.h"

struct conv_core KERNEL(conv_product)(const struct call *c,
                                      const struct operand *x,
                                      const struct operand *w,
                                      const struct operand *add,
                                      const struct operand *y,
                                      const struct operand *sums,
                                      bool transposed);
size_t KERNEL(conv_product_scratch)(const struct conv_core *core);
void KERNEL(conv_product_run)(const struct conv_core *core);

#endif
