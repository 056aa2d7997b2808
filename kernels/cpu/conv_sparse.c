/*
 * A dense panel is multiplied a pixel at a time, by vectors of channels. A
 * sparse panel is multiplied by vectors of pixels, for a nonzero has one input
 * and one output channel. So the strip is transposed,
 *
 *     strip [channel][row plane][column plane][row][column]
 *
 * and the pixels of an output channel, all rows of the strip in a line with
 * their halo, are sums of shifted lines of input channels. Results at the halo
 * are not stored.
 *
 * The nonzeros are listed for each output channel of the panel and class of
 * output pixels, in the order of the taps. A list has as many channels as there
 * is room for. Each thread reads the index for a share of the filter's rows,
 * once; its counts then give the places for its nonzeros:
 *
 *     piece [taps][rows][columns / SPARSE_PIECE]
 *     int32 count[threads][width][classes], and how many in all
 *     nonzeros
 *
 * Scratch: all of these, and a strip for each thread.
 */
#include "kernels/cpu/conv_sparse.h"

#include <math.h>
#include <string.h>

#include "kernels/cpu/conv_sums.h"
#include "kernels/cpu/conv_transpose.h"
#include "kernels/cpu/sparse.h"

/* Vectors of sums: as many as leave a register for the weight. */
#ifdef __AVX512F__
enum { RUN_VECTORS = 14 };
#else
enum { RUN_VECTORS = 10 };
#endif

struct nonzero {
    int32_t offset;      /* in the strip, of the first pixel's input */
    float w;
};

/* A piece of a row of the filter, as pool_piece. */
struct piece {
    uint32_t mask, first;
};

/* Counts of each thread: first of nonzeros; then the place for its next one; in
 * the end the place where those of the next thread or channel begin. */
struct list {
    struct piece *piece;
    int32_t *count, *total;
    struct nonzero *nonzero;
    int32_t begin;       /* the nonzeros of earlier channels */
};

/* The slice of the filter that belongs to a panel: its rows, of one tap and
 * input channel each, and the part of each row. */
struct slice {
    int row, rows, column, columns;
    int pieces;          /* of a row */
};

static struct slice slice_of(const struct conv_core *core, int panel)
{
    const int *dim = core->w->dim;
    int first = panel * core->width, lanes = conv_lanes(core, panel);
    bool transposed = core->strips.row.transposed;
    struct slice p = transposed ? (struct slice){ first, lanes, 0, dim[3], 0 }
                               : (struct slice){ 0, dim[2], first, lanes, 0 };

    p.pieces = (p.columns + SPARSE_PIECE - 1) / SPARSE_PIECE;
    return p;
}

static size_t list_pieces(const struct conv_core *core)
{
    struct slice largest = slice_of(core, 0);

    return (size_t)(core->strips.taps * largest.rows * largest.pieces);
}

static size_t list_counts(const struct conv_core *core)
{
    return (size_t)(core->strips.classes * core->width);
}

/* The nonzeros that a list has room for: the mean of a panel at the pool's
 * density, and four standard deviations. */
static size_t list_room(const struct conv_core *core)
{
    const struct pool *pool = core->w->pool;
    struct slice largest = slice_of(core, 0);
    double elements = (double)core->strips.taps * largest.rows
                      * largest.columns;
    double average =
        elements * (double)pool->nonzeros / (double)pool->elements;

    return (size_t)(average + 4 * sqrt(average)) + 1;
}

static size_t list_floats(const struct conv_core *core)
{
    size_t bytes = list_pieces(core) * sizeof(struct piece)
                   + (list_counts(core) * (size_t)core->threads + 1)
                         * sizeof(int32_t)
                   + list_room(core) * sizeof(struct nonzero);

    return round_up(bytes, CPU_ALIGNMENT) / sizeof(float);
}

static struct list list_of(const struct conv_core *core, float *room)
{
    struct piece *piece = (struct piece *)room;
    int32_t *count = (int32_t *)(piece + list_pieces(core));
    int32_t *total = count + (size_t)core->threads * list_counts(core);

    return (struct list){ piece, count, total,
                          (struct nonzero *)(total + 1), 0 };
}

/* A row of the filter, as one tap of a class sees it. */
struct row {
    const struct conv_core *core;
    struct slice part;
    struct list list;
    int32_t *count;          /* the thread's */
    struct piece *piece;     /* [pieces] */
    struct range channels;   /* of the panel, to list */
    int row, class, index, offset;
};

/* The count for the nonzeros of column c of the part. */
static inline int32_t *count_of(const struct row *r, int c)
{
    bool transposed = r->core->strips.row.transposed;
    int channel = transposed ? r->row : c;

    return r->count + channel * r->core->strips.classes + r->class;
}

static void count_row(const struct row *r)
{
    const int *dim = r->core->w->dim;
    const struct slice *p = &r->part;
    size_t at = ((size_t)r->index * (size_t)dim[2] + (size_t)(p->row + r->row))
                * (size_t)dim[3] + (size_t)p->column;

    for (int c = 0, i = 0; i < p->pieces; i++, c += SPARSE_PIECE) {
        struct pool_piece piece =
            sparse_piece(r->core->w, at + (size_t)c,
                         (size_t)int_min(p->columns - c, SPARSE_PIECE));

        r->piece[i] = (struct piece){ piece.mask, (uint32_t)piece.first };
        for (uint32_t left = piece.mask; left; left &= left - 1)
            ++*count_of(r, c + __builtin_ctz(left));
    }
}

/* Piece i of a row, cut to the channels to list. */
static struct pool_piece piece_to_list(const struct row *r, int i)
{
    struct piece found = r->piece[i];
    struct pool_piece piece = { found.mask, found.first };
    size_t begin = r->channels.begin, end = r->channels.end;
    uint32_t before = ((uint32_t)1 << begin) - 1;

    if (r->core->strips.row.transposed) {
        if ((size_t)r->row < begin || (size_t)r->row >= end)
            piece.mask = 0;
        return piece;
    }
    piece.first += (size_t)__builtin_popcount(piece.mask & before);
    piece.mask &= (uint32_t)(((uint64_t)1 << end) - 1) & ~before;
    return piece;
}

static void list_row(const struct row *r)
{
    const struct conv_strips *s = &r->core->strips;
    int channel = s->block / CONV_BLOCK;
    float room[SPARSE_PIECE];

    for (int c = 0, i = 0; i < r->part.pieces; i++, c += SPARSE_PIECE) {
        struct pool_piece piece = piece_to_list(r, i);
        const float *value = stage_floats(r->core->w, piece.first,
                                          sparse_nonzeros(piece), room);

        SPARSE_EACH(piece, j, value) {
            int in = s->row.transposed ? c + (int)j : r->row;
            int32_t *at = count_of(r, c + (int)j);

            r->list.nonzero[(*at)++ - r->list.begin] = (struct nonzero){
                in * channel + r->offset / CONV_BLOCK, *value
            };
        }
    }
}

/* Visits each thread's share of the rows, taps one after the other. */
static void scan(const struct conv_core *core, const struct conv_taps *taps,
                 struct slice part, struct list l, struct range channels,
                 void (*visit)(const struct row *r))
{
    size_t rows = (size_t)part.rows;

#pragma omp for schedule(static)
    for (int t = 0; t < core->threads; t++) {
        struct range own = range_share((size_t)core->strips.taps * rows, t,
                                       core->threads);
        struct row r = { .core = core, .part = part, .list = l,
                         .count = l.count + (size_t)t * list_counts(core),
                         .channels = channels };
        int end = taps->count[0];

        for (size_t i = own.begin; i < own.end; i++) {
            int tap = (int)(i / rows);

            while (tap >= end)
                end += taps->count[++r.class];
            r.row = (int)(i % rows);
            r.index = taps->index[tap];
            r.offset = taps->offset[tap];
            r.piece = l.piece + i * (size_t)part.pieces;
            visit(&r);
        }
    }
}

/* Counts a panel's nonzeros, and turns the counts to places. */
static void count_nonzeros(const struct conv_core *core,
                           const struct conv_taps *taps, struct slice part,
                           struct list l)
{
    size_t counts = list_counts(core);

#pragma omp single
    memset(l.count, 0, (size_t)core->threads * counts * sizeof(*l.count));
    scan(core, taps, part, l, (struct range){ 0, 0 }, count_row);
#pragma omp single
    {
        *l.total = 0;
        for (size_t i = 0; i < counts; i++)
            for (int t = 0; t < core->threads; t++) {
                int32_t *count = l.count + (size_t)t * counts + i;
                int32_t n = *count;

                *count = *l.total;
                *l.total += n;
            }
    }
}

/* The place of the first nonzero of a channel that is not listed yet. */
static int32_t list_begin(const struct conv_core *core, struct list l,
                          size_t channel)
{
    return channel < (size_t)core->width
           ? l.count[channel * (size_t)core->strips.classes] : *l.total;
}

/* The channels from `first` on that there is room for. */
static struct range fitting(const struct conv_core *core, struct list l,
                            size_t first, size_t channels)
{
    struct range r = { first, first };
    int32_t most = list_begin(core, l, first) + (int32_t)list_room(core);

    while (r.end < channels && list_begin(core, l, r.end + 1) <= most)
        r.end++;
    return r;
}

/* Whether nonzeros are few enough, and there is room for those of any channel.
 */
static bool panel_skips(const struct conv_core *core, struct slice part,
                        struct list l, size_t channels)
{
    int elements = core->strips.taps * part.rows * part.columns;

    for (size_t c = 0; c < channels; c++)
        if (fitting(core, l, c, channels).end == c)
            return false;
    return *l.total < elements / POOL_SKIP_PANEL;
}

/* Output of one strip, class of pixels and group of VLEN channels. */
struct lines {
    const struct conv_core *core;
    struct list list;
    const float *strip;
    int panel, first;        /* the first channel of the group, in the panel */
    int channels;            /* to store */
    int class, row_classes, column_classes, column_class;
    int rows, columns;       /* of output pixels */
    size_t image_row;        /* of y: that of the class's position 0 */
};

/* The nonzeros of channel c of the group: from the end of the channel before,
 * by the last thread, to its own end. */
static inline struct range nonzeros_of(const struct lines *r, int c)
{
    const struct conv_core *core = r->core;
    const int32_t *end =
        r->list.count + (size_t)(core->threads - 1) * list_counts(core);
    int i = (r->first + c) * core->strips.classes + r->class;
    int32_t begin = i > 0 ? end[i - 1] : 0;

    return (struct range){ (size_t)(begin - r->list.begin),
                           (size_t)(end[i] - r->list.begin) };
}

/* Makes lines of VLEN channels, from pixel `at` of the line on. */
INLINE void run_lines(const struct lines *r, int at, const int vectors,
                           float *line)
{
    for (int c = 0; c < r->channels; c++, line += RUN_VECTORS * VLEN) {
        struct range nonzeros = nonzeros_of(r, c);
        vf sum[RUN_VECTORS];

        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[v] = (vf){ 0 };
        for (size_t i = nonzeros.begin; i < nonzeros.end; i++) {
            struct nonzero nonzero = r->list.nonzero[i];
            const float *x = r->strip + nonzero.offset + at;
            vf w = vf_set(nonzero.w);

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
         * (size_t)y->dim[3] + (size_t)(r->panel * r->core->width + r->first);
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
        conv_transpose_square(row);
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

/* Makes all output of one strip in some of the panel's channels. */
static void run_sparse_strip(const struct conv_core *core, int item, int panel,
                             struct range channels, struct list l, float *strip)
{
    const struct conv_strips *s = &core->strips;
    struct range rows = KERNEL(conv_strip_output)(s, item);

    pack_strip(core, item, strip);
    for (int class = 0; class < s->classes; class++) {
        int row_class = class / s->col.classes;
        struct lines r = {
            .core = core, .list = l, .strip = strip, .panel = panel,
            .class = class, .row_classes = s->row.classes,
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
        for (size_t c = channels.begin; c < channels.end; c += VLEN) {
            r.first = (int)c;
            r.channels = int_min((int)(channels.end - c), VLEN);
            run_class(&r);
        }
    }
}

/* Floats of a thread's strip: all channels, a block as conv_strip_pack() makes
 * it, and the floats that a last vector reads beyond. */
static size_t strip_floats(const struct conv_core *core)
{
    const struct conv_strips *s = &core->strips;

    return ((size_t)s->blocks + 1) * (size_t)s->block + CONV_BLOCK;
}

/* The operands and scratch of a thread. */
struct work {
    const struct conv_core *core;
    struct list list;
    struct range channels;
    int panel;
    float *strip;
};

/* Channels of a panel, as channels of y. */
static struct range columns_of_panel(const struct conv_core *core, int panel,
                                     struct range channels)
{
    size_t first = conv_columns(core, panel).begin;

    return (struct range){ first + channels.begin, first + channels.end };
}

static void run_sparse_strips(const void *own, int share, struct range items)
{
    const struct work *w = own;

    for (size_t i = items.begin; i < items.end; i++) {
        run_sparse_strip(w->core, (int)i, w->panel, w->channels, w->list,
                         w->strip);
        KERNEL(conv_sums_add)(w->core, columns_of_panel(w->core, w->panel,
                                                        w->channels),
                              share, (int)i);
    }
}

size_t KERNEL(conv_sparse_floats)(const struct conv_core *core)
{
    return (size_t)core->threads * strip_floats(core) + list_floats(core);
}

bool KERNEL(conv_sparse_run)(const struct conv_core *core,
                             const struct conv_taps *taps, int panel,
                             float *room)
{
    const struct conv_strips *s = &core->strips;
    size_t lanes = (size_t)conv_lanes(core, panel);
    struct slice part = slice_of(core, panel);
    struct range channels = { 0, 0 };
    struct list l = list_of(core, room);
    float *strip = room + list_floats(core)
                   + (size_t)this_thread() * strip_floats(core);
    bool pays;

    count_nonzeros(core, taps, part, l);
    pays = panel_skips(core, part, l, lanes);
    /* The counts must not change until all threads have read them. Both ways to
     * go on change them. */
#pragma omp barrier
    if (!pays)
        return false;
    while (channels.end < lanes) {
        channels = fitting(core, l, channels.end, lanes);
        l.begin = list_begin(core, l, channels.begin);
#pragma omp barrier
        scan(core, taps, part, l, channels, list_row);
        share_out((size_t)s->images * (size_t)s->count, core->threads,
                  run_sparse_strips,
                  &(struct work){ core, l, channels, panel, strip });
        KERNEL(conv_sums_end)(core, columns_of_panel(core, panel, channels));
    }
    return true;
}
