/*
 * A dense panel is multiplied a pixel at a time, by vectors of channels. A
 * sparse filter is multiplied by vectors of pixels, for a nonzero has one input
 * and one output channel. So a strip becomes planes (conv_planes.h), all
 * channels once, and a band of an output channel's pixels is the sum of bands
 * of input, each times a nonzero, held in registers. Nonzeros of taps to the
 * left and to the right of the pixel are summed where their input is, and the
 * sums are moved.
 *
 * Scratch: the list of nonzeros, and a strip for each thread.
 */
#include "kernels/cpu/conv_sparse.h"

#include "kernels/cpu/conv_nonzeros.h"
#include "kernels/cpu/conv_sums.h"
#include "kernels/cpu/conv_transpose.h"

/* The part of its tensors' bytes that a list may take. */
enum { LIST_SHARE = 8 };

/* The operands and scratch of a thread. */
struct work {
    const struct conv_core *core;    /* its strips are those of planes */
    const struct conv_planes *planes;
    const struct conv_nonzeros *list;
    const struct conv_planes_sides *sides;
    float *strip;
    struct conv_look *look;
};

/* Output of one strip and class of pixels. */
struct lines {
    const struct work *work;
    int class, row_class, column_class;
    int rows, columns;       /* of output pixels */
    int image, images;       /* side by side */
    int first_row;           /* of the strip, as a position */
    int first, channels;     /* of a group of at most VLEN channels */
};

INLINE void add_products(const struct lines *r, int channel, int shift,
                         const float *x, const int vectors, vf *sum)
{
    const struct conv_nonzeros *l = r->work->list;
    struct range nonzeros = conv_nonzeros_of(l, channel, r->class, shift);

    for (size_t i = nonzeros.begin; i < nonzeros.end; i++) {
        const float *from = x + l->nonzero[i].offset;
        vf w = vf_set(l->nonzero[i].w);

        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[v] += w * vf_load(from + v * VLEN);
    }
}

/* Makes some rows of a channel, `vectors` vectors, of the input from x on. */
INLINE void make_rows(const struct lines *r, int channel, const float *x,
                      const int vectors, float *to)
{
    vf sum[PLANES_VECTORS];

    UNROLL
    for (int v = 0; v < vectors; v++)
        sum[v] = (vf){ 0 };
    add_products(r, channel, 1, x, vectors, sum);
    conv_planes_from_right(r->work->sides, vectors, sum);
    UNROLL
    for (int v = 0; v < vectors; v++) {
        vf_store(to + v * VLEN, sum[v]);
        sum[v] = (vf){ 0 };
    }
    add_products(r, channel, -1, x, vectors, sum);
    conv_planes_from_left(r->work->sides, vectors, sum);
    add_products(r, channel, 0, x, vectors, sum);
    UNROLL
    for (int v = 0; v < vectors; v++)
        vf_store(to + v * VLEN, vf_load(to + v * VLEN) + sum[v]);
}

#define RUN_CASE(n) \
    case n: \
        if (n <= PLANES_VECTORS) \
            make_rows(r, channel, x, n, to); \
        break;

static void run_rows(const struct lines *r, int channel, const float *x,
                     int vectors, float *to)
{
    switch (vectors) {
    RUN_CASE(1) RUN_CASE(2) RUN_CASE(3) RUN_CASE(4) RUN_CASE(5) RUN_CASE(6)
    RUN_CASE(7) RUN_CASE(8) RUN_CASE(9) RUN_CASE(10) RUN_CASE(11)
    RUN_CASE(12) RUN_CASE(13) RUN_CASE(14) RUN_CASE(15) RUN_CASE(16)
    RUN_CASE(20) RUN_CASE(24)
    }
}

/* Stores VLEN channels, or fewer, of pixels in a row. */
static inline void store_pixels(const enum dtype dtype, const struct lines *r,
                                size_t at, const vf *sum, int pixels)
{
    const struct conv_core *core = r->work->core;
    const void *add = operand_given(core->add) ? core->add->data : NULL;
    size_t step = (size_t)(core->strips.col.classes * core->y->dim[3]);
    float channels[VLEN];

    for (int i = 0; i < pixels; i++, at += step)
        if (r->channels == VLEN) {
            vf v = sum[i];

            if (add)
                v += vf_load_as(dtype, add, at);
            vf_store_as(dtype, core->y->data, at, v);
        } else {
            vf_store(channels, sum[i]);
            conv_store(dtype, core->y->data, add, at, channels, r->channels);
        }
}

/* Stores one vector of pixels, of row `row` of the strip. */
static inline void store_vector(const enum dtype dtype, const struct lines *r,
                                int row, int place, const vf *pixel)
{
    const struct conv_planes *p = r->work->planes;
    const struct conv_strips *s = &p->strips;
    const struct operand *y = r->work->core->y;
    int lanes = int_min(p->unit, VLEN);

    row = (r->first_row + row) * s->row.classes + r->row_class;
    for (int i = 0; i < VLEN; i += lanes) {
        int image = (place + i) / p->unit, column = (place + i) % p->unit;
        size_t at = (size_t)(r->image + image) * (size_t)y->dim[1]
                    + (size_t)row;

        if (image >= r->images || column >= r->columns)
            continue;
        at = at * (size_t)y->dim[2]
             + (size_t)(column * s->col.classes + r->column_class);
        store_pixels(dtype, r, at * (size_t)y->dim[3] + (size_t)r->first,
                     pixel + i, int_min(lanes, r->columns - column));
    }
}

static inline void store_band(const enum dtype dtype, const struct lines *r,
                              int row, int rows, float (*line)[PLANES_BAND])
{
    int pitch = r->work->planes->pitch;

    for (int i = 0; i < rows * pitch; i += VLEN) {
        vf pixel[VLEN];

        for (int c = 0; c < VLEN; c++)
            pixel[c] = c < r->channels ? vf_load(line[c] + i) : vf_set(0);
        conv_transpose_square(pixel);
        store_vector(dtype, r, row + i / pitch, i % pitch, pixel);
    }
}

/* Makes a band of rows of all listed channels. */
static void run_band(struct lines *r, int row, int rows)
{
    const struct work *w = r->work;
    struct range channels = w->list->listed;
    float line[VLEN][PLANES_BAND] __attribute__((aligned(64)));
    int pitch = w->planes->pitch, runs = conv_planes_runs(w->planes, rows);

    for (size_t c = channels.begin; c < channels.end; c += VLEN) {
        r->first = (int)c;
        r->channels = int_min((int)(channels.end - c), VLEN);
        for (int i = 0; i < r->channels * runs; i++) {
            struct range part = range_share((size_t)rows, i % runs, runs);

            run_rows(r, (int)c + i / runs,
                     w->strip + (row + (int)part.begin) * pitch,
                     (int)(part.end - part.begin) * pitch / VLEN,
                     line[i / runs] + (int)part.begin * pitch);
            conv_ahead_ask(&w->look->out);
        }
        DTYPE_SWITCH(w->core->y->dtype, store_band, r, row, rows, line);
    }
}

/* Makes the channels of one strip of images side by side. */
static void run_sparse_strip(const struct work *w, int image, int strip)
{
    const struct conv_planes *p = w->planes;
    const struct conv_strips *s = &p->strips;
    struct range rows = KERNEL(conv_strip_output)(s, strip);
    struct lines r = { .work = w, .image = image,
                       .images = conv_planes_images(p, image),
                       .first_row = (int)rows.begin };
    int most = PLANES_BAND / p->pitch;

    KERNEL(conv_planes_pack)(p, w->core->x, image, strip, 0, &w->look->out,
                             w->strip);
    for (; r.class < s->classes; r.class++) {
        r.row_class = r.class / s->col.classes;
        r.column_class = r.class % s->col.classes;
        r.columns = KERNEL(conv_axis_length)(&s->col, r.column_class);
        r.rows = int_min((int)rows.end,
                         KERNEL(conv_axis_length)(&s->row, r.row_class))
                 - r.first_row;
        if (r.columns <= 0)
            continue;
        for (int i = 0; i < r.rows; i += most)
            run_band(&r, i, int_min(r.rows - i, most));
    }
}

/* Portions that are asked for while a strip, which is a band, is made. */
static size_t strip_asks(const struct work *w)
{
    const struct conv_planes *p = w->planes;
    struct range channels = w->list->listed;
    int runs = p->strips.classes * conv_planes_runs(p, p->strips.rows);

    return conv_planes_asks(p)
           + (size_t)runs * (channels.end - channels.begin);
}

/* The listed channels that are in a panel. */
static struct range panel_channels(const struct conv_nonzeros *l, size_t panel)
{
    return (struct range){
        size_max(l->listed.begin, panel * CONV_PANEL),
        size_min(l->listed.end, (panel + 1) * CONV_PANEL)
    };
}

/* Prepares to ask for what a strip wants, and then the one after it: whole
 * images lie one after the other. */
static void look_beyond(const struct work *w, size_t i, size_t next)
{
    const struct conv_planes *p = w->planes;
    const struct conv_strips *s = &p->strips;
    struct conv_look *look = w->look;
    int image = (int)i / s->count * p->images;
    int then = (int)next / s->count * p->images;

    conv_look_ahead(w->core, conv_columns(w->core, 0, 1),
                    image * s->count + (int)i % s->count,
                    then * s->count + (int)next % s->count, look);
    if (s->count == 1) {
        look->out.lines *= (size_t)conv_planes_images(p, image);
        look->norm.lines *= (size_t)conv_planes_images(p, image);
        look->in.lines *= (size_t)conv_planes_images(p, then);
    }
    KERNEL(conv_ahead_divide)(&look->out, strip_asks(w));
}

static void run_sparse_strips(const void *own, int share, struct range items)
{
    const struct work *w = own;
    const struct conv_planes *p = w->planes;
    struct range listed = w->list->listed;
    int count = p->strips.count;

    for (size_t i = items.begin; i < items.end; i++) {
        int image = (int)i / count * p->images, strip = (int)i % count;
        int end = image + conv_planes_images(p, image);

        look_beyond(w, i, i + 1 < items.end ? i + 1 : items.begin);
        run_sparse_strip(w, image, strip);
        for (size_t k = listed.begin / CONV_PANEL; k * CONV_PANEL < listed.end;
             k++)
            for (int j = image; j < end; j++)
                KERNEL(conv_sums_add)(w->core, panel_channels(w->list, k),
                                      share, j * count + strip);
    }
}

bool KERNEL(conv_sparse_may_pay)(const struct conv_core *core)
{
    return pool_skips(core->w->pool, POOL_SKIP)
           && KERNEL(conv_planes_can)(&core->strips);
}

static struct conv_nonzeros list_of(const struct conv_core *core,
                                    const struct conv_planes *p)
{
    return KERNEL(conv_nonzeros)(p, core->w, core->threads,
                                 (operand_bytes(core->x)
                                  + operand_bytes(core->y)) / LIST_SHARE);
}

size_t KERNEL(conv_sparse_floats)(const struct conv_core *core)
{
    struct conv_planes p = KERNEL(conv_planes)(&core->strips);
    struct conv_nonzeros l = list_of(core, &p);

    return KERNEL(conv_nonzeros_floats)(&l)
           + (size_t)core->threads * conv_planes_floats(&p);
}

bool KERNEL(conv_sparse_run)(const struct conv_core *core, float *scratch)
{
    struct conv_planes p = KERNEL(conv_planes)(&core->strips);
    struct conv_nonzeros l = list_of(core, &p);
    struct conv_core cut = *core;
    struct conv_planes_sides sides;
    struct conv_look look = { 0 };
    struct work w = {
        .core = &cut, .planes = &p, .list = &l, .sides = &sides, .look = &look,
        .strip = scratch + KERNEL(conv_nonzeros_floats)(&l)
                 + (size_t)this_thread() * conv_planes_floats(&p)
    };

    cut.strips = p.strips;
    cut.width = core->y->dim[3];
    conv_planes_sides(&p, &sides);
    KERNEL(conv_nonzeros_bind)(&l, scratch);
    KERNEL(conv_nonzeros_count)(&l);
    if (!KERNEL(conv_nonzeros_few)(&l, POOL_SKIP_FILTER))
        return false;
    while (KERNEL(conv_nonzeros_next)(&l)) {
        share_out(conv_planes_items(&p), core->threads, run_sparse_strips, &w);
        for (size_t k = l.listed.begin / CONV_PANEL;
             k * CONV_PANEL < l.listed.end; k++)
            KERNEL(conv_sums_end)(&cut, panel_channels(&l, k));
    }
    return true;
}
