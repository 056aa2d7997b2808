/*
 * Layers that models are put together from: each adds its parameters and its
 * forward operations to a graph, and returns the value it computes. `layer`
 * is an id from graph_layer(), a dtype that of the weights or of the input.
 */
#ifndef MEMDIAL_LAYER_H
#define MEMDIAL_LAYER_H

#include "graph/graph.h"

/*
 * How a model's numbers are stored: `dtype` is that of the input, of all
 * activations up to a pooling, and of the weights of products, with their
 * gradients and momentum. Statistics, and what is one number per channel, are
 * fp32 always.
 */
struct storage {
    enum dtype dtype;
    double sparsity;     /* zeros in the pool, a fraction; 0: there is none */
    enum rewire_method rewire; /* of the pool */
    bool master;         /* keep fp32 copies of the weights in 16 bits */
    bool loss_scale;     /* scale the loss dynamically, for a dtype with a
                            small range */
};

/* Samples and labels as the loader gives them: x has `rank` dimensions, the
 * first of them DIM_SAMPLES. Returns x; *labels gets a (samples) int32. */
int layer_load(struct graph *, int layer, enum dtype, int rank,
               const int *dim, int *labels);

/* x (N, H, W, Ci) -> (N, Ho, Wo, channels), a kernel of side `kernel` padded
 * to keep the size at stride 1, no bias; `add` of the result's shape, or -1.
 * Init N(0, sqrt(2 / (kernel^2 * channels))), He et al. 2015, fan out. */
int layer_conv(struct graph *, int layer, enum dtype, int x, int channels,
               int kernel, int stride, int add);

/* The same, with the weights in the graph's pool, if it has one. */
int layer_conv_pooled(struct graph *, int layer, enum dtype, int x,
                      int channels, int kernel, int stride, int add);

/* Rewires the graph's pool, if it has one, after its update. */
void layer_rewire(struct graph *, enum rewire_method);

/* relu(batch_norm(x)) over the last dimension; eps 1e-5, momentum 0.1. */
int layer_bn_relu(struct graph *, int layer, int x);

/* x (N, H, W, C) -> (N, C) fp32. */
int layer_avg_pool(struct graph *, int layer, int x);

/* x (N, Ci) -> (N, channels), with bias. Init U(+-1/sqrt(Ci)), bias 0. */
int layer_linear(struct graph *, int layer, enum dtype, int x, int channels);

/* A loss: values of the graph. */
struct loss {
    int layer;
    int gradient;        /* of the logits */
    int metrics;
    int scale;           /* that gradients carry, or -1 */
};

/* Mean cross-entropy of softmax(logits) over the batch, and its metrics. */
struct loss layer_softmax_xent(struct graph *, int layer, int logits,
                               int labels, bool scaled);

/* What ends a step, after all updates: adapts the scale, reports metrics. */
void layer_loss_end(struct graph *, const struct loss *);

#endif
