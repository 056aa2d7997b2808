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
 * dy [pixel][CONV_PANEL]. Threads share out the slabs; if these are too few,
 * they share out the strips of each slab, and then add up their sums in order.
 *
 * A slab of a 3x3 filter at stride 1 is made by squares instead, where there is
 * memory for it: see conv_wgrad_winograd.h.
 *
 * A sparse slab with few nonzeros is made one nonzero at a time, each the
 * product of two lines of pixels: the strips are transposed for it.
 *
 * Scratch: the taps; the offsets of rows in a strip, of any height; for each
 * thread a slab, a strip of x and one of dy, or what squares need. If zeros of
 * dw may be skipped, each thread has both strips twice, and the places of a
 * slab's nonzeros.
 */
#include <string.h>

#include "kernels/cpu/conv_transpose.h"
#include "kernels/cpu/sparse.h"
#include "kernels/cpu/conv_wgrad_winograd.h"
#include "kernels/cpu/winograd.h"

enum { STRIP_BYTES = 56 * 1024, SLAB_CHANNELS = 32, SQUARES_MANY = 32,
       SQUARES_SHARE = 8 };

struct wgrad {
    const struct operand *x, *dy, *dw;
    struct conv_strips strips;
    int threads;
    int slabs;
    struct conv_taps taps;
    int *row;              /* offsets of the rows of a strip */
    bool skips;            /* zeros of dw, where skipping pays */
    int squares;           /* slabs are made as conv_wgrad_winograd.h says, from
                            * some squares at once; 0: by taps */
    size_t slab, x_strip, dy_strip; /* sizes, floats */
    size_t line;           /* of dy: rows with their halo */
    size_t each;           /* floats of a thread's scratch */
    float *thread;         /* the first thread's scratch */
    size_t bytes;
};

/* Rows of a slab, of one tap and input channel each. */
static int slab_rows(const struct wgrad *g)
{
    return g->strips.taps * g->strips.channels;
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
    g->line = round_up((size_t)(s->rows * s->width), CONV_BLOCK);
    g->each = g->slab + g->x_strip + g->dy_strip;
    if (g->skips)
        g->each = g->slab + 2 * g->x_strip + CONV_BLOCK
                  + 2 * g->line * CONV_PANEL + (size_t)slab_rows(g);
}

/* Cuts the work into squares instead if there is memory for it: many at once if
 * that is little beside the tensors, else few. Strips are highest where there
 * is one for every thread: scratch is that of either way then, for any number
 * of images. */
static void try_squares(struct wgrad *g)
{
    static const struct { int squares, share; } ways[] = {
        { SQUARES_MANY, SQUARES_SHARE }, { SQUARES_LEAST, 1 }
    };
    struct conv_strips highest = g->strips;
    struct wgrad taps = *g;

    winograd_cut(&highest, 1, 1, STRIP_BYTES / 2);
    cut_by_taps(&taps, 1);
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways) && !g->squares; i++) {
        size_t each = size_max(
            KERNEL(wgrad_squares_floats)(&highest, ways[i].squares), taps.each);
        size_t bytes = each * sizeof(float) * (size_t)g->threads;

        if (!winograd_is_small(bytes * (size_t)ways[i].share, g->x, g->dy))
            continue;
        g->squares = ways[i].squares;
        g->each = each;
        winograd_cut(&g->strips, g->threads, 1, STRIP_BYTES / 2);
    }
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

    g.skips = pool_skips(dw->pool, POOL_SKIP_GRADIENT);
    cut_by_taps(&g, c->threads);
    g.slabs = s->blocks * ((dy->dim[3] + CONV_PANEL - 1) / CONV_PANEL);
    if (!g.skips && winograd_can(s, x, dy))
        try_squares(&g);
    rows = round_up((size_t)s->row.length * sizeof(int), CPU_ALIGNMENT);
    g.bytes = taps + rows + g.each * sizeof(float) * (size_t)c->threads;
    if (c->scratch) {
        char *scratch = c->scratch;

        g.taps = KERNEL(conv_taps)(s, scratch);
        g.row = (int *)(scratch + taps);
        for (int i = 0; i < s->rows; i++)
            g.row[i] = i * s->width * s->channels;
        g.thread = (float *)(scratch + taps + rows);
    }
    return g;
}

size_t KERNEL(conv_wgrad_scratch)(const struct call *c)
{
    return wgrad_of(c).bytes;
}

static float *thread_slab(const struct wgrad *g, int thread)
{
    return g->thread + (size_t)thread * g->each;
}

/* Packs a panel of dy for strip `item`, to [row][column][CONV_PANEL], rows
 * `gap` columns of zeros apart. By taps all of dy is read here, and becomes
 * floats. */
static inline void pack_dy(const enum dtype dtype, const struct wgrad *g,
                           int item, int panel, int gap, float *to)
{
    struct range rows = KERNEL(conv_strip_output)(&g->strips, item);
    size_t image = (size_t)(item / g->strips.count) * (size_t)g->dy->dim[1];
    size_t width = (size_t)g->dy->dim[2], channels = (size_t)g->dy->dim[3];
    int lanes = int_min((int)channels - panel * CONV_PANEL, CONV_PANEL);
    size_t at = (image + rows.begin) * width * channels
                + (size_t)panel * CONV_PANEL;
    const void *dy = g->dy->data;

    for (size_t i = 1; i <= (rows.end - rows.begin) * width; i++) {
        if (lanes == CONV_PANEL)
            for (int j = 0; j < CONV_PANEL; j += VLEN)
                vf_store(to + j, vf_load_as(dtype, dy, at + (size_t)j));
        else
            for (int j = 0; j < CONV_PANEL; j++)
                to[j] = j < lanes ? float_load(dy, at + (size_t)j, dtype) : 0;
        to += CONV_PANEL;
        at += channels;
        if (gap > 0 && i % width == 0) {
            memset(to, 0, (size_t)(gap * CONV_PANEL) * sizeof(float));
            to += gap * CONV_PANEL;
        }
    }
}

/* Adds the products of one strip to a slab; `next` is the strip after it. */
static void add_strip(const struct wgrad *g, int slab, int item, int next,
                      float *sum)
{
    const struct conv_strips *s = &g->strips;
    int block = slab % s->blocks, panel = slab / s->blocks;
    int first = block * s->channels;
    int inputs = int_min(s->inputs - first, s->channels);
    int outputs = int_min(g->dy->dim[3] - panel * CONV_PANEL, CONV_PANEL);
    struct range rows = KERNEL(conv_strip_output)(s, item);
    float *x = sum + g->slab, *dy = x + g->x_strip;
    struct conv_ahead dy_ahead = KERNEL(conv_ahead)(
        g->dy, next / s->count, KERNEL(conv_strip_output)(s, next),
        panel * CONV_PANEL, outputs);
    struct conv_ahead ahead = KERNEL(conv_ahead)(
        g->x, next / s->count, KERNEL(conv_strip_input)(s, next), first,
        int_min(inputs, g->x->dim[3]));
    struct conv_tile t = {
        .panel = dy, .sum = sum,
        .offset = g->row, .segments = (int)(rows.end - rows.begin),
        .depth = g->dy->dim[2], .last = g->dy->dim[2], .lines = inputs,
        .width = CONV_PANEL, .lanes = outputs,
        .x_k = s->channels, .ahead = &ahead
    };

    ahead.next = &dy_ahead;
    KERNEL(conv_ahead_divide)(&ahead, (size_t)(s->taps * s->rows));
    KERNEL(conv_strip_pack)(s, g->x, item, block, 1, x);
    DTYPE_SWITCH(g->dy->dtype, pack_dy, g, item, panel, 0, dy);
    for (int i = 0; i < s->taps; i++) {
        t.x = x + g->taps.offset[i];
        KERNEL(conv_tile_channels)(&t);
        t.sum += s->channels * CONV_PANEL;
    }
}

/* Part of a row of a slab: its place in dw, and its length. */
struct row {
    size_t at;
    size_t lanes;          /* 0: beyond the last input channel */
};

static struct row row_of(const struct wgrad *g, int slab, int row)
{
    const struct conv_strips *s = &g->strips;
    int panel = slab / s->blocks, tap = row / s->channels;
    int input = slab % s->blocks * s->channels + row % s->channels;
    int inputs = s->inputs, outputs = g->dy->dim[3];

    return (struct row){
        ((size_t)tap * (size_t)inputs + (size_t)input) * (size_t)outputs
        + (size_t)panel * CONV_PANEL,
        input < inputs
            ? (size_t)int_min(outputs - panel * CONV_PANEL, CONV_PANEL) : 0
    };
}

/* The masks of a slab's nonzeros, row by row: the end of a thread's scratch,
 * which begins with `sum`. */
static uint32_t *masks_of(const struct wgrad *g, float *sum)
{
    return (uint32_t *)(sum + g->each - slab_rows(g));
}

/* Finds a slab's nonzeros, and whether they are few enough. */
static bool slab_skips(const struct wgrad *g, int slab, uint32_t *masks)
{
    size_t nonzeros = 0, elements = 0;

    for (int i = 0; i < slab_rows(g); i++) {
        struct row r = row_of(g, slab, i);

        masks[i] = r.lanes ? sparse_piece(g->dw, r.at, r.lanes).mask : 0;
        elements += r.lanes;
        nonzeros += (size_t)__builtin_popcount(masks[i]);
    }
    return nonzeros < elements / POOL_SKIP_GRADIENT;
}

enum { DOT_LANES = 4 };

/* sum[lane[l]] += the product of line x and line lane[l] of dy. */
INLINE void add_dots(const float *x, const float *dy, size_t line,
                            size_t pixels, const int *lane, const int lanes,
                            float *sum)
{
    vf dot[DOT_LANES];

    UNROLL
    for (int l = 0; l < lanes; l++)
        dot[l] = vf_set(0);
    for (size_t i = 0; i < pixels; i += VLEN) {
        vf a = vf_load(x + i);

        UNROLL
        for (int l = 0; l < lanes; l++)
            dot[l] += a * vf_load(dy + (size_t)lane[l] * line + i);
    }
    UNROLL
    for (int l = 0; l < lanes; l++)
        sum[lane[l]] += vf_sum(dot[l]);
}

/* Adds to the nonzeros of one row of a slab, a few at a time. */
static void add_row_dots(const struct wgrad *g, uint32_t mask, const float *x,
                         const float *dy, size_t pixels, float *sum)
{
    while (mask) {
        int lane[DOT_LANES], lanes = 0;

        for (; mask && lanes < DOT_LANES; mask &= mask - 1)
            lane[lanes++] = __builtin_ctz(mask);
        switch (lanes) {
        case 1:
            add_dots(x, dy, g->line, pixels, lane, 1, sum);
            break;
        case 2:
            add_dots(x, dy, g->line, pixels, lane, 2, sum);
            break;
        case 3:
            add_dots(x, dy, g->line, pixels, lane, 3, sum);
            break;
        default:
            add_dots(x, dy, g->line, pixels, lane, DOT_LANES, sum);
        }
    }
}

/* Adds the products of one strip to the nonzeros of a slab. Elements that a
 * last vector reads beyond the pixels meet zeros in dy, and must be finite in
 * x. */
static void add_sparse_strip(const struct wgrad *g, int slab, int item,
                             float *sum)
{
    const struct conv_strips *s = &g->strips;
    struct range rows = KERNEL(conv_strip_output)(s, item);
    int gap = s->width - g->dy->dim[2];
    size_t pixels = (rows.end - rows.begin) * (size_t)s->width;
    size_t end = round_up(pixels, VLEN);
    size_t channel = (size_t)(s->block / s->channels);
    float *x = sum + g->slab, *x_packed = x + s->block + CONV_BLOCK;
    float *dy = x_packed + s->block, *dy_packed = dy + g->line * CONV_PANEL;

    memset(x_packed, 0, (size_t)s->block * sizeof(float));
    KERNEL(conv_strip_pack)(s, g->x, item, slab % s->blocks, 1, x_packed);
    for (int c = 0; c < s->channels; c += CONV_BLOCK)
        KERNEL(conv_transpose)(x_packed + c, s->channels, (int)channel,
                               channel, x + (size_t)c * channel);
    memset(x + s->block, 0, CONV_BLOCK * sizeof(float));
    DTYPE_SWITCH(g->dy->dtype, pack_dy, g, item, slab / s->blocks, gap,
                 dy_packed);
    for (int l = 0; l < CONV_PANEL; l += CONV_BLOCK)
        KERNEL(conv_transpose)(dy_packed + l, CONV_PANEL, (int)pixels,
                               g->line, dy + (size_t)l * g->line);
    for (size_t l = 0; l < CONV_PANEL; l++)
        memset(dy + l * g->line + pixels, 0, (end - pixels) * sizeof(float));
    for (int i = 0; i < slab_rows(g); i++)
        add_row_dots(g, masks_of(g, sum)[i],
                     x + g->taps.offset[i / s->channels] / s->channels
                     + (size_t)(i % s->channels) * channel,
                     dy, pixels - (size_t)gap, sum + i * CONV_PANEL);
}

/* Sums some of the strips to a slab. */
static void sum_slab(const struct wgrad *g, int slab, struct range items,
                     float *sum)
{
    bool skips = g->skips && slab_skips(g, slab, masks_of(g, sum));

    if (g->squares) {
        KERNEL(wgrad_squares_sum)(&(struct wgrad_squares){
            .squares = g->squares,
            .x = g->x, .dy = g->dy, .strips = &g->strips,
            .block = slab % g->strips.blocks, .panel = slab / g->strips.blocks,
            .items = items, .scratch = sum
        });
        return;
    }
    memset(sum, 0, g->slab * sizeof(float));
    for (size_t i = items.begin; i < items.end; i++)
        if (skips)
            add_sparse_strip(g, slab, (int)i, sum);
        else
            add_strip(g, slab, (int)i, (int)(i + 1 < items.end ? i + 1 : i),
                      sum);
}

/* Adds one row of a slab, of one tap and input channel, to dw: the sum of
 * `parts` threads' rows. All of dw is written here. */
static void add_row(const struct wgrad *g, int slab, int row, int parts,
                    const float *sum)
{
    struct row r = row_of(g, slab, row);
    float total[CONV_PANEL];

    if (r.lanes == 0)
        return;
    sum += row * CONV_PANEL;
    for (size_t j = 0; j < r.lanes; j++) {
        total[j] = sum[j];
        for (int i = 1; i < parts; i++)
            total[j] += sum[(size_t)i * g->each + j];
    }
    sparse_add(g->dw, r.at, r.lanes, total);
}

/* Makes slabs that one thread has to itself. */
static void run_slabs(const void *own, int share, struct range slabs)
{
    const struct wgrad *g = own;
    size_t items = (size_t)g->strips.images * (size_t)g->strips.count;
    float *sum = thread_slab(g, this_thread());

    (void)share;
    for (int i = (int)slabs.begin; i < (int)slabs.end; i++) {
        sum_slab(g, i, (struct range){ 0, items }, sum);
        for (int row = 0; row < slab_rows(g); row++)
            add_row(g, i, row, 1, sum);
    }
}

void KERNEL(conv_wgrad)(const struct call *c)
{
    const struct wgrad g = wgrad_of(c);
    size_t items = (size_t)g.strips.images * (size_t)g.strips.count;

    if (g.slabs >= g.threads) {
#pragma omp parallel num_threads(g.threads)
        share_out((size_t)g.slabs, g.threads, run_slabs, &g);
        return;
    }
#pragma omp parallel num_threads(g.threads)
    for (int i = 0; i < g.slabs; i++) {
#pragma omp for schedule(static)
        for (int t = 0; t < g.threads; t++)
            sum_slab(&g, i, range_share(items, t, g.threads),
                     thread_slab(&g, t));
#pragma omp for schedule(static)
        for (int row = 0; row < slab_rows(&g); row++)
            add_row(&g, i, row, g.threads, thread_slab(&g, 0));
    }
}
