/*
 * While the logits of a block of a product are in registers, each row of them
 * becomes three figures: the maximum, the sum of the exponentials, and the sum.
 * Once a tile is done, a thread for each row adds the figures of its blocks to
 * the row's, in order.
 *
 * Logits that are larger than all before them move the maximum, to which sums
 * are relative (Milakov and Gimelshein, "Online normalizer calculation for
 * softmax", 2018). The label is the first maximum if its logit is the largest,
 * no block before its own has one as large, and no logit before it in its own.
 */
#include "kernels/cuda/token_rows.h"

/* f(x, y) of the lanes that have sums of the same row of a product. */
template <typename Product, typename T, typename F>
static __device__ T across_row(T x, F f)
{
#pragma unroll
    for (int mask = Product::ACROSS / 2; mask > 0; mask /= 2)
        x = f(x, __shfl_xor_sync(0xFFFFFFFF, x, mask));
    return x;
}

template <typename Product> static __device__ float sum_of_row(float x)
{
    return across_row<Product>(x, [](float a, float b) { return a + b; });
}

template <typename Product> static __device__ float max_of_row(float x)
{
    return across_row<Product>(x, [](float a, float b) { return fmaxf(a, b); });
}

/* Takes logits and stores their figures. */
struct figures_out {
    const int32_t *labels;
    struct token_row *rows;
    float *figures;
    int blocks;                  /* that there is room for */
    int tokens, columns, first;  /* first: column of w */

    __device__ float *at(int figure, int block, int row) const
    {
        return figures + (size_t)(figure * blocks + block) * (size_t)tokens
               + (size_t)row;
    }

    /* Notes the logit of the label, which is `label` columns into the block, if
     * that has it; f(column, logit) is called for each logit of the thread. */
    template <typename Product, typename Each>
    __device__ void note_label(int row, int label, bool writes,
                               Each each) const
    {
        float of_label = -INFINITY, before = -INFINITY;

        each([&](int column, float logit) {
            if (column == label)
                of_label = logit;
        });
        of_label = max_of_row<Product>(of_label);
        each([&](int column, float logit) {
            if (column < label)
                before = fmaxf(before, logit);
        });
        before = max_of_row<Product>(before);
        if (writes && label >= 0 && label < Product::BN) {
            rows[row].of_label = of_label;
            rows[row].leads = before < of_label;
        }
    }

    template <typename Product>
    __device__ void take(Product &p, column_sums<Product> &, int m,
                         int n) const
    {
        int block = n / Product::BN, within = columns - n;

#pragma unroll
        for (int i = 0; i < Product::ROWS; i++) {
            int row = m + p.row(i);
            bool there = row < tokens;
            bool writes = there && warp_lane() % Product::ACROSS == 0;
            int label = there ? labels[row] - first - n : -1;
            float max = -INFINITY, sum = 0, total = 0;
            auto each = [&](auto f) {
#pragma unroll
                for (int j = 0; j < Product::COLUMNS; j++)
                    if (p.column(j) < within)
                        f(p.column(j), p.at(i, j));
            };

            each([&](int, float logit) {
                max = fmaxf(max, logit);
                total += logit;
            });
            max = max_of_row<Product>(max);
            total = sum_of_row<Product>(total);
            each([&](int, float logit) { sum += expf(logit - max); });
            sum = sum_of_row<Product>(sum);
            note_label<Product>(row, label, writes, each);
            if (writes) {
                *at(TOKEN_MAX, block, row) = max;
                *at(TOKEN_SUM, block, row) = sum;
                *at(TOKEN_TOTAL, block, row) = total;
            }
        }
    }
};

static unsigned row_blocks(const struct token_pass *t)
{
    return ((unsigned)t->tokens() + BLOCK_THREADS - 1) / BLOCK_THREADS;
}

/* A thread for each row, as in all kernels that follow. */
static __global__ void begin_rows(int tokens, struct token_row *rows)
{
    wait_for_earlier();

    size_t i = thread_index();
    struct token_row row = {};

    row.max = -INFINITY;
    if (i < (size_t)tokens)
        rows[i] = row;
}

/* Adds the figures of a tile of some blocks, each of `wide` columns. */
static __global__ void add_blocks(struct figures_out out, int blocks, int wide)
{
    wait_for_earlier();

    size_t i = thread_index();
    int row = (int)i, label;
    struct token_row r;

    if (i >= (size_t)out.tokens)
        return;
    r = out.rows[i];
    label = out.labels[i] - out.first;
    for (int block = 0; block < blocks; block++) {
        float max = *out.at(TOKEN_MAX, block, row);

        if (max > r.max) {
            r.sum *= exp((double)(r.max - max));
            r.max = max;
            r.hit = label >= 0 && label / wide == block && r.leads
                    && r.of_label == max;
        }
        r.sum += *out.at(TOKEN_SUM, block, row) * expf(max - r.max);
        r.total += *out.at(TOKEN_TOTAL, block, row);
    }
    out.rows[i] = r;
}

void token_rows(struct queue *q, struct token_pass *t)
{
    launch(q, row_blocks(t), BLOCK_THREADS, 0, begin_rows, t->tokens(),
           t->rows);
    token_choose(q, *t, [&](auto product, auto width) {
        using Product = decltype(product);
        constexpr int W = decltype(width)::value, BN = Product::BN;

        for (t->first = 0; t->first < t->words(); t->first += TOKEN_TILE) {
            figures_out out = { t->labels,   t->rows,      t->figures,
                                token_blocks(t->w),
                                t->tokens(), t->columns(), t->first };

            token_logits<Product, W>(q, *t, out);
            launch(q, row_blocks(t), BLOCK_THREADS, 0, add_blocks, out,
                   (t->columns() + BN - 1) / BN, (int)BN);
        }
    });
}

static __global__ void end_rows(int tokens, int words,
                                struct token_weights weights, float unit,
                                struct token_row *rows)
{
    wait_for_earlier();

    size_t i = thread_index();
    struct token_row r;
    double log_sum;

    if (i >= (size_t)tokens)
        return;
    r = rows[i];
    log_sum = log(r.sum) + r.max;
    rows[i].loss = weights.of_label * (log_sum - r.of_label)
                   + weights.of_each * (words * log_sum - r.total);
    rows[i].factor = (float)(unit / r.sum);
}

/* One warp for each of the two metrics. */
static __global__ void add_rows(int tokens, const struct token_row *rows,
                                double *metrics)
{
    wait_for_earlier();

    size_t metric = warp_index();
    double sum = 0;

    for (int i = warp_lane(); i < tokens; i += WARP_LANES)
        sum += metric == METRIC_LOSS ? rows[i].loss : (double)rows[i].hit;
    sum = warp_sum(sum);
    if (warp_lane() == 0)
        metrics[metric] += sum;
}

void token_rows_add(struct queue *q, const struct token_pass *t,
                    struct token_weights weights, float unit, double *metrics)
{
    launch(q, row_blocks(t), BLOCK_THREADS, 0, end_rows, t->tokens(),
           t->words(), weights, unit, t->rows);
    launch(q, 1, 2 * WARP_LANES, 0, add_rows, t->tokens(),
           static_cast<const struct token_row *>(t->rows), metrics);
}
