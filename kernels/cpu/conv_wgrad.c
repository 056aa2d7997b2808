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
 * Scratch: the taps; for each thread a slab, a strip of x, and one of dy.
 */
#include "conv_core.h"

#include <string.h>

#include "sparse.h"

enum { WGRAD_STRIP_BYTES = 32 * 1024 };

struct wgrad {
    const struct operand *x, *dy, *dw;
    struct conv_strips strips;
    int threads;
    int slabs;
    struct conv_tap *tap;
    size_t slab_floats;
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

/* Packs a panel of dy for strip `item`, to [row][column][CONV_PANEL]. */
static void pack_dy(const struct wgrad *g, int item, int panel, float *to)
{
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
    pack_dy(g, item, panel, dy);
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

/* A thread's share of the strips of a slab. */
static void run_slab(const struct wgrad *g, int slab, struct range items,
                     float *sum)
{
    memset(sum, 0, g->slab_floats * sizeof(float));
    for (size_t i = items.begin; i < items.end; i++)
        run_strip(g, slab, (int)i, (int)(i + 1 < items.end ? i + 1 : i), sum);
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
    int block = slab % g->strips.blocks, panel = slab / g->strips.blocks;
    int inputs = g->x->dim[3], outputs = g->dy->dim[3];
    int input = block * CONV_BLOCK + row % CONV_BLOCK;
    int lanes = int_min(outputs - panel * CONV_PANEL, CONV_PANEL);
    size_t at = ((size_t)(row / CONV_BLOCK) * (size_t)inputs + (size_t)input)
                * (size_t)outputs + (size_t)panel * CONV_PANEL;

    if (input >= inputs)
        return;
    sum += row * CONV_PANEL;
    if (g->dw->pool) {
        struct sparse_piece piece = sparse_piece(g->dw, at, lanes);

        SPARSE_EACH(piece, j, piece.values)
            *piece.values += total(g, sum + j, parts);
    } else {
        float *dw = (float *)g->dw->data + at;

        for (int j = 0; j < lanes; j++)
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
