/*
 * attention_grad: the gradients of attention's q, k and v. Probabilities are
 * made again from the scores and their saved log-sum-exp.
 *   in dy (T, C), q (T, C), k (S, C), v (S, C), y (T, C), lse (T, H) float,
 *      target_ends (N) int32, source_ends (N) int32
 *   out dq (T, C), dk (S, C), dv (S, C)
 *
 *   p = exp(scores - lse), d = p * dropout
 *   dv = d dy, over targets
 *   ds = d * (dy v) - p * (dy y), in which dy v and dy y are inner products
 *   dq = ds k / sqrt(C / H), over sources
 *   dk = ds q / sqrt(C / H), over targets
 *
 * The blocks of one kernel have a tile of sources and go through the tiles of
 * targets, those of another a tile of targets, so that each sum is made by one
 * block, in order.
 *
 * scratch: dy y, (T, H) floats.
 */
#include "kernels/cuda/attention.h"

/* The operands of the gradients alone. */
template <typename T> struct gradient_call {
    const T *dy, *y;
    const float *lse;
    float *delta;        /* dy y */
    T *dq, *dk, *dv;
};

struct gradient_shared {
    struct attention_rows a, b;
    struct attention_scores d, ds;
    struct attention_kept kept;
};

/* One warp for a row and head. */
template <typename T>
static __global__ void write_delta(size_t n, int columns,
                                   struct gradient_call<T> g)
{
    wait_for_earlier();

    size_t i = warp_index();
    float sum = 0;

    if (i >= n)
        return;
    for (int k = warp_lane(); k < columns; k += WARP_LANES) {
        size_t at = i * (size_t)columns + (size_t)k;

        sum = fmaf(widen(g.dy[at]), widen(g.y[at]), sum);
    }
    sum = warp_sum(sum);
    if (warp_lane() == 0)
        g.delta[i] = sum;
}

/* Writes d and ds of a pair of tiles to shared memory, (sources, targets) if
 * TURNED, with zeros for rows that do not exist. */
template <bool TURNED, int W, typename T>
static __device__ void derive(struct gradient_shared &s,
                             const attention_call<T> &c,
                             const gradient_call<T> &g, int head,
                             const struct sentence_tile &targets,
                             const struct sentence_tile &sources,
                             float dropout_scale)
{
    struct inner_place at;
    float score[2][2] = {}, value[2][2] = {};

    draw_kept(s.kept, c, targets, sources, head);
    multiply_rows<W>(score, c, head, c.q, c.k, targets, sources, s.a, s.b);
    multiply_rows<W>(value, c, head, g.dy, c.v, targets, sources, s.a, s.b);
    for (int i = 0; i < 2; i++) {
        int row = at.row + i * ATTENTION_LANES;
        size_t of_row = (size_t)(targets.begin + row) * (size_t)c.heads
                        + (size_t)head;
        bool exists = row < tile_rows(targets);
        float lse = exists ? g.lse[of_row] : 0;
        float delta = exists ? g.delta[of_row] : 0;

        for (int j = 0; j < 2; j++) {
            int column = at.column + j * ATTENTION_LANES;
            bool both = exists && column < tile_rows(sources);
            float p = both ? expf(fmaf(score[i][j], c.scale, -lse)) : 0;
            float d = p * factor_of(s.kept, c, row, column, dropout_scale);
            int r = TURNED ? column : row, k = TURNED ? row : column;

            s.d.at[r][k] = d;
            s.ds.at[r][k] = fmaf(d, value[i][j], -p * delta);
        }
    }
    __syncthreads();
}

template <typename T, int W>
static __global__ void __launch_bounds__(BLOCK_THREADS, 2)
write_keys(attention_call<T> c, gradient_call<T> g)
{
    wait_for_earlier();

    struct gradient_shared &s = shared<struct gradient_shared>();
    struct sentence_tile sources = attention_tile(
        c.source_ends, c.sentences, (int)blockIdx.x);
    struct sentence target = sentence_at(c.target_ends,
                                         sources.sentence.number);
    int head = (int)blockIdx.y;
    struct head_part part(c, head, (int)blockIdx.z);
    float dropout_scale = c.dropping.rate == 0 ? 1 : c.dropout().scale;
    float dk[4][4] = {}, dv[4][4] = {};

    if (tile_rows(sources) == 0)
        return;
    for (int i = 0; i < sentence_tiles(target, ATTENTION_ROWS); i++) {
        struct sentence_tile targets = sentence_tile(target, ATTENTION_ROWS,
                                                     i);

        derive<true, W>(s, c, g, head, targets, sources, dropout_scale);
        load_rows<W>(s.a, g.dy, targets, part);
        load_rows<W>(s.b, c.q, targets, part);
        __syncthreads();
        add_outer(dv, s.d, s.a, tile_rows(targets));
        add_outer(dk, s.ds, s.b, tile_rows(targets));
    }
    store_outer(g.dk, sources, part, dk, c.scale);
    store_outer(g.dv, sources, part, dv, 1);
}

template <typename T, int W>
static __global__ void __launch_bounds__(BLOCK_THREADS, 2)
write_queries(attention_call<T> c, gradient_call<T> g)
{
    wait_for_earlier();

    struct gradient_shared &s = shared<struct gradient_shared>();
    struct sentence_tile targets = attention_tile(
        c.target_ends, c.sentences, (int)blockIdx.x);
    struct sentence source = sentence_at(c.source_ends,
                                         targets.sentence.number);
    int head = (int)blockIdx.y;
    struct head_part part(c, head, (int)blockIdx.z);
    float dropout_scale = c.dropping.rate == 0 ? 1 : c.dropout().scale;
    float dq[4][4] = {};

    if (tile_rows(targets) == 0)
        return;
    for (int i = 0; i < sentence_tiles(source, ATTENTION_ROWS); i++) {
        struct sentence_tile sources = sentence_tile(source, ATTENTION_ROWS,
                                                     i);

        derive<false, W>(s, c, g, head, targets, sources, dropout_scale);
        load_rows<W>(s.b, c.k, sources, part);
        __syncthreads();
        add_outer(dq, s.ds, s.b, tile_rows(sources));
    }
    store_outer(g.dq, targets, part, dq, c.scale);
}

template <typename T>
static void launch_gradients(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand, *lse = &o[ATTENTION_GRAD_LSE];
    const struct operand *targets = &o[ATTENTION_GRAD_TARGET_ENDS];
    const struct operand *sources = &o[ATTENTION_GRAD_SOURCE_ENDS];
    size_t bytes = sizeof(struct gradient_shared), n = operand_elements(lse);
    attention_call<T> call(q, c, &o[ATTENTION_GRAD_Q], &o[ATTENTION_GRAD_K],
                           &o[ATTENTION_GRAD_V], targets, sources);
    gradient_call<T> g = {
        data_of<T>(&o[ATTENTION_GRAD_DY]), data_of<T>(&o[ATTENTION_GRAD_Y]),
        data_of<float>(lse), static_cast<float *>(c->scratch),
        data_of<T>(&o[ATTENTION_GRAD_DQ]), data_of<T>(&o[ATTENTION_GRAD_DK]),
        data_of<T>(&o[ATTENTION_GRAD_DV])
    };

    launch(q, (unsigned)((n + BLOCK_WARPS - 1) / BLOCK_WARPS), BLOCK_THREADS,
           0, write_delta<T>, n, call.columns, g);
    with_width<T>(call.columns, [&](auto width) {
        constexpr int W = decltype(width)::value;

        launch(q, attention_grid(&o[ATTENTION_GRAD_K], sources, call.heads),
               BLOCK_THREADS, bytes, write_keys<T, W>, call, g);
        launch(q, attention_grid(&o[ATTENTION_GRAD_Q], targets, call.heads),
               BLOCK_THREADS, bytes, write_queries<T, W>, call, g);
    });
}

void cuda_attention_grad(struct queue *q, const struct call *c)
{
    with_number(c->operand[ATTENTION_GRAD_Q].dtype, [&](auto number) {
        launch_gradients<decltype(number)>(q, c);
    });
}
