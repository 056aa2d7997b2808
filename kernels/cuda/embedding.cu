/*
 * embedding: each token's row of a table, times a scale. Where the ends of
 * sentences are given, the sinusoidal embedding of the token's position in its
 * sentence is added (sinusoid.h), and C is even. Where a position is given, all
 * tokens have it.
 *   in tokens (T) int32, w (V, C), ends (sentences) int32 or empty, position
 *   (1) int32 or empty
 *   out y (T, C)
 */
#include "kernels/cuda/cuda.h"
#include "kernels/sentences.h"
#include "kernels/sinusoid.h"

/* n: elements of y; W divides C. */
template <typename T, int W>
static __global__ void embedding(size_t n, int channels, float scale,
                                 const int32_t *tokens, const T *w, T *y)
{
    wait_for_earlier();

    for (size_t i = thread_index() * W; i < n; i += grid_threads() * W) {
        size_t row = i / (size_t)channels, column = i % (size_t)channels;
        float v[W];

        load(v, w + (size_t)tokens[row] * (size_t)channels + column);
#pragma unroll
        for (int k = 0; k < W; k++)
            v[k] *= scale;
        store(y + i, v);
    }
}

/* Rows that a thread places, so that it makes its frequencies once. */
enum { PLACED_ROWS = 4 };

/* Writes scale * w plus the sines or cosines of W columns. */
template <typename T, int W>
static __device__ void place(const T *w, float scale, const float (&wave)[W],
                             T *y)
{
    float v[W];

    load(v, w);
#pragma unroll
    for (int k = 0; k < W; k++)
        v[k] = fmaf(scale, v[k], wave[k]);
    store(y, v);
}

/* Two times W columns of a row, half a row apart. */
template <typename T, int W>
static __device__ void place_row(const double (&step)[W], int position,
                                 int half, const T *w, float scale, T *y)
{
    double row = position + SINUSOID_FIRST;
    float sine[W], cosine[W];

#pragma unroll
    for (int k = 0; k < W; k++) {
        struct sinusoid s = sinusoid_at(row * step[k]);

        sine[k] = s.sine;
        cosine[k] = s.cosine;
    }
    place(w, scale, sine, y);
    place(w + half, scale, cosine, y + half);
}

/* Positions of rows: all of one, or in sentences. */
struct positions {
    const int32_t *all;  /* or NULL */
    const int32_t *ends;
    int sentences;
};

static __device__ int position_of(const positions &p, int row)
{
    return p.all ? *p.all
                 : row - sentence_of_row(p.ends, p.sentences, row).begin;
}

/* One thread for W columns and those half a row further on, of some rows; W
 * divides half of C. */
template <typename T, int W>
static __global__ void embedding_placed(int rows, int half, float scale,
                                        const int32_t *tokens, const T *w,
                                        positions places, T *y)
{
    wait_for_earlier();

    int across = half / W, items = (rows + PLACED_ROWS - 1) / PLACED_ROWS;
    size_t channels = 2 * (size_t)half;

    for (size_t i = thread_index(); i < (size_t)items * (size_t)across;
         i += grid_threads()) {
        int first = (int)(i / (size_t)across) * PLACED_ROWS;
        int column = (int)(i % (size_t)across) * W;
        double step[W];

#pragma unroll
        for (int k = 0; k < W; k++)
            step[k] = sinusoid_step(column + k, half);
        for (int t = first; t < rows && t < first + PLACED_ROWS; t++)
            place_row(step, position_of(places, t), half,
                      w + (size_t)tokens[t] * channels + column, scale,
                      y + (size_t)t * channels + column);
    }
}

template <typename T>
static void launch_placed(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *ends = &o[EMBEDDING_ENDS];
    int rows = o[EMBEDDING_Y].dim[0];
    int half = channels_of(&o[EMBEDDING_Y]) / 2;
    positions places = { data_if_given<int32_t>(&o[EMBEDDING_POSITION]),
                         data_if_given<int32_t>(ends), ends->dim[0] };

    with_width<T>(half, [&](auto width) {
        constexpr int W = decltype(width)::value;
        size_t items = tiles_of((size_t)rows, PLACED_ROWS) * (size_t)half / W;

        launch(q, blocks_for(items), BLOCK_THREADS, 0, embedding_placed<T, W>,
               rows, half, c->attr.embedding.scale,
               data_of<int32_t>(&o[EMBEDDING_TOKENS]),
               data_of<T>(&o[EMBEDDING_W]), places,
               data_of<T>(&o[EMBEDDING_Y]));
    });
}

template <typename T>
static void launch_scaled(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *y = &o[EMBEDDING_Y];
    size_t n = operand_elements(y);
    int channels = channels_of(y);

    with_width<T>(channels, [&](auto width) {
        constexpr int W = decltype(width)::value;

        launch(q, blocks_for(n / W), BLOCK_THREADS, 0, embedding<T, W>, n,
               channels, c->attr.embedding.scale,
               data_of<int32_t>(&o[EMBEDDING_TOKENS]),
               data_of<T>(&o[EMBEDDING_W]), data_of<T>(y));
    });
}

void cuda_embedding(struct queue *q, const struct call *c)
{
    with_number(c->operand[EMBEDDING_W].dtype, [&](auto number) {
        using T = decltype(number);

        if (operand_given(&c->operand[EMBEDDING_ENDS])
            || operand_given(&c->operand[EMBEDDING_POSITION]))
            launch_placed<T>(q, c);
        else
            launch_scaled<T>(q, c);
    });
}
