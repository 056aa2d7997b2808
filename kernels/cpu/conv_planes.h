/*
 * Strips (conv_strip.h) as planes of pixels, for products that multiply vectors
 * of pixels by one number:
 *
 *     strip [channel][row plane][column plane][row][pitch]
 *
 * A row has no padding. It is one image's columns, or those of a few narrow
 * images side by side, and fills whole cache lines: so a tap in another row is
 * a load that crosses no line. A tap in another column has its input a column
 * away: sums are made where the input is, and then moved. That halves the
 * loads, and no padding is multiplied.
 */
#ifndef MEMDIAL_CONV_PLANES_H
#define MEMDIAL_CONV_PLANES_H

#include "kernels/cpu/conv_strip.h"
#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec.h"

/* The floats of a channel's pixels that are worked on together, whole rows; and
 * the most columns of an image. */
enum { PLANES_BAND = 256, PLANES_COLUMNS = 96 };

/* Vectors of these pixels that are held in registers: as many as leave some for
 * a weight or for sums, and for moving; at least a row of PLANES_COLUMNS.
 * Without AVX they do not all stay there. */
#if defined(__AVX512F__)
enum { PLANES_VECTORS = 16 };
#elif defined(__AVX2__)
enum { PLANES_VECTORS = 12 };
#else
enum { PLANES_VECTORS = 24 };
#endif

/* Distances of a tap's column from its pixel: -1, 0, 1. */
enum { PLANES_SHIFTS = 3 };

struct conv_planes {
    struct conv_strips strips; /* cut for planes: strip i of any image */
    int unit;            /* floats of an image's row */
    int images;          /* side by side */
    int pitch;           /* of all of them */
    int plane, channel;  /* floats */
};

/* Whether planes can be made of such strips. */
bool KERNEL(conv_planes_can)(const struct conv_strips *s);

/* Planes of strips that are at most as high as a band, and not more than the
 * second-level cache has room for. */
struct conv_planes KERNEL(conv_planes)(const struct conv_strips *s);

/* Planes of y (N, H, W, C) of the same cut, one for each channel, without halo,
 * of as many blocks as `channels` channels can lie in. */
struct conv_planes KERNEL(conv_planes_beside)(const struct conv_planes *p,
                                              const struct operand *y,
                                              int channels);

/* The images from `image` on that lie side by side. */
static inline int conv_planes_images(const struct conv_planes *p, int image)
{
    return int_min(p->strips.images - image, p->images);
}

/* Strips of all images. */
static inline size_t conv_planes_items(const struct conv_planes *p)
{
    int groups = (p->strips.images + p->images - 1) / p->images;

    return (size_t)(groups * p->strips.count);
}

/* Floats of a strip. */
static inline size_t conv_planes_floats(const struct conv_planes *p)
{
    return (size_t)(p->strips.blocks * CONV_BLOCK * p->channel);
}

/* The runs that some rows of a band are made in. */
static inline int conv_planes_runs(const struct conv_planes *p, int rows)
{
    int most = PLANES_VECTORS * VLEN / p->pitch;

    return (rows + most - 1) / most;
}

/* Rows of all blocks that are packed for a strip. */
static inline size_t conv_planes_asks(const struct conv_planes *p)
{
    const struct conv_strips *s = &p->strips;
    int rows = s->row.planes * s->col.planes * (s->rows + s->row.halo);

    return (size_t)(s->blocks * rows);
}

/* Where a tap of the filter has its input. */
struct conv_planes_tap {
    int class;           /* of output pixels that see it */
    int shift;           /* -1, 0 or 1 columns */
    int offset;          /* in the strip, floats, of pixel 0's row */
};

struct conv_planes_tap KERNEL(conv_planes_tap)(const struct conv_planes *p,
                                               int index);

/* Packs strip `strip` of images side by side, from `image` on, in all blocks
 * that p has and x has from `block` on. Asks for a portion with every row of a
 * block: conv_planes_asks() times at most. */
void KERNEL(conv_planes_pack)(const struct conv_planes *p,
                              const struct operand *x, int image, int strip,
                              int block, struct conv_ahead *ahead, float *to);

/* Masks of the pixels of a band that have a neighbour on the left, and on the
 * right: those at the sides of an image have not. */
struct conv_planes_sides {
    int32_t left[PLANES_BAND], right[PLANES_BAND];
};

static inline void conv_planes_sides(const struct conv_planes *p,
                                     struct conv_planes_sides *sides)
{
    for (int i = 0; i < PLANES_BAND; i += p->unit)
        for (int k = 0; k < p->unit && i + k < PLANES_BAND; k++) {
            sides->left[i + k] = -(k > 0);
            sides->right[i + k] = -(k + 1 < p->unit);
        }
}

#ifdef __AVX512F__
#define PLANES_NEXT 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define PLANES_BEFORE 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, \
                      29, 30
#elif defined(__AVX2__)
#define PLANES_NEXT 1, 2, 3, 4, 5, 6, 7, 8
#define PLANES_BEFORE 7, 8, 9, 10, 11, 12, 13, 14
#else
#define PLANES_NEXT 1, 2, 3, 4
#define PLANES_BEFORE 3, 4, 5, 6
#endif

/* Gives each of some pixels, from the first of a row on, what its right
 * neighbour has. */
INLINE void conv_planes_from_right(const struct conv_planes_sides *sides,
                                   const int vectors, vf *v)
{
    UNROLL
    for (int i = 0; i < vectors; i++) {
        vf next = i + 1 < vectors ? v[i + 1] : vf_set(0);

        v[i] = (vf)((vi)__builtin_shufflevector(v[i], next, PLANES_NEXT)
                    & *(const vi *)(sides->right + i * VLEN));
    }
}

/* What its left neighbour has. */
INLINE void conv_planes_from_left(const struct conv_planes_sides *sides,
                                  const int vectors, vf *v)
{
    UNROLL
    for (int i = vectors - 1; i >= 0; i--) {
        vf before = i > 0 ? v[i - 1] : vf_set(0);

        v[i] = (vf)((vi)__builtin_shufflevector(before, v[i], PLANES_BEFORE)
                    & *(const vi *)(sides->left + i * VLEN));
    }
}

#endif
