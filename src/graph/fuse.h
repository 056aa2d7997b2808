/*
 * Work that one operation can spare another, put into a finished graph for the
 * backends that can do it.
 */
#ifndef MEMDIAL_FUSE_H
#define MEMDIAL_FUSE_H

#include "graph/graph.h"

/*
 * What a batch norm needs to know of a tensor is summed, tile by tile, by the
 * convolution that writes the tensor, while the elements are in registers: of
 * its input for the statistics, of its result's gradient for the backward
 * pass. Then neither reads the tensor once more.
 */
void fuse_tile_sums(struct graph *);

#endif
