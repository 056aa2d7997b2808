/*
 * Winograd's F(2x2, 3x3), as Lavin & Gray (2016) have it. Every 4x4 square of
 * input, two pixels apart, and every 3x3 filter are transformed to 4x4 places.
 * At each place the transformed squares times the transformed filters are a
 * matrix product over channels: 16 multiplications where the sum over taps has
 * 36. The 4x4 sums of a square are transformed to its 2x2 pixels of output.
 *
 *     y = A' [(G g G') . (B' d B)] A
 *
 * The gradient of the filter goes the same way back: G' [sum of (B' d B) .
 * (A dy A')] G.
 *
 * The factors are 1 and 1/2. Errors of rounding are about those of the sum over
 * taps: bench/conv_errors.
 */
#ifndef MEMDIAL_WINOGRAD_H
#define MEMDIAL_WINOGRAD_H

#include "kernels/cpu/conv_strip.h"
#include "kernels/cpu/vec.h"

enum { WINOGRAD_SIDE = 4, WINOGRAD_PLACES = 16, WINOGRAD_TAPS = 9 };

/* Whether a convolution, or its transpose, can go this way: a filter of 3x3 at
 * stride 1 that keeps an even height and width, and channels in whole blocks.
 * Images of 2x2 are left out: an element of dw has so few terms there that the
 * rounding of the other places shows. */
static inline bool winograd_can(const struct conv_strips *s,
                                const struct operand *x,
                                const struct operand *y)
{
    return s->row.taps == 3 && s->col.taps == 3 && s->row.pad == 1
           && s->classes == 1 && s->row.step == 1 && s->col.pad == 1
           && y->dim[1] == x->dim[1] && y->dim[2] == x->dim[2]
           && y->dim[1] % 2 == 0 && y->dim[2] % 2 == 0
           && y->dim[1] >= WINOGRAD_SIDE && y->dim[2] >= WINOGRAD_SIDE
           && x->dim[3] % CONV_BLOCK == 0 && y->dim[3] % CONV_BLOCK == 0;
}

/*
 * Whether scratch has no more bytes than the tensors that are read and written:
 * with small tensors it would be what counts. A plan has the scratch of the
 * largest part of a batch. So scratch for squares must be enough for all
 * smaller parts, whichever way these go.
 *
 * Sets of panels save time in small parts most, where the filter is large
 * beside the images: if scratch for one panel is small, the filter counts for
 * them too, once or more.
 */
static inline bool winograd_is_small(size_t scratch, const struct operand *x,
                                     const struct operand *y,
                                     const struct operand *filter, size_t times)
{
    return scratch <= operand_bytes(x) + operand_bytes(y)
                      + times * operand_bytes(filter);
}

/* Makes strips of whole squares of at most `budget` bytes, or of one row of
 * squares, `blocks` blocks deep: as few as the budget allows, of like
 * height. */
static inline void winograd_cut(struct conv_strips *s, int threads, int blocks,
                                size_t budget)
{
    KERNEL(conv_strips_cut)(s, threads, blocks, 0, budget);
    s->rows = s->rows < 2 ? 2 : s->rows / 2 * 2;
    s->count = (s->row.length + s->rows - 1) / s->rows;
    s->rows = ((s->row.length + s->count - 1) / s->count + 1) / 2 * 2;
    s->block = (s->rows + s->row.halo) * s->width * s->channels;
}

/* Row or column i of B' times two of the square's. */
INLINE vf winograd_mix(const int i, vf a, vf b)
{
    return i == 1 ? a + b : a - b;
}

/* B' d B for `channels` channels of a square, to places `place` floats apart.
 * The square's pixels are `pixel`, its rows `row` floats apart. */
INLINE void winograd_input(const float *d, int pixel, int row, int channels,
                           float *to, size_t place)
{
    static const int one[WINOGRAD_SIDE] = { 0, 1, 2, 1 };
    static const int other[WINOGRAD_SIDE] = { 2, 2, 1, 3 };

    for (int v = 0; v < channels; v += VLEN)
        UNROLL
        for (int i = 0; i < WINOGRAD_SIDE; i++) {
            const float *a = d + one[i] * row + v, *b = d + other[i] * row + v;
            vf down[WINOGRAD_SIDE];

            UNROLL
            for (int j = 0; j < WINOGRAD_SIDE; j++)
                down[j] = winograd_mix(i, vf_load(a + j * pixel),
                                       vf_load(b + j * pixel));
            UNROLL
            for (int j = 0; j < WINOGRAD_SIDE; j++)
                vf_store(to + (size_t)(i * WINOGRAD_SIDE + j) * place + v,
                         winograd_mix(j, down[one[j]], down[other[j]]));
        }
}

/* G times the 3 values along a filter's side. */
INLINE void winograd_filter_side(const vf g[3], vf u[WINOGRAD_SIDE])
{
    vf outer = 0.5f * (g[0] + g[2]), inner = 0.5f * g[1];

    u[0] = g[0];
    u[1] = outer + inner;
    u[2] = outer - inner;
    u[3] = g[2];
}

/* A times the 2 values along a side of an output's gradient. */
INLINE void winograd_gradient_side(vf a, vf b, vf u[WINOGRAD_SIDE])
{
    u[0] = a;
    u[1] = a + b;
    u[2] = a - b;
    u[3] = -b;
}

/* G' times the 4 values along a side of the sums for a filter. */
INLINE void winograd_filter_sum(const vf u[WINOGRAD_SIDE], vf g[3])
{
    vf even = 0.5f * (u[1] + u[2]);

    g[0] = u[0] + even;
    g[1] = 0.5f * (u[1] - u[2]);
    g[2] = even + u[3];
}

#endif
