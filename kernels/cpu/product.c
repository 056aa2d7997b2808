/*
 * A tile keeps 12 rows by 32 columns of C in registers and goes through the
 * depth, so what a product costs besides is bringing A and B to it. Both are
 * packed, because a tile wants B's columns 32 at a time, and because rows that
 * are a power of two apart fall into the same few sets of a cache. A packed
 * element must then be used often: a cache line that comes from memory costs
 * about as much as 32 multiply-adds of a vector.
 *
 * So C is made in slices of rows by sets of panels, a panel being 32 columns,
 * and each of these in steps of depth. In a step the threads together pack B,
 *
 *     panel [depth of the step][width]
 *
 * which all rows of the slice use, and then share its items, a group of rows by
 * the set's panels, or by some of them if there are few groups. A thread packs
 * the group chunk by chunk,
 *
 *     group [block][row][CONV_BLOCK], or [depth][row] if A lies turned
 *
 * and each chunk serves all panels of the item. A chunk of the group and one of
 * a panel stay in the first-level cache, where every tile of the group finds
 * the panel; the set's panels and the sums,
 *
 *     sum [group][panel][row][width]
 *
 * stay in the second-level cache. Sums wait there for the next step, and go to
 * store() after the last. So scratch has a bound whatever the extents are, no
 * result is rounded before it is whole, and its bits do not depend on who made
 * which item.
 *
 * Arithmetic leaves memory idle, and is long enough to hide it: while a chunk
 * is multiplied, the tile asks for the chunk after it, for the part of C that
 * is stored next, and for its share of what the next step packs.
 *
 * Scratch: the panels, the sums, and for each thread a chunk of a group.
 */
#include "kernels/cpu/product.h"

#include <string.h>

#include "kernels/cpu/conv_pack.h"
#include "kernels/cpu/conv_sparse.h"
#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/sparse.h"

/* Tiles of any instruction set divide EVEN_ROWS, and groups are of whole ones
 * but for the last. */
enum { EVEN_ROWS = 12, GROUP_ROWS = 48, SLICE_ROWS = 528, SET_PANELS = 8,
       STEP_DEPTH = 256, CHUNK_DEPTH = 128 };

/* How a product is cut into slices, sets of panels and steps of depth. */
struct slicing {
    const struct call *call;
    const struct product *p;
    int width;           /* of a panel */
    int panels;          /* of all of B */
    int set;             /* panels of a set */
    int group;           /* rows that a packed group has room for */
    size_t b, sum, a;    /* sizes, floats; the last for each thread */
};

static int parts(int n, int each)
{
    return (n + each - 1) / each;
}

static size_t length(struct range r)
{
    return r.end - r.begin;
}

static struct range shifted(struct range r, size_t by)
{
    return (struct range){ r.begin + by, r.end + by };
}

static size_t columns_of(const struct operand *o)
{
    return (size_t)o->dim[o->rank - 1];
}

static struct slicing slicing_of(const struct call *c, const struct product *p)
{
    struct slicing slicing = {
        .call = c, .p = p,
        .width = p->columns > CONV_NARROW_PANEL ? CONV_PANEL
                                                : CONV_NARROW_PANEL
    };
    int depth = parts(p->depth, CONV_BLOCK) * CONV_BLOCK;

    slicing.panels = parts(p->columns, slicing.width);
    slicing.set = parts(slicing.panels, parts(slicing.panels, SET_PANELS));
    slicing.group = int_min(parts(p->rows, CONV_BLOCK) * CONV_BLOCK,
                            GROUP_ROWS);
    slicing.b = (size_t)(slicing.set * int_min(depth, STEP_DEPTH)
                         * slicing.width);
    slicing.sum = (size_t)(int_min(p->rows, SLICE_ROWS) * slicing.set
                           * slicing.width);
    slicing.a = (size_t)(slicing.group * int_min(depth, CHUNK_DEPTH));
    return slicing;
}

size_t KERNEL(product_scratch)(const struct call *c, const struct product *p)
{
    struct slicing slicing = slicing_of(c, p);

    return (slicing.b + slicing.sum + (size_t)c->threads * slicing.a)
           * sizeof(float);
}

/* What the threads make together between two barriers. */
struct region {
    struct range rows, panels, depth;
};

struct step {
    const struct slicing *slicing;
    struct region now, next;
    int groups, pieces;  /* pieces of the set, and an item for each group and
                            piece */
};

/* Panel i of the set: where it begins in C, how much of it there is, and where
 * it is packed, from a depth on. */
static int panel_column(const struct step *s, size_t i)
{
    return (int)(s->now.panels.begin + i) * s->slicing->width;
}

static int panel_lanes(const struct step *s, size_t i)
{
    return int_min(s->slicing->p->columns - panel_column(s, i),
                   s->slicing->width);
}

static float *panel_at(const struct step *s, size_t i, size_t depth)
{
    float *b = s->slicing->call->scratch;

    return b + (i * length(s->now.depth) + depth - s->now.depth.begin)
                   * (size_t)s->slicing->width;
}

/* The same of a member of a pool, whose nonzeros are found row by row. */
static void pack_sparse_panel(const struct step *s, size_t i,
                              struct range depth, float *to)
{
    const struct operand *b = s->slicing->p->b;
    size_t width = (size_t)s->slicing->width, lanes = (size_t)panel_lanes(s, i);
    size_t at = depth.begin * columns_of(b) + (size_t)panel_column(s, i);
    float room[CONV_PANEL];

    for (size_t k = 0; k < length(depth); k++, to += width) {
        memcpy(to, sparse_floats(b, at, lanes, room), lanes * sizeof(float));
        memset(to + lanes, 0, (width - lanes) * sizeof(float));
        at += columns_of(b);
    }
}

static void pack_panel(const struct step *s, size_t i, struct range depth,
                       float *to)
{
    const struct operand *b = s->slicing->p->b;
    int width = s->slicing->width, first = panel_column(s, i);

    for (int c = 0; c < width; c += CONV_BLOCK)
        if (c < panel_lanes(s, i))
            DTYPE_SWITCH(b->dtype, conv_pack, b, first + c,
                         (int)length(depth),
                         depth.begin * columns_of(b) + (size_t)(first + c),
                         columns_of(b), to + c, (size_t)width);
        else
            for (size_t k = 0; k < length(depth); k++)
                memset(to + k * (size_t)width + c, 0,
                       CONV_BLOCK * sizeof(float));
}

/* A block of depth of a panel whose columns lie in rows. */
static void pack_turned_panel(const struct step *s, size_t i,
                              struct range depth, float *to)
{
    const struct operand *b = s->slicing->p->b;
    int width = s->slicing->width, lanes = panel_lanes(s, i);
    size_t columns = columns_of(b), deep = length(depth);
    size_t at = (size_t)panel_column(s, i) * columns + depth.begin;
    float line[CONV_PANEL][CONV_BLOCK] = { { 0 } }, room[CONV_BLOCK];
    float turned[CONV_BLOCK][CONV_PANEL];

    if (b->pool)
        for (int j = 0; j < lanes; j++)
            memcpy(line[j], sparse_floats(b, at + (size_t)j * columns, deep,
                                          room), deep * sizeof(float));
    else
        DTYPE_SWITCH(b->dtype, conv_pack, b, (int)depth.begin, lanes, at,
                     columns, line[0], CONV_BLOCK);
    if (deep == CONV_BLOCK) {
        KERNEL(conv_transpose)(line[0], CONV_BLOCK, width, (size_t)width, to);
        return;
    }
    KERNEL(conv_transpose)(line[0], CONV_BLOCK, width, (size_t)width,
                           turned[0]);
    memcpy(to, turned, deep * (size_t)width * sizeof(float));
}

/* Packs a block of the step's depth of all panels. */
static void pack_panels(const struct step *s, int block)
{
    const struct product *p = s->slicing->p;
    size_t begin = s->now.depth.begin + (size_t)(block * CONV_BLOCK);
    struct range depth = {
        begin, size_min(begin + CONV_BLOCK, s->now.depth.end)
    };

    for (size_t i = 0; i < length(s->now.panels); i++)
        if (p->b_turned)
            pack_turned_panel(s, i, depth, panel_at(s, i, begin));
        else if (p->b->pool)
            pack_sparse_panel(s, i, depth, panel_at(s, i, begin));
        else
            pack_panel(s, i, depth, panel_at(s, i, begin));
}

/* What a thread makes at a time. */
struct item {
    struct range rows;   /* of C */
    struct range panels; /* of the set */
    float *a, *sum;
};

static struct item item_of(const struct step *s, size_t i)
{
    const struct slicing *slicing = s->slicing;
    struct range slice = s->now.rows;
    int group = (int)i / s->pieces, piece = (int)i % s->pieces;
    int evens = parts((int)length(slice), EVEN_ROWS);
    struct range rows = range_share((size_t)evens, group, s->groups);
    struct item item = {
        { rows.begin * EVEN_ROWS,
          size_min(rows.end * EVEN_ROWS, length(slice)) },
        range_share(length(s->now.panels), piece, s->pieces), NULL, NULL
    };
    float *sum = (float *)slicing->call->scratch + slicing->b;

    item.sum = sum + (item.rows.begin * length(s->now.panels)
                      + length(item.rows) * item.panels.begin)
                         * (size_t)slicing->width;
    item.a = sum + slicing->sum + (size_t)this_thread() * slicing->a;
    item.rows = shifted(item.rows, slice.begin);
    return item;
}

static void pack_group(const struct product *p, const struct item *item,
                       struct range depth)
{
    const struct operand *a = p->a;
    size_t rows = length(item->rows);
    float *to = item->a;

    for (size_t k = depth.begin; k < depth.end; k += CONV_BLOCK) {
        DTYPE_SWITCH(a->dtype, conv_pack, a, (int)k, (int)rows,
                     item->rows.begin * columns_of(a) + k, columns_of(a), to,
                     CONV_BLOCK);
        to += rows * CONV_BLOCK;
    }
}

static void pack_turned_group(const struct product *p, const struct item *item,
                              size_t room, struct range depth)
{
    const struct operand *a = p->a;
    size_t first = item->rows.begin, columns = columns_of(a);
    float *last = item->a + length(item->rows) - 1;

    for (size_t i = first; i < size_min(item->rows.end, columns);
         i += CONV_BLOCK)
        DTYPE_SWITCH(a->dtype, conv_pack, a, (int)i, (int)length(depth),
                     depth.begin * columns + i, columns, item->a + i - first,
                     room);
    if (p->ones && item->rows.end > columns)
        for (size_t k = 0; k < length(depth); k++)
            last[k * room] = 1;
}

/* Multiplies a chunk of a group and one of a panel: blocks that are whole, and
 * then what is left of the depth. */
static void multiply_panel(const struct slicing *slicing, struct conv_tile t,
                           int depth)
{
    bool turned = slicing->p->a_turned;
    int block = CONV_BLOCK * (turned ? slicing->group : t.lines);
    void (*tile)(const struct conv_tile *) =
        turned ? KERNEL(conv_tile_channels) : KERNEL(conv_tile_pixels);
    int offset[CHUNK_DEPTH / CONV_BLOCK] = { 0 };

    t.offset = offset;
    t.depth = CONV_BLOCK;
    for (; t.segments < depth / CONV_BLOCK; t.segments++)
        offset[t.segments] = t.segments * block;
    if (t.segments > 0) {
        tile(&t);
        t.x += t.segments * block;
        t.panel += t.segments * CONV_BLOCK * t.width;
        t.fresh = false;
    }
    t.segments = 1;
    t.depth = depth % CONV_BLOCK;
    if (t.depth > 0)
        tile(&t);
}

static void multiply(const struct step *s, const struct item *item,
                     struct range depth, struct conv_ahead *ahead)
{
    const struct slicing *slicing = s->slicing;
    struct conv_tile t = {
        .x = item->a, .sum = item->sum, .lines = (int)length(item->rows),
        .width = slicing->width, .fresh = depth.begin == 0,
        .x_k = slicing->group, .ahead = ahead
    };

    for (size_t i = item->panels.begin; i < item->panels.end; i++) {
        t.panel = panel_at(s, i, depth.begin);
        t.lanes = panel_lanes(s, i);
        multiply_panel(slicing, t, (int)length(depth));
        t.sum += t.lines * t.width;
    }
}

static void store(const struct step *s, const struct item *item)
{
    const struct slicing *slicing = s->slicing;
    float *sum = item->sum;

    for (size_t i = item->panels.begin; i < item->panels.end; i++) {
        slicing->p->store(slicing->call, item->rows, panel_column(s, i),
                          panel_lanes(s, i), sum, slicing->width);
        sum += length(item->rows) * (size_t)slicing->width;
    }
}

/* Some columns of some rows of a matrix, as far as it has them; nothing of a
 * member of a pool. */
static struct conv_ahead ahead_of(const struct operand *o, struct range rows,
                                  struct range columns)
{
    size_t element = dtype_size(o->dtype), line = CPU_ALIGNMENT;
    size_t step = columns_of(o) * element;

    rows.end = size_min(rows.end, operand_rows(o));
    columns.end = size_min(columns.end, columns_of(o));
    if (o->pool || rows.begin >= rows.end || columns.begin >= columns.end)
        return (struct conv_ahead){ .left = 0 };
    return (struct conv_ahead){
        .at = (const char *)o->data + rows.begin * step
              + columns.begin * element,
        .step = step, .lines = (length(columns) * element + line - 1) / line,
        .left = length(rows)
    };
}

static struct conv_ahead ahead_of_a(const struct product *p,
                                    struct range rows, struct range depth)
{
    return p->a_turned ? ahead_of(p->a, depth, rows)
                       : ahead_of(p->a, rows, depth);
}

/* The columns of some panels. */
static struct range columns_at(const struct slicing *slicing,
                               struct range panels)
{
    size_t width = (size_t)slicing->width;

    return (struct range){ panels.begin * width, panels.end * width };
}

/* Share i of n of what the next step packs of B. */
static struct conv_ahead ahead_of_b(const struct step *s, int i, int n)
{
    const struct operand *b = s->slicing->p->b;
    struct range columns = columns_at(s->slicing, s->next.panels);
    struct range depth = s->next.depth;
    bool turned = s->slicing->p->b_turned;
    struct range rows = turned ? columns : depth;
    struct range share = range_share(length(rows), i, n);

    return ahead_of(b, shifted(share, rows.begin), turned ? depth : columns);
}

/* Chunk i of the step's depth. */
static struct range chunk_of(const struct step *s, int i)
{
    size_t begin = s->now.depth.begin + (size_t)(i * CHUNK_DEPTH);

    return (struct range){
        begin, size_min(begin + CHUNK_DEPTH, s->now.depth.end)
    };
}

/* Makes item i; `later` is the one after it. */
static void run_item(const struct step *s, size_t i, size_t later)
{
    const struct slicing *slicing = s->slicing;
    const struct product *p = slicing->p;
    struct item item = item_of(s, i), next = item_of(s, later);
    int chunks = parts((int)length(s->now.depth), CHUNK_DEPTH);
    int shares = s->groups * s->pieces * chunks;
    bool stores = s->now.depth.end == (size_t)p->depth;
    size_t tiles = (size_t)parts((int)length(item.rows), EVEN_ROWS)
                   * length(item.panels);

    for (int k = 0; k < chunks; k++) {
        bool last = k == chunks - 1;
        struct range depth = chunk_of(s, k);
        struct range c = shifted(item.panels, s->now.panels.begin);
        struct conv_ahead ahead[] = {
            ahead_of_a(p, last ? next.rows : item.rows,
                       chunk_of(s, last ? 0 : k + 1)),
            ahead_of_b(s, (int)i * chunks + k, shares),
            ahead_of(p->c, item.rows, columns_at(slicing, c))
        };

        ahead[0].next = &ahead[1];
        ahead[1].next = last && stores ? &ahead[2] : NULL;
        KERNEL(conv_ahead_divide)(
            ahead, tiles * (size_t)parts((int)length(depth), CONV_BLOCK));
        if (p->a_turned)
            pack_turned_group(p, &item, (size_t)slicing->group, depth);
        else
            pack_group(p, &item, depth);
        multiply(s, &item, depth, ahead);
    }
    if (stores)
        store(s, &item);
}

static void run_items(const void *own, struct range items)
{
    for (size_t i = items.begin; i < items.end; i++)
        run_item(own, i, i + 1 < items.end ? i + 1 : items.begin);
}

static struct range range_of(int i, int each, int n)
{
    return (struct range){ (size_t)(i * each),
                           (size_t)int_min((i + 1) * each, n) };
}

/* Region i of all, those of the same rows and panels one after the other. */
static struct region region_at(const struct slicing *slicing, int i)
{
    const struct product *p = slicing->p;
    int steps = parts(p->depth, STEP_DEPTH);
    int sets = parts(slicing->panels, slicing->set);

    return (struct region){
        range_of(i / steps / sets, SLICE_ROWS, p->rows),
        range_of(i / steps % sets, slicing->set, slicing->panels),
        range_of(i % steps, STEP_DEPTH, p->depth)
    };
}

static void run_step(const struct slicing *slicing, struct region now,
                     struct region next)
{
    struct step s = {
        .slicing = slicing, .now = now, .next = next,
        .groups = parts((int)length(now.rows), GROUP_ROWS)
    };
    int threads = slicing->call->threads;
    int wanted = threads > 1 ? 2 * threads : 1;

    s.pieces = int_min((int)length(now.panels), parts(wanted, s.groups));
#pragma omp for schedule(static)
    for (int i = 0; i < parts((int)length(now.depth), CONV_BLOCK); i++)
        pack_panels(&s, i);
    share_out((size_t)(s.groups * s.pieces), threads, run_items, &s);
}

void KERNEL(product_run)(const struct call *c, const struct product *p)
{
    struct slicing slicing = slicing_of(c, p);
    int count = parts(p->rows, SLICE_ROWS) * parts(slicing.panels, slicing.set)
                * parts(p->depth, STEP_DEPTH);

#pragma omp parallel num_threads(c->threads)
    for (int i = 0; i < count; i++)
        run_step(&slicing, region_at(&slicing, i),
                 region_at(&slicing, i + 1 < count ? i + 1 : 0));
}
