/*
 * dropout: y = x * factor + add. The factor of an element is 0 if it is
 * dropped, else 1 / (1 - rate).
 *   in x (T, C), ends (sentences) int32, add (T, C) or empty
 *   out y (T, C), may take over x or add
 *
 * Where the rate is 0 no random numbers are drawn, and ends may be empty. With
 * the gradient of y for x this is the gradient of x. A thread has the elements
 * of a row that share a draw.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/dropout.h"
#include "kernels/sentences.h"

/* The constants of a launch. */
struct dropping_rows {
    size_t rows;
    int channels;
    const int32_t *ends;
    int sentences;
    int first;                   /* sentence, in the batch */
    const struct progress *progress;
    uint64_t seed;
    struct dropping rule;
};

static __device__ inline void draw_factors(const dropping_rows &r, int row,
                                           int group,
                                           float (&factor)[DROPOUT_GROUP])
{
    struct dropout d = dropout_start(r.seed, r.progress->step, r.rule.stream,
                                     r.rule.rate);
    struct sentence s = sentence_of_row(r.ends, r.sentences, row);
    struct philox draw = dropout_draw(&d, r.first + s.number, row - s.begin,
                                      group, 0);

#pragma unroll
    for (int i = 0; i < DROPOUT_GROUP; i++)
        factor[i] = dropout_factor(&d, &draw, i);
}

/* W divides the channels, and DROPOUT_GROUP; add may be NULL. */
template <typename T, int W>
static __global__ void dropout_groups(dropping_rows r, const T *x,
                                      const T *add, T *y)
{
    wait_for_earlier();

    size_t channels = (size_t)r.channels;
    size_t across = (channels + DROPOUT_GROUP - 1) / DROPOUT_GROUP;

    for (size_t i = thread_index(); i < r.rows * across;
         i += grid_threads()) {
        size_t row = i / across, column = i % across * DROPOUT_GROUP;
        float factor[DROPOUT_GROUP] = { 1, 1, 1, 1, 1, 1, 1, 1 };

        if (r.rule.rate > 0)
            draw_factors(r, (int)row, (int)(i % across), factor);
#pragma unroll
        for (int k = 0; k < DROPOUT_GROUP; k += W) {
            size_t at = row * channels + column + (size_t)k;
            float v[W], sum[W] = {};

            if (column + (size_t)k >= channels)
                break;
            load(v, x + at);
            if (add)
                load(sum, add + at);
#pragma unroll
            for (int j = 0; j < W; j++)
                sum[j] = fmaf(v[j], factor[k + j], sum[j]);
            store(y + at, sum);
        }
    }
}

void cuda_dropout(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *x = &o[DROPOUT_X];
    const struct operand *ends = &o[DROPOUT_ENDS];
    dropping_rows r = {};

    r.rows = operand_rows(x);
    r.channels = channels_of(x);
    r.ends = data_if_given<int32_t>(ends);
    r.sentences = ends->dim[0];
    r.first = c->part->first.of[EXTENT_SAMPLES];
    r.progress = q->progress;
    r.seed = c->batch->seed;
    r.rule = c->attr.dropout;
    with_number(x->dtype, [&](auto number) {
        using T = decltype(number);

        with_width<T>(r.channels, [&](auto width) {
            constexpr int W = decltype(width)::value;
            size_t across = tiles_of((size_t)r.channels, DROPOUT_GROUP);

            launch(q, blocks_for(r.rows * across), BLOCK_THREADS, 0,
                   dropout_groups<T, W>, r, data_of<T>(x),
                   data_if_given<T>(&o[DROPOUT_ADD]),
                   data_of<T>(&o[DROPOUT_Y]));
        });
    });
}
