/*
 * Scratch: tallies of sums (conv_sums.h); the taps; then the panel, and for
 * each thread a strip and the sums.
 * If zeros may be skipped, what dense panels and skipping need overlaps.
 */
#include "kernels/cpu/conv_product.h"

#include "kernels/cpu/conv_sparse.h"
#include "kernels/cpu/conv_sums.h"
#include "kernels/cpu/conv_weights.h"
#include "kernels/cpu/conv_winograd.h"
#include "kernels/cpu/winograd.h"

enum { STRIP_BYTES = 52 * 1024, GROUP_PIXELS = 40 };

/* Makes panels as wide as this, and strips as high as the budget. */
static void cut(struct conv_core *core, int width, size_t budget)
{
    struct conv_strips *s = &core->strips;

    core->width = width;
    KERNEL(conv_strips_cut)(s, core->threads, s->blocks, 0, budget);
    core->group = s->col.length < GROUP_PIXELS
                  ? int_min(GROUP_PIXELS / s->col.length, s->rows) : 1;
}

struct conv_core KERNEL(conv_product)(const struct call *c,
                                      const struct operand *x,
                                      const struct operand *w,
                                      const struct operand *add,
                                      const struct operand *y, bool transposed)
{
    struct conv_core core = {
        .x = x, .w = w, .add = add, .y = y,
        .strips = KERNEL(conv_strips)(x, w, y, &c->attr, transposed,
                                      CONV_BLOCK),
        .threads = c->threads, .scratch = c->scratch
    };

    core.together = KERNEL(conv_sparse_may_pay)(&core);
    cut(&core, y->dim[3] > CONV_NARROW_PANEL ? CONV_PANEL : CONV_NARROW_PANEL,
        STRIP_BYTES);
    return core;
}

/* Floats of the parts of scratch after the taps. */
struct sizes {
    size_t panel, strip, sum;
};

static struct sizes sizes_of(const struct conv_core *core)
{
    const struct conv_strips *s = &core->strips;

    return (struct sizes){
        .panel = (size_t)(s->blocks * s->taps * CONV_BLOCK * core->width),
        .strip = (size_t)s->blocks * (size_t)s->block,
        .sum = (size_t)(core->group * s->col.length * core->width)
    };
}

static size_t dense_floats(const struct conv_core *core)
{
    struct sizes z = sizes_of(core);

    return z.panel + (z.strip + z.sum) * (size_t)core->threads;
}

/* The cut for a filter with too many nonzeros to skip zeros: one that stays
 * within the scratch for skipping, if there is one. */
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
                       && dense_floats(&dense) > room; i++)
        cut(&dense, int_min(ways[i].width, core->width), ways[i].budget);
    return dense;
}

/* Whether conv_winograd.h makes the product. */
static bool goes_by_squares(const struct conv_core *core)
{
    return !KERNEL(conv_sparse_may_pay)(core)
           && winograd_can(&core->strips, core->x, core->y)
           && winograd_is_small(KERNEL(conv_winograd_bytes)(core), core->x,
                                core->y);
}

/* Bytes of scratch by taps, for any number of images. */
static size_t taps_bytes(const struct conv_core *core)
{
    struct conv_core most = *core;

    most.threads = 1;
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

    if (goes_by_squares(core))
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

/* The place in the panel of the weights of a block and a tap; taps are counted
 * in their order. */
static size_t panel_at(const struct conv_core *core, int block, int tap)
{
    return (size_t)((block * core->strips.taps * CONV_BLOCK
                     + tap * conv_block_channels(core, block)) * core->width);
}

/* The operands and scratch of a thread. */
struct work {
    const struct conv_core *core;
    struct conv_taps taps;
    const float *weights;
    float *strip, *sum;
    int item, panel;
    struct conv_look look;
};

/* A group of rows of pixels of one class: positions rows.begin, ... of the
 * image, `columns` in each. */
struct group {
    int class;
    int tap, taps;   /* that it sees: the first, and their number */
    struct range rows;
    int columns;
};

/* Sums up the group, a block at a time. */
static void sum_group(struct work *w, const struct group *g)
{
    const struct conv_core *core = w->core;
    const struct conv_strips *s = &core->strips;
    size_t first = KERNEL(conv_strip_output)(s, w->item).begin;
    int row_floats = s->width * CONV_BLOCK;

    for (int b = 0; b < s->blocks; b++) {
        struct conv_tile t = {
            .x = w->strip + b * s->block
                 + (int)(g->rows.begin - first) * row_floats,
            .panel = w->weights + panel_at(core, b, g->tap),
            .sum = w->sum,
            .offset = w->taps.offset + g->tap,
            .segments = g->taps,
            .depth = conv_block_channels(core, b),
            .last = conv_block_channels(core, b),
            .lines = g->columns,
            .width = core->width,
            .lanes = conv_lanes(core, w->panel),
            .fresh = b == 0,
            .ahead = &w->look.out
        };

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

static void run_strip(struct work *w)
{
    const struct conv_core *core = w->core;
    const struct conv_strips *s = &core->strips;
    struct range rows = KERNEL(conv_strip_output)(s, w->item);
    struct group g = { .tap = 0 };

    KERNEL(conv_strip_pack)(s, core->x, w->item, 0, s->blocks, w->strip);
    for (; g.class < s->classes; g.class++, g.tap += g.taps) {
        int length = KERNEL(conv_axis_length)(&s->row,
                                              g.class / s->col.classes);
        size_t end = rows.end < (size_t)length ? rows.end : (size_t)length;

        g.taps = w->taps.count[g.class];
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

/* Works through some strips for one panel. */
static void run_strips(const void *own, int share, struct range items)
{
    struct work w = *(const struct work *)own;
    const struct conv_strips *s = &w.core->strips;
    size_t tiles = KERNEL(conv_tile_count)(s->col.length,
                                           conv_lanes(w.core, w.panel));

    for (size_t i = items.begin; i < items.end; i++) {
        w.item = (int)i;
        conv_look_ahead(w.core, w.panel, w.item,
                        (int)(i + 1 < items.end ? i + 1 : items.begin),
                        &w.look);
        KERNEL(conv_ahead_divide)(&w.look.out,
                                  (size_t)(s->blocks * s->taps * s->rows)
                                      * tiles);
        run_strip(&w);
        KERNEL(conv_sums_add)(w.core, conv_columns(w.core, w.panel), share,
                              w.item);
    }
}

/* The operands and scratch of this thread. */
static struct work work_of(const struct conv_core *core,
                           const struct conv_taps *taps, int panel,
                           float *scratch)
{
    struct sizes z = sizes_of(core);
    float *strip = scratch + z.panel
                   + (size_t)this_thread() * (z.strip + z.sum);

    return (struct work){
        .core = core, .taps = *taps, .weights = scratch, .strip = strip,
        .sum = strip + z.strip, .panel = panel
    };
}

/* All threads together make one panel. */
static void run_panel(const struct conv_core *core,
                      const struct conv_taps *taps, int panel, float *scratch)
{
    const struct conv_strips *s = &core->strips;
    struct work own = work_of(core, taps, panel, scratch);

#pragma omp for schedule(static)
    for (int i = 0; i < s->blocks * s->taps; i++) {
        int block = i / s->taps, tap = i % s->taps;

        conv_weights_pack(core, taps->index[tap],
                          conv_block_inputs(core, block), panel,
                          scratch + panel_at(core, block, tap));
    }
    share_out((size_t)s->images * (size_t)s->count, core->threads, run_strips,
              &own);
    KERNEL(conv_sums_end)(core, conv_columns(core, panel));
}

static void run_panels(const struct conv_core *core)
{
    struct conv_taps taps = KERNEL(conv_taps)(&core->strips, core->scratch);
    char *rest = (char *)core->scratch
                 + KERNEL(conv_taps_bytes)(&core->strips);

#pragma omp parallel num_threads(core->threads)
    {
        KERNEL(conv_sums_begin)(core);
        for (int i = 0; i < conv_panels(core); i++)
            run_panel(core, &taps, i, (float *)rest);
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
            for (int i = 0; i < conv_panels(&dense); i++)
                run_panel(&dense, &taps, i, rest);
    }
}

void KERNEL(conv_product_run)(const struct conv_core *core)
{
    struct conv_core own = *core;

    own.tally = core->scratch;
    own.scratch = (char *)core->scratch + KERNEL(conv_sums_bytes)(core);
    if (KERNEL(conv_sparse_may_pay)(&own))
        run_sparse(&own);
    else if (goes_by_squares(&own))
        KERNEL(conv_winograd_run)(&own);
    else
        run_panels(&own);
}
