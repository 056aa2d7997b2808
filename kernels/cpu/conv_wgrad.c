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
 * so that a whole gradient exists nowhere but in dw. A slab is the sum over
 * strips of the products of packed x (see conv_strip.h), read along channels,
 * and packed dy [pixel][CONV_PANEL]. Threads share out the slabs; if these are
 * too few, the strips of each slab, and then add up their sums in order.
 *
 * Scratch: the taps; the offsets of rows in a strip; for each thread a slab, a
 * strip of x and one of dy.
 */
#include <string.h>

#include "conv_strip.h"
#include "conv_tile.h"
#include "stage.h"
#include "vec.h"

enum { STRIP_BYTES = 56 * 1024, SLAB_CHANNELS = 32 };

struct wgrad {
    const struct operand *x, *dy, *dw;
    struct conv_strips strips;
    int threads;
    int slabs;
    struct conv_taps taps;
    int *row;              /* offsets of the rows of a strip */
    size_t slab, x_strip, dy_strip; /* sizes, floats */
    float *thread;         /* the first thread's scratch */
    size_t bytes;
};

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
    size_t dy_row = (size_t)dy->dim[2] * CONV_PANEL;
    size_t taps = KERNEL(conv_taps_bytes)(s), rows;

    KERNEL(conv_strips_cut)(s, c->threads, 1, dy_row * sizeof(float),
                            STRIP_BYTES);
    g.slabs = s->blocks * ((dy->dim[3] + CONV_PANEL - 1) / CONV_PANEL);
    g.slab = (size_t)(s->taps * s->channels) * CONV_PANEL;
    g.x_strip = (size_t)s->block;
    g.dy_strip = (size_t)s->rows * dy_row;
    rows = round_up((size_t)s->rows * sizeof(int), CPU_ALIGNMENT);
    g.bytes = taps + rows + (g.slab + g.x_strip + g.dy_strip)
                            * sizeof(float) * (size_t)c->threads;
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
    return g->thread + (size_t)thread * (g->slab + g->x_strip + g->dy_strip);
}

/* Packs a panel of dy for strip `item`, to [row][column][CONV_PANEL]; all of
 * dy is read here, and made float. */
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

    for (size_t i = (rows.end - rows.begin) * width; i > 0; i--) {
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

/* Adds what one strip gives to a slab; `next` is the strip after it. */
static void run_strip(const struct wgrad *g, int slab, int item, int next,
                      float *sum)
{
    const struct conv_strips *s = &g->strips;
    int block = slab % s->blocks, panel = slab / s->blocks;
    int first = block * s->channels;
    int inputs = int_min(g->x->dim[3] - first, s->channels);
    int outputs = int_min(g->dy->dim[3] - panel * CONV_PANEL, CONV_PANEL);
    struct range rows = KERNEL(conv_strip_output)(s, item);
    float *x = sum + g->slab, *dy = x + g->x_strip;
    struct conv_ahead dy_ahead = KERNEL(conv_ahead)(
        g->dy, next / s->count, KERNEL(conv_strip_output)(s, next),
        panel * CONV_PANEL, outputs);
    struct conv_ahead ahead = KERNEL(conv_ahead)(
        g->x, next / s->count, KERNEL(conv_strip_input)(s, next), first,
        inputs);
    struct conv_tile t = {
        .panel = dy, .sum = sum,
        .offset = g->row, .segments = (int)(rows.end - rows.begin),
        .depth = g->dy->dim[2], .lines = inputs, .lanes = outputs,
        .x_k = s->channels, .ahead = &ahead
    };

    ahead.next = &dy_ahead;
    KERNEL(conv_ahead_divide)(&ahead, (size_t)(s->taps * s->rows));
    KERNEL(conv_strip_pack)(s, g->x, item, block, 1, x);
    DTYPE_SWITCH(g->dy->dtype, pack_dy, g, item, panel, dy);
    for (int i = 0; i < s->taps; i++) {
        t.x = x + g->taps.offset[i];
        KERNEL(conv_tile_channels)(&t);
        t.sum += s->channels * CONV_PANEL;
    }
}

/* What some of the strips give to a slab. */
static void sum_slab(const struct wgrad *g, int slab, struct range items,
                     float *sum)
{
    memset(sum, 0, g->slab * sizeof(float));
    for (size_t i = items.begin; i < items.end; i++)
        run_strip(g, slab, (int)i, (int)(i + 1 < items.end ? i + 1 : i), sum);
}

/* Adds one row of a slab, of one tap and input channel, to dw: the sum of
 * what `parts` threads have. All of dw is written here. */
static void add_row(const struct wgrad *g, int slab, int row, int parts,
                    const float *sum)
{
    const struct conv_strips *s = &g->strips;
    int panel = slab / s->blocks, tap = row / s->channels;
    int input = slab % s->blocks * s->channels + row % s->channels;
    size_t inputs = (size_t)g->x->dim[3], outputs = (size_t)g->dy->dim[3];
    int lanes = int_min((int)outputs - panel * CONV_PANEL, CONV_PANEL);
    size_t step = g->slab + g->x_strip + g->dy_strip;
    size_t at = ((size_t)tap * inputs + (size_t)input) * outputs
                + (size_t)panel * CONV_PANEL;
    float room[CONV_PANEL], total[CONV_PANEL];
    const float *dw;

    if (input >= (int)inputs)
        return;
    dw = stage_floats(g->dw, at, (size_t)lanes, room);
    sum += row * CONV_PANEL;
    for (int j = 0; j < lanes; j++) {
        total[j] = sum[j];
        for (int i = 1; i < parts; i++)
            total[j] += sum[(size_t)i * step + (size_t)j];
        total[j] += dw[j];
    }
    stage_put(g->dw, at, (size_t)lanes, total);
}

void KERNEL(conv_wgrad)(const struct call *c)
{
    const struct wgrad g = wgrad_of(c);
    size_t items = (size_t)g.strips.images * (size_t)g.strips.count;
    int rows = g.strips.taps * g.strips.channels;

    if (g.slabs >= g.threads) {
#pragma omp parallel for num_threads(g.threads) schedule(static)
        for (int t = 0; t < g.threads; t++) {
            struct range slabs = range_share((size_t)g.slabs, t, g.threads);

            for (int i = (int)slabs.begin; i < (int)slabs.end; i++) {
                sum_slab(&g, i, (struct range){ 0, items },
                         thread_slab(&g, t));
                for (int row = 0; row < rows; row++)
                    add_row(&g, i, row, 1, thread_slab(&g, t));
            }
        }
        return;
    }
#pragma omp parallel num_threads(g.threads)
    for (int i = 0; i < g.slabs; i++) {
#pragma omp for schedule(static)
        for (int t = 0; t < g.threads; t++)
            sum_slab(&g, i, range_share(items, t, g.threads),
                     thread_slab(&g, t));
#pragma omp for schedule(static)
        for (int row = 0; row < rows; row++)
            add_row(&g, i, row, g.threads, thread_slab(&g, 0));
    }
}
