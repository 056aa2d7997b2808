/*
 * A linear layer is the convolution of images of one pixel. Its kernels make
 * such a call, and so have tiles, sparse weights, loading through a stat and 16
 * bits. Rows and results are of one type. The weights are of that type too, or,
 * if it is floats, of 16 bits, as in a classifier's head.
 */
#ifndef MEMDIAL_CUDA_LINEAR_H
#define MEMDIAL_CUDA_LINEAR_H

#include "kernels/cuda/cuda.h"

/* The call of a convolution in place of c, still without operands. */
static inline struct call linear_call(const struct call *c)
{
    struct call conv = {};

    conv.attr.conv = { c->attr.linear.tf32, 1, 0 };
    conv.scratch = c->scratch;
    conv.threads = c->threads;
    conv.batch = c->batch;
    return conv;
}

static inline struct operand reshaped(struct operand o, int h, int w, int c,
                                      int d)
{
    const int dim[] = { h, w, c, d };

    if (operand_given(&o)) {
        o.rank = OPERAND_MAX_RANK;
        memcpy(o.dim, dim, sizeof(dim));
    }
    return o;
}

/* (N, C) as images (N, 1, 1, C). */
static inline struct operand linear_images(const struct operand &o)
{
    return reshaped(o, o.dim[0], 1, 1, o.dim[1]);
}

/* (Ci, Co) as a filter (1, 1, Ci, Co). */
static inline struct operand linear_filter(const struct operand &o)
{
    return reshaped(o, 1, 1, o.dim[0], o.dim[1]);
}

#endif
