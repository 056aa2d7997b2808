/*
 * How products read the rows of their input, whether these are pixels of an
 * image or not.
 */
#ifndef MEMDIAL_CONV_PACK_H
#define MEMDIAL_CONV_PACK_H

#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/vec.h"

/* Packs CONV_BLOCK channels of n pixels, from element `at` of x on, through a
 * stat if x has one; zeros follow the last channel. Every input of a product is
 * read here, and becomes a float. Steps are from pixel to pixel, in elements.
 */
static inline void conv_pack(const enum dtype dtype,
                             const struct operand *x, int channel, int n,
                             size_t at, size_t step, float *to,
                             size_t to_step)
{
    int channels = x->dim[x->rank - 1];
    int lanes = int_min(channels - channel, CONV_BLOCK);
    const float *scale = NULL, *shift = NULL;

    if (x->through) {
        scale = x->through + STAT_SCALE * channels + channel;
        shift = x->through + STAT_SHIFT * channels + channel;
    }
    for (; n > 0; n--, at += step, to += to_step) {
        if (lanes < CONV_BLOCK)
            for (int i = 0; i < CONV_BLOCK; i++) {
                float from = i < lanes
                             ? float_load(x->data, at + (size_t)i, dtype) : 0;

                to[i] = scale && i < lanes
                            ? float_rounded(relu(scale[i] * from + shift[i]),
                                            dtype) : from;
            }
        else if (scale)
            for (int i = 0; i < CONV_BLOCK; i += VLEN)
                vf_store(to + i,
                         vf_through(dtype, vf_load_as(dtype, x->data,
                                                      at + (size_t)i),
                                    vf_load(scale + i), vf_load(shift + i)));
        else
            for (int i = 0; i < CONV_BLOCK; i += VLEN)
                vf_store(to + i, vf_load_as(dtype, x->data, at + (size_t)i));
    }
}

#endif
