/*
 * Sums of a convolution's result for a batch norm, which so need not read it
 * again: a part of a strip is summed when it has just been written, while it is
 * in the caches. Each share of the strips (share_out()) has a tally of its own.
 * Tallies are added up in the order of the shares, so the bits do not depend on
 * which thread worked on a share.
 */
#ifndef MEMDIAL_CONV_SUMS_H
#define MEMDIAL_CONV_SUMS_H

#include "kernels/cpu/conv_core.h"

/* Bytes of the tallies; 0 if there is nothing to sum. */
size_t KERNEL(conv_sums_bytes)(const struct conv_core *core);

/* Empties all tallies. All threads of a parallel region call it, and wait for
 * each other before they add a strip. */
void KERNEL(conv_sums_begin)(const struct conv_core *core);

/* Adds strip `item` to the tally of a share. The columns are channels of y,
 * those of one of the panels that are made at a time, and the same for all
 * strips until conv_sums_end(). */
void KERNEL(conv_sums_add)(const struct conv_core *core, struct range columns,
                           int share, int item);

/* Writes the sums of the columns of these panels, or of one part of a panel.
 * All threads of a parallel region call it when all strips are added, share the
 * columns, and go on when it is done. The columns after them are others. */
void KERNEL(conv_sums_end)(const struct conv_core *core, struct range columns);

#endif
