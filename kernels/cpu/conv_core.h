/*
 * The parts of the three convolution kernels. All are implicit matrix
 * products: nothing like im2col is ever written to memory.
 *
 * Input is packed in strips. A strip holds what some consecutive rows of
 * output need of one image, halo and zero padding included, and one block of
 * 16 channels at a time:
 *
 *     strip [block][row plane][column plane][row][column][CONV_BLOCK]
 *
 * With a stride s, rows and columns are dealt out over s planes, so that
 * neighbouring output pixels find their inputs in neighbouring columns of a
 * plane, at a constant distance. What a tap of the filter reads is then the
 * strip shifted by a constant, its offset. Packing is also where an input is
 * converted: read through a saved batch norm, for instance.
 *
 * Output channels are taken in panels of 32, and the operand that is indexed
 * by them (weights, or the gradient of the output) is packed [k][CONV_PANEL].
 *
 * One micro-kernel, tile_multiply(), does all arithmetic. Both sizes above
 * are those of every instruction set, so that all need the same scratch.
 */
#ifndef MEMDIAL_CONV_CORE_H
#define MEMDIAL_CONV_CORE_H

#include "vec.h"

enum { CONV_BLOCK = 16, CONV_PANEL = 32 };

/*
 * One spatial dimension, rows or columns, of a convolution: output position i
 * of class a is output index i * classes + a, and strip position i of plane p
 * is input index origin + i * step + p.
 *
 * A convolution has one class and `step` = its stride. Its transpose has step
 * 1, and as many classes as the stride: output pixels that are apart by the
 * stride see the same taps, and no others see those.
 */
struct conv_axis {
    bool transposed;
    int taps, pad;
    int in, out;
    int step, planes, origin;
    int classes;
    int length;  /* output positions of class 0 */
    int halo;    /* strip positions = output positions + halo */
};

/* Output positions of a class. */
static inline int conv_axis_length(const struct conv_axis *a, int class)
{
    return (a->out - class + a->classes - 1) / a->classes;
}

/* One tap of a filter, for the output pixels of one class. */
struct conv_tap {
    int class;   /* (class of the row) * (column classes) + (of the column) */
    int index;   /* in the filter: (row of it) * (its width) + column */
    int offset;  /* in the strip, floats */
};

/* How the input (N, H, W, C) of a convolution is cut into strips. */
struct conv_strips {
    struct conv_axis row, col;
    int taps;    /* of the whole filter */
    int images;
    int blocks;  /* of channels */
    int rows;    /* output positions of a strip; the last may have fewer */
    int count;   /* strips of an image */
    int width;   /* columns of a plane */
    int block;   /* floats of a packed block */
};

/*
 * Strips of input x (N, H, W, C) for output y (N, Ho, Wo, Co) and a filter
 * (KH, KW, ., .). They are as high as `budget` bytes allow for `together`
 * blocks, `beside` bytes for each row of output, and leave every thread a
 * strip if there are rows enough.
 */
struct conv_strips KERNEL(conv_strips)(const struct operand *x,
                                       const struct operand *filter,
                                       const struct operand *y,
                                       const union attr *attr,
                                       bool transposed);
void KERNEL(conv_strips_cut)(struct conv_strips *s, int threads, int together,
                             size_t beside, size_t budget);

/* Output rows of strip `item` = image * count + strip, as positions. */
static inline struct range conv_strip_rows(const struct conv_strips *s,
                                           int item)
{
    int first = item % s->count * s->rows;
    int last = int_min(first + s->rows, s->row.length);

    return (struct range){ (size_t)first, (size_t)last };
}

/* The input that strip `item` needs, as pixels of x. */
struct range KERNEL(conv_strip_pixels)(const struct conv_strips *s, int item);

/* Fills in the `taps` taps of the filter, those of one class together. */
void KERNEL(conv_taps)(const struct conv_strips *s, struct conv_tap *tap);

/* Packs `count` blocks of channels, from `block` on, of strip `item`. */
void KERNEL(conv_pack)(const struct conv_strips *s, const struct operand *x,
                       int item, int block, int count, float *strip);

/*
 * What will be packed next, asked for in portions while arithmetic leaves
 * memory idle: `left` pieces of `lines` cache lines each, `step` bytes apart.
 */
struct conv_ahead {
    const char *at;
    size_t step, lines, left, portion;
};

/* For some channels of some pixels of x, in `times` portions. */
struct conv_ahead KERNEL(conv_ahead)(const struct operand *x,
                                     struct range pixels, int channel,
                                     int channels, size_t times);

static inline void conv_ahead_ask(struct conv_ahead *a)
{
    size_t n = a->portion < a->left ? a->portion : a->left;

    a->left -= n;
    for (; n > 0; n--, a->at += a->step)
        for (size_t i = 0; i < a->lines; i++)
            __builtin_prefetch(a->at + i * CPU_ALIGNMENT, 0, 2);
}

/* What conv and conv_dgrad share: y = x * w + add. The filter is
 * (KH, KW, x's channels, y's channels), or transposed the other way round. */
struct conv_core {
    struct conv_strips strips;
    const struct operand *x, *w, *add, *y;
    int threads;
    void *scratch;
};

struct conv_core KERNEL(conv_core)(const struct call *c,
                                   const struct operand *x,
                                   const struct operand *w,
                                   const struct operand *add,
                                   const struct operand *y, bool transposed);
size_t KERNEL(conv_core_scratch)(const struct conv_core *core);
void KERNEL(conv_core_run)(const struct conv_core *core);

/*
 * The micro-kernel holds a tile of accumulators in registers: `lines` lines of
 * `vectors` vectors. The sizes leave registers for a row of the panel and one
 * broadcast; they are constants wherever it is inlined, by TILE_SWITCH.
 */
#ifdef __AVX512F__
enum { TILE_LINES = 14, TILE_VECTORS = 2 };
#else
enum { TILE_LINES = 6, TILE_VECTORS = 2 };
#endif

#ifdef __clang__
#define TILE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TILE_UNROLL _Pragma("GCC unroll 16")
#endif

#define TILE_INLINE static inline __attribute__((always_inline))

/* A loop over the accumulators of a tile. */
#define TILE_EACH(l, v, lines, vectors) \
    TILE_UNROLL \
    for (int l = 0; l < (lines); l++) \
        TILE_UNROLL \
        for (int v = 0; v < (vectors); v++)

/* tile[line][...] += x[line * x_line + k * x_k] * panel[k][...], k < n */
TILE_INLINE void tile_multiply(vf tile[TILE_LINES][TILE_VECTORS],
                               const int lines, const int vectors,
                               const float *x, const int x_line,
                               const int x_k, const float *panel, int n)
{
    for (int k = 0; k < n; k++, x += x_k, panel += CONV_PANEL) {
        vf row[TILE_VECTORS];

        TILE_UNROLL
        for (int v = 0; v < vectors; v++)
            row[v] = vf_load(panel + v * VLEN);
        TILE_EACH(l, v, lines, vectors)
            tile[l][v] += vf_set(x[l * x_line]) * row[v];
    }
}

/* function(arg, lines, vectors) with both made constants. */
#define TILE_SWITCH(function, arg, lines, vectors) \
    switch (lines) { \
    TILE_CASE(function, arg, 1, vectors) \
    TILE_CASE(function, arg, 2, vectors) \
    TILE_CASE(function, arg, 3, vectors) \
    TILE_CASE(function, arg, 4, vectors) \
    TILE_CASE(function, arg, 5, vectors) \
    TILE_CASE(function, arg, 6, vectors) \
    TILE_CASE(function, arg, 7, vectors) \
    TILE_CASE(function, arg, 8, vectors) \
    TILE_CASE(function, arg, 9, vectors) \
    TILE_CASE(function, arg, 10, vectors) \
    TILE_CASE(function, arg, 11, vectors) \
    TILE_CASE(function, arg, 12, vectors) \
    TILE_CASE(function, arg, 13, vectors) \
    TILE_CASE(function, arg, 14, vectors) \
    }
#define TILE_CASE(function, arg, n, vectors) \
    case n: \
        if (n <= TILE_LINES && (vectors) == 1) \
            function(arg, n, 1); \
        else if (n <= TILE_LINES) \
            function(arg, n, TILE_VECTORS); \
        break;

/* The length of the next tile when n lines are left: tiles are as equal as
 * they can be, for a short one wastes the multipliers. */
static inline int tile_lines(int n)
{
    int tiles = (n + TILE_LINES - 1) / TILE_LINES;

    return (n + tiles - 1) / tiles;
}

#endif
