/*
 * The softmax of each token's logits, which are a row of x (T, C) times
 * w (C, V), without a tensor of them: they are made a tile of the vocabulary at
 * a time, and only a few figures of each token stay.
 */
#ifndef MEMDIAL_TOKEN_ROWS_H
#define MEMDIAL_TOKEN_ROWS_H

#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/product.h"

/* Columns of a tile of w, at most; the longest vector. Fewer columns cost time,
 * 256 up to a tenth of it in bf16; more, 512 or 1024, save none. */
enum { TOKEN_TILE = 384, TOKEN_LANES = 16 };

/* Figures of a panel's logits; sums are of exp(logit - the maximum). */
enum token_figure { TOKEN_MAX, TOKEN_SUM, TOKEN_TOTAL, TOKEN_FIGURES };

/* The figures of a token's logits so far. */
struct token_row {
    double sum;          /* of exp(logit - max) */
    double total;        /* of the logits */
    float max, of_label;
    bool leads;          /* the label's logit is above those before it in its
                            panel */
    bool hit;            /* the label's logit is the first maximum */
};

/* The tokens of a call, and the tile that is worked on. */
struct token_pass {
    const struct call *call;
    const struct operand *x, *w;
    const int32_t *labels;
    struct token_row *rows;
    float *figures;      /* (TOKEN_FIGURES, token_panels(), token_lanes()) */
    int first;           /* column of the tile */
};

/* The weights that a token's loss gives to -log p: of the label, and besides of
 * every word of the vocabulary, the label too. */
struct token_weights {
    double of_label, of_each;
};

static inline struct token_weights token_weights(double smoothing, int words)
{
    double each = words > 1 ? smoothing / (words - 1) : 0;

    return (struct token_weights){ words > 1 ? 1 - smoothing - each : 1, each };
}

static inline size_t token_rows_bytes(const struct operand *x)
{
    return round_up((size_t)x->dim[0] * sizeof(struct token_row),
                    CPU_ALIGNMENT);
}

/* The rows of x in whole vectors of any length. */
static inline size_t token_lanes(const struct operand *x)
{
    return round_up((size_t)x->dim[0], TOKEN_LANES);
}

/* The panels that the widest tile of w has in a product, and their columns. */
static inline int token_panels(const struct operand *w)
{
    return (int_min(w->dim[1], TOKEN_TILE) + CONV_PANEL - 1) / CONV_PANEL;
}

static inline int token_width(const struct operand *w)
{
    return token_panels(w) * CONV_PANEL;
}

static inline size_t token_figures_bytes(const struct operand *x,
                                         const struct operand *w)
{
    return TOKEN_FIGURES * (size_t)token_panels(w) * token_lanes(x)
           * sizeof(float);
}

/* The tile's columns of w, or of its gradient. */
static inline struct operand token_tile(const struct token_pass *t,
                                        const struct operand *w)
{
    return product_view(w, t->first,
                        int_min(w->dim[1] - t->first, TOKEN_TILE));
}

/* The product that makes the logits of a tile of w, without store(). */
static inline struct product token_logits(const struct token_pass *t,
                                          const struct operand *tile)
{
    return (struct product){
        .call = t->call, .a = t->x, .b = tile, .b_step = t->w->dim[1],
        .rows = t->x->dim[0], .depth = t->x->dim[1], .columns = tile->dim[1]
    };
}

/* Scratch of the product of any tile, bytes. */
size_t KERNEL(token_logits_scratch)(const struct token_pass *);

/* Finds the figures of all rows. */
void KERNEL(token_rows)(struct token_pass *);

/* Adds the rows' losses and hits to metrics. */
void KERNEL(token_rows_add)(const struct token_pass *, struct token_weights,
                            double *metrics);

#endif
