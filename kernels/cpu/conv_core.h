/*
 * One product of conv_product.h: its operands, and how the work is cut.
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

/* Memory to ask for while a panel's channels of strip `item` are made: the
 * output or the tensor that is added to it, then the input of strip `next`.
 * *out borrows `in`. */
static inline void conv_look_ahead(const struct conv_core *core, int panel,
                                   int item, int next, struct conv_ahead *out,
                                   struct conv_ahead *in)
{
    const struct conv_strips *s = &core->strips;
    const struct operand *to = operand_given(core->add) ? core->add : core->y;
    struct range rows = KERNEL(conv_strip_output)(s, item);

    rows.begin *= (size_t)s->row.classes;
    rows.end = size_min(rows.end * (size_t)s->row.classes,
                        (size_t)s->row.out);
    *out = KERNEL(conv_ahead)(to, item / s->count, rows, panel * core->width,
                              conv_lanes(core, panel));
    *in = KERNEL(conv_ahead)(core->x, next / s->count,
                             KERNEL(conv_strip_input)(s, next), 0,
                             core->x->dim[3]);
    out->next = in;
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

#endif
