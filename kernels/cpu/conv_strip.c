/*
 * Cutting input into strips and packing them.
 */
#include "kernels/cpu/conv_strip.h"

#include <string.h>

#include "kernels/cpu/conv_pack.h"

static int clamp(int n, int low, int high)
{
    return n < low ? low : int_min(n, high);
}

/* Whether the columns of a filter fit into one block, side by side. A plan asks
 * before it is known whether x is loaded through a stat. */
static bool can_fold(const struct operand *x, const struct operand *filter,
                     const union attr *attr, bool transposed)
{
    return !transposed && attr->conv.stride == 1 && !filter->pool
           && filter->dim[1] > 1
           && filter->dim[1] * x->dim[3] <= CONV_BLOCK;
}

struct conv_strips KERNEL(conv_strips)(const struct operand *x,
                                       const struct operand *filter,
                                       const struct operand *y,
                                       const union attr *attr,
                                       bool transposed, int channels)
{
    int stride = attr->conv.stride, pad = attr->conv.pad;
    int fold = can_fold(x, filter, attr, transposed) ? filter->dim[1] : 1;
    struct conv_strips s = {
        .row = KERNEL(conv_axis)(transposed, x->dim[1], y->dim[1],
                                 filter->dim[0], stride, pad),
        .col = KERNEL(conv_axis)(transposed, x->dim[2], y->dim[2],
                                 filter->dim[1], stride, pad),
        .taps = filter->dim[0] * filter->dim[1] / fold,
        .images = x->dim[0],
        .fold = fold, .fold_pad = pad,
        .inputs = fold * x->dim[3],
        .channels = channels,
    };

    if (fold > 1)
        s.col = KERNEL(conv_axis)(false, y->dim[2], y->dim[2], 1, 1, 0);
    s.blocks = (s.inputs + channels - 1) / channels;
    s.classes = s.row.classes * s.col.classes;
    s.width = s.col.length + s.col.halo;
    return s;
}

void KERNEL(conv_strips_cut)(struct conv_strips *s, int threads, int blocks,
                             size_t beside, size_t budget)
{
    size_t row = (size_t)(s->row.planes * s->col.planes * s->width)
                 * (size_t)(s->channels * blocks) * sizeof(float);
    size_t halo = row * (size_t)s->row.halo;
    size_t fit = budget > halo ? (budget - halo) / (row + beside) : 0;
    int wanted = (threads + s->images - 1) / s->images;
    int rows = (s->row.length + wanted - 1) / wanted;

    if (fit < (size_t)rows)
        rows = fit > 0 ? (int)fit : 1;
    s->count = (s->row.length + rows - 1) / rows;
    s->rows = (s->row.length + s->count - 1) / s->count;
    s->block = s->row.planes * s->col.planes * (s->rows + s->row.halo)
               * s->width * s->channels;
}

struct range KERNEL(conv_strip_output)(const struct conv_strips *s, int item)
{
    int first = item % s->count * s->rows;
    int last = int_min(first + s->rows, s->row.length);

    return (struct range){ (size_t)first, (size_t)last };
}

struct range KERNEL(conv_strip_input)(const struct conv_strips *s, int item)
{
    struct range out = KERNEL(conv_strip_output)(s, item);
    int step = s->row.step, in = s->row.in;
    int begin = clamp(s->row.origin + (int)out.begin * step, 0, in);
    int end = clamp(s->row.origin + ((int)out.end + s->row.halo) * step,
                    begin, in);

    return (struct range){ (size_t)begin, (size_t)end };
}

size_t KERNEL(conv_taps_bytes)(const struct conv_strips *s)
{
    return round_up((size_t)(2 * s->taps + s->classes) * sizeof(int),
                    CPU_ALIGNMENT);
}

struct conv_taps KERNEL(conv_taps)(const struct conv_strips *s, void *memory)
{
    struct conv_taps t = { .offset = memory };
    int n = 0, plane[2], offset[2];

    t.index = t.offset + s->taps;
    t.count = t.index + s->taps;
    for (int class = 0; class < s->classes; class++) {
        int before = n;

        for (int i = 0; i < s->taps; i++) {
            if (!KERNEL(conv_axis_tap)(&s->row, class / s->col.classes,
                                       i / s->col.taps, &plane[0], &offset[0])
                || !KERNEL(conv_axis_tap)(&s->col, class % s->col.classes,
                                          i % s->col.taps, &plane[1],
                                          &offset[1]))
                continue;
            offset[0] += (plane[0] * s->col.planes + plane[1])
                         * (s->rows + s->row.halo);
            t.offset[n] = (offset[0] * s->width + offset[1]) * s->channels;
            t.index[n++] = i;
        }
        t.count[class] = n - before;
    }
    return t;
}

static void pack_zeros(int n, float *to, size_t to_step)
{
    for (; n > 0; n--, to += to_step)
        for (int i = 0; i < CONV_BLOCK; i += VLEN)
            vf_store(to + i, vf_set(0));
}

/* Packs the rows of one plane, for channels first, ..., last - 1. */
static void pack_plane(const struct conv_strips *s, const struct operand *x,
                       int item, int plane, int first, int last, float *to)
{
    struct range out = KERNEL(conv_strip_output)(s, item);
    size_t pixel = (size_t)x->dim[3], row_elements = (size_t)s->col.in * pixel;
    size_t packed = (size_t)s->channels;
    size_t image = (size_t)(item / s->count) * (size_t)s->row.in * row_elements;
    int step = s->col.step, start = s->col.origin + plane % s->col.planes;
    /* Columns left..right - 1 are input, the others padding. */
    int left = clamp(-conv_floor(start, step), 0, s->width);
    int right = clamp(-conv_floor(start - s->col.in, step), left, s->width);
    int row = s->row.origin + (int)out.begin * s->row.step
              + plane / s->col.planes;
    int rows = (int)(out.end - out.begin) + s->row.halo;

    for (; rows > 0; rows--, row += s->row.step) {
        size_t from = image + (size_t)row * row_elements
                      + (size_t)(start + left * step) * pixel;

        for (int c = first; c < last; c += CONV_BLOCK) {
            float *line = to + (c - first) / s->channels * s->block
                          + (c - first) % s->channels;

            if (row < 0 || row >= s->row.in || left == right) {
                pack_zeros(s->width, line, packed);
                continue;
            }
            pack_zeros(left, line, packed);
            STORED_SWITCH(x->dtype, conv_pack, x, c, right - left,
                          from + (size_t)c, (size_t)step * pixel,
                          line + (size_t)left * packed, packed);
            pack_zeros(s->width - right, line + (size_t)right * packed,
                       packed);
        }
        to += s->width * s->channels;
    }
}

/* Packs elements first, ..., last - 1 of those under the filter, which are `at`
 * and later in x; the others are zero. */
static inline void pack_under(const enum dtype dtype, const struct operand *x,
                              size_t at, int first, int last, float *to)
{
    int channels = x->dim[3];
    const float *scale = x->through ? x->through + STAT_SCALE * channels : NULL;
    const float *shift = x->through ? x->through + STAT_SHIFT * channels : NULL;

    pack_zeros(1, to, 0);
    for (int i = first; i < last; i++)
        to[i] = stored_load(dtype, x->data, at + (size_t)i);
    for (int i = first; scale && i < last; i++)
        to[i] = float_rounded(relu(scale[i % channels] * to[i]
                                   + shift[i % channels]), dtype);
}

/* The pixels of a row whose columns under the filter are all input, and after
 * which x has elements enough to be read a block at a time. The row begins with
 * element `at`. */
static struct range whole_pixels(const struct conv_strips *s,
                                 const struct operand *x, size_t at)
{
    int channels = x->dim[3];
    size_t row = (size_t)(x->dim[2] * channels);
    size_t left = operand_elements(x) - at;
    int most = (int)size_min(left, row + CONV_BLOCK) - CONV_BLOCK;
    int last = conv_floor(int_min((int)row - s->inputs, most), channels);
    int begin = int_min(s->fold_pad, s->width);

    return (struct range){
        (size_t)begin,
        (size_t)clamp(s->fold_pad + last + 1, begin, s->width)
    };
}

/* Packs whole pixels, from the element on that is the first under the filter
 * of the first. */
static inline void pack_whole_pixels(const enum dtype dtype,
                                     const struct conv_strips *s,
                                     const struct operand *x, size_t at,
                                     size_t n, float *to)
{
    const void *data = x->data;
    size_t pixel = (size_t)x->dim[3], packed = (size_t)s->channels;
    vi under[CONV_BLOCK / VLEN];

    for (int i = 0; i < CONV_BLOCK; i += VLEN)
        under[i / VLEN] = vec_numbers() + i < s->inputs;
    for (; n > 0; n--, at += pixel, to += packed)
        UNROLL
        for (int i = 0; i < CONV_BLOCK; i += VLEN)
            vf_store(to + i, (vf)((vi)vf_load_as(dtype, data, at + (size_t)i)
                                  & under[i / VLEN]));
}

/* Packs the channels of all columns under the filter, for each pixel of a row
 * of output, from a row of input that begins with element `at`. */
static inline void pack_folded_row(const enum dtype dtype,
                                   const struct conv_strips *s,
                                   const struct operand *x, size_t at,
                                   float *to)
{
    int channels = x->dim[3], all = x->dim[2] * channels;
    struct range whole = { 0, 0 };

    if (!x->through && !dtype_in_blocks(dtype)) {
        whole = whole_pixels(s, x, at);
        pack_whole_pixels(dtype, s, x,
                          at + (whole.begin - (size_t)s->fold_pad)
                                   * (size_t)channels,
                          whole.end - whole.begin,
                          to + whole.begin * (size_t)s->channels);
    }
    for (int p = 0; p < s->width; p++) {
        int from = (p - s->fold_pad) * channels;
        int first = clamp(-from, 0, s->inputs);

        if ((size_t)p < whole.begin || (size_t)p >= whole.end)
            pack_under(dtype, x, at + (size_t)from, first,
                       clamp(all - from, first, s->inputs),
                       to + p * s->channels);
    }
}

static void pack_folded(const struct conv_strips *s, const struct operand *x,
                        int item, float *to)
{
    struct range out = KERNEL(conv_strip_output)(s, item);
    size_t row_elements = (size_t)(x->dim[2] * x->dim[3]);
    size_t image = (size_t)(item / s->count) * (size_t)s->row.in;
    int row = s->row.origin + (int)out.begin;
    int end = row + (int)(out.end - out.begin) + s->row.halo;

    for (; row < end; row++, to += s->width * s->channels)
        if (row < 0 || row >= s->row.in)
            pack_zeros(s->width, to, (size_t)s->channels);
        else
            STORED_SWITCH(x->dtype, pack_folded_row, s, x,
                          (image + (size_t)row) * row_elements, to);
}

void KERNEL(conv_strip_pack)(const struct conv_strips *s,
                             const struct operand *x, int item, int block,
                             int count, float *strip)
{
    int first = block * s->channels;
    int last = int_min(first + count * s->channels, x->dim[3]);

    if (s->fold > 1) {
        pack_folded(s, x, item, strip);
        return;
    }
    for (int p = 0; p < s->row.planes * s->col.planes; p++) {
        pack_plane(s, x, item, p, first, last, strip);
        strip += (s->rows + s->row.halo) * s->width * s->channels;
    }
}
