/*
 * The softmax of each token's logits, which are a row of x (T, C) times
 * w (C, V), without a tensor of them: they are made a tile of the vocabulary at
 * a time, and only a few figures of each token stay.
 */
#ifndef MEMDIAL_CUDA_TOKEN_ROWS_H
#define MEMDIAL_CUDA_TOKEN_ROWS_H

#include "kernels/cuda/patches.h"
#include "kernels/cuda/token_parts.h"

/* The tokens of a call, and the tile that is worked on. */
struct token_pass {
    const struct operand *x, *w;
    const int32_t *labels;
    bool tf32;
    struct token_row *rows;
    float *figures;      /* (TOKEN_FIGURES, token_blocks(), T) */
    int first;           /* column of the tile */

    int tokens() const
    {
        return x->dim[0];
    }

    int depth() const
    {
        return x->dim[1];
    }

    int words() const
    {
        return w->dim[1];
    }

    int columns() const
    {
        int left = words() - first;

        return left < TOKEN_TILE ? left : (int)TOKEN_TILE;
    }
};

/* The weights that a token's loss gives to -log p: of the label, and besides of
 * every word of the vocabulary, the label too. */
struct token_weights {
    double of_label, of_each;
};

static inline struct token_weights token_weights_of(double smoothing, int words)
{
    double each = words > 1 ? smoothing / (words - 1) : 0;

    return { words > 1 ? 1 - smoothing - each : 1, each };
}

/* Some columns of a matrix, whose rows are `step` elements apart. */
template <typename T, int W_, bool ALONG_K> struct columns_of {
    using element = T;
    static constexpr int width = W_;
    static constexpr bool along_k = ALONG_K;
    static constexpr bool direct = true;
    using row = int;
    using column = int;
    using filter = no_filter<T, W_>;

    const T *data;
    int rows, columns, step;

    __device__ int row_at(int i) const
    {
        return i;
    }

    __device__ int column_at(int i) const
    {
        return i;
    }

    __device__ bool find(int r, int c, const T **at) const
    {
        bool there = r < rows && c < columns;

        *at = data + (there ? (size_t)r * (size_t)step + (size_t)c : 0);
        return there;
    }

    __device__ bool load(int r, int c, pack<T, width> &p) const
    {
        const T *at;

        if (!find(r, c, &at))
            return false;
        p = *reinterpret_cast<const pack<T, width> *>(at);
        return true;
    }
};

/* Calls f with a product that suits the tokens, and the width in which elements
 * are moved. */
template <typename F>
static void token_choose(struct queue *q, const struct token_pass &t, F f)
{
    struct call c = {};

    c.attr.conv.tf32 = t.tf32;
    if (t.depth() % 8 == 0 && t.words() % 8 == 0)
        conv_choose_product<2 * TOKEN_BLOCK, true>(q, &c, t.x->dtype, f);
    else
        conv_choose_product<TOKEN_BLOCK, false>(q, &c, t.x->dtype, f);
}

/* Multiplies x and the tile's columns of w; `output` takes the logits. */
template <typename Product, int W, typename Output>
static void token_logits(struct queue *q, const struct token_pass &t,
                         const Output &output)
{
    using T = typename Product::element;
    columns_of<T, W, true> x = { data_of<T>(t.x), t.tokens(), t.depth(),
                                 t.depth() };
    columns_of<T, W, false> w = { data_of<T>(t.w) + t.first, t.depth(),
                                  t.columns(), t.words() };

    gemm_launch<Product>(q, x, w, t.tokens(), t.columns(), t.depth(),
                         t.depth(), output);
}

/* Finds the figures of all rows. */
void token_rows(struct queue *, struct token_pass *);

/* Adds the rows' losses and hits to metrics, and has the factors of the
 * gradients be relative to `unit`. */
void token_rows_add(struct queue *, const struct token_pass *,
                    struct token_weights, float unit, double *metrics);

#endif
