/*
 * The product that both a convolution and its data gradient are: for every
 * output pixel and panel of output channels, the sum over the taps that
 * the pixel sees and over the input channels, in blocks of 16. Nothing like
 * im2col is ever written to memory: see conv_strip.h for how x is read.
 *
 * For each panel the threads together pack the weights,
 *
 *     panel [block][tap][CONV_BLOCK][width]
 *
 * and then each works through strips, most of them its own (share_out()):
 * packs one, and sums up groups of its pixels block by block, so that a block's
 * part of the panel, of the strip and of the sums stay in the first-level cache
 * together.
 *
 *     sum [pixel][width]
 *
 * A panel of a sparse filter that is worth skipping zeros in goes another
 * way: see conv_sparse.h. The others of that filter then do with the scratch
 * that takes, in narrower panels and lower strips: which are worth it changes
 * as nonzeros move, and what is planned should be what is used.
 *
 * Inputs, weights and outputs are each read or written in one place, which is
 * where they would be converted.
 */
#ifndef MEMDIAL_CONV_CORE_H
#define MEMDIAL_CONV_CORE_H

#include "kernels/cpu/conv_strip.h"
#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec.h"

/* y = x * w + add. The filter w is (KH, KW, x's channels, y's channels), or
 * transposed (KH, KW, y's channels, x's channels). */
struct conv_core {
    const struct operand *x, *w, *add, *y;
    struct conv_strips strips;
    int width;             /* of a panel */
    int group;             /* rows of a strip that are summed together */
    int threads;
    void *scratch;
};

/* Channels of output of a panel: fewer in the last. */
static inline int conv_lanes(const struct conv_core *core, int panel)
{
    return int_min(core->y->dim[3] - panel * core->width, core->width);
}

static inline int conv_panels(const struct conv_core *core)
{
    return (core->y->dim[3] + core->width - 1) / core->width;
}

/* Writes n channels of output, from element `at` on. */
static inline void conv_store(const enum dtype dtype, void *y,
                              const void *add, size_t at, const float *sum,
                              int n)
{
    int i = 0;

    for (; i + VLEN <= n; i += VLEN) {
        vf v = vf_load(sum + i);

        if (add)
            v += vf_load_as(dtype, add, at + (size_t)i);
        vf_store_as(dtype, y, at + (size_t)i, v);
    }
    for (; i < n; i++)
        float_store(y, at + (size_t)i, dtype,
                    add ? sum[i] + float_load(add, at + (size_t)i, dtype)
                        : sum[i]);
}

struct conv_core KERNEL(conv_core)(const struct call *c,
                                   const struct operand *x,
                                   const struct operand *w,
                                   const struct operand *add,
                                   const struct operand *y, bool transposed);
size_t KERNEL(conv_core_scratch)(const struct conv_core *core);
void KERNEL(conv_core_run)(const struct conv_core *core);

#endif
