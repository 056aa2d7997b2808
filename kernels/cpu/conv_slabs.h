/*
 * Slabs of a filter's gradient dw that are made together, from the same input:
 * those between one block of channels of input and some panels of channels of
 * output (conv_wgrad.c).
 */
#ifndef MEMDIAL_CONV_SLABS_H
#define MEMDIAL_CONV_SLABS_H

#include "kernels/cpu/conv_strip.h"

struct conv_slabs {
    int block;
    int panel, panels;   /* the first, and their number */
};

/* The channels of input, rows of dw's matrix of each tap. */
static inline struct range slabs_inputs(const struct conv_strips *s,
                                        struct conv_slabs set)
{
    size_t begin = (size_t)(set.block * s->channels);

    return (struct range){ begin, size_min(begin + (size_t)s->channels,
                                           (size_t)s->inputs) };
}

/* The channels of output, those of dy, columns of these matrices. */
static inline struct range slabs_outputs(const struct operand *dy,
                                         struct conv_slabs set)
{
    size_t begin = (size_t)(set.panel * CONV_PANEL);
    size_t end = begin + (size_t)(set.panels * CONV_PANEL);

    return (struct range){ begin, size_min(end, (size_t)dy->dim[3]) };
}

/* Memory that will be wanted soon: the input and output of the next strip, and
 * what of dw the slabs will be added to. */
struct slabs_look {
    struct conv_ahead x, dy, dw;
};

/* Prepares to ask, while strip `item` of some is made, for x and dy of the next
 * one, and for the share of dw that falls to `item`, if dw is given. */
static inline void slabs_look_ahead(const struct conv_strips *s,
                                    const struct operand *x,
                                    const struct operand *dy,
                                    const struct operand *dw,
                                    struct conv_slabs set, struct range items,
                                    size_t item, struct slabs_look *look)
{
    struct range in = slabs_inputs(s, set), out = slabs_outputs(dy, set);
    size_t count = items.end - items.begin;
    int next = (int)(item + 1 < items.end ? item + 1 : item);
    int channels = (int)(in.end - in.begin);

    look->x = KERNEL(conv_ahead)(x, next / s->count,
                                 KERNEL(conv_strip_input)(s, next),
                                 (int)in.begin, int_min(channels, x->dim[3]));
    look->dy = KERNEL(conv_ahead)(dy, next / s->count,
                                  KERNEL(conv_strip_output)(s, next),
                                  (int)out.begin, (int)(out.end - out.begin));
    look->x.next = &look->dy;
    if (!dw)
        return;
    look->dw = KERNEL(conv_ahead_taps)(
        dw, (size_t)s->inputs,
        range_share((size_t)s->taps, (int)(item - items.begin), (int)count),
        in, out);
    look->dy.next = &look->dw;
}

#endif
