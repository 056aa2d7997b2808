/*
 * How the products of convolutions read their filters.
 */
#ifndef MEMDIAL_CONV_WEIGHTS_H
#define MEMDIAL_CONV_WEIGHTS_H

#include <string.h>

#include "kernels/cpu/conv_core.h"
#include "kernels/cpu/sparse.h"

/* Channels of a block: fewer in the last. */
static inline int conv_block_channels(const struct conv_core *core, int block)
{
    return int_min(core->strips.inputs - block * CONV_BLOCK, CONV_BLOCK);
}

/* The channels of a block. */
static inline struct range conv_block_inputs(const struct conv_core *core,
                                             int block)
{
    size_t begin = (size_t)(block * CONV_BLOCK);

    return (struct range){
        begin, begin + (size_t)conv_block_channels(core, block)
    };
}

/* Packs the weights of one tap between at most CONV_BLOCK channels of input and
 * a panel, as [channel][width], zero beyond the last output channel. `index` is
 * the tap's (conv_strip.h). Every weight is read here, and becomes a float. */
static inline void conv_weights_pack(const struct conv_core *core, int index,
                                     struct range channels, int panel,
                                     float *to)
{
    const struct operand *w = core->w;
    size_t inputs = (size_t)core->strips.inputs;
    size_t outputs = (size_t)core->y->dim[3];
    bool transposed = core->strips.row.transposed;
    size_t in = transposed ? 1 : outputs, out = transposed ? inputs : 1;
    size_t at = (size_t)index * inputs * outputs + channels.begin * in
                + (size_t)(panel * core->width) * out;
    size_t rows = channels.end - channels.begin;
    size_t lanes = (size_t)conv_lanes(core, panel);
    size_t width = (size_t)core->width;
    float room[CONV_PANEL];

    if (lanes < width)
        memset(to, 0, rows * width * sizeof(float));
    if (transposed) {
        for (size_t j = 0; j < lanes; j++, at += out) {
            const float *from = sparse_floats(w, at, rows, room);

            for (size_t i = 0; i < rows; i++)
                to[i * width + j] = from[i];
        }
    } else {
        for (size_t i = 0; i < rows; i++, at += in)
            memcpy(to + i * width, sparse_floats(w, at, lanes, room),
                   lanes * sizeof(float));
    }
}

#endif
