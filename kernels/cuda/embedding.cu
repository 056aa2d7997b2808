/*
 * embedding: each token's row of a table.
 *   in tokens (T) int32, w (V, C)
 *   out y (T, C)
 */
#include "kernels/cuda/cuda.h"

/* n: elements of y; W divides C. */
template <typename T, int W>
static __global__ void embedding(size_t n, int channels,
                                 const int32_t *tokens, const T *w, T *y)
{
    for (size_t i = thread_index() * W; i < n; i += grid_threads() * W) {
        size_t row = i / (size_t)channels, column = i % (size_t)channels;
        float v[W];

        load(v, w + (size_t)tokens[row] * (size_t)channels + column);
        store(y + i, v);
    }
}

void cuda_embedding(struct queue *q, const struct call *c)
{
    const struct operand *w = &c->operand[EMBEDDING_W];
    const struct operand *y = &c->operand[EMBEDDING_Y];
    const int32_t *tokens = data_of<int32_t>(&c->operand[EMBEDDING_TOKENS]);
    size_t n = operand_elements(y);
    int channels = channels_of(w);

    with_number(w->dtype, [&](auto number) {
        using T = decltype(number);

        with_width<T>(channels, [&](auto width) {
            constexpr int W = decltype(width)::value;

            launch(q, blocks_for(n / W), BLOCK_THREADS, 0, embedding<T, W>, n,
                   channels, tokens, data_of<T>(w), data_of<T>(y));
        });
    });
}
