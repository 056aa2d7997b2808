/*
 * The parts that attention's kernels share. A block has a tile of the rows of a
 * sentence, in one head, and goes through the tiles of the sentence's other
 * side. Rows of a head come to shared memory as floats, at most
 * ATTENTION_COLUMNS columns at a time: inner products add up over parts of
 * wider heads, and each block makes one part of the result.
 *
 * In a product of rows, (targets, sources), a thread has 2 x 2 elements, 16
 * apart, so that 16 lanes have a row. In a product of scores and rows, (rows,
 * columns), a warp has 4 rows, and a lane 4 columns side by side.
 */
#ifndef MEMDIAL_CUDA_ATTENTION_H
#define MEMDIAL_CUDA_ATTENTION_H

#include "kernels/cuda/cuda.h"
#include "kernels/dropout.h"
#include "kernels/sentence_tiles.h"

enum { ATTENTION_ROWS = 32, ATTENTION_COLUMNS = 128, ATTENTION_LANES = 16,
       ATTENTION_GROUPS = ATTENTION_ROWS / DROPOUT_GROUP };

/* Rows are padded, so that lanes that read 16 bytes of each row do not meet in
 * a bank. */
struct alignas(16) attention_rows {
    float at[ATTENTION_ROWS][ATTENTION_COLUMNS + 4];
};

struct alignas(16) attention_scores {
    float at[ATTENTION_ROWS][ATTENTION_ROWS + 4];
};

/* Whether each source of a group is kept by dropout: a bit. */
struct attention_kept {
    uint32_t of[ATTENTION_ROWS][ATTENTION_GROUPS];
};

/* The operands of both operations, and facts about the call. */
template <typename T> struct attention_call {
    const T *q, *k, *v;
    const int32_t *target_ends, *source_ends;
    int sentences, heads, columns;   /* columns of a head */
    float scale;                     /* of scores */
    struct dropping dropping;
    uint64_t seed;
    int first_sentence;
    const struct progress *progress;

    attention_call(struct queue *queue, const struct call *c,
                   const struct operand *q_, const struct operand *k_,
                   const struct operand *v_, const struct operand *targets,
                   const struct operand *sources)
        : q(data_of<T>(q_)), k(data_of<T>(k_)), v(data_of<T>(v_)),
          target_ends(data_of<int32_t>(targets)),
          source_ends(data_of<int32_t>(sources)), sentences(targets->dim[0]),
          heads(c->attr.attention.heads), columns(channels_of(q_) / heads),
          scale(1 / sqrtf((float)columns)),
          dropping(c->attr.attention.dropout), seed(c->batch->seed),
          first_sentence(c->part->first.of[EXTENT_SAMPLES]),
          progress(queue->progress)
    {
    }

    __device__ struct dropout dropout() const
    {
        return dropout_start(seed, progress->step, dropping.stream,
                             dropping.rate);
    }
};

/* A block for each tile of rows, head, and part of its columns. */
static inline dim3 attention_grid(const struct operand *rows,
                                  const struct operand *ends, int heads)
{
    int columns = channels_of(rows) / heads;

    return dim3((unsigned)sentence_slots(rows->dim[0], ends->dim[0],
                                         ATTENTION_ROWS),
                (unsigned)heads,
                (unsigned)((columns + ATTENTION_COLUMNS - 1)
                           / ATTENTION_COLUMNS));
}

static __device__ inline struct sentence_tile
attention_tile(const int32_t *ends, int sentences, int slot)
{
    struct sentence s = sentence_of_slot(ends, sentences, ATTENTION_ROWS,
                                         slot);

    return sentence_tile(s, ATTENTION_ROWS,
                         slot - sentence_slot(ends, s.number,
                                              ATTENTION_ROWS));
}

static __device__ inline int tile_rows(const struct sentence_tile &t)
{
    return t.end - t.begin;
}

/* Part of the columns of a head. */
struct head_part {
    int width;           /* of all heads */
    int first, count;

    template <typename T>
    __device__ head_part(const attention_call<T> &c, int head, int part)
        : width(c.heads * c.columns),
          first(head * c.columns + part * ATTENTION_COLUMNS),
          count(c.columns - part * ATTENTION_COLUMNS)
    {
        if (count > ATTENTION_COLUMNS)
            count = ATTENTION_COLUMNS;
    }
};

template <int W>
static __device__ inline void store_floats(float *to, const float (&v)[W])
{
    if constexpr (W == 1) {
        *to = v[0];
    } else {
#pragma unroll
        for (int i = 0; i < W; i += 4) {
            float four[4] = { v[i], v[i + 1], v[i + 2], v[i + 3] };

            store(to + i, four);
        }
    }
}

/* Loads rows of a tile, with zeros after them, and after the columns as far as
 * these are read in fours. W divides the columns of a head. */
template <int W, typename T>
static __device__ void load_rows(struct attention_rows &to, const T *from,
                                 const struct sentence_tile &t,
                                 const struct head_part &part)
{
    int wide = (part.count + 3) / 4 * 4;

    for (int i = (int)threadIdx.x * W; i < ATTENTION_ROWS * ATTENTION_COLUMNS;
         i += BLOCK_THREADS * W) {
        int row = i / ATTENTION_COLUMNS, column = i % ATTENTION_COLUMNS;
        float v[W] = {};

        if (column >= wide)
            continue;
        if (row < tile_rows(t) && column < part.count)
            load(v, from + (size_t)(t.begin + row) * (size_t)part.width
                        + part.first + column);
        store_floats(&to.at[row][column], v);
    }
}

/* The place of a thread in a product of rows: its elements are in rows
 * row, row + 16 and columns column, column + 16. */
struct inner_place {
    int row, column;

    __device__ inner_place()
        : row((int)threadIdx.x / ATTENTION_LANES),
          column((int)threadIdx.x % ATTENTION_LANES)
    {
    }
};

/* Adds the inner products of rows of a and b over `count` columns. */
static __device__ inline void add_inner(float (&sum)[2][2],
                                        const struct attention_rows &a,
                                        const struct attention_rows &b,
                                        int count)
{
    struct inner_place at;

    for (int k = 0; k < count; k += 4) {
        float x[2][4], y[2][4];

#pragma unroll
        for (int i = 0; i < 2; i++) {
            load(x[i], &a.at[at.row + i * ATTENTION_LANES][k]);
            load(y[i], &b.at[at.column + i * ATTENTION_LANES][k]);
        }
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int j = 0; j < 2; j++)
#pragma unroll
                for (int n = 0; n < 4; n++)
                    sum[i][j] = fmaf(x[i][n], y[j][n], sum[i][j]);
    }
}

/* The inner products of the rows of two tiles in a head. a and b are room for
 * parts of them. */
template <int W, typename T>
static __device__ void multiply_rows(float (&sum)[2][2],
                                     const attention_call<T> &c, int head,
                                     const T *target, const T *source,
                                     const struct sentence_tile &targets,
                                     const struct sentence_tile &sources,
                                     struct attention_rows &a,
                                     struct attention_rows &b)
{
    for (int part = 0; part * ATTENTION_COLUMNS < c.columns; part++) {
        struct head_part columns(c, head, part);

        __syncthreads();
        load_rows<W>(a, target, targets, columns);
        load_rows<W>(b, source, sources, columns);
        __syncthreads();
        add_inner(sum, a, b, columns.count);
    }
}

/* The first of a thread's rows and columns in a product of scores and rows. */
static __device__ inline int outer_row()
{
    return (int)threadIdx.x / WARP_LANES * 4;
}

static __device__ inline int outer_column()
{
    return warp_lane() * 4;
}

/* Adds the product of scores (rows, depth) and rows (depth, columns). */
static __device__ inline void add_outer(float (&sum)[4][4],
                                        const struct attention_scores &a,
                                        const struct attention_rows &b,
                                        int depth)
{
    for (int k = 0; k < depth; k += 4) {
        float x[4][4], y[4][4];

#pragma unroll
        for (int i = 0; i < 4; i++) {
            load(x[i], &a.at[outer_row() + i][k]);
            load(y[i], &b.at[k + i][outer_column()]);
        }
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int n = 0; n < 4; n++)
#pragma unroll
                for (int j = 0; j < 4; j++)
                    sum[i][j] = fmaf(x[i][n], y[n][j], sum[i][j]);
    }
}

/* Stores a thread's part of a product of scores and rows, times `scale`. */
template <typename T>
static __device__ void store_outer(T *to, const struct sentence_tile &t,
                                   const struct head_part &part,
                                   const float (&sum)[4][4], float scale)
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            int row = outer_row() + i, column = outer_column() + j;

            if (row < tile_rows(t) && column < part.count)
                narrow(&to[(size_t)(t.begin + row) * (size_t)part.width
                           + part.first + column], sum[i][j] * scale);
        }
}

/* Draws whether the sources of a tile are kept, for each target. */
template <typename T>
static __device__ void draw_kept(struct attention_kept &kept,
                                 const attention_call<T> &c,
                                 const struct sentence_tile &targets,
                                 const struct sentence_tile &sources, int head)
{
    int row = (int)threadIdx.x / ATTENTION_GROUPS;
    int group = (int)threadIdx.x % ATTENTION_GROUPS;
    int position = targets.begin - targets.sentence.begin + row;
    int source = sources.begin - sources.sentence.begin;
    struct dropout d;
    struct philox draw;
    uint32_t bits = 0;

    if (c.dropping.rate == 0 || row >= ATTENTION_ROWS)
        return;
    d = c.dropout();
    draw = dropout_draw(&d, c.first_sentence + targets.sentence.number,
                        position, source / DROPOUT_GROUP + group, head);
#pragma unroll
    for (int i = 0; i < DROPOUT_GROUP; i++)
        bits |= (uint32_t)(dropout_factor(&d, &draw, i) != 0) << i;
    kept.of[row][group] = bits;
}

/* The factor of dropout, which is `scale` where it is not 0. */
template <typename T>
static __device__ inline float factor_of(const struct attention_kept &kept,
                                         const attention_call<T> &c,
                                         int row, int source, float scale)
{
    if (c.dropping.rate == 0)
        return 1;
    return kept.of[row][source / DROPOUT_GROUP] >> source % DROPOUT_GROUP & 1
               ? scale : 0;
}

#endif
