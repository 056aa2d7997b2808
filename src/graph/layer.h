/*
 * Layers that models are put together from. Each adds its parameters and its
 * forward operations to a graph, and returns the value it computes. A struct
 * has a layer's parameters; a member that is left out is 0, the usual case.
 */
#ifndef MEMDIAL_LAYER_H
#define MEMDIAL_LAYER_H

#include "graph/builder.h"

/* The streams of the data, as the loader gives them: the names, types and
 * shapes of their values. Sets values[] of all streams with a name. */
struct load {
    const char *name;
    struct value stream[LOAD_STREAMS];
};
void layer_load(struct builder *, const struct load *, int values[]);

/* Loads samples of the model's type, with `rank` dimensions, the first of them
 * DIM_SAMPLES, and a label for each. Returns the samples; *labels gets a
 * (samples) int32. Training picks its samples from a set of `kept` images
 * (H, W, C) in the arena, if that is not 0; evaluation loads them. */
struct samples {
    const char *name;
    int rank;
    int dim[OPERAND_MAX_RANK];
    int kept;
    bool augment;        /* those that are picked */
};
int layer_samples(struct builder *, const struct samples *, int *labels);

/* x (N, H, W, Ci) -> (N, Ho, Wo, channels), padded to keep the size at stride
 * 1, no bias. Init N(0, sqrt(2 / (kernel^2 * channels))), He et al. 2015, fan
 * out. */
struct conv {
    const char *name;
    int channels;
    int kernel;          /* its side; 0: 1 */
    int stride;          /* 0: 1 */
    int add;             /* a value added to the result, of its shape */
    bool sparse;         /* the weights join the graph's pool, if it has one */
};
int layer_conv(struct builder *, int x, const struct conv *);

/* relu(batch_norm(x)) over the last dimension. */
struct batch_norm {
    const char *name;
    float eps;           /* 0: 1e-5 */
    float momentum;      /* 0: 0.1 */
};
int layer_bn_relu(struct builder *, int x, const struct batch_norm *);

/* x (N, H, W, C) -> (N, C) fp32. */
struct avg_pool {
    const char *name;
};
int layer_avg_pool(struct builder *, int x, const struct avg_pool *);

/* x (N, Ci) -> (N, features), bias 0 at the start. Init U(+-1/sqrt(Ci)), or
 * with a gain U(+-gain * sqrt(6 / (Ci + features))), Glorot and Bengio 2010. */
struct linear {
    const char *name;
    int features;
    bool bare;           /* without a bias */
    float gain;
    bool sparse;         /* the weights join the graph's pool, if it has one */
};
int layer_linear(struct builder *, int x, const struct linear *);

/* Mean cross-entropy of softmax(logits) over the terms of the batch, and its
 * metrics. */
struct softmax_xent {
    const char *name;
    int labels;
    const struct loss *with; /* NULL, or one whose metrics and scale it shares:
                                the loss is the sum of both */
};
struct loss layer_softmax_xent(struct builder *, int logits,
                               const struct softmax_xent *);

#endif
