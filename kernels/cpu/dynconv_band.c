/*
 * The product of a band of weights and the rows of a tensor, for the channels
 * of one head: dynconv_core.h says which.
 *
 * A strip of channels is some vectors wide. A block of it is some rows high;
 * its sums stay in registers while the input's rows go by, of which it meets
 * height + taps - 1. A row of input is loaded once for all output rows of the
 * block. The first height - 1 input rows do not reach the last output rows, and
 * the last ones not the first: steps with all output rows lie between a
 * triangle of steps before and one after.
 */
#include "kernels/cpu/dynconv_core.h"

/* Vectors of a strip and rows of a block: their sums, a vector of input for
 * each strip's vector and a weight fill the registers. */
#ifdef __AVX512F__
enum { WIDEST = 4 };
#else
enum { WIDEST = 2 };
#endif
enum { HIGHEST = 6 };

/* A block, on its way through its steps. */
struct block_step {
    const struct operand *in;
    size_t at;           /* the element that the step begins with */
    const float *w;      /* of the first output row; the others' follow ... */
    ptrdiff_t by_row;    /* ... at this distance */
};

/* Adds a row of input to output rows [from, to). */
INLINE void add_row(const enum dtype dtype, const int vectors, int lanes,
                    const struct block_step *s, const int from, const int to,
                    vf sum[HIGHEST][WIDEST])
{
    vf in[WIDEST];

    UNROLL
    for (int v = 0; v < vectors; v++)
        in[v] = dynconv_load(dtype, s->in, s->at + (size_t)v * VLEN, lanes);
    UNROLL
    for (int r = from; r < to; r++) {
        vf w = vf_set(s->w[r * s->by_row]);

        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[r][v] += w * in[v];
    }
}

INLINE void store_row(const enum dtype dtype, const int vectors, int lanes,
                      const struct dynconv_band *b, size_t at,
                      const vf sum[WIDEST])
{
    const void *add = operand_given(b->add) ? b->add->data : NULL;

    if (lanes) {
        for (int i = 0; i < lanes; i++) {
            float more = add ? float_load(add, at + (size_t)i, dtype) : 0;

            float_store(b->out->data, at + (size_t)i, dtype,
                        sum[0][i] + more);
        }
        return;
    }
    UNROLL
    for (int v = 0; v < vectors; v++) {
        size_t i = at + (size_t)v * VLEN;
        vf out = sum[v];

        if (add)
            out += vf_load_as(dtype, add, i);
        vf_store_as(dtype, b->out->data, i, out);
    }
}

/* A block of output rows from `row` on; at least rows - 1 taps. lanes: of a
 * vector that is not full, else 0. */
INLINE void block(const enum dtype dtype, const int rows, const int vectors,
                  int lanes, const struct dynconv *d,
                  const struct dynconv_band *b, const struct sentence *in,
                  int begin, int row, size_t column)
{
    size_t channels = (size_t)b->in->dim[1];
    ptrdiff_t origin = row + b->first; /* the input row of step 0 */
    int first = origin < in->begin ? (int)(in->begin - origin) : 0;
    int last = int_min(rows + d->taps - 1, (int)(in->end - origin));
    struct block_step s = {
        .in = b->in,
        .at = (size_t)(origin + first) * channels + column,
        .w = b->w + b->at + (row - begin) * b->by_row + first * b->by_tap,
        .by_row = b->by_row - b->by_tap
    };
    vf sum[HIGHEST][WIDEST] = { 0 };

#define STEP(from, to) \
    do { \
        add_row(dtype, vectors, lanes, &s, from, to, sum); \
        s.at += channels; \
        s.w += b->by_tap; \
    } while (0)

    UNROLL
    for (int j = 0; j < rows - 1; j++)
        if (j >= first && j < last)
            STEP(0, j + 1);
    for (int j = first > rows - 1 ? first : rows - 1;
         j < int_min(d->taps, last); j++)
        STEP(0, rows);
    UNROLL
    for (int j = 1; j < rows; j++) {
        int step = d->taps - 1 + j;

        if (step >= first && step < last)
            STEP(j, rows);
    }
#undef STEP

    UNROLL
    for (int r = 0; r < rows; r++)
        store_row(dtype, vectors, lanes, b,
                  (size_t)(row + r) * channels + column, sum[r]);
}

/* All rows of a piece, in a strip of channels. */
INLINE void strip(const enum dtype dtype, const int vectors, int lanes,
                  const struct dynconv *d, const struct dynconv_band *b,
                  const struct dynconv_piece *piece, size_t column)
{
    int row = piece->begin, end = piece->end, begin = piece->begin;

#define BLOCKS(high) \
    for (; end - row >= high && d->taps >= high - 1; row += high) \
        block(dtype, high, vectors, lanes, d, b, &piece->sentence, begin, row, \
              column)
    BLOCKS(HIGHEST);
    BLOCKS(4);
    BLOCKS(2);
    BLOCKS(1);
#undef BLOCKS
}

INLINE void strips(const enum dtype dtype, const struct dynconv *d,
                   const struct dynconv_band *b,
                   const struct dynconv_piece *piece, int head)
{
    size_t column = (size_t)(head * d->width), end = column + (size_t)d->width;

    for (; column + WIDEST * VLEN <= end; column += WIDEST * VLEN)
        strip(dtype, WIDEST, 0, d, b, piece, column);
    if (WIDEST > 2 && column + 2 * VLEN <= end) {
        strip(dtype, 2, 0, d, b, piece, column);
        column += 2 * VLEN;
    }
    for (; column + VLEN <= end; column += VLEN)
        strip(dtype, 1, 0, d, b, piece, column);
    if (column < end)
        strip(dtype, 1, (int)(end - column), d, b, piece, column);
}

void KERNEL(dynconv_band)(const struct dynconv *d, const struct dynconv_band *b,
                          const struct dynconv_piece *piece, int head)
{
    DTYPE_SWITCH(b->in->dtype, strips, d, b, piece, head);
}
