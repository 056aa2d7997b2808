/*
 * The arithmetic of convolutions: small matrix products, held in registers.
 *
 *     sum [line][width] += over all segments and k < depth of
 *         x[line * x_line + offset[segment] + k * x_k]
 *         * panel [segment][depth][width]
 *
 * Either lines are pixels of a packed strip and k channels (an output, summed
 * over the taps of a filter), or the reverse (the gradient of a filter, summed
 * over rows of pixels). A panel is 32 channels of output for every
 * instruction set, so that all need the same scratch, or 16 where there are no
 * more or no room.
 *
 * A pair of bf16 may stand in the place of each float of x and of the panel:
 * then a product is the sum of two.
 */
#ifndef MEMDIAL_CONV_TILE_H
#define MEMDIAL_CONV_TILE_H

#include "kernels/cpu/conv_ahead.h"

enum { CONV_PANEL = 32, CONV_NARROW_PANEL = 16 };

/* Channels of the least block of packed pixels, which are as far apart. */
enum { CONV_BLOCK = 16 };

/* The panels that are made together: as many as a budget has room for, but at
 * least one, and like many each time. A panel takes `bytes`. */
static inline int conv_set(int panels, size_t bytes, size_t budget)
{
    int fit = (int)size_min(size_max(budget / bytes, 1), (size_t)panels);
    int sets = (panels + fit - 1) / fit;

    return (panels + sets - 1) / sets;
}

struct conv_tile {
    const float *x, *panel;
    float *sum;
    const int *offset;           /* [segments] */
    int segments, depth;
    int last;                    /* depth of the last segment */
    int lines;
    int width;                   /* of the panel */
    int lanes;                   /* of it that are in use */
    bool fresh;                  /* start from 0, not from `sum` */
    bool far;                    /* sums are in the second-level cache */
    bool pairs;                  /* of bf16, where there is vf_dot() */
    int x_k;                     /* of channels: floats from pixel to pixel */
    struct conv_ahead *ahead;    /* a portion for each segment of a tile */
};

/* Tiles that are made of some lines, for some lanes of one panel or several. */
size_t KERNEL(conv_tile_count)(int lines, int lanes);

void KERNEL(conv_tile_pixels)(const struct conv_tile *t);
void KERNEL(conv_tile_channels)(const struct conv_tile *t);

#endif
