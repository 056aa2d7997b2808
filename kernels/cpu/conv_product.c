/*
 * Scratch: tallies of sums (conv_sums.h); the taps; then a set of panels, and
 * for each thread a strip and the sums.
 * If zeros may be skipped, what dense panels and skipping need overlaps.
 */
#include "kernels/cpu/conv_product.h"

#include "kernels/cpu/conv_sparse.h"
#include "kernels/cpu/conv_sums.h"
#include "kernels/cpu/conv_weights.h"
#include "kernels/cpu/conv_winograd.h"
#include "kernels/cpu/winograd.h"

enum { STRIP_BYTES = 52 * 1024, GROUP_PIXELS = 40, SET_BYTES = 160 * 1024,
       CHUNK_TAPS = 9 };

/* Floats of a panel. */
static size_t panel_floats(const struct conv_core *core)
{
    const struct conv_strips *s = &core->strips;

    return (size_t)(s->blocks * s->taps * CONV_BLOCK * core->width);
}

/* Makes panels as wide as this, and strips as high as the budget. */
static void cut(struct conv_core *core, int width, size_t budget)
{
    struct conv_strips *s = &core->strips;

    core->width = width;
    KERNEL(conv_strips_cut)(s, core->threads, s->blocks, 0, budget);
    core->group = s->col.length < GROUP_PIXELS
                  ? int_min(GROUP_PIXELS / s->col.length, s->rows) : 1;
}

/* The same product by squares: some sets of some panels at a time. */
static struct conv_core by_squares(const struct conv_core *core, int panels,
                                   int sets)
{
    struct conv_core by = *core;

    by.squares = true;
    by.set = panels;
    by.sets = sets;
    by.tallied = panels * sets;
    return by;
}

/* Whether scratch by squares is small beside the tensors, the filter counted
 * some times, and there is room for it. */
static bool is_small_within(const struct conv_core *by, size_t times,
                            size_t room)
{
    return winograd_is_small(KERNEL(conv_winograd_bytes)(by), by->x, by->y,
                             by->w, times)
           && KERNEL(conv_product_scratch)(by) <= room;
}

/* Chooses among the ways by squares; false if there is no room for any. Sets of
 * each thread's own need most. A part that is smaller than the largest makes
 * them only where that left room. */
static bool choose_squares(struct conv_core *core, size_t room)
{
    int panels = KERNEL(conv_winograd_own_panels)(core);
    struct conv_core one = by_squares(core, 1, 1);
    struct conv_core shared = by_squares(
        core, KERNEL(conv_winograd_panels)(core), 1);
    struct conv_core own = by_squares(core, panels, core->threads);

    if (!is_small_within(&one, 0, room))
        return false;
    if (panels > 0 && is_small_within(&own, 2, room))
        *core = own;
    else
        *core = is_small_within(&shared, 1, room) ? shared : one;
    return true;
}

/* Chooses the way of the product, and the panels that are made of a strip at a
 * time. What squares can make goes by taps where scratch must be small, so its
 * panels are made one at a time there. */
static void choose_way(struct conv_core *core, size_t room)
{
    bool sparse = KERNEL(conv_sparse_may_pay)(core);
    bool can_square = winograd_can(&core->strips, core->x, core->y);

    if (can_square && !sparse && choose_squares(core, room))
        return;
    core->set = can_square ? 1 : conv_set(conv_panels(core),
                                          panel_floats(core) * sizeof(float),
                                          SET_BYTES);
    core->tallied = sparse ? (core->y->dim[3] + CONV_PANEL - 1) / CONV_PANEL
                           : core->set;
}

struct conv_core KERNEL(conv_product)(const struct call *c,
                                      const struct operand *x,
                                      const struct operand *w,
                                      const struct operand *add,
                                      const struct operand *y,
                                      const struct operand *sums,
                                      bool transposed)
{
    struct conv_core core = {
        .x = x, .w = w, .add = add, .y = y, .sums = sums,
        .strips = KERNEL(conv_strips)(x, w, y, &c->attr, transposed,
                                      CONV_BLOCK),
        .threads = c->threads, .scratch = c->scratch
    };

    cut(&core, y->dim[3] > CONV_NARROW_PANEL ? CONV_PANEL : CONV_NARROW_PANEL,
        STRIP_BYTES);
    choose_way(&core, scratch_room(c));
    return core;
}

/* Floats of the parts of scratch after the taps. */
struct sizes {
    size_t panels, strip, sum;
};

static struct sizes sizes_of(const struct conv_core *core)
{
    const struct conv_strips *s = &core->strips;

    return (struct sizes){
        .panels = panel_floats(core) * (size_t)core->set,
        .strip = (size_t)s->blocks * (size_t)s->block,
        .sum = (size_t)(core->group * s->col.length * core->width)
    };
}

static size_t dense_floats(const struct conv_core *core)
{
    struct sizes z = sizes_of(core);

    return z.panels + (z.strip + z.sum) * (size_t)core->threads;
}

/* The cut for a filter with too many nonzeros to skip zeros: one that stays
 * within the scratch for skipping, if there is one. The set is given up first,
 * then wide panels: narrow ones share tallies. */
static struct conv_core dense_core(const struct conv_core *core)
{
    static const struct { int width; size_t budget; } ways[] = {
        { CONV_PANEL, STRIP_BYTES }, { CONV_PANEL, STRIP_BYTES / 2 },
        { CONV_NARROW_PANEL, STRIP_BYTES },
        { CONV_NARROW_PANEL, STRIP_BYTES / 2 }, { CONV_NARROW_PANEL, 0 }
    };
    size_t room = KERNEL(conv_sparse_floats)(core);
    struct conv_core dense = *core;

    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways)
                       && dense_floats(&dense) > room; i++) {
        dense.set = 1;
        cut(&dense, int_min(ways[i].width, core->width), ways[i].budget);
    }
    return dense;
}

/* Bytes of scratch by taps, for any number of images, of what goes by squares
 * if there are enough. */
static size_t taps_bytes(const struct conv_core *core)
{
    struct conv_core most = *core;

    most.threads = 1;
    most.set = 1;
    cut(&most, core->width, STRIP_BYTES);
    most.threads = core->threads;
    return KERNEL(conv_taps_bytes)(&core->strips)
           + dense_floats(&most) * sizeof(float);
}

/* Bytes of scratch after the tallies. */
static size_t product_bytes(const struct conv_core *core)
{
    size_t taps = KERNEL(conv_taps_bytes)(&core->strips);
    struct conv_core dense;

    if (core->squares)
        return size_max(KERNEL(conv_winograd_bytes)(core), taps_bytes(core));
    if (!KERNEL(conv_sparse_may_pay)(core))
        return taps + dense_floats(core) * sizeof(float);
    dense = dense_core(core);
    return taps + size_max(KERNEL(conv_sparse_floats)(core),
                               dense_floats(&dense)) * sizeof(float);
}

size_t KERNEL(conv_product_scratch)(const struct conv_core *core)
{
    return KERNEL(conv_sums_bytes)(core) + product_bytes(core);
}

/* The taps that pixels of a class see: the first, and their number. */
struct seen {
    int tap, taps;
};

static struct seen seen_by(const struct conv_taps *taps, int class)
{
    struct seen seen = { 0, taps->count[0] };

    for (int i = 1; i <= class; i++)
        seen = (struct seen){ seen.tap + seen.taps, taps->count[i] };
    return seen;
}

/* The taps that are seen together with one; taps are counted in their order. */
static struct seen seen_with(const struct conv_taps *taps, int tap)
{
    int class = 0;

    for (int end = taps->count[0]; tap >= end; end += taps->count[class])
        class++;
    return seen_by(taps, class);
}

/* The place in the panel of the weights of a block and a tap. */
static size_t panel_at(const struct conv_core *core, struct seen seen,
                       int block, int tap)
{
    int before = seen.tap * core->strips.blocks + block * seen.taps;
    int channels = before * CONV_BLOCK
                   + (tap - seen.tap) * conv_block_channels(core, block);

    return (size_t)(channels * core->width);
}

/* The operands and scratch of a thread. */
struct work {
    const struct conv_core *core;
    struct conv_taps taps;
    const float *set, *weights;  /* of the set of panels, and of one */
    float *strip, *sum;
    int first, panels;           /* of the set: its first, and their number */
    int item, panel;
    struct conv_look look;
};

/* A group of rows of pixels of one class: positions rows.begin, ... of the
 * image, `columns` in each. */
struct group {
    int class;
    struct seen seen;
    struct range rows;
    int columns;
};

/* Blocks from one on that are summed up at once, with at most CHUNK_TAPS taps,
 * or one block's. One of fewer channels stays alone. */
static int blocks_at_once(const struct conv_core *core, int taps, int block)
{
    int whole = core->strips.inputs / CONV_BLOCK - block;
    int blocks = int_min(whole, CHUNK_TAPS / (taps > 0 ? taps : 1));

    return blocks > 1 ? blocks : 1;
}

/* The offsets of these blocks' taps in the strip. */
static const int *offsets_of(const struct work *w, struct seen seen,
                             int blocks, int room[CHUNK_TAPS])
{
    const int *own = w->taps.offset + seen.tap;

    if (blocks == 1)
        return own;
    for (int i = 0; i < blocks * seen.taps; i++)
        room[i] = i / seen.taps * w->core->strips.block + own[i % seen.taps];
    return room;
}

/* Sums up the group, a chunk of blocks at a time. */
static void sum_group(struct work *w, const struct group *g)
{
    const struct conv_core *core = w->core;
    const struct conv_strips *s = &core->strips;
    size_t first = KERNEL(conv_strip_output)(s, w->item).begin;
    int row_floats = s->width * CONV_BLOCK, room[CHUNK_TAPS];

    for (int b = 0, blocks; b < s->blocks; b += blocks) {
        struct conv_tile t = {
            .x = w->strip + b * s->block
                 + (int)(g->rows.begin - first) * row_floats,
            .panel = w->weights + panel_at(core, g->seen, b, g->seen.tap),
            .sum = w->sum,
            .depth = conv_block_channels(core, b),
            .last = conv_block_channels(core, b),
            .lines = g->columns,
            .width = core->width,
            .lanes = conv_lanes(core, w->panel),
            .fresh = b == 0,
            .ahead = &w->look.out
        };

        blocks = blocks_at_once(core, g->seen.taps, b);
        t.offset = offsets_of(w, g->seen, blocks, room);
        t.segments = blocks * g->seen.taps;
        for (size_t r = g->rows.begin; r < g->rows.end; r++) {
            KERNEL(conv_tile_pixels)(&t);
            t.x += row_floats;
            t.sum += g->columns * core->width;
        }
    }
}

static inline void store_group(const enum dtype dtype, const struct work *w,
                               const struct group *g)
{
    const struct conv_core *core = w->core;
    const struct conv_strips *s = &core->strips;
    const struct operand *y = core->y;
    const void *add = operand_given(core->add) ? core->add->data : NULL;
    const float *sum = w->sum;
    size_t image = (size_t)(w->item / s->count) * (size_t)y->dim[1];
    size_t row_class = (size_t)(g->class / s->col.classes);
    size_t col_class = (size_t)(g->class % s->col.classes);
    size_t channels = (size_t)y->dim[3];

    for (size_t r = g->rows.begin; r < g->rows.end; r++) {
        size_t row = image + r * (size_t)s->row.classes + row_class;
        size_t at = (row * (size_t)y->dim[2] + col_class) * channels
                    + (size_t)(w->panel * core->width);

        for (int i = 0; i < g->columns; i++) {
            conv_store(dtype, y->data, add, at, sum,
                        conv_lanes(core, w->panel));
            at += (size_t)s->col.classes * channels;
            sum += core->width;
        }
    }
}

/* Makes a panel's channels of the packed strip. */
static void run_panel(struct work *w)
{
    const struct conv_core *core = w->core;
    const struct conv_strips *s = &core->strips;
    struct range rows = KERNEL(conv_strip_output)(s, w->item);
    struct group g = { .class = 0 };

    for (; g.class < s->classes; g.class++) {
        int length = KERNEL(conv_axis_length)(&s->row,
                                              g.class / s->col.classes);
        size_t end = rows.end < (size_t)length ? rows.end : (size_t)length;

        g.seen = seen_by(&w->taps, g.class);
        g.columns = KERNEL(conv_axis_length)(&s->col,
                                             g.class % s->col.classes);
        for (size_t r = rows.begin; r < end; r = g.rows.end) {
            g.rows.begin = r;
            g.rows.end = r + (size_t)core->group;
            if (g.rows.end > end)
                g.rows.end = end;
            sum_group(w, &g);
            DTYPE_SWITCH(core->y->dtype, store_group, w, &g);
        }
    }
}

/* Works through some strips for a set of panels. */
static void run_strips(const void *own, int share, struct range items)
{
    struct work w = *(const struct work *)own;
    const struct conv_core *core = w.core;
    const struct conv_strips *s = &core->strips;
    struct range columns = conv_columns(core, w.first, w.panels);
    size_t asks = (size_t)(s->blocks * s->taps * s->rows)
                  * KERNEL(conv_tile_count)(
                      s->col.length, (int)(columns.end - columns.begin));

    for (size_t i = items.begin; i < items.end; i++) {
        w.item = (int)i;
        conv_look_ahead(core, columns, w.item,
                        (int)(i + 1 < items.end ? i + 1 : items.begin),
                        &w.look);
        KERNEL(conv_ahead_divide)(&w.look.out, asks);
        KERNEL(conv_strip_pack)(s, core->x, w.item, 0, s->blocks, w.strip);
        w.weights = w.set;
        for (w.panel = w.first; w.panel < w.first + w.panels; w.panel++) {
            run_panel(&w);
            KERNEL(conv_sums_add)(core, conv_columns(core, w.panel, 1), share,
                                  w.item);
            w.weights += panel_floats(core);
        }
    }
}

/* The operands and scratch of this thread. */
static struct work work_of(const struct conv_core *core,
                           const struct conv_taps *taps, int panel,
                           float *scratch)
{
    struct sizes z = sizes_of(core);
    float *strip = scratch + z.panels
                   + (size_t)this_thread() * (z.strip + z.sum);

    return (struct work){
        .core = core, .taps = *taps, .set = scratch, .strip = strip,
        .sum = strip + z.strip, .first = panel,
        .panels = int_min(core->set, conv_panels(core) - panel)
    };
}

/* All threads together make the set of panels that begins with one. */
static void run_set(const struct conv_core *core, const struct conv_taps *taps,
                    int panel, float *scratch)
{
    const struct conv_strips *s = &core->strips;
    struct work own = work_of(core, taps, panel, scratch);
    int pieces = s->blocks * s->taps;

#pragma omp for schedule(static)
    for (int i = 0; i < own.panels * pieces; i++) {
        int block = i % pieces / s->taps, tap = i % s->taps;
        float *to = scratch + (size_t)(i / pieces) * panel_floats(core);

        conv_weights_pack(core, taps->index[tap],
                          conv_block_inputs(core, block), panel + i / pieces,
                          to + panel_at(core, seen_with(taps, tap), block,
                                        tap));
    }
    share_out((size_t)s->images * (size_t)s->count, core->threads, run_strips,
              &own);
    KERNEL(conv_sums_end)(core, conv_columns(core, panel, own.panels));
}

/* Makes all panels. The threads call it together. */
static void run_sets(const struct conv_core *core, const struct conv_taps *taps,
                     float *scratch)
{
    for (int i = 0; i < conv_panels(core); i += core->set)
        run_set(core, taps, i, scratch);
}

static void run_panels(const struct conv_core *core)
{
    struct conv_taps taps = KERNEL(conv_taps)(&core->strips, core->scratch);
    char *rest = (char *)core->scratch
                 + KERNEL(conv_taps_bytes)(&core->strips);

#pragma omp parallel num_threads(core->threads)
    {
        KERNEL(conv_sums_begin)(core);
        run_sets(core, &taps, (float *)rest);
    }
}

/* Skips zeros, or makes all panels. */
static void run_sparse(const struct conv_core *core)
{
    struct conv_core dense = dense_core(core);
    struct conv_taps taps = KERNEL(conv_taps)(&dense.strips, core->scratch);
    float *rest = (float *)((char *)core->scratch
                            + KERNEL(conv_taps_bytes)(&dense.strips));

#pragma omp parallel num_threads(core->threads)
    {
        KERNEL(conv_sums_begin)(core);
        if (!KERNEL(conv_sparse_run)(core, rest))
            run_sets(&dense, &taps, rest);
    }
}

void KERNEL(conv_product_run)(const struct conv_core *core)
{
    struct conv_core own = *core;

    own.tally = core->scratch;
    own.scratch = (char *)core->scratch + KERNEL(conv_sums_bytes)(core);
    if (KERNEL(conv_sparse_may_pay)(&own))
        run_sparse(&own);
    else if (own.squares)
        KERNEL(conv_winograd_run)(&own);
    else
        run_panels(&own);
}
