/*
 * A model while it is put together: its graph, how its numbers are stored, and
 * the functions that layers are written with.
 */
#ifndef MEMDIAL_BUILDER_H
#define MEMDIAL_BUILDER_H

#include "graph/grad.h"

/*
 * How a model's numbers are stored. `dtype` is the type of the input, of all
 * activations up to a pooling, and of the weights of products, with their
 * gradients and momentum. Statistics, and values with one number per channel,
 * are always fp32.
 */
struct storage {
    enum dtype dtype;
    double sparsity;     /* zeros in the pool, a fraction; 0: no pool */
    enum rewire_method rewire; /* of the pool */
    enum dtype saved;    /* of activations that are kept for the backward pass;
                            one not in blocks: as they are */
    struct update update; /* without the loss scale */
    bool loss_scale;     /* scale the loss dynamically, for a dtype with a
                            small range */
};

/* A model while it is put together. */
struct builder {
    struct graph *graph;
    struct storage storage;
    bool tf32;           /* products of floats may be of 10 bits' mantissa */
    char block[24];      /* its name; "" before the first one */
    int layer;           /* the last one added */
    int found;           /* the last value that builder_state() found */
    uint32_t streams;    /* of random numbers that operations have so far */
    int programs;        /* that forward operations are of; 0: training and
                            evaluation */
    bool decoding;       /* they are of PASS_DECODE */
};

/* Begins a block (graph_begin_block), whose name goes before those of its
 * layers: "g2.b1" makes "bn1" "g2.b1.bn1". */
void builder_begin_block(struct builder *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Begins a layer of the block; or, if no training is added, goes on with the
 * layer of that name. */
void builder_layer(struct builder *, const char *name);

/* The programs that forward operations are added to. */
int builder_programs(const struct builder *);

/* Add a value to the layer, all but its layer and kind given: trained
 * parameters or running statistics; a float for each channel of them; and the
 * result of an operation, transient until a schedule finds that the backward
 * pass needs it. If no training is added, parameters of that name that the
 * layer has are returned. */
int builder_value(struct builder *, enum kind, struct value);
int builder_state(struct builder *, struct value);
int builder_channel_state(struct builder *, const char *name, int channels,
                          float constant);
int builder_result(struct builder *, struct value);

/* Add an operation to the layer, its code, operands and attributes given: of
 * any pass; of the forward pass, or of decoding, of the builder's programs. */
void builder_operation(struct builder *, enum pass, int programs, struct op);
void builder_forward(struct builder *, struct op);

/* A number for a stream of random numbers that no other operation has. */
uint32_t builder_stream(struct builder *);

/* A loss: values of the graph. */
struct loss {
    int layer;
    struct seed seed;    /* the value it is computed from, and its gradient */
    int metrics;
    int scale;           /* that gradients carry, or VALUE_NONE */
};

/* Begins a loss: adds the metrics, and the loss scale if the model has one; or
 * takes those of `with`, a loss that this one is added to, if not NULL. */
struct loss builder_loss(struct builder *, const struct loss *with);

/* Rewires the graph's pool, if it has one, after its update. */
void builder_rewire(struct builder *);

/* Ends a step, after all updates: adapts the scale, reports metrics. */
void builder_loss_end(struct builder *, const struct loss *);

#endif
