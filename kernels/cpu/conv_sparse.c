/*
 * Where a dense panel is multiplied a pixel at a time by vectors of channels,
 * a sparse one is by vectors of pixels: a nonzero has one input and one output
 * channel. So the strip is transposed,
 *
 *     strip [channel][row plane][column plane][row][column]
 *
 * and the pixels of an output channel, all rows of the strip in a line with
 * their halo, are sums of shifted lines of input channels. What comes out at
 * the halo is not stored.
 *
 * The nonzeros of a panel are listed for each class of output pixels and each
 * of its channels, in the order of the taps:
 *
 *     int32 start[classes * CONV_PANEL + 2], then the nonzeros
 *
 * Scratch: a strip for each thread, and the list.
 */
#include "conv_sparse.h"

#include <string.h>

#include "sparse.h"

/* As many vectors of sums as there are registers for, one more for the
 * weight. */
#ifdef __AVX512F__
enum { RUN_VECTORS = 14 };
#else
enum { RUN_VECTORS = 10 };
#endif

struct nonzero {
    int32_t offset;      /* in the strip, of the first pixel's input */
    float w;
};

struct list {
    int32_t *start;
    struct nonzero *nonzero;
};

static size_t list_starts(const struct conv_core *core)
{
    const struct conv_strips *s = &core->strips;

    return (size_t)s->classes * CONV_PANEL + 2;
}

static struct list list_of(const struct conv_core *core, float *room)
{
    int32_t *start = (int32_t *)room;

    return (struct list){ start,
                          (struct nonzero *)(start + list_starts(core)) };
}

/* The part of the filter that belongs to a panel: the rows, of one tap and
 * input channel each, and how much of each. */
struct part {
    int row, rows, column, columns;
};

static struct part part_of(const struct conv_core *core, int panel)
{
    const int *dim = core->w->dim;
    int first = panel * CONV_PANEL;

    if (core->strips.row.transposed)
        return (struct part){ first, int_min(dim[2] - first, CONV_PANEL), 0,
                              dim[3] };
    return (struct part){ 0, dim[2], first,
                          int_min(dim[3] - first, CONV_PANEL) };
}

static struct sparse_piece piece_of(const struct conv_core *core,
                                    const struct part *p, int index, int row,
                                    int column)
{
    const int *dim = core->w->dim;
    size_t at = ((size_t)index * (size_t)dim[2] + (size_t)row)
                * (size_t)dim[3] + (size_t)column;

    return sparse_piece(core->w, at,
                        (size_t)int_min(p->column + p->columns - column,
                                        SPARSE_PIECE));
}

bool KERNEL(conv_sparse_pays)(const struct conv_core *core, int panel)
{
    struct part p = part_of(core, panel);
    int taps = core->strips.taps, nonzeros = 0;

    if (!pool_skips(core->w->pool, POOL_SKIP))
        return false;
    for (int t = 0; t < taps; t++)
        for (int r = p.row; r < p.row + p.rows; r++)
            for (int c = p.column; c < p.column + p.columns; c += SPARSE_PIECE)
                nonzeros += (int)sparse_nonzeros(
                    piece_of(core, &p, t, r, c));
    return nonzeros < taps * p.rows * p.columns / POOL_SKIP;
}

/* Goes through the nonzeros of one tap; counts those of each class and channel
 * in start[2..], or writes each where start[1..] says, and moves that on. */
static void scan_tap(const struct conv_core *core, const struct part *p,
                     int class, int index, int offset, struct list l,
                     bool write)
{
    bool transposed = core->strips.row.transposed;
    int channel = core->strips.block / CONV_BLOCK;
    float room[SPARSE_PIECE];

    for (int r = p->row; r < p->row + p->rows; r++)
        for (int c = p->column; c < p->column + p->columns;
             c += SPARSE_PIECE) {
            struct sparse_piece piece = piece_of(core, p, index, r, c);
            const float *value = stage_floats(core->w, piece.first,
                                              sparse_nonzeros(piece), room);

            SPARSE_EACH(piece, j, value) {
                int in = transposed ? c + (int)j : r;
                int out = transposed ? r - p->row : c - p->column + (int)j;
                int32_t *start = l.start + class * CONV_PANEL + out;
                if (write)
                    l.nonzero[start[1]++] = (struct nonzero){
                        in * channel + offset / CONV_BLOCK, *value
                    };
                else
                    start[2]++;
            }
        }
}

static void scan(const struct conv_core *core, const struct conv_taps *taps,
                 int panel, struct list l, bool write)
{
    struct part p = part_of(core, panel);
    int tap = 0;

    for (int class = 0; class < core->strips.classes; class++)
        for (int end = tap + taps->count[class]; tap < end; tap++)
            scan_tap(core, &p, class, taps->index[tap], taps->offset[tap], l,
                     write);
}

static void list_nonzeros(const struct conv_core *core,
                          const struct conv_taps *taps, int panel,
                          struct list l)
{
    size_t starts = list_starts(core);

    memset(l.start, 0, starts * sizeof(*l.start));
    scan(core, taps, panel, l, false);
    for (size_t i = 1; i < starts; i++)
        l.start[i] += l.start[i - 1];
    scan(core, taps, panel, l, true);
}

/* The halves of two vectors, interleaved. */
#ifdef __AVX512F__
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif defined(__AVX2__)
#define LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#endif

/* A square of vectors: interleaving its halves once for every bit of an index
 * exchanges rows and columns. */
static inline void transpose(vf row[VLEN])
{
    UNROLL
    for (int bit = 1; bit < VLEN; bit *= 2) {
        vf next[VLEN];

        UNROLL
        for (int i = 0; i < VLEN / 2; i++) {
            vf a = row[i], b = row[i + VLEN / 2];

            next[2 * i] = __builtin_shufflevector(a, b, LOW);
            next[2 * i + 1] = __builtin_shufflevector(a, b, HIGH);
        }
        UNROLL
        for (int i = 0; i < VLEN; i++)
            row[i] = next[i];
    }
}

void KERNEL(conv_transpose)(const float *from, int step, int pixels,
                            size_t line, float *to)
{
    int p = 0;

    for (; p + VLEN <= pixels; p += VLEN)
        for (int c = 0; c < CONV_BLOCK; c += VLEN) {
            vf row[VLEN];

            UNROLL
            for (int i = 0; i < VLEN; i++)
                row[i] = vf_load(from + (p + i) * step + c);
            transpose(row);
            UNROLL
            for (int i = 0; i < VLEN; i++)
                vf_store(to + (size_t)(c + i) * line + p, row[i]);
        }
    for (; p < pixels; p++)
        for (int c = 0; c < CONV_BLOCK; c++)
            to[(size_t)c * line + (size_t)p] = from[p * step + c];
}

/* Output of one strip, class of pixels and group of VLEN channels. */
struct lines {
    const struct conv_core *core;
    const struct nonzero *nonzero;
    const int32_t *start;    /* of the group's first channel */
    const float *strip;
    int channels;            /* to store */
    int row_classes, column_classes, column_class;
    int rows, columns;       /* of output pixels */
    int channel;             /* of y, the first */
    size_t image_row;        /* of y: that of the class's position 0 */
};

/* Lines of VLEN channels, from pixel `at` of the line on. */
INLINE void run_lines(const struct lines *r, int at, const int vectors,
                           float *line)
{
    for (int c = 0; c < r->channels; c++, line += RUN_VECTORS * VLEN) {
        vf sum[RUN_VECTORS];

        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[v] = (vf){ 0 };
        for (int i = r->start[c]; i < r->start[c + 1]; i++) {
            const float *x = r->strip + r->nonzero[i].offset + at;
            vf w = vf_set(r->nonzero[i].w);

            UNROLL
            for (int v = 0; v < vectors; v++)
                sum[v] += w * vf_load(x + v * VLEN);
        }
        UNROLL
        for (int v = 0; v < vectors; v++)
            vf_store(line + v * VLEN, sum[v]);
    }
}

#define RUN_CASE(n) \
    case n: \
        if (n <= RUN_VECTORS) \
            run_lines(r, at, n, line); \
        break;

static void run_vectors(const struct lines *r, int at, int vectors, float *line)
{
    switch (vectors) {
    RUN_CASE(1) RUN_CASE(2) RUN_CASE(3) RUN_CASE(4) RUN_CASE(5) RUN_CASE(6)
    RUN_CASE(7) RUN_CASE(8) RUN_CASE(9) RUN_CASE(10) RUN_CASE(11)
    RUN_CASE(12) RUN_CASE(13) RUN_CASE(14)
    }
}

/* Stores the channels of one pixel of the line. */
static inline void store_pixel(const enum dtype dtype, const struct lines *r,
                               int pixel, vf sum)
{
    const struct operand *y = r->core->y, *add = r->core->add;
    int width = r->core->strips.width;
    int row = pixel / width, column = pixel % width;
    float channels[VLEN];
    size_t at;

    if (row >= r->rows || column >= r->columns)
        return;
    at = ((r->image_row + (size_t)(row * r->row_classes))
          * (size_t)y->dim[2]
          + (size_t)(column * r->column_classes + r->column_class))
         * (size_t)y->dim[3] + (size_t)r->channel;
    vf_store(channels, sum);
    conv_store(dtype, y->data, operand_given(add) ? add->data : NULL, at,
               channels, r->channels);
}

/* Stores lines of VLEN channels, from pixel `at` of the line on. */
static inline void store_lines(const enum dtype dtype, const struct lines *r,
                               int at, int vectors, const float *line)
{
    for (int v = 0; v < vectors; v++) {
        vf row[VLEN];

        for (int c = 0; c < VLEN; c++)
            row[c] = c < r->channels
                     ? vf_load(line + (c * RUN_VECTORS + v) * VLEN)
                     : vf_set(0);
        transpose(row);
        for (int i = 0; i < VLEN; i++)
            store_pixel(dtype, r, at + v * VLEN + i, row[i]);
    }
}

static void run_class(const struct lines *r)
{
    float line[VLEN * RUN_VECTORS * VLEN];
    int width = r->core->strips.width;
    int pixels = (r->rows - 1) * width + r->columns;
    int vectors;

    for (int at = 0; at < pixels; at += vectors * VLEN) {
        int left = (pixels - at + VLEN - 1) / VLEN;
        int runs = (left + RUN_VECTORS - 1) / RUN_VECTORS;

        vectors = (left + runs - 1) / runs;
        run_vectors(r, at, vectors, line);
        DTYPE_SWITCH(r->core->y->dtype, store_lines, r, at, vectors, line);
    }
}

static void pack_strip(const struct conv_core *core, int item, float *strip)
{
    const struct conv_strips *s = &core->strips;
    size_t block = (size_t)s->block;
    float *packed = strip + (size_t)s->blocks * block + CONV_BLOCK;

    for (int b = 0; b < s->blocks; b++) {
        KERNEL(conv_strip_pack)(s, core->x, item, b, 1, packed);
        KERNEL(conv_transpose)(packed, CONV_BLOCK, s->block / CONV_BLOCK,
                               block / CONV_BLOCK, strip + (size_t)b * block);
    }
}

/* All output of one strip in the panel's channels. */
static void run_strip(const struct conv_core *core, int item, int panel,
                      struct list l, float *strip)
{
    const struct conv_strips *s = &core->strips;
    struct range rows = KERNEL(conv_strip_output)(s, item);
    int first = panel * CONV_PANEL;
    int channels = conv_lanes(core, panel);

    pack_strip(core, item, strip);
    for (int class = 0; class < s->classes; class++) {
        int row_class = class / s->col.classes;
        struct lines r = {
            .core = core, .nonzero = l.nonzero, .strip = strip,
            .row_classes = s->row.classes,
            .column_classes = s->col.classes,
            .column_class = class % s->col.classes
        };

        r.rows = int_min((int)rows.end,
                         KERNEL(conv_axis_length)(&s->row, row_class))
                 - (int)rows.begin;
        r.columns = KERNEL(conv_axis_length)(&s->col, r.column_class);
        r.image_row = (size_t)(item / s->count) * (size_t)core->y->dim[1]
                      + rows.begin * (size_t)s->row.classes
                      + (size_t)row_class;
        if (r.rows <= 0 || r.columns <= 0)
            continue;
        for (int c = 0; c < channels; c += VLEN) {
            r.start = l.start + class * CONV_PANEL + c;
            r.channels = int_min(channels - c, VLEN);
            r.channel = first + c;
            run_class(&r);
        }
    }
}

/* Floats of a thread's strip: channels one after the other, a block as
 * conv_strip_pack() makes it, and what a last vector reads beyond. */
static size_t strip_floats(const struct conv_core *core)
{
    const struct conv_strips *s = &core->strips;

    return ((size_t)s->blocks + 1) * (size_t)s->block + CONV_BLOCK;
}

/* The most nonzeros that a panel has where skipping pays. */
static size_t list_floats(const struct conv_core *core)
{
    size_t elements = (size_t)core->strips.taps * (size_t)core->x->dim[3]
                      * (size_t)conv_lanes(core, 0);

    return list_starts(core)
           + elements / POOL_SKIP * sizeof(struct nonzero) / sizeof(float);
}

size_t KERNEL(conv_sparse_floats)(const struct conv_core *core)
{
    if (!pool_skips(core->w->pool, POOL_SKIP))
        return 0;
    return (size_t)core->threads * strip_floats(core) + list_floats(core);
}

void KERNEL(conv_sparse_run)(const struct conv_core *core,
                             const struct conv_taps *taps, int panel,
                             float *room)
{
    const struct conv_strips *s = &core->strips;
    size_t items = (size_t)s->images * (size_t)s->count;
    size_t each = strip_floats(core);
    struct list l = list_of(core, room + (size_t)core->threads * each);

#pragma omp single
    list_nonzeros(core, taps, panel, l);
#pragma omp for schedule(static)
    for (int t = 0; t < core->threads; t++) {
        struct range own = range_share(items, t, core->threads);

        for (size_t i = own.begin; i < own.end; i++)
            run_strip(core, (int)i, panel, l, room + (size_t)t * each);
    }
}
