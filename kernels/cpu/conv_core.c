/*
 * Strips, and the product that both a convolution and its data gradient are.
 *
 * For each panel of 32 output channels the threads together pack the weights,
 *
 *     panel [block][tap][CONV_BLOCK][CONV_PANEL]
 *
 * with zeros filled in if they are sparse,
 * and then each works through its own strips: packs one, and for every run of
 * pixels and pair of vectors of the panel holds the sums over all blocks and
 * taps in registers until they are stored, once.
 *
 * Scratch: the taps, the panel, a strip for each thread.
 */

#include <string.h>

#include "conv_sparse.h"
#include "sparse.h"

enum { CORE_STRIP_BYTES = 52 * 1024 };

static int floor_div(int a, int b)
{
    return a / b - (a % b < 0);
}

static int clamp(int n, int low, int high)
{
    return n < low ? low : int_min(n, high);
}

static struct conv_axis axis_new(int in, int out, int taps, int stride,
                                 int pad)
{
    return (struct conv_axis){
        .taps = taps, .pad = pad, .in = in, .out = out,
        .step = stride, .planes = int_min(stride, taps), .origin = -pad,
        .classes = 1, .length = out, .halo = (taps - 1) / stride
    };
}

static struct conv_axis axis_transposed(int in, int out, int taps, int stride,
                                        int pad)
{
    int nearest = -floor_div(taps - 1 - pad, stride);
    int farthest = -floor_div(-pad, stride);

    return (struct conv_axis){
        .transposed = true, .taps = taps, .pad = pad, .in = in, .out = out,
        .step = 1, .planes = 1, .origin = nearest,
        .classes = stride, .length = (out + stride - 1) / stride,
        .halo = farthest - nearest
    };
}

/* Whether outputs of this class see the tap; if so, in which plane, and how
 * far along it. */
static bool axis_tap(const struct conv_axis *a, int class, int tap,
                     int *plane, int *offset)
{
    int distance = class + a->pad - tap;

    if (a->transposed) {
        *plane = 0;
        *offset = distance / a->classes - a->origin;
        return distance % a->classes == 0;
    }
    *plane = tap % a->step;
    *offset = tap / a->step;
    return true;
}

struct conv_strips KERNEL(conv_strips)(const struct operand *x,
                                       const struct operand *filter,
                                       const struct operand *y,
                                       const union attr *attr,
                                       bool transposed)
{
    struct conv_axis (*axis)(int, int, int, int, int) =
        transposed ? axis_transposed : axis_new;
    int stride = attr->conv.stride, pad = attr->conv.pad;
    struct conv_strips s = {
        .row = axis(x->dim[1], y->dim[1], filter->dim[0], stride, pad),
        .col = axis(x->dim[2], y->dim[2], filter->dim[1], stride, pad),
        .taps = filter->dim[0] * filter->dim[1],
        .images = x->dim[0],
        .blocks = (x->dim[3] + CONV_BLOCK - 1) / CONV_BLOCK
    };

    s.width = s.col.length + s.col.halo;
    return s;
}

void KERNEL(conv_strips_cut)(struct conv_strips *s, int threads, int together,
                             size_t beside, size_t budget)
{
    size_t row = (size_t)(s->row.planes * s->col.planes * s->width)
                 * CONV_BLOCK * sizeof(float) * (size_t)together;
    size_t halo = row * (size_t)s->row.halo;
    size_t fit = budget > halo ? (budget - halo) / (row + beside) : 0;
    int wanted = (threads + s->images - 1) / s->images;
    int rows = (s->row.length + wanted - 1) / wanted;

    if (fit < (size_t)rows)
        rows = fit > 0 ? (int)fit : 1;
    s->count = (s->row.length + rows - 1) / rows;
    s->rows = (s->row.length + s->count - 1) / s->count;
    s->block = s->row.planes * s->col.planes * (s->rows + s->row.halo)
               * s->width * CONV_BLOCK;
}

void KERNEL(conv_taps)(const struct conv_strips *s, struct conv_tap *tap)
{
    int classes = s->row.classes * s->col.classes;
    int plane[2], offset[2];

    for (int class = 0; class < classes; class++)
        for (int index = 0; index < s->taps; index++) {
            if (!axis_tap(&s->row, class / s->col.classes,
                          index / s->col.taps, &plane[0], &offset[0])
                || !axis_tap(&s->col, class % s->col.classes,
                             index % s->col.taps, &plane[1], &offset[1]))
                continue;
            offset[0] += (plane[0] * s->col.planes + plane[1])
                         * (s->rows + s->row.halo);
            *tap++ = (struct conv_tap){
                class, index, (offset[0] * s->width + offset[1]) * CONV_BLOCK
            };
        }
}

/* Packs n pixels of a block of channels: every input that a convolution
 * reads is read here, and made float. */
static void pack_pixels(const struct operand *x, const float *from,
                        size_t step, int channel, int n, float *to)
{
    int channels = x->dim[3];
    int lanes = int_min(channels - channel, CONV_BLOCK);
    const float *scale = NULL, *shift = NULL;

    if (x->through) {
        scale = x->through + STAT_SCALE * channels + channel;
        shift = x->through + STAT_SHIFT * channels + channel;
    }
    if (lanes < CONV_BLOCK) {
        for (; n > 0; n--, from += step, to += CONV_BLOCK)
            for (int i = 0; i < CONV_BLOCK; i++)
                to[i] = i >= lanes ? 0
                        : scale ? relu(scale[i] * from[i] + shift[i])
                        : from[i];
    } else if (scale) {
        for (; n > 0; n--, from += step, to += CONV_BLOCK)
            for (int i = 0; i < CONV_BLOCK; i += VLEN)
                vf_store(to + i, vf_through(vf_load(from + i),
                                            vf_load(scale + i),
                                            vf_load(shift + i)));
    } else {
        for (; n > 0; n--, from += step, to += CONV_BLOCK)
            memcpy(to, from, CONV_BLOCK * sizeof(float));
    }
}

/* Packs one row of a plane from an input row, NULL if that is padding. */
static void pack_row(const struct conv_strips *s, const struct operand *x,
                     const float *row, int plane, int channel, float *to)
{
    int start = s->col.origin + plane, step = s->col.step;
    int first = clamp(-floor_div(start, step), 0, s->width);
    int last = clamp(-floor_div(start - s->col.in, step), 0, s->width);
    size_t pixel = (size_t)x->dim[3];

    if (!row || first >= last)
        first = last = s->width;
    memset(to, 0, (size_t)first * CONV_BLOCK * sizeof(float));
    if (first < last)
        pack_pixels(x, row + (size_t)(start + first * step) * pixel + channel,
                    (size_t)step * pixel, channel, last - first,
                    to + first * CONV_BLOCK);
    memset(to + last * CONV_BLOCK, 0,
           (size_t)(s->width - last) * CONV_BLOCK * sizeof(float));
}

void KERNEL(conv_pack)(const struct conv_strips *s, const struct operand *x,
                       int item, int block, int count, float *strip)
{
    const float *image = x->data;
    size_t row_floats = (size_t)s->col.in * (size_t)x->dim[3];
    struct range positions = conv_strip_rows(s, item);
    int first = (int)positions.begin, last = (int)positions.end + s->row.halo;

    image += (size_t)(item / s->count) * (size_t)s->row.in * row_floats;
    for (int p = 0; p < s->row.planes * s->col.planes; p++)
        for (int i = first; i < last; i++) {
            int row = s->row.origin + i * s->row.step + p / s->col.planes;
            bool inside = row >= 0 && row < s->row.in;
            float *to = strip + (p * (s->rows + s->row.halo) + i - first)
                                * s->width * CONV_BLOCK;

            for (int b = 0; b < count; b++)
                pack_row(s, x,
                         inside ? image + (size_t)row * row_floats : NULL,
                         p % s->col.planes, (block + b) * CONV_BLOCK,
                         to + b * s->block);
        }
}

struct range KERNEL(conv_strip_pixels)(const struct conv_strips *s, int item)
{
    struct range positions = conv_strip_rows(s, item);
    int step = s->row.step, in = s->row.in;
    int begin = clamp(s->row.origin + (int)positions.begin * step, 0, in);
    int end = clamp(s->row.origin + ((int)positions.end + s->row.halo) * step,
                    begin, in);
    size_t image = (size_t)(item / s->count) * (size_t)in;
    size_t width = (size_t)s->col.in;

    return (struct range){ (image + (size_t)begin) * width,
                           (image + (size_t)end) * width };
}

struct conv_ahead KERNEL(conv_ahead)(const struct operand *x,
                                     struct range pixels, int channel,
                                     int channels, size_t times)
{
    size_t pixel = (size_t)x->dim[3] * sizeof(float);
    size_t line = CPU_ALIGNMENT;
    struct conv_ahead a = {
        .at = (const char *)x->data + pixels.begin * pixel
              + (size_t)channel * sizeof(float),
        .step = pixel,
        .lines = ((size_t)channels * sizeof(float) + line - 1) / line,
        .left = pixels.end - pixels.begin
    };

    if (channels == x->dim[3]) {
        a.left = (a.left * pixel + line - 1) / line;
        a.step = line;
        a.lines = 1;
    }
    a.portion = (a.left + times - 1) / times;
    return a;
}

struct conv_core KERNEL(conv_core)(const struct call *c,
                                   const struct operand *x,
                                   const struct operand *w,
                                   const struct operand *add,
                                   const struct operand *y, bool transposed)
{
    struct conv_core core = {
        .strips = KERNEL(conv_strips)(x, w, y, &c->attr, transposed),
        .x = x, .w = w, .add = add, .y = y,
        .threads = c->threads, .scratch = c->scratch
    };

    KERNEL(conv_strips_cut)(&core.strips, c->threads, core.strips.blocks, 0,
                            CORE_STRIP_BYTES);
    return core;
}

/* Where the parts of scratch are. */
struct layout {
    struct conv_tap *tap;
    float *panel, *strip; /* the first thread's */
    size_t strip_floats;
    size_t bytes;
};

static struct layout layout_of(const struct conv_core *core)
{
    const struct conv_strips *s = &core->strips;
    size_t taps = round_up((size_t)s->taps * sizeof(struct conv_tap),
                           CPU_ALIGNMENT);
    size_t panel = (size_t)s->blocks * (size_t)s->taps
                   * CONV_BLOCK * CONV_PANEL;
    size_t strip = pool_skips(core->w->pool, POOL_SKIP)
                       ? conv_sparse_strip(s)
                       : (size_t)s->blocks * (size_t)s->block;
    char *base = core->scratch;
    struct layout l = {
        .strip_floats = strip,
        .bytes = taps + (panel + strip * (size_t)core->threads)
                        * sizeof(float)
    };

    if (base) {
        l.tap = (struct conv_tap *)base;
        l.panel = (float *)(base + taps);
        l.strip = l.panel + panel;
    }
    return l;
}

size_t KERNEL(conv_core_scratch)(const struct conv_core *core)
{
    return layout_of(core).bytes;
}

/* The same as pack_dense(), of a filter that is sparse; it is read along its
 * output channels, which are those of the block if it is transposed. */
static void pack_sparse(const struct conv_core *core, int index, int block,
                        int panel, float *to)
{
    const int *dim = core->w->dim;
    bool transposed = core->strips.row.transposed;
    int channel[2] = { block * CONV_BLOCK, panel * CONV_PANEL };
    int width[2] = { CONV_BLOCK, CONV_PANEL };
    int step[2] = { CONV_PANEL, 1 };
    int in = transposed, out = !transposed;
    int rows = int_min(dim[2] - channel[in], width[in]);
    int lanes = int_min(dim[3] - channel[out], width[out]);
    size_t at = ((size_t)index * (size_t)dim[2] + (size_t)channel[in])
                * (size_t)dim[3] + (size_t)channel[out];

    memset(to, 0, CONV_BLOCK * CONV_PANEL * sizeof(float));
    for (int i = 0; i < rows; i++, at += (size_t)dim[3], to += step[in]) {
        struct sparse_piece piece = sparse_piece(core->w, at, lanes);

        SPARSE_EACH(piece, j, piece.values)
            to[(int)j * step[out]] = *piece.values;
    }
}

/* Packs the weights of one tap between a block and a panel:
 * to [CONV_BLOCK][CONV_PANEL], zero beyond the last output channel. */
static void pack_dense(const struct conv_core *core, int index, int block,
                         int panel, float *to)
{
    int inputs = core->x->dim[3], outputs = core->y->dim[3];
    int rows = int_min(inputs - block * CONV_BLOCK, CONV_BLOCK);
    int lanes = int_min(outputs - panel * CONV_PANEL, CONV_PANEL);
    bool transposed = core->strips.row.transposed;
    size_t in = transposed ? 1 : (size_t)outputs;
    size_t out = transposed ? (size_t)inputs : 1;
    const float *from = core->w->data;

    from += (size_t)index * (size_t)inputs * (size_t)outputs
            + (size_t)block * CONV_BLOCK * in
            + (size_t)panel * CONV_PANEL * out;
    if (!transposed && lanes == CONV_PANEL) {
        for (int i = 0; i < rows; i++, to += CONV_PANEL, from += in)
            memcpy(to, from, CONV_PANEL * sizeof(float));
        return;
    }
    for (int i = 0; i < rows; i++, to += CONV_PANEL, from += in)
        for (int j = 0; j < CONV_PANEL; j++)
            to[j] = j < lanes ? from[(size_t)j * out] : 0;
}

/* A run of output pixels of one class, for some vectors of a panel. */
struct tile {
    const struct conv_tap *tap;
    int taps;
    int blocks, last;      /* channels of the last block */
    size_t block;          /* floats from block to block of the strip */
    size_t panel_block;    /* and of the panel */
    const float *x, *panel;
    const float *add;      /* or NULL */
    float *y;
    size_t pixel;          /* floats from pixel to pixel of y */
    int channels;          /* to store of each */
    struct conv_ahead *ahead;
};

/* Output is stored by these two and nowhere else: n whole vectors, or the
 * first n channels. */
TILE_INLINE void store(const struct tile *t, size_t at, const vf *sum,
                       const int n)
{
    TILE_UNROLL
    for (int v = 0; v < n; v++, at += VLEN) {
        vf y = sum[v];

        if (t->add)
            y += vf_load(t->add + at);
        vf_store(t->y + at, y);
    }
}

static void store_part(const struct tile *t, size_t at, const float *sum,
                       int n)
{
    for (int i = 0; i < n; i++)
        t->y[at + (size_t)i] = sum[i] + (t->add ? t->add[at + (size_t)i] : 0);
}

TILE_INLINE void tile_run(const struct tile *t, const int pixels,
                          const int vectors)
{
    vf sum[TILE_LINES][TILE_VECTORS];
    const float *x = t->x, *block = t->panel;

    TILE_EACH(p, v, pixels, vectors) {
        size_t at = (size_t)p * t->pixel + (size_t)v * VLEN;

        sum[p][v] = (vf){ 0 };
        __builtin_prefetch(t->y + at, 1);
        if (t->add)
            __builtin_prefetch(t->add + at);
    }
    for (int b = 0; b < t->blocks; b++) {
        int n = b < t->blocks - 1 ? CONV_BLOCK : t->last;
        const float *panel = block;

        for (int i = 0; i < t->taps; i++) {
            tile_multiply(sum, pixels, vectors, x + t->tap[i].offset,
                          CONV_BLOCK, 1, panel, n);
            conv_ahead_ask(t->ahead);
            panel += CONV_BLOCK * CONV_PANEL;
        }
        x += t->block;
        block += t->panel_block;
    }
    if (t->channels >= vectors * VLEN) {
        TILE_UNROLL
        for (int p = 0; p < pixels; p++)
            store(t, (size_t)p * t->pixel, sum[p], vectors);
    } else {
        float part[TILE_LINES][TILE_VECTORS * VLEN];

        TILE_EACH(p, v, pixels, vectors)
            vf_store(part[p] + v * VLEN, sum[p][v]);
        for (int p = 0; p < pixels; p++)
            store_part(t, (size_t)p * t->pixel, part[p], t->channels);
    }
}

/* All output of one strip and one class of pixels, in the panel's channels. */
static void run_class(const struct conv_core *core, const struct layout *l,
                      const struct conv_tap *tap, int taps, int class,
                      int item, int panel, const float *strip,
                      struct conv_ahead *ahead)
{
    const struct conv_strips *s = &core->strips;
    const struct operand *y = core->y;
    struct range rows = conv_strip_rows(s, item);
    int classes = s->col.classes, row_class = class / classes;
    int length = conv_axis_length(&s->col, class % classes);
    int last = int_min((int)rows.end, conv_axis_length(&s->row, row_class));
    int first = panel * CONV_PANEL;
    int channels = int_min(y->dim[3] - first, CONV_PANEL);
    int vectors = channels > VLEN ? TILE_VECTORS : 1;
    struct tile t = {
        .tap = tap, .taps = taps,
        .blocks = s->blocks,
        .last = core->x->dim[3] - (s->blocks - 1) * CONV_BLOCK,
        .block = (size_t)s->block,
        .panel_block = (size_t)s->taps * CONV_BLOCK * CONV_PANEL,
        .pixel = (size_t)(classes * y->dim[3]),
        .ahead = ahead
    };

    for (int v = 0; v * VLEN < channels; v += vectors)
        for (int r = (int)rows.begin; r < last; r++) {
            size_t pixel = ((size_t)(item / s->count) * (size_t)y->dim[1]
                            + (size_t)(r * s->row.classes + row_class))
                           * (size_t)y->dim[2] + (size_t)(class % classes);
            size_t at = pixel * (size_t)y->dim[3]
                        + (size_t)(first + v * VLEN);
            int lines;

            t.x = strip + (r - (int)rows.begin) * s->width * CONV_BLOCK;
            t.panel = l->panel + (tap - l->tap) * CONV_BLOCK * CONV_PANEL
                      + v * VLEN;
            t.channels = channels - v * VLEN;
            for (int i = 0; i < length; i += lines) {
                lines = tile_lines(length - i);
                t.y = (float *)y->data + at;
                t.add = operand_given(core->add)
                        ? (const float *)core->add->data + at : NULL;
                TILE_SWITCH(tile_run, &t, lines, vectors)
                t.x += lines * CONV_BLOCK;
                at += (size_t)lines * t.pixel;
            }
        }
}

/* `next` is the strip after this one. */
static void run_strip(const struct conv_core *core, const struct layout *l,
                      int item, int next, int panel, float *strip)
{
    const struct conv_strips *s = &core->strips;
    size_t tiles = (size_t)s->rows
                   * (size_t)((s->col.length + TILE_LINES - 1) / TILE_LINES);
    struct conv_ahead ahead = KERNEL(conv_ahead)(
        core->x, KERNEL(conv_strip_pixels)(s, next), 0, core->x->dim[3],
        tiles * (size_t)(s->blocks * s->taps));
    const struct conv_tap *tap = l->tap, *end = l->tap + s->taps;

    KERNEL(conv_pack)(s, core->x, item, 0, s->blocks, strip);
    for (int class = 0; class < s->row.classes * s->col.classes; class++) {
        int taps = 0;

        while (tap + taps < end && tap[taps].class == class)
            taps++;
        run_class(core, l, tap, taps, class, item, panel, strip, &ahead);
        tap += taps;
    }
}

/* A thread's share of the strips, for a panel that is packed dense. */
static void run_dense(const struct conv_core *core, const struct layout *l,
                      struct range share, int panel, float *strip)
{
    for (size_t i = share.begin; i < share.end; i++)
        run_strip(core, l, (int)i,
                  (int)(i + 1 < share.end ? i + 1 : share.begin), panel,
                  strip);
}

static void run_sparse(const struct conv_core *core, const struct layout *l,
                       struct range share, int panel, float *strip)
{
    for (size_t i = share.begin; i < share.end; i++)
        KERNEL(conv_sparse_run)(core, (int)i, panel, l->panel, strip);
}

static void pack_panel(const struct conv_core *core, const struct layout *l,
                       int panel, bool sparse)
{
    const struct conv_strips *s = &core->strips;
    void (*pack)(const struct conv_core *, int, int, int, float *) =
        core->w->pool ? pack_sparse : pack_dense;

    if (sparse) {
#pragma omp single
        KERNEL(conv_sparse_pack)(core, l->tap, panel, l->panel);
        return;
    }
#pragma omp for schedule(static)
    for (int i = 0; i < s->blocks * s->taps; i++)
        pack(core, l->tap[i % s->taps].index, i / s->taps, panel,
             l->panel + (size_t)i * CONV_BLOCK * CONV_PANEL);
}

void KERNEL(conv_core_run)(const struct conv_core *core)
{
    const struct conv_strips *s = &core->strips;
    const struct layout l = layout_of(core);
    int panels = (core->y->dim[3] + CONV_PANEL - 1) / CONV_PANEL;
    size_t items = (size_t)s->images * (size_t)s->count;

    KERNEL(conv_taps)(s, l.tap);
#pragma omp parallel num_threads(core->threads)
    for (int panel = 0; panel < panels; panel++) {
        bool sparse = pool_skips(core->w->pool, POOL_SKIP)
                      && KERNEL(conv_sparse_pays)(core, panel);
        void (*run)(const struct conv_core *, const struct layout *,
                    struct range, int, float *) =
            sparse ? run_sparse : run_dense;

        pack_panel(core, &l, panel, sparse);
#pragma omp for schedule(static)
        for (int t = 0; t < core->threads; t++)
            run(core, &l, range_share(items, t, core->threads), panel,
                l.strip + (size_t)t * l.strip_floats);
    }
}
