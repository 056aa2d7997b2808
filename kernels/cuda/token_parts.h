/*
 * The tile of the vocabulary that the losses of tokens are made by, and how
 * they divide their scratch.
 */
#ifndef MEMDIAL_CUDA_TOKEN_PARTS_H
#define MEMDIAL_CUDA_TOKEN_PARTS_H

#include "kernels/cuda/parts.h"

/* Columns of a tile, at most; those of a block of a product, at least. */
enum { TOKEN_TILE = 1024, TOKEN_BLOCK = 32 };

/* Figures of a block's logits; sums are of exp(logit - the maximum). */
enum token_figure { TOKEN_MAX, TOKEN_SUM, TOKEN_TOTAL, TOKEN_FIGURES };

/* The figures of a token's logits so far. */
struct token_row {
    double sum;          /* of exp(logit - max) */
    double total;        /* of the logits */
    double loss;
    float max, of_label;
    float factor;        /* of exp(logit - max) in the gradient */
    unsigned char leads; /* the label's logit is above those before it in its
                            block */
    unsigned char hit;   /* the label's logit is the first maximum */
};

/* Where parts of scratch begin, and all of it, bytes. */
struct token_parts {
    size_t figures;      /* after the rows:
                            (TOKEN_FIGURES, token_blocks(), T) */
    size_t sums;         /* of dw's tile: (parts, C, its columns) floats */
    size_t low;          /* lower halves of dx (T, C) */
    size_t bytes;
};

static inline size_t token_aligned(size_t bytes)
{
    return round_up(bytes, CUDA_ALIGNMENT);
}

static inline int token_columns(const struct operand *w)
{
    return w->dim[1] < TOKEN_TILE ? w->dim[1] : (int)TOKEN_TILE;
}

/* The blocks that the widest tile of w has, and their columns. */
static inline int token_blocks(const struct operand *w)
{
    return (token_columns(w) + TOKEN_BLOCK - 1) / TOKEN_BLOCK;
}

static inline int token_width(const struct operand *w)
{
    return token_blocks(w) * TOKEN_BLOCK;
}

/* A tile's columns of w, or of its gradient, as an operand in shape alone. */
static inline struct operand token_tile_shape(const struct operand *w)
{
    struct operand tile = *w;

    tile.dim[1] = token_columns(w);
    return tile;
}

/* The parts of token_loss_eval, which end with the figures. */
static inline struct token_parts token_eval_parts(const struct operand *x,
                                                  const struct operand *w)
{
    size_t tokens = (size_t)x->dim[0];
    size_t rows = token_aligned(tokens * sizeof(struct token_row));
    size_t figures = token_aligned(TOKEN_FIGURES * (size_t)token_blocks(w)
                                   * tokens * sizeof(float));
    struct token_parts parts = { rows, rows + figures, rows + figures,
                                 rows + figures };

    return parts;
}

/* The parts of token_loss. The gradients of the logits of a tile (T,
 * token_width()), of x's type, take the place of the figures. */
static inline struct token_parts token_loss_parts(const struct operand *x,
                                                  const struct operand *w)
{
    struct operand tile = token_tile_shape(w);
    struct token_parts parts = token_eval_parts(x, w);
    size_t tokens = (size_t)x->dim[0];
    size_t gradients = token_aligned(tokens * (size_t)token_width(w)
                                     * dtype_size(x->dtype));
    bool halves = x->dtype != DTYPE_F32 && w->dim[1] > TOKEN_TILE;

    if (parts.sums < parts.figures + gradients)
        parts.sums = parts.figures + gradients;
    parts.low = parts.sums
                + token_aligned((size_t)wgrad_parts(&tile, tokens)
                                * operand_elements(&tile) * sizeof(float));
    parts.bytes = parts.low + (halves ? operand_bytes(x) : 0);
    return parts;
}

#endif
