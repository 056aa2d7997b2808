/*
 * How convolutions read their input: in strips. A strip holds the part of one
 * image that some consecutive rows of output need, halo and zero padding
 * included, in blocks of 16 or more channels:
 *
 *     strip [block][row plane][column plane][row][column][channel]
 *
 * With a stride s, rows and columns are dealt out over s planes, so that
 * neighbouring output pixels find their inputs in neighbouring columns of a
 * plane, at a constant distance. So a tap of the filter reads the strip shifted
 * by a constant, its offset.
 *
 * Where x has few channels, as an image has, a packed pixel of output has those
 * of all columns under the filter side by side: a filter (KH, KW, C, .) is used
 * as (KH, 1, KW * C, .), with fewer taps and fuller blocks.
 */
#ifndef MEMDIAL_CONV_STRIP_H
#define MEMDIAL_CONV_STRIP_H

#include "kernels/cpu/conv_axis.h"
#include "kernels/cpu/conv_tile.h"

struct conv_strips {
    struct conv_axis row, col;
    int taps;    /* of the whole filter, as it is used */
    int classes; /* of pixels: classes of rows times classes of columns */
    int images;
    int fold;    /* columns of the filter that a packed pixel has: 1, or all */
    int fold_pad; /* columns of padding before those */
    int inputs;  /* channels of a packed pixel */
    int channels; /* of a block */
    int blocks;
    int rows;    /* output positions of a strip; the last may have fewer */
    int count;   /* strips of an image */
    int width;   /* columns of a plane */
    int block;   /* floats of a packed block */
};

/* For input x (N, H, W, C), output y (N, Ho, Wo, Co), filter (KH, KW, ., .),
 * in blocks of `channels`, a multiple of CONV_BLOCK; conv_strips_cut() must
 * follow. */
struct conv_strips KERNEL(conv_strips)(const struct operand *x,
                                       const struct operand *filter,
                                       const struct operand *y,
                                       const union attr *attr,
                                       bool transposed, int channels);

/* Makes strips as high as `budget` bytes allow for `blocks` blocks and `beside`
 * bytes for each row of output. If there are rows enough every thread gets a
 * strip. */
void KERNEL(conv_strips_cut)(struct conv_strips *s, int threads, int blocks,
                             size_t beside, size_t budget);

/* Rows of output, as positions, and rows of input of strip `item` =
 * image * count + strip. */
struct range KERNEL(conv_strip_output)(const struct conv_strips *s, int item);
struct range KERNEL(conv_strip_input)(const struct conv_strips *s, int item);

/* Packs `count` blocks of channels, from `block` on, of strip `item`. */
void KERNEL(conv_strip_pack)(const struct conv_strips *s,
                             const struct operand *x, int item, int block,
                             int count, float *strip);

/* The taps of a filter, sorted by the class of pixels that sees them. */
struct conv_taps {
    int *offset; /* [taps], in the strip, floats */
    int *index;  /* [taps], in the filter as it is used: row * columns
                    + column */
    int *count;  /* [classes] */
};

size_t KERNEL(conv_taps_bytes)(const struct conv_strips *s);
struct conv_taps KERNEL(conv_taps)(const struct conv_strips *s, void *memory);

#endif
