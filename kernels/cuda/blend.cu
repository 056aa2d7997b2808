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

struct blending {
    struct numbers x, y;
    bool has_x;
    struct scaled_blocks blocks;
    size_t first, end;           /* of the blocks */
    /* Of a member of a pool, whose x is dense: */
    bool member;
    struct pool_index index;
    size_t place, elements, places;
    struct word_stream stream;
    const struct progress *progress;
    float keep, share, kept;
    bool root, by_rate;
};

/* A thread's elements of a group, by their places, and x there: 0 at those of
 * other members. */
static __device__ struct slots gather(const blending &b, size_t group,
                                      float x[BLOCK_SLOTS])
{
    struct slots s;

    for (size_t k = 0; k < BLOCK_SLOTS; k++) {
        size_t place = group * POOL_GROUP + threadIdx.x + k * BLOCK_THREADS;
        bool own = place >= b.place && place < b.place + b.elements;
        struct pool_piece piece = { 0, 0 };

        x[k] = 0;
        s.at[k] = NOWHERE;
        if (place < b.places)
            piece = pool_piece(&b.index, place, 1);
        if (!piece.mask)
            continue;
        s.at[k] = piece.first;
        if (own)
            x[k] = float_load(b.x.data, place - b.place, b.x.dtype);
    }
    return s;
}

static __device__ struct slots load_x(const blending &b, size_t block,
                                      float x[BLOCK_SLOTS])
{
    struct slots s;

    if (b.member)
        return gather(b, block, x);
    s = slots_of(b.blocks, block);
    for (int k = 0; k < BLOCK_SLOTS; k++)
        x[k] = b.has_x && s.at[k] != NOWHERE ? b.x.load(s.at[k], block) : 0;
    return s;
}

static __device__ float blended(const blending &b, float share, float x,
                                float y)
{
    if (b.root)
        return sqrtf(fmaf(b.keep * y, y, share * x * x));
    return fmaf(b.keep, y, share * x);
}

static __device__ void blend_block(const blending &b, size_t block,
                                   float share)
{
    float x[BLOCK_SLOTS], y[BLOCK_SLOTS];
    uint32_t random[BLOCK_SLOTS];
    struct slots s = load_x(b, block, x);
    bool empty = magnitude_most(s, x) == 0;

    if (empty && b.kept == 1)
        return;
    if (empty && b.y.scaled()) {
        if (threadIdx.x == 0)
            b.y.scale[block] *= b.kept;
        return;
    }
    for (int k = 0; k < BLOCK_SLOTS; k++) {
        y[k] = s.at[k] == NOWHERE ? 0 : b.y.load(s.at[k], block);
        y[k] = empty ? b.kept * y[k] : blended(b, share, x[k], y[k]);
    }
    b.stream.words(s, random);
    store_block(b.y, block, s, y, random);
}

static __global__ void blend_kernel(blending b)
{
    wait_for_earlier();

    float share = b.by_rate ? b.share * b.progress->learning_rate : b.share;

    for (size_t i = b.first + blockIdx.x; i < b.end; i += gridDim.x)
        blend_block(b, i, share);
}

/* The groups that a member has places in. */
static void of_member(blending *b, const struct operand *y)
{
    const struct pool_member *m = &y->pool->member[y->member];

    b->member = true;
    b->index = pool_index_of(y->pool, y->index);
    b->place = pool_member_place(m);
    b->elements = m->elements;
    b->places = y->pool->words * POOL_WORD;
    b->first = b->place / POOL_GROUP;
    b->end = (b->place + m->elements - 1) / POOL_GROUP + 1;
}

void cuda_blend(struct queue *q, const struct call *c)
{
    const struct operand *x = &c->operand[BLEND_X], *y = &c->operand[BLEND_Y];
    const struct blend *by = &c->attr.blend;
    blending b = {};

    b.has_x = operand_given(x);
    b.x = numbers(x);
    b.y = numbers(y);
    b.blocks = scaled_blocks_of(x->pool ? x : y);
    b.end = b.blocks.count;
    if (y->pool && y->member != POOL_ALL)
        of_member(&b, y);
    b.stream = { c->batch->seed, q->progress, by->stream,
                 by->of_part
                     ? 1 + (uint32_t)c->part->first.of[EXTENT_SAMPLES] : 0 };
    b.progress = q->progress;
    b.keep = by->keep;
    b.share = by->share;
    b.kept = by->root ? sqrtf(by->keep) : by->keep;
    b.root = by->root;
    b.by_rate = by->by_rate;
    launch(q, grid_for(b.end - b.first), BLOCK_THREADS, sizeof(word_room),
           blend_kernel, b);
}
