/*
 * How the products of convolutions read their filters.
 */
#ifndef MEMDIAL_CONV_WEIGHTS_H
#define MEMDIAL_CONV_WEIGHTS_H

#include <string.h>

#include "kernels/cpu/conv_core.h"
#include "kernels/cpu/conv_transpose.h"
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

/* Where the weights of one tap between channels of input and of output lie:
 * `count` runs of `run` elements, `step` apart. The transpose of a product has
 * a run for each channel of output, else there is one for each of input. */
struct conv_weights {
    size_t at, count, run, step;
};

static inline struct conv_weights conv_weights_of(const struct conv_core *core,
                                                  int index,
                                                  struct range channels,
                                                  struct range columns)
{
    size_t inputs = (size_t)core->strips.inputs;
    size_t outputs = (size_t)core->y->dim[3];
    size_t rows = channels.end - channels.begin;
    size_t lanes = columns.end - columns.begin;
    size_t tap = (size_t)index * inputs * outputs;

    if (core->strips.row.transposed)
        return (struct conv_weights){ tap + columns.begin * inputs
                                          + channels.begin,
                                      lanes, rows, inputs };
    return (struct conv_weights){ tap + channels.begin * outputs
                                      + columns.begin,
                                  rows, lanes, outputs };
}

/* To ask for the weights of some taps; in which order does not matter. */
static inline struct conv_ahead conv_weights_ahead(const struct conv_core *core,
                                                   struct range taps,
                                                   struct range channels,
                                                   struct range columns)
{
    if (core->strips.row.transposed)
        return KERNEL(conv_ahead_taps)(core->w, (size_t)core->y->dim[3], taps,
                                       columns, channels);
    return KERNEL(conv_ahead_taps)(core->w, (size_t)core->strips.inputs, taps,
                                   channels, columns);
}

/* The weights where they lie, if they are floats and in no pool; or NULL. */
static inline const float *conv_weights_floats(const struct operand *w)
{
    return w->dtype == DTYPE_F32 && !w->pool ? w->data : NULL;
}

/* Copies floats; those of whole vectors without a call. */
static inline void conv_weights_copy(const float *from, size_t n, float *to)
{
    if (n % VLEN == 0)
        for (size_t i = 0; i < n; i += VLEN)
            vf_store(to + i, vf_load(from + i));
    else
        memcpy(to, from, n * sizeof(float));
}

/* Packs the runs of a transpose as [channel of input][width]. */
static inline void conv_weights_turn(const struct operand *w,
                                     struct conv_weights p, size_t width,
                                     float *to)
{
    const float *floats = conv_weights_floats(w);
    float lines[CONV_PANEL * CONV_BLOCK];

    if (floats && p.run == CONV_BLOCK) {
        KERNEL(conv_transpose)(floats + p.at, (int)p.step, (int)p.count, width,
                               to);
        return;
    }
    for (size_t j = 0; j < p.count; j++) {
        float *line = lines + j * CONV_BLOCK;
        const float *from = sparse_floats(w, p.at + j * p.step, p.run, line);

        if (from != line)
            conv_weights_copy(from, p.run, line);
    }
    if (p.run == CONV_BLOCK)
        KERNEL(conv_transpose)(lines, CONV_BLOCK, (int)p.count, width, to);
    else
        for (size_t i = 0; i < p.run; i++)
            for (size_t j = 0; j < p.count; j++)
                to[i * width + j] = lines[j * CONV_BLOCK + i];
}

/* Packs the weights of one tap between at most CONV_BLOCK channels of input and
 * a panel, as [channel][width], zero beyond the last output channel. `index` is
 * the tap's (conv_strip.h). Every weight is read here, and becomes a float. */
static inline void conv_weights_pack(const struct conv_core *core, int index,
                                     struct range channels, int panel,
                                     float *to)
{
    struct conv_weights p = conv_weights_of(core, index, channels,
                                            conv_columns(core, panel, 1));
    size_t width = (size_t)core->width;
    const float *floats = conv_weights_floats(core->w);
    float room[CONV_PANEL];

    if ((size_t)conv_lanes(core, panel) < width)
        memset(to, 0, (channels.end - channels.begin) * width * sizeof(float));
    if (core->strips.row.transposed)
        conv_weights_turn(core->w, p, width, to);
    else
        for (size_t i = 0; i < p.count; i++, p.at += p.step)
            conv_weights_copy(floats ? floats + p.at
                                     : sparse_floats(core->w, p.at, p.run,
                                                     room),
                              p.run, to + i * width);
}

#endif
