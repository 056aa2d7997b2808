/*
 * One product of conv_product.h: its operands, and how the work is cut.
 */
#ifndef MEMDIAL_CONV_CORE_H
#define MEMDIAL_CONV_CORE_H

#include "kernels/cpu/bn.h"
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
    int set;               /* panels that are made of a strip */
    int sets;              /* by squares, that are made at a time: 1, which all
                              threads share, or one for each, alone */
    bool squares;          /* conv_winograd.h makes them */
    int group;             /* rows of a strip that are summed together */
    int threads;
    void *scratch;
    /* Two sums of y for a batch norm (enum sum_row), or not given: those of its
     * input; or of its result's gradient, if that has an x. */
    const struct operand *sums;
    struct bn_gradient gradient;
    struct conv_tally *tally; /* conv_sums.h */
    int tallied;           /* panels of CONV_PANEL channels that there are sums
                              for at a time */
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

/* The channels of some panels, from the first on. */
static inline struct range conv_columns(const struct conv_core *core, int panel,
                                        int panels)
{
    size_t begin = (size_t)(panel * core->width);
    size_t end = (size_t)((panel + panels) * core->width);

    return (struct range){ begin, size_min(end, (size_t)core->y->dim[3]) };
}

/* The rows of its image that strip `item` makes, of pixels of all classes. */
static inline struct range conv_image_rows(const struct conv_core *core,
                                           int item)
{
    const struct conv_strips *s = &core->strips;
    struct range rows = KERNEL(conv_strip_output)(s, item);
    size_t classes = (size_t)s->row.classes;

    return (struct range){
        rows.begin * classes, size_min(rows.end * classes, (size_t)s->row.out)
    };
}

/* The same, counted from the first image. */
static inline struct range conv_item_rows(const struct conv_core *core,
                                          int item)
{
    size_t before = (size_t)(item / core->strips.count)
                    * (size_t)core->y->dim[1];
    struct range rows = conv_image_rows(core, item);

    return (struct range){ before + rows.begin, before + rows.end };
}

/* Memory that will be wanted when some channels of a strip are made. */
struct conv_look {
    struct conv_ahead out;   /* the output, or the tensor that is added to it */
    struct conv_ahead norm;  /* x of the batch norm that sums are for */
    struct conv_ahead in;    /* the input of the strip after it */
};

/* Prepares to ask for what strip `item` wants, and then `next`. */
static inline void conv_look_ahead(const struct conv_core *core,
                                   struct range columns, int item, int next,
                                   struct conv_look *look)
{
    const struct conv_strips *s = &core->strips;
    const struct operand *to = operand_given(core->add) ? core->add : core->y;
    struct range rows = conv_image_rows(core, item);
    int channel = (int)columns.begin;
    int channels = (int)(columns.end - columns.begin);

    look->out = KERNEL(conv_ahead)(to, item / s->count, rows, channel,
                                   channels);
    look->in = KERNEL(conv_ahead)(core->x, next / s->count,
                                  KERNEL(conv_strip_input)(s, next), 0,
                                  core->x->dim[3]);
    look->out.next = &look->in;
    if (!operand_given(core->sums) || !core->gradient.x)
        return;
    look->norm = KERNEL(conv_ahead)(core->gradient.x, item / s->count, rows,
                                    channel, channels);
    look->norm.next = &look->in;
    look->out.next = &look->norm;
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
