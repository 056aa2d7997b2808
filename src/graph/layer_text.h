/*
 * Layers of networks on packed sentences, as layer.h has those of others. Rows
 * of a value are tokens: (T, C). `ends` are values (sentences) int32, the row
 * at which each sentence of the part ends.
 */
#ifndef MEMDIAL_LAYER_TEXT_H
#define MEMDIAL_LAYER_TEXT_H

#include "graph/builder.h"

/* tokens (T) int32 -> (T, features), rows of a (tokens, features) table. Init
 * N(0, 1/sqrt(features)). Where there are `ends` or a position, rows are
 * multiplied by sqrt(features), and the sinusoids of their positions are added
 * (Vaswani et al. 2017, in fairseq's order). */
struct embedding {
    const char *name;
    int tokens;          /* of the vocabulary */
    int features;
    int ends;            /* or VALUE_NONE */
    int position;        /* VALUE_NONE, or (1) int32: that of all tokens */
};
int layer_embedding(struct builder *, int tokens, const struct embedding *);

/* dropout(x) + add, dropout in training only. */
struct dropout_add {
    const char *name;
    int ends;
    float rate;
    int add;             /* or VALUE_NONE */
};
int layer_dropout(struct builder *, int x, const struct dropout_add *);

struct relu {
    const char *name;
};
int layer_relu(struct builder *, int x, const struct relu *);

/* Layer norm over the last dimension (Ba, Kiros and Hinton 2016). */
struct layer_norm {
    const char *name;
    float eps;           /* 0: 1e-5 */
};
int layer_norm(struct builder *, int x, const struct layer_norm *);

/* x (T, C), logits (T, heads * taps) -> (T, C): dynamic convolution (Wu et al.
 * 2019) with the softmax of the logits, in training after dropout. */
struct dynconv {
    const char *name;
    int logits, ends;
    int heads, taps;
    bool causal;
    float rate;
};
int layer_dynconv(struct builder *, int x, const struct dynconv *);

/* A row of a causal layer_dynconv() for each hypothesis: x (T, C), logits (T,
 * heads * taps), `parents` and `step` of the search. */
struct dynconv_step {
    const char *name;
    int logits, parents, step;
    int heads, taps;
};
int layer_dynconv_step(struct builder *, int x, const struct dynconv_step *);

/* q (T, C), k and v (S, C) -> (T, C): each sentence of the target attends to
 * its source. */
struct attention {
    const char *name;
    int k, v;
    int target_ends, source_ends;
    int heads;
    float rate;          /* of dropout of probabilities */
    int sentence;        /* mean tokens of a source sentence */
};
int layer_attention(struct builder *, int q, const struct attention *);

/* Cross-entropy of softmax(x w) for an output matrix w (C, tokens) of its own,
 * with smoothed labels in training; mean over the terms of the batch. Init N(0,
 * 1/sqrt(C)). */
struct token_loss {
    const char *name;
    int tokens;          /* of the vocabulary */
    int labels;
    float smoothing;
};
struct loss layer_token_loss(struct builder *, int x,
                             const struct token_loss *);

/* A beam search for translations: the values that it begins with, for the
 * sources that end at `source_ends`, and those of one step: `target_ends` are
 * where a sentence's hypotheses end, `tokens` what was chosen last. */
struct beam {
    int hypotheses;      /* of a sentence */
    float length_penalty;
    int longest;         /* translation, tokens with its end mark */
    float ratio;         /* tokens at most: ratio * source + extra */
    int extra;
};
struct beam_search {
    int target_ends, step, unfinished, scores, tokens, state, best;
    int history, parents;
};
struct beam_search layer_beam_start(struct builder *, const char *name,
                                    int source_ends, const struct beam *);

/* One step: x (hypotheses, C), and the output matrix of layer_token_loss() of
 * that name. Then, once, all that is left to do. */
void layer_beam(struct builder *, int x, const char *name, int tokens,
                const struct beam_search *, const struct beam *);
void layer_beam_end(struct builder *, const char *name,
                    const struct beam_search *, const struct beam *);

#endif
