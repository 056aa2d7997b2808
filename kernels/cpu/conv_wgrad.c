/*
 * conv_wgrad: dw (KH, KW, Ci, Co) += the gradient of a convolution's weights,
 * the sum over images and output pixels of x (N, H, W, Ci), which may be read
 * through a saved batch norm, times dy (N, Ho, Wo, Co).
 *
 * dw is made in slabs, one block of input channels by one panel of output
 * channels,
 *
 *     slab [tap][channel of the block][CONV_PANEL]
 *
 * so that a whole gradient exists only in dw, and not even there if dw is
 * sparse: then only its nonzeros are added to. A slab is the sum over strips of
 * the products of packed x (see conv_strip.h), read along channels, and packed
 * dy [pixel][CONV_PANEL]. Slabs of a few panels are a set, for which x is
 * packed once. Threads share out the sets; if these are too few, they share out
 * the strips of each set, and then add up their sums in order.
 *
 * A slab of a 3x3 filter at stride 1 is made by squares instead, where there is
 * memory for it: see conv_wgrad_winograd.h.
 *
 * A sparse dw with few nonzeros goes another way: see conv_wgrad_sparse.h.
 *
 * Scratch: the taps; the offsets of rows in a strip, of any height; for each
 * thread the slabs of a set, a strip of x and one of dy, or what squares need;
 * or in the place of all that, what skipping zeros needs.
 */
#include <string.h>

#include "kernels/cpu/conv_wgrad_sparse.h"
#include "kernels/cpu/conv_wgrad_winograd.h"
#include "kernels/cpu/sparse.h"
#include "kernels/cpu/winograd.h"

enum { STRIP_BYTES = 56 * 1024, SLAB_CHANNELS = 32, SQUARES_MANY = 32,
       SET_BYTES = 80 * 1024 };

struct wgrad {
    const struct operand *x, *dy, *dw;
    struct conv_strips strips;
    int threads;
    int set;               /* panels of a set */
    int sets;              /* of all blocks */
    struct conv_taps taps;
    int *row;              /* offsets of the rows of a strip */
    bool skips;            /* zeros of dw, if it has few nonzeros */
    int squares;           /* slabs are made as conv_wgrad_winograd.h says, from
                            * some squares at once; 0: by taps */
    size_t slab, x_strip, dy_strip; /* sizes, floats; a slab of the set */
    size_t each;           /* floats of a thread's scratch */
    float *thread;         /* the first thread's scratch */
    size_t rows, sums;     /* where in the scratch rows and sums begin */
    size_t bytes;
};

/* Rows of a slab, of one tap and input channel each. */
static int slab_rows(const struct wgrad *g)
{
    return g->strips.taps * g->strips.channels;
}

static int panels_of(const struct wgrad *g)
{
    return (g->dy->dim[3] + CONV_PANEL - 1) / CONV_PANEL;
}

/* Sets of all blocks, of some panels each. */
static int sets_of(const struct wgrad *g, int panels)
{
    return g->strips.blocks * ((panels_of(g) + panels - 1) / panels);
}

/* Slabs of the thread that has most of them. */
static int most_slabs(const struct wgrad *g, int panels)
{
    return (sets_of(g, panels) + g->threads - 1) / g->threads * panels;
}

/* Makes sets of at most `most` panels. No thread gets more slabs by them than
 * by single panels, and threads share no set of several: each would have its
 * own sums of it. */
static void choose_set(struct wgrad *g, int most)
{
    g->set = most;
    while (g->set > 1 && (sets_of(g, g->set) < g->threads
                          || most_slabs(g, g->set) > most_slabs(g, 1)))
        g->set--;
    g->sets = sets_of(g, g->set);
}

/* The panels of a set by taps. */
static int panels_by_taps(const struct wgrad *g)
{
    size_t slab = (size_t)(slab_rows(g) * CONV_PANEL) * sizeof(float);

    return conv_set(panels_of(g), slab, SET_BYTES);
}

/* Whether a thread has sets to itself. */
static bool has_own_sets(const struct wgrad *g)
{
    return g->sets >= g->threads;
}

/* The slabs of set i. */
static struct conv_slabs slabs_of(const struct wgrad *g, int i)
{
    int panel = i / g->strips.blocks * g->set;

    return (struct conv_slabs){ i % g->strips.blocks, panel,
                                int_min(g->set, panels_of(g) - panel) };
}

/* Cuts the work into strips, at least one for each of some threads. */
static void cut_by_taps(struct wgrad *g, int threads)
{
    struct conv_strips *s = &g->strips;
    size_t dy_row = (size_t)g->dy->dim[2] * CONV_PANEL;

    KERNEL(conv_strips_cut)(s, threads, 1, dy_row * sizeof(float),
                            g->skips ? STRIP_BYTES / 2 : STRIP_BYTES);
    g->slab = (size_t)(s->taps * s->channels) * CONV_PANEL;
    g->x_strip = (size_t)s->block;
    g->dy_strip = (size_t)s->rows * dy_row;
    g->each = g->slab * (size_t)g->set + g->x_strip + g->dy_strip;
}

/* Whether sets of some panels, by some squares at once, have scratch that is
 * small; it is that of either way, for any number of images. */
static bool try_way(struct wgrad *g, const struct conv_strips *highest,
                    size_t taps, int squares, int panels)
{
    size_t bytes;

    choose_set(g, int_min(panels, panels_of(g)));
    g->squares = squares;
    g->each = size_max(KERNEL(wgrad_squares_floats)(highest, squares, g->set),
                       taps);
    bytes = g->each * sizeof(float) * (size_t)g->threads;
    return winograd_is_small(bytes, g->x, g->dy, g->dw, g->set > 1 ? 1 : 0);
}

/* Cuts the work into squares instead if there is memory for it: for few, and
 * then for more at once or for sets of panels. Strips are highest where there
 * is one for every thread. */
static void try_squares(struct wgrad *g)
{
    struct conv_strips highest = g->strips;
    struct wgrad by_taps = *g, few;

    winograd_cut(&highest, 1, 1, STRIP_BYTES / 2);
    cut_by_taps(&by_taps, 1);
    few = *g;
    if (!try_way(&few, &highest, by_taps.each, SQUARES_LEAST, 1))
        return;
    if (!try_way(g, &highest, by_taps.each, SQUARES_MANY, WGRAD_SET)
        && !try_way(g, &highest, by_taps.each, SQUARES_MANY, 1))
        *g = few;
    winograd_cut(&g->strips, g->threads, 1, STRIP_BYTES / 2);
}

static size_t floats_to_skip(const struct wgrad *g)
{
    return KERNEL(wgrad_sparse_floats)(&(struct wgrad_sparse){
        .x = g->x, .dy = g->dy, .dw = g->dw, .strips = &g->strips,
        .threads = g->threads
    });
}

static struct wgrad wgrad_of(const struct call *c)
{
    const struct operand *o = c->operand;
    const struct operand *x = &o[CONV_WGRAD_X];
    const struct operand *dy = &o[CONV_WGRAD_DY], *dw = &o[CONV_WGRAD_DW];
    int channels = x->dim[3] > CONV_BLOCK ? SLAB_CHANNELS : CONV_BLOCK;
    struct wgrad g = {
        .x = x, .dy = dy, .dw = dw,
        .strips = KERNEL(conv_strips)(x, dw, dy, &c->attr, false, channels),
        .threads = c->threads
    };
    struct conv_strips *s = &g.strips;
    size_t taps = KERNEL(conv_taps_bytes)(s), rows;
    bool can_square;

    g.skips = KERNEL(wgrad_sparse_may_pay)(&(struct wgrad_sparse){
        .dw = dw, .strips = s });
    can_square = !g.skips && winograd_can(s, x, dy);
    /* What squares can make goes by taps only where scratch must be small. */
    choose_set(&g, g.skips || can_square ? 1 : panels_by_taps(&g));
    cut_by_taps(&g, c->threads);
    if (can_square)
        try_squares(&g);
    rows = round_up((size_t)s->row.length * sizeof(int), CPU_ALIGNMENT);
    g.bytes = taps + rows + g.each * sizeof(float) * (size_t)c->threads;
    if (g.skips)
        g.bytes = size_max(g.bytes, floats_to_skip(&g) * sizeof(float));
    g.rows = taps;
    g.sums = taps + rows;
    return g;
}

/* Writes taps and rows to the scratch, and finds the place of sums there. */
static void bind_scratch(struct wgrad *g, char *scratch)
{
    const struct conv_strips *s = &g->strips;

    g->taps = KERNEL(conv_taps)(s, scratch);
    g->row = (int *)(scratch + g->rows);
    for (int i = 0; i < s->rows; i++)
        g->row[i] = i * s->width * s->channels;
    g->thread = (float *)(scratch + g->sums);
}

size_t KERNEL(conv_wgrad_scratch)(const struct call *c)
{
    return wgrad_of(c).bytes;
}

static float *thread_slabs(const struct wgrad *g, int thread)
{
    return g->thread + (size_t)thread * g->each;
}

/* Packs a panel of dy for strip `item`, to [row][column][CONV_PANEL]. By taps
 * all of dy is read here, and becomes floats. */
static inline void pack_dy(const enum dtype dtype, const struct wgrad *g,
                           int item, int panel, float *to)
{
    struct range rows = KERNEL(conv_strip_output)(&g->strips, item);
    size_t image = (size_t)(item / g->strips.count) * (size_t)g->dy->dim[1];
    size_t width = (size_t)g->dy->dim[2], channels = (size_t)g->dy->dim[3];
    int lanes = int_min((int)channels - panel * CONV_PANEL, CONV_PANEL);
    size_t at = (image + rows.begin) * width * channels
                + (size_t)panel * CONV_PANEL;
    const void *dy = g->dy->data;

    for (size_t i = 0; i < (rows.end - rows.begin) * width; i++) {
        if (lanes == CONV_PANEL)
            for (int j = 0; j < CONV_PANEL; j += VLEN)
                vf_store(to + j, vf_load_as(dtype, dy, at + (size_t)j));
        else
            for (int j = 0; j < CONV_PANEL; j++)
                to[j] = j < lanes ? float_load(dy, at + (size_t)j, dtype) : 0;
        to += CONV_PANEL;
        at += channels;
    }
}

/* What of dw is asked for while slabs are summed: rows that lie apart, and that
 * one thread will add to. */
static const struct operand *dw_to_ask(const struct wgrad *g)
{
    return has_own_sets(g) ? g->dw : NULL;
}

/* Adds the products of one of some strips to the slabs of a set. */
static void add_strip(const struct wgrad *g, struct conv_slabs set,
                      struct range items, size_t item, float *sum)
{
    const struct conv_strips *s = &g->strips;
    struct range in = slabs_inputs(s, set), out = slabs_outputs(g->dy, set);
    int inputs = (int)(in.end - in.begin), outputs = (int)(out.end - out.begin);
    struct range rows = KERNEL(conv_strip_output)(s, (int)item);
    float *x = sum + g->slab * (size_t)g->set, *dy = x + g->x_strip;
    struct slabs_look look;
    struct conv_tile t = {
        .panel = dy, .sum = sum,
        .offset = g->row, .segments = (int)(rows.end - rows.begin),
        .depth = g->dy->dim[2], .last = g->dy->dim[2], .lines = inputs,
        .width = CONV_PANEL, .fresh = item == items.begin,
        .x_k = s->channels, .ahead = &look.x
    };

    slabs_look_ahead(s, g->x, g->dy, dw_to_ask(g), set, items, item, &look);
    KERNEL(conv_ahead_divide)(&look.x,
                              (size_t)(s->taps * s->rows)
                                  * KERNEL(conv_tile_count)(inputs, outputs));
    KERNEL(conv_strip_pack)(s, g->x, (int)item, set.block, 1, x);
    for (int p = 0; p < set.panels; p++) {
        t.lanes = int_min(outputs - p * CONV_PANEL, CONV_PANEL);
        DTYPE_SWITCH(g->dy->dtype, pack_dy, g, (int)item, set.panel + p, dy);
        for (int i = 0; i < s->taps; i++) {
            t.x = x + g->taps.offset[i];
            KERNEL(conv_tile_channels)(&t);
            t.sum += s->channels * CONV_PANEL;
        }
    }
}

/* Part of a row of a slab: its place in dw, and its length. */
struct row {
    size_t at;
    size_t lanes;          /* 0: beyond the last input channel */
};

/* Row `row` of a set's slabs, one slab after the other. */
static struct row row_of(const struct wgrad *g, struct conv_slabs set, int row)
{
    const struct conv_strips *s = &g->strips;
    int panel = set.panel + row / slab_rows(g);
    int tap = row % slab_rows(g) / s->channels;
    int input = set.block * s->channels + row % s->channels;
    int inputs = s->inputs, outputs = g->dy->dim[3];

    return (struct row){
        ((size_t)tap * (size_t)inputs + (size_t)input) * (size_t)outputs
        + (size_t)panel * CONV_PANEL,
        input < inputs
            ? (size_t)int_min(outputs - panel * CONV_PANEL, CONV_PANEL) : 0
    };
}

/* Sums some of the strips to the slabs of a set. */
static void sum_slabs(const struct wgrad *g, struct conv_slabs set,
                      struct range items, float *sum)
{
    if (g->squares) {
        KERNEL(wgrad_squares_sum)(&(struct wgrad_squares){
            .squares = g->squares,
            .x = g->x, .dy = g->dy, .dw = dw_to_ask(g), .strips = &g->strips,
            .set = set, .items = items, .scratch = sum
        });
        return;
    }
    if (items.begin == items.end)
        memset(sum, 0, g->slab * (size_t)set.panels * sizeof(float));
    for (size_t i = items.begin; i < items.end; i++)
        add_strip(g, set, items, i, sum);
}

static inline void add_whole_rows(const enum dtype dtype,
                                  const struct operand *dw, size_t at,
                                  size_t rows, const float *sum)
{
    for (; rows > 0; rows--, at += (size_t)dw->dim[3])
        for (int v = 0; v < CONV_PANEL; v += VLEN, sum += VLEN)
            vf_store_as(dtype, dw->data, at + (size_t)v,
                        vf_load_as(dtype, dw->data, at + (size_t)v)
                        + vf_load(sum));
}

/* Adds rows of one tap of a slab to dw, from one on whose place is r. All of
 * dw is written here. */
static void add_tap_rows(const struct operand *dw, struct row r, size_t rows,
                         const float *sum)
{
    if (!dw->pool && r.lanes == CONV_PANEL)
        DTYPE_SWITCH(dw->dtype, add_whole_rows, dw, r.at, rows, sum);
    else
        for (size_t i = 0; i < rows; i++)
            sparse_add(dw, r.at + i * (size_t)dw->dim[3], r.lanes,
                       sum + i * CONV_PANEL);
}

static void add_slabs(const struct wgrad *g, struct conv_slabs set,
                      const float *sum)
{
    struct range inputs = slabs_inputs(&g->strips, set);
    int tap = g->strips.channels;

    for (int row = 0; row < set.panels * slab_rows(g); row += tap)
        add_tap_rows(g->dw, row_of(g, set, row), inputs.end - inputs.begin,
                     sum + row * CONV_PANEL);
}

/* Adds one row of a set's slabs, the sum of all threads' rows. */
static void add_shared_row(const struct wgrad *g, struct conv_slabs set,
                           int row)
{
    const float *sum = thread_slabs(g, 0) + row * CONV_PANEL;
    struct row r = row_of(g, set, row);
    float total[CONV_PANEL];

    if (r.lanes == 0)
        return;
    for (size_t j = 0; j < r.lanes; j++) {
        total[j] = sum[j];
        for (int i = 1; i < g->threads; i++)
            total[j] += sum[(size_t)i * g->each + j];
    }
    add_tap_rows(g->dw, r, 1, total);
}

/* Makes sets that one thread has to itself. */
static void run_own_sets(const void *own, int share, struct range sets)
{
    const struct wgrad *g = own;
    size_t items = (size_t)g->strips.images * (size_t)g->strips.count;
    float *sum = thread_slabs(g, this_thread());

    (void)share;
    for (size_t i = sets.begin; i < sets.end; i++) {
        struct conv_slabs set = slabs_of(g, (int)i);

        sum_slabs(g, set, (struct range){ 0, items }, sum);
        add_slabs(g, set, sum);
    }
}

/* All of the scratch is for this, and is lost if it does not pay. */
static bool skip_zeros(const struct wgrad *g, float *scratch)
{
    return KERNEL(wgrad_sparse_run)(&(struct wgrad_sparse){
        .x = g->x, .dy = g->dy, .dw = g->dw, .strips = &g->strips,
        .threads = g->threads, .scratch = scratch
    });
}

void KERNEL(conv_wgrad)(const struct call *c)
{
    struct wgrad g = wgrad_of(c);
    size_t items = (size_t)g.strips.images * (size_t)g.strips.count;

    if (g.skips && skip_zeros(&g, c->scratch))
        return;
    bind_scratch(&g, c->scratch);
    if (has_own_sets(&g)) {
#pragma omp parallel num_threads(g.threads)
        share_out((size_t)g.sets, g.threads, run_own_sets, &g);
        return;
    }
#pragma omp parallel num_threads(g.threads)
    for (int i = 0; i < g.sets; i++) {
        struct conv_slabs set = slabs_of(&g, i);

#pragma omp for schedule(static)
        for (int t = 0; t < g.threads; t++)
            sum_slabs(&g, set, range_share(items, t, g.threads),
                      thread_slabs(&g, t));
#pragma omp for schedule(static)
        for (int row = 0; row < set.panels * slab_rows(&g); row++)
            add_shared_row(&g, set, row);
    }
}
