/*
 * conv_wgrad: dw (KH, KW, Ci, Co) += the gradient of a convolution's weights,
 * the sum over images and output pixels of x (N, H, W, Ci), which may be read
 * through a saved batch norm, times dy (N, Ho, Wo, Co).
 *
 * dw is made in slabs, one block of input channels by one panel of output
 * channels,
 *
 *     slab [tap][CONV_BLOCK][CONV_PANEL]
 *
 * so that a whole gradient exists nowhere but in dw, and nowhere at all if dw
 * is sparse: then only its nonzeros are added to. A slab is the sum over
 * strips of products of the packed x, read along a channel, and a packed
 * dy [pixel][CONV_PANEL]. Threads share out the slabs; if these are too few,
 * the strips of each slab, and then add up their partial sums in order.
 *
 * Of a sparse slab with few nonzeros only these are made, each the product of
 * two lines of pixels: the strips are transposed for it.
 *
 * Scratch: the taps; for each thread a slab, a strip of x, and one of dy, both
 * of these twice if dw may be worth skipping zeros in.
 */
#include "conv_core.h"

#include <string.h>

#include "conv_sparse.h"
#include "sparse.h"

enum { WGRAD_STRIP_BYTES = 32 * 1024 };

struct wgrad {
    const struct operand *x, *dy, *dw;
    struct conv_strips strips;
    int threads;
    int slabs;
    struct conv_tap *tap;
    size_t slab_floats;
    size_t line;           /* floats of a line of dy, rows with their halo */
    size_t thread_floats;
    float *thread;         /* the first thread's scratch */
    size_t bytes;
};

static struct wgrad wgrad_of(const struct call *c)
{
    const struct operand *o = c->operand;
    const struct operand *dy = &o[CONV_WGRAD_DY], *dw = &o[CONV_WGRAD_DW];
    struct wgrad g = {
        .x = &o[CONV_WGRAD_X], .dy = dy, .dw = dw,
        .strips = KERNEL(conv_strips)(&o[CONV_WGRAD_X], dw, dy, &c->attr,
                                      false),
        .threads = c->threads
    };
    struct conv_strips *s = &g.strips;
    size_t taps = round_up((size_t)s->taps * sizeof(struct conv_tap),
                           CPU_ALIGNMENT);
    size_t dy_row = (size_t)dy->dim[2] * CONV_PANEL;

    KERNEL(conv_strips_cut)(s, c->threads, 1, dy_row * sizeof(float),
                            WGRAD_STRIP_BYTES);
    g.slabs = s->blocks * ((dy->dim[3] + CONV_PANEL - 1) / CONV_PANEL);
    g.slab_floats = (size_t)s->taps * CONV_BLOCK * CONV_PANEL;
    g.thread_floats = g.slab_floats + (size_t)s->block
                      + (size_t)s->rows * dy_row;
    g.line = round_up((size_t)s->rows * (size_t)s->width, CONV_BLOCK);
    if (pool_skips(dw->pool, POOL_SKIP_GRADIENT))
        g.thread_floats = g.slab_floats + 2 * (size_t)s->block + CONV_BLOCK
                          + 2 * g.line * CONV_PANEL;
    g.bytes = taps + g.thread_floats * sizeof(float) * (size_t)c->threads;
    if (c->scratch) {
        g.tap = c->scratch;
        g.thread = (float *)((char *)c->scratch + taps);
    }
    return g;
}

size_t KERNEL(conv_wgrad_scratch)(const struct call *c)
{
    return wgrad_of(c).bytes;
}

/* The pixels of dy that strip `item` covers. */
static struct range dy_pixels(const struct wgrad *g, int item)
{
    struct range rows = conv_strip_rows(&g->strips, item);
    size_t width = (size_t)g->dy->dim[2];
    size_t image = (size_t)(item / g->strips.count) * (size_t)g->dy->dim[1];

    return (struct range){ (image + rows.begin) * width,
                           (image + rows.end) * width };
}

/* Packs a panel of dy for strip `item`, to [row][column][CONV_PANEL], rows
 * `gap` columns of zeros apart. */
static void pack_dy(const struct wgrad *g, int item, int panel, int gap,
                    float *to)
{
    size_t width = (size_t)g->dy->dim[2];
    struct range pixels = dy_pixels(g, item);
    size_t channels = (size_t)g->dy->dim[3];
    int lanes = int_min((int)channels - panel * CONV_PANEL, CONV_PANEL);
    const float *from = g->dy->data;

    from += pixels.begin * channels + (size_t)panel * CONV_PANEL;
    for (size_t i = pixels.begin; i < pixels.end; i++) {
        if (lanes == CONV_PANEL)
            memcpy(to, from, CONV_PANEL * sizeof(float));
        else
            for (int j = 0; j < CONV_PANEL; j++)
                to[j] = j < lanes ? from[j] : 0;
        to += CONV_PANEL;
        from += channels;
        if (gap > 0 && (i + 1) % width == 0) {
            memset(to, 0, (size_t)gap * CONV_PANEL * sizeof(float));
            to += gap * CONV_PANEL;
        }
    }
}

/* Part of a slab: some channels of a block by some vectors of a panel. */
struct tile {
    const float *x, *dy;
    float *slab;
    int rows, columns;
    int x_row;
    struct conv_ahead *x_ahead, *dy_ahead;
};

TILE_INLINE void tile_run(const struct tile *t, const int channels,
                          const int vectors)
{
    vf sum[TILE_LINES][TILE_VECTORS];
    const float *x = t->x, *dy = t->dy;

    TILE_EACH(c, v, channels, vectors)
        sum[c][v] = (vf){ 0 };
    for (int r = 0; r < t->rows; r++) {
        tile_multiply(sum, channels, vectors, x, 1, CONV_BLOCK, dy,
                      t->columns);
        conv_ahead_ask(t->x_ahead);
        conv_ahead_ask(t->dy_ahead);
        x += t->x_row;
        dy += t->columns * CONV_PANEL;
    }
    TILE_EACH(c, v, channels, vectors) {
        float *to = t->slab + c * CONV_PANEL + v * VLEN;

        vf_store(to, vf_load(to) + sum[c][v]);
    }
}

/* Adds what one strip gives to a slab; `next` is the strip after it. */
static void run_strip(const struct wgrad *g, int slab, int item, int next,
                      float *sum)
{
    const struct conv_strips *s = &g->strips;
    int block = slab % s->blocks, panel = slab / s->blocks;
    int inputs = int_min(g->x->dim[3] - block * CONV_BLOCK, CONV_BLOCK);
    int outputs = int_min(g->dy->dim[3] - panel * CONV_PANEL, CONV_PANEL);
    int vectors = outputs > VLEN ? TILE_VECTORS : 1;
    struct range rows = conv_strip_rows(s, item);
    float *x = sum + g->slab_floats, *dy = x + s->block;
    size_t times = (size_t)(s->taps * s->rows
                            * ((inputs + TILE_LINES - 1) / TILE_LINES));
    struct conv_ahead x_ahead = KERNEL(conv_ahead)(
        g->x, KERNEL(conv_strip_pixels)(s, next), block * CONV_BLOCK, inputs,
        times);
    struct conv_ahead dy_ahead = KERNEL(conv_ahead)(
        g->dy, dy_pixels(g, next), panel * CONV_PANEL, outputs, times);
    struct tile t = {
        .rows = (int)(rows.end - rows.begin), .columns = g->dy->dim[2],
        .x_row = s->width * CONV_BLOCK,
        .x_ahead = &x_ahead, .dy_ahead = &dy_ahead
    };

    KERNEL(conv_pack)(s, g->x, item, block, 1, x);
    pack_dy(g, item, panel, 0, dy);
    for (int i = 0; i < s->taps; i++) {
        int lines;

        for (int c = 0; c < inputs; c += lines) {
            lines = tile_lines(inputs - c);
            t.x = x + g->tap[i].offset + c;
            for (int v = 0; v * VLEN < outputs; v += vectors) {
                t.dy = dy + v * VLEN;
                t.slab = sum + (i * CONV_BLOCK + c) * CONV_PANEL + v * VLEN;
                TILE_SWITCH(tile_run, &t, lines, vectors)
            }
        }
    }
}

/* Part of a row of a slab: where it begins in dw, and how much there is. */
struct row {
    size_t at;
    int lanes;           /* 0: beyond the last input channel */
};

static struct row row_of(const struct wgrad *g, int slab, int row)
{
    int block = slab % g->strips.blocks, panel = slab / g->strips.blocks;
    int inputs = g->x->dim[3], outputs = g->dy->dim[3];
    int input = block * CONV_BLOCK + row % CONV_BLOCK;

    return (struct row){
        ((size_t)(row / CONV_BLOCK) * (size_t)inputs + (size_t)input)
        * (size_t)outputs + (size_t)panel * CONV_PANEL,
        input < inputs ? int_min(outputs - panel * CONV_PANEL, CONV_PANEL) : 0
    };
}

static uint32_t row_mask(const struct wgrad *g, int slab, int row)
{
    struct row r = row_of(g, slab, row);

    return r.lanes ? sparse_piece(g->dw, r.at, r.lanes).mask : 0;
}

static bool skipping_pays(const struct wgrad *g, int slab)
{
    int rows = g->strips.taps * CONV_BLOCK, nonzeros = 0, elements = 0;

    for (int i = 0; i < rows; i++) {
        elements += row_of(g, slab, i).lanes;
        nonzeros += __builtin_popcount(row_mask(g, slab, i));
    }
    return nonzeros < elements / POOL_SKIP_GRADIENT;
}

enum { DOT_LANES = 4 };

/* sum[lane[l]] += the product of line x and line lane[l] of dy. */
TILE_INLINE void add_dots(const float *x, const float *dy, size_t line,
                          size_t pixels, const int *lane, const int lanes,
                          float *sum)
{
    vf dot[DOT_LANES];

    TILE_UNROLL
    for (int l = 0; l < lanes; l++)
        dot[l] = (vf){ 0 };
    for (size_t i = 0; i < pixels; i += VLEN) {
        vf a = vf_load(x + i);

        TILE_UNROLL
        for (int l = 0; l < lanes; l++)
            dot[l] += a * vf_load(dy + (size_t)lane[l] * line + i);
    }
    TILE_UNROLL
    for (int l = 0; l < lanes; l++)
        sum[lane[l]] += vf_sum(dot[l]);
}

/* The nonzeros of one row of a slab, a few at a time. */
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

/* Adds what one strip gives to the nonzeros of a slab. What a last vector
 * reads beyond the pixels meets zeros in dy, and must be finite in x. */
static void run_strip_sparse(const struct wgrad *g, int slab, int item,
                             float *sum)
{
    const struct conv_strips *s = &g->strips;
    struct range rows = conv_strip_rows(s, item);
    size_t pixels = (rows.end - rows.begin) * (size_t)s->width;
    size_t end = round_up(pixels, VLEN);
    size_t channel = (size_t)s->block / CONV_BLOCK;
    float *x = sum + g->slab_floats, *x_packed = x + s->block + CONV_BLOCK;
    float *dy = x_packed + s->block, *dy_packed = dy + g->line * CONV_PANEL;

    if (rows.end - rows.begin < (size_t)s->rows)
        memset(x_packed, 0, (size_t)s->block * sizeof(float));
    KERNEL(conv_pack)(s, g->x, item, slab % s->blocks, 1, x_packed);
    KERNEL(conv_transpose)(x_packed, CONV_BLOCK, (int)channel, channel, x);
    memset(x + s->block, 0, CONV_BLOCK * sizeof(float));
    pack_dy(g, item, slab / s->blocks, s->width - g->dy->dim[2], dy_packed);
    for (int l = 0; l < CONV_PANEL; l += CONV_BLOCK)
        KERNEL(conv_transpose)(dy_packed + l, CONV_PANEL, (int)pixels,
                               g->line, dy + (size_t)l * g->line);
    for (size_t l = 0; l < CONV_PANEL; l++)
        memset(dy + l * g->line + pixels, 0, (end - pixels) * sizeof(float));
    pixels -= (size_t)(s->width - g->dy->dim[2]);
    for (int i = 0; i < s->taps * CONV_BLOCK; i++)
        add_row_dots(g, row_mask(g, slab, i),
                     x + g->tap[i / CONV_BLOCK].offset / CONV_BLOCK
                     + (size_t)(i % CONV_BLOCK) * channel,
                     dy, pixels, sum + i * CONV_PANEL);
}

/* A thread's share of the strips of a slab. */
static void run_slab(const struct wgrad *g, int slab, struct range items,
                     float *sum)
{
    bool sparse = pool_skips(g->dw->pool, POOL_SKIP_GRADIENT)
                  && skipping_pays(g, slab);

    memset(sum, 0, g->slab_floats * sizeof(float));
    for (size_t i = items.begin; i < items.end; i++)
        if (sparse)
            run_strip_sparse(g, slab, (int)i, sum);
        else
            run_strip(g, slab, (int)i, (int)(i + 1 < items.end ? i + 1 : i),
                      sum);
}

/* An element of a slab: the sum of the `parts` threads' partial sums. */
static float total(const struct wgrad *g, const float *sum, int parts)
{
    float all = *sum;

    for (int i = 1; i < parts; i++)
        all += sum[(size_t)i * g->thread_floats];
    return all;
}

/* Adds one row of a slab, one tap and input channel, to dw. */
static void add_row(const struct wgrad *g, int slab, int row, int parts,
                    const float *sum)
{
    struct row r = row_of(g, slab, row);

    if (r.lanes == 0)
        return;
    sum += row * CONV_PANEL;
    if (g->dw->pool) {
        struct sparse_piece piece = sparse_piece(g->dw, r.at, r.lanes);

        SPARSE_EACH(piece, j, piece.values)
            *piece.values += total(g, sum + j, parts);
    } else {
        float *dw = (float *)g->dw->data + r.at;

        for (int j = 0; j < r.lanes; j++)
            dw[j] += total(g, sum + j, parts);
    }
}

void KERNEL(conv_wgrad)(const struct call *c)
{
    const struct wgrad g = wgrad_of(c);
    size_t items = (size_t)g.strips.images * (size_t)g.strips.count;
    int rows = g.strips.taps * CONV_BLOCK;

    KERNEL(conv_taps)(&g.strips, g.tap);
    if (g.slabs >= g.threads) {
#pragma omp parallel for num_threads(g.threads) schedule(static)
        for (int t = 0; t < g.threads; t++) {
            struct range slabs = range_share((size_t)g.slabs, t, g.threads);
            float *sum = g.thread + (size_t)t * g.thread_floats;

            for (int i = (int)slabs.begin; i < (int)slabs.end; i++) {
                run_slab(&g, i, (struct range){ 0, items }, sum);
                for (int row = 0; row < rows; row++)
                    add_row(&g, i, row, 1, sum);
            }
        }
        return;
    }
#pragma omp parallel num_threads(g.threads)
    for (int i = 0; i < g.slabs; i++) {
#pragma omp for schedule(static)
        for (int t = 0; t < g.threads; t++)
            run_slab(&g, i, range_share(items, t, g.threads),
                     g.thread + (size_t)t * g.thread_floats);
#pragma omp for schedule(static)
        for (int row = 0; row < rows; row++)
            add_row(&g, i, row, g.threads, g.thread);
    }
}
