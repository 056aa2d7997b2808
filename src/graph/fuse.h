/*
 * Work that one operation can spare another. A pass over a finished graph adds
 * it.
 */
#ifndef MEMDIAL_FUSE_H
#define MEMDIAL_FUSE_H

#include "graph/graph.h"

/*
 * The convolution that writes a tensor also sums, tile by tile, the figures
 * that a batch norm needs of it, while the elements are near: those of its
 * input for the statistics, those of its result's gradient for the backward
 * pass. So neither reads the tensor again.
 */
void fuse_tile_sums(struct graph *, int tile_rows);

#endif
