/*
 * blend: y = keep * y + share * x; or, of roots of means of squares,
 * y = sqrt(keep * y^2 + share * x^2) (kernels/cpu/blend.c).
 *   in x, of y's shape; empty: 0
 *   update y; a weight, or a moment of any type
 *
 * y may be of a pool: the nonzeros of a dense x's shape are blended, or those
 * of all members, if x is of all too.
 *
 * A y of 16 or 8 bits is rounded by the same random numbers on every backend. A
 * block of y that keeps all and gets nothing stays as it is; one in 8 bits that
 * gets nothing changes its scale alone.
 */
#include "kernels/cuda/scaled.h"

enum { X, Y };

/* The arguments that all tensors share. */
struct blend_shared {
    const struct progress *progress;
    uint64_t seed;
    uint32_t part;               /* of word_stream */
    float keep, share, kept;     /* kept: of a y that gets nothing */
    bool root, by_rate;
};

/* A member of a pool, whose x is dense. */
struct blend_member {
    struct pool_index index;
    size_t place, elements, places;
    size_t first;                /* of the groups that it has places in */
};

/* A thread's elements of a group, by their places, and x there: 0 at those of
 * other members. */
static __device__ struct slots gather(const table_row &r,
                                      const blend_member &m, size_t group,
                                      float x[BLOCK_SLOTS])
{
    struct slots s;

    for (size_t k = 0; k < BLOCK_SLOTS; k++) {
        size_t place = group * POOL_GROUP + threadIdx.x + k * BLOCK_THREADS;
        bool own = place >= m.place && place < m.place + m.elements;
        struct pool_piece piece = { 0, 0 };

        x[k] = 0;
        s.at[k] = NOWHERE;
        if (place < m.places)
            piece = pool_piece(&m.index, place, 1);
        if (!piece.mask)
            continue;
        s.at[k] = piece.first;
        if (own)
            x[k] = float_load(r.tensor[X].data, place - m.place,
                              r.tensor[X].dtype);
    }
    return s;
}

static __device__ float blended(const blend_shared &b, float share, float x,
                                float y)
{
    if (b.root)
        return sqrtf(fmaf(b.keep * y, y, share * x * x));
    return fmaf(b.keep, y, share * x);
}

/* Blends a block, whose elements and x a thread has. */
static __device__ void blend_block(const blend_shared &b, const table_row &r,
                                   size_t block, const struct slots &s,
                                   const float x[BLOCK_SLOTS])
{
    struct word_stream stream = { b.seed, b.progress, r.stream, b.part };
    float share = b.by_rate ? b.share * b.progress->learning_rate : b.share;
    struct numbers to(r, Y);
    word_room &room = shared<word_room>();
    bool empty = magnitude_most(room, s, x) == 0;
    float y[BLOCK_SLOTS];
    uint32_t random[BLOCK_SLOTS];

    if (empty && b.kept == 1)
        return;
    if (empty && to.scaled()) {
        if (threadIdx.x == 0)
            to.scale[block] *= b.kept;
        return;
    }
    for (int k = 0; k < BLOCK_SLOTS; k++) {
        y[k] = s.at[k] == NOWHERE ? 0 : to.load(s.at[k], block);
        y[k] = empty ? b.kept * y[k] : blended(b, share, x[k], y[k]);
    }
    stream.words(s, random);
    store_block(room, to, block, s, y, random);
}

static __global__ void blend_rows(const __grid_constant__ table t,
                                  blend_shared b)
{
    wait_for_earlier();

    const table_row &r = table_find(t);
    size_t block = blockIdx.x - r.first;
    struct slots s = slots_of(row_blocks_of(r), block);
    float x[BLOCK_SLOTS] = {};

    for (int k = 0; r.tensor[X].data && k < BLOCK_SLOTS; k++)
        if (s.at[k] != NOWHERE)
            x[k] = numbers(r, X).load(s.at[k], block);
    blend_block(b, r, block, s, x);
}

static __global__ void blend_groups(table_row r, blend_shared b,
                                    blend_member m)
{
    wait_for_earlier();

    size_t group = m.first + blockIdx.x;
    float x[BLOCK_SLOTS];
    struct slots s = gather(r, m, group, x);

    blend_block(b, r, group, s, x);
}

static void blend_all(struct queue *q, const struct gathering *g)
{
    launch(q, g->table.blocks, BLOCK_THREADS, sizeof(word_room), blend_rows,
           g->table, table_shared<blend_shared>(g));
}

/* Members share groups, and so take turns. */
static void blend_of_member(struct queue *q, const struct operand *y,
                            const blend_shared &shared, const table_row &row)
{
    const struct pool_member *own = &y->pool->member[y->member];
    blend_member m = { pool_index_of(y->pool, y->index),
                       pool_member_place(own), own->elements,
                       y->pool->words * POOL_WORD, 0 };
    size_t end = (m.place + m.elements - 1) / POOL_GROUP + 1;

    m.first = m.place / POOL_GROUP;
    table_flush(q);
    launch(q, (unsigned)(end - m.first), BLOCK_THREADS, sizeof(word_room),
           blend_groups, row, shared, m);
}

void cuda_blend(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[BLEND_X], *y = &c->operand[BLEND_Y];
    const struct blend *by = &c->attr.blend;
    struct blend_shared shared;
    struct table_row row = {};

    memset(&shared, 0, sizeof(shared));
    shared.progress = q->progress;
    shared.seed = c->batch->seed;
    shared.part = by->of_part
                      ? 1 + (uint32_t)c->part->first.of[EXTENT_SAMPLES] : 0;
    shared.keep = by->keep;
    shared.share = by->share;
    shared.kept = by->root ? sqrtf(by->keep) : by->keep;
    shared.root = by->root;
    shared.by_rate = by->by_rate;
    row.tensor[X] = table_tensor(x);
    row.tensor[Y] = table_tensor(y);
    row.read = Y;
    row.stream = by->stream;
    row_of_blocks(&row, x->pool ? x : y);
    if (y->pool && y->member != POOL_ALL)
        blend_of_member(q, y, shared, row);
    else
        table_gather(q, blend_all, shared, row, 1);
}
