/*
 * How products read the rows of their input, whether these are pixels of an
 * image or not.
 */
#ifndef MEMDIAL_CONV_PACK_H
#define MEMDIAL_CONV_PACK_H

#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/vec.h"
#include "kernels/cpu/vec_block.h"

/* An element as it is stored, and VLEN of them from element i on; of a tensor
 * in blocks, a multiple of VLEN. */
INLINE float stored_load(const enum dtype dtype, const void *data, size_t i)
{
    return dtype_in_blocks(dtype) ? squeeze_load(data, i, dtype)
                                  : float_load(data, i, dtype);
}

INLINE vf stored_load_vector(const enum dtype dtype, const void *data, size_t i)
{
    return dtype_in_blocks(dtype) ? vec_block_load(dtype, data, i)
                                  : vf_load_as(dtype, data, i);
}

/* DTYPE_SWITCH() for tensors that may be in blocks. */
#define STORED_SWITCH(dtype, function, ...) \
    do { \
        if ((dtype) == DTYPE_8BIT) \
            function(DTYPE_8BIT, __VA_ARGS__); \
        else if ((dtype) == DTYPE_4BIT) \
            function(DTYPE_4BIT, __VA_ARGS__); \
        else \
            DTYPE_SWITCH(dtype, function, __VA_ARGS__); \
    } while (0)

/* Packs CONV_BLOCK channels of n pixels, from element `at` of x on, through a
 * stat if x has one; zeros follow the last channel. Every input of a product is
 * read here, and becomes a float; but some floats are transposed where they lie
 * (conv_planes.c). Steps are from pixel to pixel, in elements. */
static inline void conv_pack(const enum dtype dtype,
                             const struct operand *x, int channel, int n,
                             size_t at, size_t step, float *to,
                             size_t to_step)
{
    int channels = x->dim[x->rank - 1];
    int lanes = int_min(channels - channel, CONV_BLOCK);
    bool single = lanes < CONV_BLOCK || (dtype_in_blocks(dtype)
                                         && channels % CONV_BLOCK);
    const float *scale = NULL, *shift = NULL;

    if (x->through) {
        scale = x->through + STAT_SCALE * channels + channel;
        shift = x->through + STAT_SHIFT * channels + channel;
    }
    for (; n > 0; n--, at += step, to += to_step) {
        if (single)
            for (int i = 0; i < CONV_BLOCK; i++) {
                float from = i < lanes
                             ? stored_load(dtype, x->data, at + (size_t)i) : 0;

                to[i] = scale && i < lanes
                            ? float_rounded(relu(scale[i] * from + shift[i]),
                                            dtype) : from;
            }
        else if (scale)
            for (int i = 0; i < CONV_BLOCK; i += VLEN)
                vf_store(to + i,
                         vf_through(dtype,
                                    stored_load_vector(dtype, x->data,
                                                       at + (size_t)i),
                                    vf_load(scale + i), vf_load(shift + i)));
        else
            for (int i = 0; i < CONV_BLOCK; i += VLEN)
                vf_store(to + i, stored_load_vector(dtype, x->data,
                                                    at + (size_t)i));
    }
}

#endif
