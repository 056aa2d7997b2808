/*
 * blend: y = keep * y + share * x; or, of roots of means of squares,
 * y = sqrt(keep * y^2 + share * x^2). Moments decay, take gradients and move
 * weights by it.
 *   in x, of y's shape; empty: 0
 *   update y; a weight, or a moment of any type
 *
 * y may be of a pool: the nonzeros of a dense x's shape are blended, or those
 * of all members, if x is of all too.
 *
 * A y of 16 or 8 bits is rounded stochastically, by random numbers that are a
 * function of the seed, the step, the part, the stream and the element. A block
 * of y that keeps all and gets nothing stays as it is; one in 8 bits that gets
 * nothing changes its scale alone.
 */
#include <math.h>

#include "kernels/cpu/sparse.h"
#include "kernels/cpu/update.h"

struct blending {
    struct operand x, y; /* flat, but for an x that is gathered */
    struct scaled_blocks blocks;
    struct update_stream stream;
    bool root;
    float keep, share;
};

/* Elements [begin, end) of a member, which are those of a group, or of the end
 * of one. */
static struct range group_of(const struct blending *b, size_t group)
{
    const struct pool_member *m = &b->y.pool->member[b->y.member];
    size_t from = pool_member_place(m), at = group * POOL_GROUP;
    size_t begin = at > from ? at - from : 0;

    return (struct range){ begin,
                           size_min(m->elements, at + POOL_GROUP - from) };
}

/* x at the nonzeros of a group; zeros at those of other members. */
static const float *gather(const struct blending *b, struct update_block block,
                           float to[UPDATE_FLOATS])
{
    float room[UPDATE_FLOATS];
    struct range r = group_of(b, block.number);
    const float *x = stage_floats(&b->x, r.begin, r.end - r.begin, room);

    memset(to, 0, block.count * sizeof(*to));
    for (size_t i = r.begin; i < r.end; i += SPARSE_PIECE) {
        size_t n = size_min(r.end - i, SPARSE_PIECE);
        struct pool_piece piece = sparse_piece(&b->y, i, n);
        float *next = to + (piece.first - block.begin);

        SPARSE_EACH(piece, k, next)
            *next = x[i - r.begin + k];
    }
    return to;
}

/* x, or NULL if it is 0. */
static const float *load_x(const struct blending *b, struct update_block block,
                           float room[UPDATE_FLOATS])
{
    const float *x;

    if (!operand_given(&b->x))
        return NULL;
    x = b->y.pool && b->y.member != POOL_ALL
            ? gather(b, block, room) : update_load(&b->x, block, room);
    return update_most(x, block.count) ? x : NULL;
}

static void blend_sum(const struct blending *b, const float *x, float *y,
                      size_t n)
{
    float keep = b->keep, share = b->share;

#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = keep * y[i] + share * x[i];
}

static void blend_root(const struct blending *b, const float *x, float *y,
                       size_t n)
{
    float keep = b->keep, share = b->share;

#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = sqrtf(keep * y[i] * y[i] + share * x[i] * x[i]);
}

static void fade(float *y, float factor, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] *= factor;
}

static void store_blended(const struct blending *b, struct update_block block,
                    const float *y)
{
    uint32_t drawn[UPDATE_WORDS];
    const uint32_t *words = drawn;

    if (update_rounds(&b->y))
        words = update_random(b->stream, block, drawn);
    update_store(&b->y, block, y, words, 0);
}

static void blend_block(const struct blending *b, struct update_block block)
{
    float room[2][UPDATE_FLOATS];
    const float *x = load_x(b, block, room[0]);
    float *y, kept = b->root ? sqrtf(b->keep) : b->keep;

    if (!x && kept == 1)
        return;
    if (!x && dtype_is_scaled(b->y.dtype)) {
        *update_scale(&b->y, block) *= kept;
        return;
    }
    y = update_load(&b->y, block, room[1]);
    if (!x)
        fade(y, kept, block.count);
    else if (b->root)
        blend_root(b, x, y, block.count);
    else
        blend_sum(b, x, y, block.count);
    store_blended(b, block, y);
}

static struct update_stream blend_stream(const struct call *c)
{
    struct update_stream s = update_stream(c, c->attr.blend.stream);

    if (c->attr.blend.of_part)
        s.part = 1 + (uint32_t)c->part->first.of[EXTENT_SAMPLES];
    return s;
}

/* The blocks of a member: the groups that it has places in. */
static struct range blocks_of_member(const struct pool *pool, int member)
{
    const struct pool_member *m = &pool->member[member];
    size_t begin = pool_member_place(m);

    return (struct range){ begin / POOL_GROUP,
                           (begin + m->elements - 1) / POOL_GROUP + 1 };
}

void KERNEL(blend)(const struct call *c)
{
    const struct operand *x = &c->operand[BLEND_X], *y = &c->operand[BLEND_Y];
    const struct blend *by = &c->attr.blend;
    struct blending b = {
        .x = update_flat(x), .y = *y,
        .blocks = scaled_blocks_of(x->pool ? x : y),
        .stream = blend_stream(c), .root = by->root,
        .keep = by->keep,
        .share = by->share * (by->by_rate ? c->batch->learning_rate : 1)
    };
    struct range blocks = { 0, b.blocks.count };

    if (y->pool && y->member != POOL_ALL)
        blocks = blocks_of_member(y->pool, y->member);
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = blocks.begin; i < blocks.end; i++)
        blend_block(&b, update_block(&b.blocks, i));
}
