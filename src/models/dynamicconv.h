/*
 * DynamicConv by its sizes: what its settings and the facts of its data say.
 */
#ifndef MEMDIAL_DYNAMICCONV_H
#define MEMDIAL_DYNAMICCONV_H

#include "graph/layer_text.h"

/* A stack of layers. Layer i has taps[i] taps, or those of the last one. */
struct dynamicconv_stack {
    int layers;
    int taps[16];
    int listed;          /* of taps[], at least one */
};

struct dynamicconv {
    int features, hidden, heads;
    struct dynamicconv_stack encoder, decoder;
    float dropout, attention_dropout, weight_dropout;
    float smoothing;
    int source_vocabulary, target_vocabulary;
    int sentence;        /* mean tokens of a source sentence */
    struct beam beam;    /* of translations; 0 hypotheses: none are made */
};

/* Adds all operations of training, evaluation and translation to an empty
 * graph. */
void dynamicconv_build(struct builder *, const struct dynamicconv *);

#endif
