/*
 * A tile keeps 12 rows by 32 columns of C in registers, with AVX2 6 by 16 (see
 * conv_tile.c), and goes through the depth, so the other cost of a product is
 * bringing A and B to it. Both are packed, because a tile wants B's columns 32
 * at a time, and because rows that are a power of two apart fall into the same
 * few sets of a cache. Packing a cache line of either takes as long as about 16
 * multiply-adds of vectors, and twice that if it comes from memory, so a packed
 * line must serve hundreds.
 *
 * The threads together pack a set of panels of B, a panel being 32 columns,
 *
 *     panel [depth][width]
 *
 * and then share the items that can be made with it: a group of rows by the
 * set's panels, or by some of these if there are few groups. For an item a
 * thread packs the group chunk by chunk,
 *
 *     group [block][row][CONV_BLOCK], or [depth][row] if A lies turned
 *
 * and each chunk serves all panels of the item, whose sums,
 *
 *     sum [panel][row][width]
 *
 * wait for the next chunk, and go to store() after the last, while they are
 * near. A chunk of the group and one of a panel stay in the first-level cache,
 * where each tile of the group finds the panel; the set and the item's sums
 * stay in the second-level cache.
 *
 * A set has as many panels as SET_DEPTH allows. B is packed once, and A once
 * for each set. Where A lies turned the depth is the samples, which have no
 * bound: there a set is packed in steps of depth, and the sums of a slice of
 * rows wait in scratch from step to step. So scratch has a bound for any number
 * of samples, and never shrinks as they grow. No result is rounded before it is
 * whole, and its bits do not depend on which thread made an item.
 *
 * Arithmetic leaves memory idle, and is long enough to hide it: while a chunk
 * is multiplied, the tile asks for the chunk after it, for the part of C that
 * is stored next, and for its share of the panels of B that are packed next.
 *
 * Where there are dot products of bf16 and both matrices are of bf16 as they
 * are in memory, packed pairs of neighbours along the depth stand in the place
 * of floats (pairs.h): every depth below the operands' is then counted in
 * pairs.
 *
 * Scratch: the panels; for each thread a chunk of a group; the sums, of a slice
 * if they wait, else of an item for each thread. Pairs have the same room, and
 * fill less of it.
 */
#include "kernels/cpu/product_pack.h"

#include "kernels/cpu/vec.h"

/* The most panels of a set. */
static int set_most(const struct product *p)
{
    if (p->a_turned || p->depth <= SET_DEPTH / SET_PANELS)
        return SET_PANELS;
    return p->depth < SET_DEPTH ? SET_DEPTH / p->depth : 1;
}

/* Whether both matrices are read as the bf16 that they are stored in. */
static bool has_pairs(const struct product *p)
{
    return VF_DOTS && p->a->dtype == DTYPE_BF16 && p->b->dtype == DTYPE_BF16
           && !p->a->through && !p->b->pool;
}

static struct slicing slicing_of(const struct product *p)
{
    bool pairs = has_pairs(p);
    int floats = whole_blocks(p->a_turned ? int_min(p->depth, STEP_DEPTH)
                                          : p->depth);
    struct slicing slicing = {
        .p = p, .pairs = pairs,
        .depth = pairs ? parts(p->depth, 2) : p->depth,
        .width = p->columns > CONV_NARROW_PANEL ? CONV_PANEL
                                                : CONV_NARROW_PANEL,
        .slice = p->a_turned ? SLICE_ROWS : p->rows,
        .group = int_min(whole_blocks(p->rows), GROUP_ROWS)
    };

    slicing.step = p->a_turned ? STEP_DEPTH : slicing.depth;
    slicing.panels = parts(p->columns, slicing.width);
    slicing.set = parts(slicing.panels, parts(slicing.panels, set_most(p)));
    slicing.b = (size_t)(slicing.set * floats * slicing.width);
    slicing.a = (size_t)(slicing.group * int_min(floats, CHUNK_DEPTH));
    slicing.sum = (size_t)((p->a_turned ? int_min(p->rows, SLICE_ROWS)
                                        : slicing.group)
                           * slicing.set * slicing.width);
    return slicing;
}

size_t KERNEL(product_scratch)(const struct product *p)
{
    struct slicing slicing = slicing_of(p);
    size_t threads = (size_t)p->call->threads;

    return (slicing.b + threads * slicing.a
            + (p->a_turned ? 1 : threads) * slicing.sum) * sizeof(float);
}

/* Where a thread has the sums of an item in scratch. */
static float *sums_of(const struct step *s, struct range rows,
                      struct range panels)
{
    const struct slicing *slicing = s->slicing;
    float *sum = (float *)slicing->p->call->scratch + slicing->b
                 + (size_t)slicing->p->call->threads * slicing->a;
    size_t before = rows.begin * length(s->now.panels)
                    + length(rows) * panels.begin;

    return sum + (slicing->p->a_turned
                      ? before * (size_t)slicing->width
                      : (size_t)this_thread() * slicing->sum);
}

/* Item i. The early ones follow one another piece by piece, so that a thread's
 * are of one piece; the late ones group by group. */
static struct item item_of(const struct step *s, size_t i)
{
    const struct slicing *slicing = s->slicing;
    int early = s->groups - s->late, at = (int)i - early * s->pieces;
    int group = at < 0 ? (int)i % early : early + at / s->pieces;
    int piece = at < 0 ? (int)i / early : at % s->pieces;
    size_t n = length(s->now.rows);
    struct range evens = range_share((size_t)parts((int)n, EVEN_ROWS), group,
                                     s->groups);
    struct range rows = { evens.begin * EVEN_ROWS,
                          size_min(evens.end * EVEN_ROWS, n) };
    struct range panels = range_share(length(s->now.panels), piece,
                                      s->pieces);

    return (struct item){
        shifted(rows, s->now.rows.begin), panels,
        (float *)slicing->p->call->scratch + slicing->b
            + (size_t)this_thread() * slicing->a,
        sums_of(s, rows, panels)
    };
}

/* Multiplies a chunk of a group and those of the item's panels, and stores
 * sums that this makes whole while they are near. */
static void multiply(const struct step *s, const struct item *item,
                     struct range depth, struct conv_ahead *ahead)
{
    const struct slicing *slicing = s->slicing;
    int rows = (int)length(item->rows), deep = (int)length(depth);
    int block = CONV_BLOCK * (slicing->p->a_turned ? slicing->group : rows);
    int offset[CHUNK_DEPTH / CONV_BLOCK], segments = parts(deep, CONV_BLOCK);
    struct conv_tile t = {
        .x = item->a, .sum = item->sum, .offset = offset,
        .segments = segments, .depth = CONV_BLOCK,
        .last = deep - (segments - 1) * CONV_BLOCK, .lines = rows,
        .width = slicing->width, .fresh = depth.begin == 0,
        .far = depth.begin > 0 && !slicing->p->a_turned,
        .pairs = slicing->pairs, .x_k = slicing->group, .ahead = ahead
    };

    for (int i = 0; i < segments; i++)
        offset[i] = i * block;
    for (size_t i = item->panels.begin; i < item->panels.end; i++) {
        t.panel = step_panel(s, i, depth.begin);
        t.lanes = panel_lanes(s, i);
        if (slicing->p->a_turned)
            KERNEL(conv_tile_channels)(&t);
        else
            KERNEL(conv_tile_pixels)(&t);
        if (depth.end == (size_t)slicing->depth)
            slicing->p->store(slicing->p, item->rows, panel_column(s, i),
                              t.lanes, t.sum, t.width);
        t.sum += rows * t.width;
    }
}

/* Some columns of some rows of a matrix, as far as it has them; nothing of a
 * member of a pool. */
static struct conv_ahead ahead_of(const struct operand *o, int step,
                                  struct range rows, struct range columns)
{
    size_t element = dtype_size(o->dtype), line = CPU_ALIGNMENT;
    size_t apart = step_of(o, step) * element;

    rows.end = size_min(rows.end, operand_rows(o));
    columns.end = size_min(columns.end, columns_of(o));
    if (o->pool || rows.begin >= rows.end || columns.begin >= columns.end)
        return (struct conv_ahead){ .left = 0 };
    return (struct conv_ahead){
        .at = (const char *)o->data + rows.begin * apart
              + columns.begin * element,
        .step = apart, .lines = (length(columns) * element + line - 1) / line,
        .left = length(rows)
    };
}

/* The same depth, counted in elements of the operands. */
static struct range unpaired(const struct slicing *slicing, struct range depth)
{
    size_t each = slicing->pairs ? 2 : 1;

    return (struct range){ each * depth.begin, each * depth.end };
}

static struct conv_ahead ahead_of_a(const struct slicing *slicing,
                                    struct range rows, struct range depth)
{
    const struct product *p = slicing->p;

    depth = unpaired(slicing, depth);
    return p->a_turned ? ahead_of(p->a, p->a_step, depth, rows)
                       : ahead_of(p->a, p->a_step, rows, depth);
}

/* The columns of some panels. */
static struct range columns_at(const struct slicing *slicing,
                               struct range panels)
{
    size_t width = (size_t)slicing->width;

    return (struct range){ panels.begin * width, panels.end * width };
}

/* Share i of n of the panels that the next step packs. */
static struct conv_ahead ahead_of_b(const struct step *s, int i, int n)
{
    const struct product *p = s->slicing->p;
    struct range columns = columns_at(s->slicing, s->next.panels);
    struct range depth = unpaired(s->slicing, s->next.depth);
    struct range rows = p->b_turned ? columns : depth;
    struct range share = range_share(length(rows), i, n);

    return ahead_of(p->b, p->b_step, shifted(share, rows.begin),
                    p->b_turned ? depth : columns);
}

/* Chunk i of the step's depth. */
static struct range chunk_of(const struct step *s, int i)
{
    size_t begin = s->now.depth.begin + (size_t)(i * CHUNK_DEPTH);

    return (struct range){
        begin, size_min(begin + CHUNK_DEPTH, s->now.depth.end)
    };
}

/* Share i of n of the part of C that an item stores, if this step does. */
static struct conv_ahead ahead_of_c(const struct step *s,
                                    const struct item *item, int i, int n)
{
    const struct product *p = s->slicing->p;
    struct range panels = shifted(item->panels, s->now.panels.begin);
    struct range share = range_share(length(item->rows), i, n);

    if (!p->c || s->now.depth.end < (size_t)s->slicing->depth || i >= n)
        return (struct conv_ahead){ .left = 0 };
    return ahead_of(p->c, p->c_step, shifted(share, item->rows.begin),
                    columns_at(s->slicing, panels));
}

/* Makes item i; `later` is the one after it. */
static void run_item(const struct step *s, size_t i, size_t later)
{
    const struct slicing *slicing = s->slicing;
    struct item item = item_of(s, i), next = item_of(s, later);
    int chunks = parts((int)length(s->now.depth), CHUNK_DEPTH);
    int shares = s->groups * s->pieces * chunks;
    size_t tiles = (size_t)parts((int)length(item.rows), EVEN_ROWS)
                   * length(item.panels);

    for (int k = 0; k < chunks; k++) {
        bool last = k == chunks - 1;
        struct range depth = chunk_of(s, k);
        struct conv_ahead ahead[] = {
            ahead_of_c(s, &item, k, chunks > 1 ? chunks - 1 : 1),
            ahead_of_a(slicing, last ? next.rows : item.rows,
                       chunk_of(s, last ? 0 : k + 1)),
            ahead_of_b(s, (int)i * chunks + k, shares)
        };

        ahead[0].next = &ahead[1];
        ahead[1].next = &ahead[2];
        KERNEL(conv_ahead_divide)(
            ahead, tiles * (size_t)parts((int)length(depth), CONV_BLOCK));
        KERNEL(product_pack_group)(slicing, &item, depth);
        multiply(s, &item, depth, ahead);
    }
}

static void run_items(const void *own, int share, struct range items)
{
    (void)share;
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
    int steps = parts(slicing->depth, slicing->step);
    int sets = parts(slicing->panels, slicing->set);

    return (struct region){
        range_of(i / steps / sets, slicing->slice, p->rows),
        range_of(i / steps % sets, slicing->set, slicing->panels),
        range_of(i % steps, slicing->step, slicing->depth)
    };
}

/* Pieces that a set of panels is cut into. Threads get panels of their own if
 * there are enough panels and few rows: then a thread packs the whole of A, but
 * B does not cross from one processor to another. */
static int count_pieces(const struct slicing *slicing, struct region now,
                        int groups)
{
    int threads = slicing->p->call->threads, panels = (int)length(now.panels);
    int few = FEW_ROWS * panels * slicing->width;

    if (threads == 1)
        return 1;
    if (panels >= 2 * threads && (int)length(now.rows) <= few)
        return threads;
    return int_min(panels, parts(2 * threads, groups));
}

static void run_step(const struct slicing *slicing, struct region now,
                     struct region next)
{
    int threads = slicing->p->call->threads;
    int groups = parts((int)length(now.rows), GROUP_ROWS);
    int pieces = count_pieces(slicing, now, groups);
    size_t items = (size_t)(groups * pieces);
    struct step s = {
        .slicing = slicing, .now = now, .next = next,
        .groups = groups, .pieces = pieces,
        .late = (int)share_late(items, threads) / pieces
    };

#pragma omp for schedule(static)
    for (size_t i = 0; i < length(now.panels) * block_count(now.depth); i++)
        KERNEL(product_pack_panels)(&s, i);
    share_out(items, threads, run_items, &s);
}

void KERNEL(product_run)(const struct product *p)
{
    struct slicing slicing = slicing_of(p);
    int count = parts(p->rows, slicing.slice)
                * parts(slicing.panels, slicing.set)
                * parts(slicing.depth, slicing.step);

#pragma omp parallel num_threads(p->call->threads)
    for (int i = 0; i < count; i++)
        run_step(&slicing, region_at(&slicing, i),
                 region_at(&slicing, i + 1 < count ? i + 1 : 0));
}
