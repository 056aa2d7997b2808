#include "kernels/cpu/conv_planes.h"

#include <string.h>

#include "kernels/cpu/conv_pack.h"
#include "kernels/cpu/conv_transpose.h"

enum { STRIP_BYTES = 84 * 1024 };

/* Columns of an image in a plane: their number, and the strip position of the
 * first. */
static int plane_columns(const struct conv_axis *a, int plane, int *left)
{
    int start = a->origin + plane, width = a->length + a->halo;
    int right = int_min(-conv_floor(start - a->in, a->step), width);

    *left = -conv_floor(start, a->step);
    *left = *left < 0 ? 0 : int_min(*left, width);
    return right > *left ? right - *left : 0;
}

/* The most columns of a row, of input or output. */
static int most_columns(const struct conv_axis *a)
{
    int most = a->length, left;

    for (int i = 0; i < a->planes; i++) {
        int columns = plane_columns(a, i, &left);

        most = columns > most ? columns : most;
    }
    return most;
}

/* The class that sees a tap along an axis, and the tap's place. */
static int class_of(const struct conv_axis *a, int tap, int *plane,
                    int *offset)
{
    int class = 0;

    while (!KERNEL(conv_axis_tap)(a, class, tap, plane, offset))
        class++;
    return class;
}

static int shift_of(const struct conv_axis *a, int tap)
{
    int plane, offset, left;

    class_of(a, tap, &plane, &offset);
    plane_columns(a, plane, &left);
    return offset - left;
}

bool KERNEL(conv_planes_can)(const struct conv_strips *s)
{
    for (int i = 0; i < s->col.taps; i++) {
        int shift = shift_of(&s->col, i);

        if (shift < -1 || shift > 1)
            return false;
    }
    return s->fold == 1 && most_columns(&s->col) <= PLANES_COLUMNS;
}

/* Sizes of planes, when their strips are cut. */
static void measure(struct conv_planes *p)
{
    const struct conv_strips *s = &p->strips;

    p->plane = (s->rows + s->row.halo) * p->pitch;
    p->channel = s->row.planes * s->col.planes * p->plane;
}

/* Makes strips of at most `rows` rows, of like height. */
static void cut_rows(struct conv_planes *p, int rows)
{
    struct conv_strips *s = &p->strips;

    s->count = (s->row.length + rows - 1) / rows;
    s->rows = (s->row.length + s->count - 1) / s->count;
    measure(p);
}

struct conv_planes KERNEL(conv_planes)(const struct conv_strips *s)
{
    struct conv_planes p = { .strips = *s, .unit = 1 };
    int columns = most_columns(&s->col);

    while (p.unit < columns)
        p.unit += p.unit < CONV_BLOCK ? p.unit : CONV_BLOCK;
    p.images = p.unit < CONV_BLOCK ? CONV_BLOCK / p.unit : 1;
    p.pitch = p.unit * p.images;
    p.strips.blocks = (s->inputs + CONV_BLOCK - 1) / CONV_BLOCK;
    cut_rows(&p, int_min(PLANES_BAND / p.pitch, s->row.length));
    while (p.strips.rows > 1
           && conv_planes_floats(&p) * sizeof(float) > STRIP_BYTES)
        cut_rows(&p, (p.strips.rows + 1) / 2);
    return p;
}

struct conv_planes KERNEL(conv_planes_beside)(const struct conv_planes *p,
                                              const struct operand *y,
                                              int channels)
{
    struct conv_planes beside = *p;
    struct conv_strips *s = &beside.strips;

    s->row = KERNEL(conv_axis)(false, y->dim[1], y->dim[1], 1, 1, 0);
    s->col = KERNEL(conv_axis)(false, y->dim[2], y->dim[2], 1, 1, 0);
    s->inputs = y->dim[3];
    s->blocks = (s->inputs + CONV_BLOCK - 1) / CONV_BLOCK;
    s->blocks = int_min((channels - 1) / CONV_BLOCK + 2, s->blocks);
    measure(&beside);
    return beside;
}

struct conv_planes_tap KERNEL(conv_planes_tap)(const struct conv_planes *p,
                                               int index)
{
    const struct conv_strips *s = &p->strips;
    int row = index / s->col.taps, column = index % s->col.taps;
    int plane[2], offset[2];
    int row_class = class_of(&s->row, row, &plane[0], &offset[0]);
    int column_class = class_of(&s->col, column, &plane[1], &offset[1]);

    return (struct conv_planes_tap){
        .class = row_class * s->col.classes + column_class,
        .shift = shift_of(&s->col, column),
        .offset = (plane[0] * s->col.planes + plane[1]) * p->plane
                  + offset[0] * p->pitch
    };
}

/* A row of input: some columns of each image, or none. */
struct row {
    const struct conv_planes *planes;
    const struct operand *x;
    int image, images;
    int block, row, column, columns;
};

/* The first element of the row in image i. */
static size_t row_at(const struct row *r, int i)
{
    const struct operand *x = r->x;
    size_t row = (size_t)(r->image + i) * (size_t)x->dim[1] + (size_t)r->row;
    size_t pixel = row * (size_t)x->dim[2] + (size_t)r->column;

    return pixel * (size_t)x->dim[3] + (size_t)(r->block * CONV_BLOCK);
}

/* Whether the row can be transposed where it lies. */
static bool can_transpose(const struct row *r)
{
    const struct conv_planes *p = r->planes;

    return r->x->dtype == DTYPE_F32 && !r->x->through
           && (r->block + 1) * CONV_BLOCK <= r->x->dim[3]
           && p->pitch == r->columns;
}

static void pack_row(const struct row *r, float *to)
{
    const struct conv_planes *p = r->planes;
    const struct operand *x = r->x;
    float packed[PLANES_BAND * CONV_BLOCK] __attribute__((aligned(64)));
    size_t step = (size_t)(p->strips.col.step * x->dim[3]);

    if (can_transpose(r)) {
        KERNEL(conv_transpose)((const float *)x->data + row_at(r, 0),
                               (int)step, p->pitch, (size_t)p->channel, to);
        return;
    }
    for (int i = 0; i < p->images; i++) {
        float *own = packed + i * p->unit * CONV_BLOCK;
        int columns = i < r->images ? r->columns : 0;

        STORED_SWITCH(x->dtype, conv_pack, x, r->block * CONV_BLOCK, columns,
                      row_at(r, i), step, own, CONV_BLOCK);
        memset(own + columns * CONV_BLOCK, 0,
               (size_t)((p->unit - columns) * CONV_BLOCK) * sizeof(float));
    }
    KERNEL(conv_transpose)(packed, CONV_BLOCK, p->pitch, (size_t)p->channel,
                           to);
}

static void pack_row_of_zeros(const struct conv_planes *p, float *to)
{
    for (int c = 0; c < CONV_BLOCK; c++, to += p->channel)
        memset(to, 0, (size_t)p->pitch * sizeof(float));
}

/* Packs one plane of a block; `r` has its row 0. */
static void pack_rows(struct row r, int rows, struct conv_ahead *ahead,
                      float *to)
{
    for (int i = 0; i < rows; i++, to += r.planes->pitch) {
        if (r.row >= 0 && r.row < r.x->dim[1] && r.columns > 0)
            pack_row(&r, to);
        else
            pack_row_of_zeros(r.planes, to);
        r.row += r.planes->strips.row.step;
        conv_ahead_ask(ahead);
    }
}

void KERNEL(conv_planes_pack)(const struct conv_planes *p,
                              const struct operand *x, int image, int strip,
                              int block, struct conv_ahead *ahead, float *to)
{
    const struct conv_strips *s = &p->strips;
    struct range out = KERNEL(conv_strip_output)(s, strip);
    int rows = (int)(out.end - out.begin) + s->row.halo;
    int planes = s->row.planes * s->col.planes;
    int blocks = int_min((x->dim[3] + CONV_BLOCK - 1) / CONV_BLOCK - block,
                         s->blocks);

    for (int i = 0; i < blocks * planes; i++) {
        int row_plane = i % planes / s->col.planes;
        int plane = i % s->col.planes, left;
        struct row r = {
            .planes = p, .x = x, .image = image,
            .images = conv_planes_images(p, image), .block = block + i / planes,
            .row = s->row.origin + row_plane
                   + (int)out.begin * s->row.step
        };

        r.columns = plane_columns(&s->col, plane, &left);
        r.column = s->col.origin + plane + left * s->col.step;
        pack_rows(r, rows, ahead,
                  to + i / planes * CONV_BLOCK * p->channel
                      + i % planes * p->plane);
    }
}
