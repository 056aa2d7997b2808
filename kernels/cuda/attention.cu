/*
 * attention: each target row attends to the source rows of its sentence, in
 * each of H heads, which have C / H columns each.
 *   in q (T, C), k (S, C), v (S, C), target_ends (N) int32, source_ends (N)
 *      int32
 *   out lse (T, H) float, or empty: log of the sum of exp(scores); y (T, C)
 *
 *   scores = q k / sqrt(C / H), of a head's columns
 *   y = sum over sources of softmax(scores) * dropout * v
 *
 * Probabilities are not kept (FlashAttention, Dao, Fu, Ermon, Rudra and Ré
 * 2022). A tile of targets goes through the tiles of sources, with the maximum
 * of the scores so far, and sums of exp(score - maximum), which shrink when the
 * maximum rises.
 */
#include "kernels/cuda/attention.h"

struct attention_shared {
    struct attention_rows a, b;
    struct attention_scores p;
    struct attention_kept kept;
    float keep[ATTENTION_ROWS];  /* the factor of earlier sums */
};

/* The largest x, or the sum, of the lanes that have a row of scores. */
static __device__ inline float row_max(float x)
{
    for (int mask = ATTENTION_LANES / 2; mask > 0; mask /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xFFFFFFFF, x, mask));
    return x;
}

static __device__ inline float row_sum(float x)
{
    for (int mask = ATTENTION_LANES / 2; mask > 0; mask /= 2)
        x += __shfl_xor_sync(0xFFFFFFFF, x, mask);
    return x;
}

/* The maximum and the sum of a row of scores so far. */
struct row_softmax {
    float max = -INFINITY, sum = 0;

    /* Turns two scores into exp(score - maximum); returns the factor of earlier
     * sums. */
    __device__ float add(float (&score)[2])
    {
        float more = fmaxf(max, row_max(fmaxf(score[0], score[1])));
        float keep = expf(max - more);

        score[0] = expf(score[0] - more);
        score[1] = expf(score[1] - more);
        sum = fmaf(sum, keep, row_sum(score[0] + score[1]));
        max = more;
        return keep;
    }
};

/* Writes the weights of values to shared memory. */
template <typename T>
static __device__ void write_weights(struct attention_shared &s,
                                     const attention_call<T> &c,
                                     float (&sum)[2][2],
                                     struct row_softmax (&softmax)[2],
                                     int sources, float scale)
{
    struct inner_place at;

    for (int i = 0; i < 2; i++) {
        int row = at.row + i * ATTENTION_LANES;
        float keep;

        for (int j = 0; j < 2; j++)
            sum[i][j] = at.column + j * ATTENTION_LANES < sources
                            ? sum[i][j] * c.scale : -INFINITY;
        keep = softmax[i].add(sum[i]);
        for (int j = 0; j < 2; j++) {
            int column = at.column + j * ATTENTION_LANES;

            s.p.at[row][column] = sum[i][j] * factor_of(s.kept, c, row, column,
                                                        scale);
        }
        if (at.column == 0)
            s.keep[row] = keep;
    }
}

/* Multiplies a thread's rows of the result by `keep`. */
static __device__ inline void scale_rows(float (&sum)[4][4],
                                         const struct attention_shared &s)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
            sum[i][j] *= s.keep[outer_row() + i];
}

/* lse may be NULL. */
template <typename T, int W>
static __global__ void __launch_bounds__(BLOCK_THREADS, 2)
attention(attention_call<T> c, float *lse, T *y)
{
    wait_for_earlier();

    struct attention_shared &s = shared<struct attention_shared>();
    struct sentence_tile targets = attention_tile(
        c.target_ends, c.sentences, (int)blockIdx.x);
    struct sentence source = sentence_at(c.source_ends,
                                         targets.sentence.number);
    int head = (int)blockIdx.y;
    struct head_part part(c, head, (int)blockIdx.z);
    float dropout_scale = c.dropping.rate == 0 ? 1 : c.dropout().scale;
    struct row_softmax softmax[2];
    struct inner_place at;
    float out[4][4] = {};

    if (tile_rows(targets) == 0)
        return;
    for (int i = 0; i < sentence_tiles(source, ATTENTION_ROWS); i++) {
        struct sentence_tile sources = sentence_tile(source, ATTENTION_ROWS,
                                                     i);
        float sum[2][2] = {};

        draw_kept(s.kept, c, targets, sources, head);
        multiply_rows<W>(sum, c, head, c.q, c.k, targets, sources, s.a, s.b);
        write_weights(s, c, sum, softmax, tile_rows(sources), dropout_scale);
        __syncthreads();
        load_rows<W>(s.b, c.v, sources, part);
        __syncthreads();
        scale_rows(out, s);
        add_outer(out, s.p, s.b, tile_rows(sources));
    }
    __syncthreads();
    for (int i = 0; i < 2; i++) {
        int row = at.row + i * ATTENTION_LANES;

        if (at.column > 0)
            continue;
        s.keep[row] = 1 / softmax[i].sum;
        if (lse && blockIdx.z == 0 && row < tile_rows(targets))
            lse[(size_t)(targets.begin + row) * (size_t)c.heads + head]
                = softmax[i].max + logf(softmax[i].sum);
    }
    __syncthreads();
    scale_rows(out, s);
    store_outer(y, targets, part, out, 1);
}

void cuda_attention(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    const struct operand *targets = &o[ATTENTION_TARGET_ENDS];
    int heads = c->attr.attention.heads;

    with_number(o[ATTENTION_Q].dtype, [&](auto number) {
        using T = decltype(number);
        attention_call<T> call(q, c, &o[ATTENTION_Q], &o[ATTENTION_K],
                               &o[ATTENTION_V], targets,
                               &o[ATTENTION_SOURCE_ENDS]);

        with_width<T>(call.columns, [&](auto width) {
            constexpr int W = decltype(width)::value;

            launch(q, attention_grid(&o[ATTENTION_Q], targets, heads),
                   BLOCK_THREADS, sizeof(struct attention_shared),
                   attention<T, W>, call,
                   data_if_given<float>(&o[ATTENTION_LSE]),
                   data_of<T>(&o[ATTENTION_Y]));
        });
    });
}
