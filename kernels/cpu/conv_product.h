/*
 * The product that both a convolution and its data gradient are: for every
 * output pixel and panel of output channels, the sum over the taps that
 * the pixel sees and over the input channels, in blocks of 16. Nothing like
 * im2col is ever written to memory: see conv_strip.h for how x is read.
 *
 * For each panel the threads together pack the weights,
 *
 *     panel [block][tap][CONV_BLOCK][width]
 *
 * and then each works through strips, most of them its own (share_out()):
 * packs one, and sums up groups of its pixels block by block, so that a block's
 * part of the panel, of the strip and of the sums stay in the first-level cache
 * together.
 *
 *     sum [pixel][width]
 *
 * A panel of a sparse filter that is worth skipping zeros in goes another
 * way: see conv_sparse.h. The others of that filter then do with the scratch
 * that takes, in narrower panels and lower strips: which are worth it changes
 * as nonzeros move, and the plan should name the bytes that are used.
 *
 * Inputs, weights and outputs are each read or written in one place, which is
 * where they would be converted.
 */
#ifndef MEMDIAL_CONV_PRODUCT_H
#define MEMDIAL_CONV_PRODUCT_H

#include "kernels/cpu/conv_core.h"

struct conv_core KERNEL(conv_product)(const struct call *c,
                                      const struct operand *x,
                                      const struct operand *w,
                                      const struct operand *add,
                                      const struct operand *y,
                                      bool transposed);
size_t KERNEL(conv_product_scratch)(const struct conv_core *core);
void KERNEL(conv_product_run)(const struct conv_core *core);

#endif
