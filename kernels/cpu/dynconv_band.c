/*
 * The product of a band of weights and the rows of a tensor, for the channels
 * of one head: dynconv_core.h has the formula.
 *
 * A strip of channels is some vectors wide. A block of it is some rows high;
 * its sums stay in registers while the input's rows go by, height + taps - 1 in
 * number. A row of input is loaded once for all output rows of the block. The
 * first height - 1 of these steps do not concern the last output rows, and the
 * last ones not the first. A block whose steps are all within its sentence
 * leaves those products out: steps with all output rows lie between a triangle
 * of steps before and one after. At the ends of a sentence, where most of a
 * triangle is missing, zeros beside the weights stand for it.
 */
#include "kernels/cpu/dynconv_core.h"

/* Vectors of a strip and rows of a block: their sums, a vector of input for
 * each of the strip's and a weight fill the registers. */
#ifdef __AVX512F__
enum { WIDEST = 4 };
#else
enum { WIDEST = 2 };
#endif
enum { HIGHEST = DYNCONV_HIGHEST };

struct strip {
    const struct operand *in, *out;
    const struct operand *add; /* or NULL */
    const struct dynconv_piece *piece;
    size_t channels, column;
    int vectors, lanes;  /* lanes: of the last vector, if it is not full */
    int taps, first;
    const float *w;      /* as if of output row 0 and step 0 */
    ptrdiff_t by_row, by_tap;
};

/* The sums of a block, on their way through its steps. */
struct step {
    size_t at;           /* the first element of the input */
    const float *w;      /* of the first output row; the others' follow ... */
    ptrdiff_t by_row;    /* ... at this distance */
    vf sum[HIGHEST][WIDEST];
};

/* Adds a row of input to output rows [from, to), and goes on to the next. */
INLINE void add_row(const enum dtype dtype, const int vectors, const int lanes,
                    const struct strip *s, const int from, const int to,
                    struct step *step)
{
    vf in[WIDEST];

    UNROLL
    for (int v = 0; v < vectors; v++)
        in[v] = dynconv_load(dtype, s->in, step->at + (size_t)v * VLEN, lanes);
    UNROLL
    for (int r = from; r < to; r++) {
        vf w = vf_set(step->w[r * step->by_row]);

        UNROLL
        for (int v = 0; v < vectors; v++)
            step->sum[r][v] += w * in[v];
    }
    step->at += s->channels;
    step->w += s->by_tap;
}

/* Stores the sums, from element `at` on. add: NULL, or added to them. */
INLINE void store_rows(const enum dtype dtype, const int rows,
                       const int vectors, const int lanes,
                       const struct operand *add, const struct operand *out,
                       size_t at, size_t channels, vf sum[HIGHEST][WIDEST])
{
    UNROLL
    for (int r = 0; r < rows; r++, at += channels)
        UNROLL
        for (int v = 0; v < vectors; v++) {
            size_t i = at + (size_t)v * VLEN;
            vf value = sum[r][v];

            if (add)
                value += dynconv_load(dtype, add, i, lanes);
            dynconv_store(dtype, out, i, lanes, value);
        }
}

/* The steps [begin, end), which are in the sentence, of a block of output rows
 * from `row` on. lanes: of a vector that is not full, else 0. */
INLINE void block(const enum dtype dtype, const int rows, const int vectors,
                  const int lanes, const bool inside, const struct strip *s,
                  int row, int begin, int end)
{
    size_t channels = s->channels, to = (size_t)row * channels + s->column;
    int taps = s->taps;
    struct step step = {
        .at = (size_t)(row + s->first + begin) * channels + s->column,
        .w = s->w + row * s->by_row + begin * s->by_tap,
        .by_row = s->by_row - s->by_tap
    };

#define ADD(from, to) add_row(dtype, vectors, lanes, s, from, to, &step)
    if (inside) {
        UNROLL
        for (int j = 1; j < rows; j++)
            ADD(0, j);
        for (int j = rows; j <= taps; j++)
            ADD(0, rows);
        UNROLL
        for (int j = 1; j < rows; j++)
            ADD(j, rows);
    } else {
        for (int j = begin; j < end; j++)
            ADD(0, rows);
    }
#undef ADD

    if (s->add)
        store_rows(dtype, rows, vectors, lanes, s->add, s->out, to, channels,
                   step.sum);
    else
        store_rows(dtype, rows, vectors, lanes, NULL, s->out, to, channels,
                   step.sum);
}

/* Each kind of block is a function of its own, so that it has all registers.
 * width: the vectors of a strip, or 0 if its only one is not full. */
struct kinds {
    void (*part[HIGHEST + 1])(const struct strip *, int row, int begin,
                              int end);
    void (*whole[HIGHEST + 1])(const struct strip *, int row, int begin,
                               int end);
};

#define BLOCK(name, type, rows, vectors, lanes, inside) \
    static __attribute__((noinline)) void name(const struct strip *s, int row, \
                                               int begin, int end) \
    { \
        block(DTYPE_##type, rows, vectors, lanes, inside, s, row, begin, end); \
    }
#define PART(type, width, rows) part_##type##_##width##_##rows
#define WHOLE(type, width, rows) whole_##type##_##width##_##rows
#define BLOCKS(type, width, vectors, lanes) \
    BLOCK(PART(type, width, 1), type, 1, vectors, lanes, false) \
    BLOCK(PART(type, width, 2), type, 2, vectors, lanes, false) \
    BLOCK(PART(type, width, 4), type, 4, vectors, lanes, false) \
    BLOCK(PART(type, width, 6), type, 6, vectors, lanes, false) \
    BLOCK(WHOLE(type, width, 4), type, 4, vectors, lanes, true) \
    BLOCK(WHOLE(type, width, 6), type, 6, vectors, lanes, true)
#define KINDS(type, width) \
    { .part = { [1] = PART(type, width, 1), [2] = PART(type, width, 2), \
                [4] = PART(type, width, 4), [6] = PART(type, width, 6) }, \
      .whole = { [4] = WHOLE(type, width, 4), [6] = WHOLE(type, width, 6) } }

BLOCKS(F32, 0, 1, s->lanes)
BLOCKS(BF16, 0, 1, s->lanes)
BLOCKS(F16, 0, 1, s->lanes)
BLOCKS(F32, 1, 1, 0)
BLOCKS(BF16, 1, 1, 0)
BLOCKS(F16, 1, 1, 0)
BLOCKS(F32, 2, 2, 0)
BLOCKS(BF16, 2, 2, 0)
BLOCKS(F16, 2, 2, 0)
#ifdef __AVX512F__
BLOCKS(F32, 4, 4, 0)
BLOCKS(BF16, 4, 4, 0)
BLOCKS(F16, 4, 4, 0)
#endif

static const struct kinds kinds_of[DTYPE_COUNT][WIDEST + 1] = {
    [DTYPE_F32] = { KINDS(F32, 0), KINDS(F32, 1), KINDS(F32, 2) },
    [DTYPE_BF16] = { KINDS(BF16, 0), KINDS(BF16, 1), KINDS(BF16, 2) },
    [DTYPE_F16] = { KINDS(F16, 0), KINDS(F16, 1), KINDS(F16, 2) },
#ifdef __AVX512F__
    [DTYPE_F32][4] = KINDS(F32, 4),
    [DTYPE_BF16][4] = KINDS(BF16, 4),
    [DTYPE_F16][4] = KINDS(F16, 4),
#endif
};

/* Asks for memory, as much as a block meets. */
static void band_ask(const struct strip *s, int row, int rows)
{
    int begin = s->piece->begin, end = s->piece->end;
    size_t size = dtype_size(s->in->dtype);
    size_t wide = (size_t)(s->vectors * VLEN) * size;
    size_t at = s->column * (size_t)(end - begin) * size
                + (size_t)(row - begin) * wide;

    dynconv_ask(s->in, s->piece, at, (size_t)rows * wide, false);
    dynconv_ask(s->out, s->piece, at, (size_t)rows * wide, true);
    if (s->add && s->add->data != s->out->data)
        dynconv_ask(s->add, s->piece, at, (size_t)rows * wide, false);
}

static void band_block(const struct kinds *kinds, const struct strip *s,
                       int row, int rows)
{
    int origin = row + s->first, all = rows + s->taps - 1; /* steps */
    const struct sentence *in = &s->piece->sentence;
    int begin = in->begin > origin ? in->begin - origin : 0;
    int end = int_min(in->end - origin, all);

    band_ask(s, row, rows);
    if (end - begin == all && s->taps >= rows - 1 && kinds->whole[rows])
        kinds->whole[rows](s, row, begin, end);
    else
        kinds->part[rows](s, row, begin, end);
}

/* All rows of a piece, in a strip of channels. Few taps are not worth many
 * rows: these would mostly meet zeros. */
static void band_strip(const struct kinds *kinds, const struct strip *s)
{
    static const int heights[] = { HIGHEST, 4, 2, 1 };
    int row = s->piece->begin;

    for (int i = s->taps < HIGHEST - 1; i < 4; i++)
        for (; s->piece->end - row >= heights[i]; row += heights[i])
            band_block(kinds, s, row, heights[i]);
}

void KERNEL(dynconv_band)(const struct dynconv *d, const struct dynconv_band *b,
                          const struct dynconv_piece *piece, int head)
{
    const struct kinds *kinds = kinds_of[b->in->dtype];
    size_t channels = (size_t)b->in->dim[1];
    size_t column = (size_t)(head * d->width), end = column + (size_t)d->width;
    struct strip s = {
        .in = b->in,
        .add = operand_given(b->add) ? b->add : NULL,
        .out = b->out,
        .channels = channels,
        .column = column,
        .piece = piece,
        .lanes = d->width % VLEN,
        .taps = d->taps,
        .first = b->first,
        .w = b->w + b->at - piece->begin * b->by_row,
        .by_row = b->by_row,
        .by_tap = b->by_tap
    };

    for (s.vectors = WIDEST; s.vectors > 0; s.vectors /= 2) {
        size_t wide = (size_t)(s.vectors * VLEN);

        for (; s.column + wide <= end; s.column += wide)
            band_strip(&kinds[s.vectors], &s);
    }
    s.vectors = 1;
    if (s.lanes)
        band_strip(&kinds[0], &s);
}
