/*
 * Scratch: the transformed filters of a set of panels,
 *
 *     filter [panel][place][channel of input][width]
 *
 * which all threads share, or as many sets as there are threads;
 * and for each thread a strip of input (conv_strip.h) of some rows of squares,
 * some of its squares, transformed, and their sums,
 *
 *     square [place][block][square][CONV_BLOCK]
 *     sum [panel][place][square][width]
 *
 * The squares hold as many blocks of channels at a time as stay in the
 * first-level cache, and are made while the strip is there, for all panels of
 * the set.
 */
#include "kernels/cpu/conv_winograd.h"

#include "kernels/cpu/conv_sums.h"
#include "kernels/cpu/conv_weights.h"
#include "kernels/cpu/winograd.h"

enum { SIDE = WINOGRAD_SIDE, PLACES = WINOGRAD_PLACES, TAPS = WINOGRAD_TAPS,
       STRIP_BYTES = 32 * 1024, SQUARES = 12, CHUNK_BLOCKS = 2,
       FILTER_CHANNELS = 4 /* that a thread transforms at least */,
       FILTER_BYTES = 576 * 1024 /* of a set */,
       OWN_SQUARES = 4 /* for each channel of output, at most */ };

/* The same product, cut into strips of whole squares, at least one for each of
 * some threads. */
static struct conv_core squares_core(const struct conv_core *core, int threads)
{
    struct conv_core w = *core;

    winograd_cut(&w.strips, threads, w.strips.blocks, STRIP_BYTES);
    return w;
}

/* Floats from place to place of a panel's filters. The places of a filter are
 * written together, and would share a set of the cache if these were a power of
 * two. */
static size_t filter_place(const struct conv_core *w)
{
    return (size_t)(w->strips.blocks * CONV_BLOCK * w->width + CONV_BLOCK);
}

/* Floats of a panel's filters, and of the sums of a panel. */
static size_t filter_floats(const struct conv_core *w)
{
    return PLACES * filter_place(w);
}

static size_t sum_floats(const struct conv_core *w)
{
    return (size_t)(PLACES * SQUARES * w->width);
}

int KERNEL(conv_winograd_panels)(const struct conv_core *core)
{
    return conv_set(conv_panels(core), filter_floats(core) * sizeof(float),
                    FILTER_BYTES);
}

int KERNEL(conv_winograd_own_panels)(const struct conv_core *core)
{
    int panels = conv_panels(core), each = panels / core->threads;
    size_t squares = operand_rows(core->y) / 4;
    size_t bytes = (size_t)each * filter_floats(core) * sizeof(float);

    if (core->threads == 1 || each * core->threads != panels
        || bytes > FILTER_BYTES
        || squares > OWN_SQUARES * (size_t)core->y->dim[3])
        return 0;
    return each;
}

/* Floats of the parts of scratch. */
struct sizes {
    size_t filter, strip, square, sum;
};

static struct sizes winograd_sizes(const struct conv_core *w)
{
    const struct conv_strips *s = &w->strips;

    return (struct sizes){
        .filter = filter_floats(w) * (size_t)w->set,
        .strip = (size_t)s->blocks * (size_t)s->block,
        .square = (size_t)(PLACES * int_min(s->blocks, CHUNK_BLOCKS)
                           * SQUARES * CONV_BLOCK),
        .sum = sum_floats(w) * (size_t)w->set
    };
}

size_t KERNEL(conv_winograd_bytes)(const struct conv_core *core)
{
    struct conv_core w = squares_core(core, 1);
    struct sizes z = winograd_sizes(&w);

    return (z.filter * (size_t)w.sets
            + (z.strip + z.square + z.sum) * (size_t)w.threads)
           * sizeof(float);
}

/* Transforms the filters between at most CONV_BLOCK channels of input and the
 * panel's channels. */
static void transform_filters(const struct conv_core *w, struct range channels,
                              int panel, float *to)
{
    bool transposed = w->strips.row.transposed;
    float tap[TAPS][CONV_BLOCK * CONV_PANEL];
    size_t place = filter_place(w);
    int floats = (int)(channels.end - channels.begin) * w->width;

    for (int i = 0; i < TAPS; i++)
        conv_weights_pack(w, transposed ? TAPS - 1 - i : i, channels, panel,
                          tap[i]);
    to += channels.begin * (size_t)w->width;
    for (int k = 0; k < floats; k += VLEN) {
        vf side[3][SIDE], u[SIDE];

        UNROLL
        for (int i = 0; i < 3; i++) {
            vf g[3] = { vf_load(tap[3 * i] + k), vf_load(tap[3 * i + 1] + k),
                        vf_load(tap[3 * i + 2] + k) };

            winograd_filter_side(g, side[i]);
        }
        UNROLL
        for (int j = 0; j < SIDE; j++) {
            vf g[3] = { side[0][j], side[1][j], side[2][j] };

            winograd_filter_side(g, u);
            UNROLL
            for (int i = 0; i < SIDE; i++)
                vf_store(to + (size_t)(i * SIDE + j) * place + k, u[i]);
        }
    }
}

/* The channels of input whose filters a thread transforms. */
static struct range share_of(const struct conv_core *w, int thread)
{
    size_t channels = (size_t)w->x->dim[3];
    struct range share = range_share(channels / FILTER_CHANNELS, thread,
                                     w->threads);

    return (struct range){ share.begin * FILTER_CHANNELS,
                           share.end * FILTER_CHANNELS };
}

/* Transforms the filters of some channels, for the panels of a set. */
static void transform_set(const struct conv_core *w, struct range channels,
                          int panel, int panels, float *to)
{
    for (int i = 0; i < panels; i++, to += filter_floats(w))
        for (size_t c = channels.begin; c < channels.end; c += CONV_BLOCK)
            transform_filters(w, (struct range){ c, size_min(c + CONV_BLOCK,
                                                             channels.end) },
                              panel + i, to);
}

/* A thread's part of the work. */
struct winograd {
    const struct conv_core *core;
    int panel, panels;           /* the first of the set, and their number */
    int item;
    float *filter;
    float *strip, *square, *sum;
    struct conv_look look;
    struct conv_ahead filters;   /* of the next set */
};

/* Some squares of a strip, row by row. */
struct squares {
    int first, count;
    int across;          /* squares in a row */
};

static void transform_squares(const struct winograd *w, struct squares q,
                              int block, int blocks)
{
    const struct conv_strips *s = &w->core->strips;
    size_t place = (size_t)(blocks * q.count * CONV_BLOCK);
    int row = s->width * CONV_BLOCK;
    float *to = w->square;

    for (int b = block; b < block + blocks; b++)
        for (int i = q.first; i < q.first + q.count; i++) {
            winograd_input(w->strip + b * s->block + i / q.across * 2 * row
                           + i % q.across * 2 * CONV_BLOCK, CONV_BLOCK, row,
                           CONV_BLOCK, to, place);
            to += CONV_BLOCK;
        }
}

/* Multiplies at every place by the filters of panel i of the set, and adds to
 * its sums. */
static void multiply_chunk(struct winograd *w, int i, struct squares q,
                           int block, int blocks)
{
    const struct conv_core *core = w->core;
    int offset[CHUNK_BLOCKS];
    struct conv_tile t = {
        .x = w->square, .sum = w->sum + (size_t)i * sum_floats(core),
        .panel = w->filter + (size_t)i * filter_floats(core)
                 + block * CONV_BLOCK * core->width,
        .offset = offset, .segments = blocks,
        .depth = CONV_BLOCK, .last = CONV_BLOCK, .lines = q.count,
        .width = core->width, .lanes = conv_lanes(core, w->panel + i),
        .fresh = block == 0, .ahead = &w->look.out
    };

    for (int b = 0; b < blocks; b++)
        offset[b] = b * q.count * CONV_BLOCK;
    for (int place = 0; place < PLACES; place++) {
        KERNEL(conv_tile_pixels)(&t);
        t.x += blocks * q.count * CONV_BLOCK;
        t.panel += filter_place(core);
        t.sum += q.count * core->width;
    }
}

/* The sums of one square at lanes v... become its four pixels. */
INLINE void finish_square(const float *sum, size_t place, int v,
                          float pixel[4][CONV_PANEL])
{
    vf top[SIDE], bottom[SIDE];

    UNROLL
    for (int j = 0; j < SIDE; j++) {
        vf a = vf_load(sum + (size_t)j * place + v);
        vf b = vf_load(sum + (size_t)(SIDE + j) * place + v);
        vf c = vf_load(sum + (size_t)(2 * SIDE + j) * place + v);
        vf d = vf_load(sum + (size_t)(3 * SIDE + j) * place + v);

        top[j] = a + b + c;
        bottom[j] = b - c - d;
    }
    vf_store(pixel[0] + v, top[0] + top[1] + top[2]);
    vf_store(pixel[1] + v, top[1] - top[2] - top[3]);
    vf_store(pixel[2] + v, bottom[0] + bottom[1] + bottom[2]);
    vf_store(pixel[3] + v, bottom[1] - bottom[2] - bottom[3]);
}

/* Writes the pixels of panel i of the set. */
static inline void store_squares(const enum dtype dtype,
                                 const struct winograd *w, int i,
                                 struct squares q)
{
    const struct conv_core *core = w->core;
    const struct conv_strips *s = &core->strips;
    const struct operand *y = core->y;
    const void *add = operand_given(core->add) ? core->add->data : NULL;
    size_t channels = (size_t)y->dim[3], columns = (size_t)y->dim[2];
    size_t rows = (size_t)(w->item / s->count) * (size_t)y->dim[1]
                  + KERNEL(conv_strip_output)(s, w->item).begin;
    size_t place = (size_t)(q.count * core->width);
    const float *sum = w->sum + (size_t)i * sum_floats(core);
    size_t first = (size_t)((w->panel + i) * core->width);
    int lanes = conv_lanes(core, w->panel + i);
    float pixel[4][CONV_PANEL];

    for (int k = 0; k < q.count; k++) {
        size_t row = rows + (size_t)((q.first + k) / q.across * 2);
        size_t column = (size_t)((q.first + k) % q.across * 2);
        size_t at = (row * columns + column) * channels + first;

        for (int v = 0; v < lanes; v += VLEN)
            finish_square(sum + k * core->width, place, v, pixel);
        conv_store(dtype, y->data, add, at, pixel[0], lanes);
        conv_store(dtype, y->data, add, at + channels, pixel[1], lanes);
        at += columns * channels;
        conv_store(dtype, y->data, add, at, pixel[2], lanes);
        conv_store(dtype, y->data, add, at + channels, pixel[3], lanes);
    }
}

static void run_squares(struct winograd *w)
{
    const struct conv_core *core = w->core;
    const struct conv_strips *s = &core->strips;
    struct range rows = KERNEL(conv_strip_output)(s, w->item);
    int across = core->y->dim[2] / 2;
    int count = (int)(rows.end - rows.begin) / 2 * across;
    int groups = (count + SQUARES - 1) / SQUARES;

    KERNEL(conv_ahead_divide)(
        &w->look.out,
        (size_t)(groups * PLACES * s->blocks * w->panels)
            * KERNEL(conv_tile_count)(SQUARES, conv_lanes(core, w->panel)));
    KERNEL(conv_strip_pack)(s, core->x, w->item, 0, s->blocks, w->strip);
    for (int g = 0; g < groups; g++) {
        struct range part = range_share((size_t)count, g, groups);
        struct squares q = { (int)part.begin, (int)(part.end - part.begin),
                             across };

        for (int b = 0; b < s->blocks; b += CHUNK_BLOCKS) {
            int blocks = int_min(s->blocks - b, CHUNK_BLOCKS);

            transform_squares(w, q, b, blocks);
            for (int i = 0; i < w->panels; i++)
                multiply_chunk(w, i, q, b, blocks);
        }
        for (int i = 0; i < w->panels; i++)
            DTYPE_SWITCH(core->y->dtype, store_squares, w, i, q);
    }
}

/* Prepares to ask, after all else, for part i of n of the filters that this
 * thread transforms next. They lie apart, where no processor expects them. */
static void look_for_filters(struct winograd *w, size_t i, size_t n)
{
    const struct conv_core *core = w->core;
    int next = w->panel + w->panels;

    if (next == conv_panels(core))
        return;
    w->filters = conv_weights_ahead(core, range_share(TAPS, (int)i, (int)n),
                                    share_of(core, this_thread()),
                                    conv_columns(core, next, core->set));
    w->look.in.next = &w->filters;
}

/* Prepares to ask for what strip `item` wants, and then `next`. */
static void look_for_strips(struct winograd *w, size_t item, size_t next)
{
    const struct conv_core *core = w->core;

    w->item = (int)item;
    conv_look_ahead(core, conv_columns(core, w->panel, w->panels), w->item,
                    (int)next, &w->look);
}

/* Makes the strip that has been looked for. */
static void run_strip(struct winograd *w, int share)
{
    const struct conv_core *core = w->core;

    run_squares(w);
    for (int p = w->panel; p < w->panel + w->panels; p++)
        KERNEL(conv_sums_add)(core, conv_columns(core, p, 1), share, w->item);
}

static void run_shared_strips(const void *own, int share, struct range items)
{
    struct winograd w = *(const struct winograd *)own;

    for (size_t i = items.begin; i < items.end; i++) {
        look_for_strips(&w, i, i + 1 < items.end ? i + 1 : items.begin);
        if (share < w.core->threads)
            look_for_filters(&w, i - items.begin, items.end - items.begin);
        run_strip(&w, share);
    }
}

/* The work of a thread for the set of panels that begins with one. */
static struct winograd winograd_of(const struct conv_core *cut, int panel)
{
    struct sizes z = winograd_sizes(cut);
    size_t thread = (size_t)this_thread(), sets = (size_t)cut->sets;
    float *filter = cut->scratch;
    float *rest = filter + sets * z.filter
                  + thread * (z.strip + z.square + z.sum);

    return (struct winograd){
        .core = cut, .panel = panel,
        .panels = int_min(cut->set, conv_panels(cut) - panel),
        .filter = filter + thread % sets * z.filter,
        .strip = rest, .square = rest + z.strip,
        .sum = rest + z.strip + z.square
    };
}

/* All threads together make the set of panels that begins with one. */
static void make_shared_set(const struct conv_core *cut, int panel)
{
    const struct conv_strips *s = &cut->strips;
    struct winograd w = winograd_of(cut, panel);

#pragma omp for schedule(static)
    for (int t = 0; t < cut->threads; t++)
        transform_set(cut, share_of(cut, t), panel, w.panels, w.filter);
    share_out((size_t)s->images * (size_t)s->count, cut->threads,
              run_shared_strips, &w);
    KERNEL(conv_sums_end)(cut, conv_columns(cut, panel, w.panels));
}

static void make_shared_sets(const struct conv_core *cut)
{
    for (int panel = 0; panel < conv_panels(cut); panel += cut->set)
        make_shared_set(cut, panel);
}

/* Makes all strips for the set of a thread. Each begins with another strip, so
 * as not to want the same lines at the same time. */
static void make_own_set(const struct conv_core *cut, int thread)
{
    const struct conv_strips *s = &cut->strips;
    struct winograd w = winograd_of(cut, thread * cut->set);
    size_t items = (size_t)s->images * (size_t)s->count;
    size_t first = range_share(items, thread, cut->threads).begin;

    transform_set(cut, (struct range){ 0, (size_t)cut->x->dim[3] }, w.panel,
                  w.panels, w.filter);
    for (size_t i = 0; i < items; i++) {
        look_for_strips(&w, (first + i) % items, (first + i + 1) % items);
        run_strip(&w, 0);
    }
}

static void make_own_sets(const struct conv_core *cut)
{
    /* Tallies are empty. */
#pragma omp barrier
#pragma omp for schedule(static)
    for (int t = 0; t < cut->threads; t++)
        make_own_set(cut, t);
    KERNEL(conv_sums_end)(cut, conv_columns(cut, 0, conv_panels(cut)));
}

void KERNEL(conv_winograd_run)(const struct conv_core *core)
{
    bool own = core->sets > 1;
    const struct conv_core cut = squares_core(core, own ? 1 : core->threads);

#pragma omp parallel num_threads(core->threads)
    {
        KERNEL(conv_sums_begin)(&cut);
        if (own)
            make_own_sets(&cut);
        else
            make_shared_sets(&cut);
    }
}
