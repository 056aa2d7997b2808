/*
 * Which image a sample of training is, and how it is augmented: cropped from an
 * image that is padded by reflection, and flipped. Both are functions of the
 * seed and the sample's number in the run, on the host and on every backend.
 */
#ifndef MEMDIAL_AUGMENT_H
#define MEMDIAL_AUGMENT_H

#include <stdbool.h>

#include "kernels/shuffle.h"

enum { AUGMENT_PAD = 4 };

/* The part of the padded image that is kept; AUGMENT_PAD twice is the image
 * itself. */
struct crop {
    int top, left;       /* 0..2 * AUGMENT_PAD */
    bool flip;
};

PORTABLE struct crop crop_none(void)
{
    struct crop crop = { AUGMENT_PAD, AUGMENT_PAD, false };

    return crop;
}

/* Uniform in 0..count-1, to within count / 2^32. */
PORTABLE int crop_below(int count, uint32_t word)
{
    return (int)((uint64_t)word * (uint32_t)count >> 32);
}

PORTABLE struct crop crop_draw(uint64_t seed, uint64_t sample)
{
    struct philox r = philox(seed, sample, PHILOX_AUGMENT, 0);
    struct crop crop = { crop_below(2 * AUGMENT_PAD + 1, r.x[0]),
                         crop_below(2 * AUGMENT_PAD + 1, r.x[1]),
                         r.x[2] >> 31 != 0 };

    return crop;
}

/* The pixel at place i of a side padded by reflection, which does not repeat
 * the edge. */
PORTABLE int crop_reflect(int i, int side)
{
    if (i < 0)
        return -i;
    return i < side ? i : 2 * (side - 1) - i;
}

/* The row and the column of the image that a row and a column of the sample
 * show. */
PORTABLE int crop_row(const struct crop *crop, int y, int height)
{
    return crop_reflect(y + crop->top - AUGMENT_PAD, height);
}

PORTABLE int crop_column(const struct crop *crop, int x, int width)
{
    int from = crop->flip ? width - 1 - x : x;

    return crop_reflect(from + crop->left - AUGMENT_PAD, width);
}

/* The image of a sample, of `count`: each pass over them is in an order of its
 * own. */
PORTABLE int sample_place(uint64_t seed, uint64_t sample, int count)
{
    uint64_t n = (uint64_t)count;

    return shuffle_place(seed, (uint32_t)(sample / n), count,
                         (int)(sample % n));
}

/* Rows of the figures that normalise the bytes of a channel, (NORM_ROWS, C). */
enum norm_row { NORM_MEAN, NORM_SCALE, NORM_ROWS };

#endif
