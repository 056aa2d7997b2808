/*
 * token_loss: cross-entropy of the softmax of the logits x w with smoothed
 * labels (fairseq's label_smoothed_cross_entropy), and its gradients with the
 * weight that a token has in the mean over the whole batch, times the loss
 * scale if there is one. Metrics are not scaled.
 *   in x (T, C), w (C, V), labels (T) int32, scale (LOSS_SCALE_COUNT) or empty
 *   update metrics (METRIC_COUNT) float64: sum of losses, number correct;
 *   dw (C, V)
 *   out dx (T, C)
 *
 * A first pass over the tiles of the vocabulary finds the figures of each
 * token's softmax (token_rows.h). A second one makes the logits of each tile
 * again. While they are in registers they become their gradients G, and scratch
 * has room for those of one tile. Then dx += G w^T and dw += x^T G with the
 * tile's columns of w and dw. These sums of dw are whole, so dw is rounded
 * once.
 * Those of dx are whole after the last tile only. Until then they are floats: a
 * dx of 16 bits holds their upper halves, and scratch the lower ones.
 *
 * G is of x's type, as matrix units want it. It is in units of 2^-15 of a
 * token's weight, so that in fp16 its least normal number is 2^-29 of that.
 *
 * scratch: token_parts.h.
 */
#include "kernels/cuda/partial_sums.h"
#include "kernels/cuda/token_rows.h"

static const float UNIT = 0x1p15f;

/* The factor of sums of G in gradients. */
struct token_factor {
    const float *scale;          /* or NULL */
    float terms;

    __device__ float get() const
    {
        return (scale ? scale[LOSS_SCALE_FACTOR] : 1) / terms / UNIT;
    }
};

/* Takes logits and stores their gradients, (T, step). */
template <typename T> struct gradients_out {
    const int32_t *labels;
    const struct token_row *rows;
    int tokens, columns, first;  /* first: column of w */
    float of_label, of_each;     /* weights, in units of G */
    T *to;
    int step;                    /* from row to row */

    template <typename Product>
    __device__ void take(Product &p, column_sums<Product> &, int m,
                         int n) const
    {
#pragma unroll
        for (int i = 0; i < Product::ROWS; i++) {
            int row = m + p.row(i);

            if (row < tokens)
#pragma unroll
                for (int j = 0; j < Product::COLUMNS; j += 2)
                    put(row, n + p.column(j), p.at(i, j), p.at(i, j + 1));
        }
    }

    /* The room has an even number of columns: a second one is there, even if
     * nobody will read it. */
    __device__ void put(int row, int column, float first_logit,
                        float second_logit) const
    {
        float v[2] = { first_logit, second_logit };
        int label = labels[row] - first - column;

        if (column >= columns)
            return;
#pragma unroll
        for (int k = 0; k < 2; k++)
            v[k] = fmaf(expf(v[k] - rows[row].max), rows[row].factor,
                        -of_each - (label == k ? of_label : 0));
        store(to + (size_t)row * (size_t)step + column, v);
    }
};

/* Adds sums to dx, or begins it. */
template <typename T> struct x_out {
    T *dx;
    uint16_t *low;               /* lower halves, of 16 bits */
    int tokens, columns;
    bool begins, ends;
    struct token_factor factor;

    template <typename Product>
    __device__ void take(Product &p, column_sums<Product> &, int m,
                         int n) const
    {
        float by = factor.get();

        each_pair(p, [&](int row, int column, float first, float second) {
            put(m + row, n + column, first * by, second * by);
        });
    }

    __device__ void put(int row, int column, float first, float second) const
    {
        size_t at = (size_t)row * (size_t)columns + (size_t)column;

        if (row >= tokens || column >= columns)
            return;
        if (columns % 2 == 0) {
            float v[2] = { first, second };

            put_some<2>(at, v);
        } else {
            float one[1] = { first }, other[1] = { second };

            put_some<1>(at, one);
            if (column + 1 < columns)
                put_some<1>(at + 1, other);
        }
    }

    template <int W> __device__ void put_some(size_t at, float (&v)[W]) const
    {
        float before[W] = {};

        if constexpr (std::is_same<T, float>::value) {
            if (!begins)
                load(before, dx + at);
        } else {
            if (!begins)
                load_halves(before, at);
        }
#pragma unroll
        for (int k = 0; k < W; k++)
            v[k] += before[k];
        if constexpr (std::is_same<T, float>::value) {
            store(dx + at, v);
        } else {
            if (ends)
                store(dx + at, v);
            else
                store_halves(at, v);
        }
    }

    template <int W>
    __device__ void load_halves(float (&to)[W], size_t at) const
    {
        auto lower = *reinterpret_cast<const pack<uint16_t, W> *>(low + at);
        auto upper = *reinterpret_cast<const pack<T, W> *>(dx + at);

#pragma unroll
        for (int k = 0; k < W; k++)
            to[k] = __uint_as_float(lower.element[k]
                                    | (uint32_t)upper.element[k].bits << 16);
    }

    template <int W>
    __device__ void store_halves(size_t at, const float (&from)[W]) const
    {
        pack<uint16_t, W> lower;
        pack<T, W> upper;

#pragma unroll
        for (int k = 0; k < W; k++) {
            uint32_t bits = __float_as_uint(from[k]);

            lower.element[k] = (uint16_t)bits;
            upper.element[k].bits = (uint16_t)(bits >> 16);
        }
        *reinterpret_cast<pack<uint16_t, W> *>(low + at) = lower;
        *reinterpret_cast<pack<T, W> *>(dx + at) = upper;
    }
};

/* Adds the parts of a tile's sums (parts, rows, columns) to dw, `step` elements
 * from row to row. */
template <typename T>
static __global__ void add_sums(int rows, int columns, int step, int parts,
                                const float *sums, struct token_factor factor,
                                T *dw)
{
    wait_for_earlier();

    size_t n = (size_t)rows * (size_t)columns;
    float by = factor.get();

    for (size_t i = thread_index(); i < n; i += grid_threads()) {
        T *to = dw + i / (size_t)columns * (size_t)step + i % (size_t)columns;
        float sum = 0;

        for (int k = 0; k < parts; k++)
            sum += sums[(size_t)k * n + i];
        narrow(to, fmaf(sum, by, widen(*to)));
    }
}

/* The second pass: its tokens, its gradients, and where they are put together.
 */
struct token_backward {
    struct token_pass pass;
    const struct operand *dw, *dx;
    struct token_weights weights;
    struct token_factor factor;
    void *gradients;             /* (T, token_width()) */
    float *sums;
    uint16_t *low;
};

template <typename Product, int W>
static void make_gradients(struct queue *q, const struct token_backward &b)
{
    using T = typename Product::element;
    gradients_out<T> out = { b.pass.labels,
                             b.pass.rows,
                             b.pass.tokens(),
                             b.pass.columns(),
                             b.pass.first,
                             (float)(UNIT * b.weights.of_label),
                             (float)(UNIT * b.weights.of_each),
                             static_cast<T *>(b.gradients),
                             token_width(b.pass.w) };

    token_logits<Product, W>(q, b.pass, out);
}

template <typename Product, int W>
static void add_to_x(struct queue *q, const struct token_backward &b)
{
    using T = typename Product::element;
    const struct token_pass &t = b.pass;
    columns_of<T, W, true> gradients = { static_cast<const T *>(b.gradients),
                                         t.tokens(), t.columns(),
                                         token_width(t.w) };
    columns_of<T, W, true> w = { data_of<T>(t.w) + t.first, t.depth(),
                                 t.columns(), t.words() };
    x_out<T> out = { data_of<T>(b.dx), b.low, t.tokens(), t.depth(),
                     t.first == 0, t.first + TOKEN_TILE >= t.words(),
                     b.factor };

    gemm_launch<Product>(q, gradients, w, t.tokens(), t.depth(), t.columns(),
                         t.columns(), out);
}

template <typename Product, int W>
static void add_to_w(struct queue *q, const struct token_backward &b)
{
    using T = typename Product::element;
    const struct token_pass &t = b.pass;
    struct operand tile = token_tile_shape(t.w);
    int tokens = t.tokens(), parts = wgrad_parts(&tile, (size_t)tokens);
    int part = wgrad_part((size_t)tokens, parts);
    columns_of<T, W, false> x = { data_of<T>(t.x), tokens, t.depth(),
                                  t.depth() };
    columns_of<T, W, false> gradients = { static_cast<const T *>(b.gradients),
                                          tokens, t.columns(),
                                          token_width(t.w) };
    partial_sums out = { b.sums, t.depth(), t.columns() };

    gemm_launch<Product>(q, x, gradients, t.depth(), t.columns(), tokens, part,
                         out);
    launch(q, blocks_for((size_t)t.depth() * (size_t)t.columns()),
           BLOCK_THREADS, 0, add_sums<T>, t.depth(), t.columns(), t.words(),
           (tokens + part - 1) / part, static_cast<const float *>(b.sums),
           b.factor, data_of<T>(b.dw) + t.first);
}

/* The parts of scratch as the two passes use them. */
static void lay_out(struct token_backward &b, void *scratch)
{
    struct token_parts parts = token_loss_parts(b.pass.x, b.pass.w);
    char *from = static_cast<char *>(scratch);

    b.pass.rows = reinterpret_cast<struct token_row *>(from);
    b.pass.figures = reinterpret_cast<float *>(from + parts.figures);
    b.gradients = from + parts.figures;
    b.sums = reinterpret_cast<float *>(from + parts.sums);
    b.low = reinterpret_cast<uint16_t *>(from + parts.low);
}

static struct token_backward backward_of(const struct call *c)
{
    const struct operand *o = c->operand;
    struct token_backward b = {};

    b.pass.x = &o[TOKEN_LOSS_X];
    b.pass.w = &o[TOKEN_LOSS_W];
    b.pass.labels = data_of<int32_t>(&o[TOKEN_LOSS_LABELS]);
    b.pass.tf32 = c->attr.token_loss.tf32;
    b.dw = &o[TOKEN_LOSS_DW];
    b.dx = &o[TOKEN_LOSS_DX];
    b.weights = token_weights_of((double)c->attr.token_loss.smoothing,
                                 b.pass.words());
    b.factor = { data_if_given<float>(&o[TOKEN_LOSS_SCALE]),
                 (float)c->batch->terms };
    lay_out(b, c->scratch);
    return b;
}

void cuda_token_loss(struct queue *q, const struct call *c)
{
    struct token_backward b = backward_of(c);

    token_rows(q, &b.pass);
    token_rows_add(q, &b.pass, b.weights, UNIT,
                   data_of<double>(&c->operand[TOKEN_LOSS_METRICS]));
    token_choose(q, b.pass, [&](auto product, auto width) {
        using Product = decltype(product);
        constexpr int W = decltype(width)::value;
        int &first = b.pass.first;

        for (first = 0; first < b.pass.words(); first += TOKEN_TILE) {
            make_gradients<Product, W>(q, b);
            add_to_x<Product, W>(q, b);
            add_to_w<Product, W>(q, b);
        }
    });
}
