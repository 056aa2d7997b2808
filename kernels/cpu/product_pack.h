/*
 * How a product is cut (product_run.c), and the packing of its matrices: panels
 * of B, which all threads read, and groups of rows of A, each a thread's own.
 */
#ifndef MEMDIAL_PRODUCT_PACK_H
#define MEMDIAL_PRODUCT_PACK_H

#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/product.h"

/* Tiles of any instruction set divide EVEN_ROWS, and groups are of whole ones
 * but for the last. */
enum { EVEN_ROWS = 12, GROUP_ROWS = 48, CHUNK_DEPTH = 96, SET_PANELS = 16,
       SET_DEPTH = 8192, SLICE_ROWS = 528, STEP_DEPTH = 192,
       FEW_ROWS = 4 /* for each column of a set */ };

/* How a product is cut: slices of rows, sets of panels, steps of depth. */
struct slicing {
    const struct product *p;
    bool pairs;          /* of bf16, in the place of floats */
    int depth;           /* of floats or pairs */
    int width;           /* of a panel */
    int panels;          /* of all of B */
    int set;             /* panels of a set */
    int step;            /* its depth */
    int slice;           /* rows of a slice */
    int group;           /* rows that a packed group has room for */
    size_t b, a, sum;    /* sizes, floats: a for each thread, and sum too unless
                            it waits */
};

static inline int parts(int n, int each)
{
    return (n + each - 1) / each;
}

/* n channels, rows or depths, in blocks. */
static inline int whole_blocks(int n)
{
    return parts(n, CONV_BLOCK) * CONV_BLOCK;
}

static inline size_t length(struct range r)
{
    return r.end - r.begin;
}

static inline struct range shifted(struct range r, size_t by)
{
    return (struct range){ r.begin + by, r.end + by };
}

static inline size_t columns_of(const struct operand *o)
{
    return (size_t)o->dim[o->rank - 1];
}

/* Elements from row to row of an operand, for which a product has `step`. */
static inline size_t step_of(const struct operand *o, int step)
{
    return step ? (size_t)step : columns_of(o);
}

/* What the threads make together between two barriers. */
struct region {
    struct range rows, panels, depth;
};

struct step {
    const struct slicing *slicing;
    struct region now, next;
    int groups, pieces;  /* pieces of the set, and an item for each group and
                            piece */
    int late;            /* groups whose items may go to any thread */
};

/* Panel i of the set: where it begins in C, how much of it there is, and where
 * it is packed, from a depth on. */
static inline int panel_column(const struct step *s, size_t i)
{
    return (int)(s->now.panels.begin + i) * s->slicing->width;
}

static inline int panel_lanes(const struct step *s, size_t i)
{
    return int_min(s->slicing->p->columns - panel_column(s, i),
                   s->slicing->width);
}

static inline float *step_panel(const struct step *s, size_t i, size_t depth)
{
    float *b = s->slicing->p->call->scratch;

    return b + (i * length(s->now.depth) + depth - s->now.depth.begin)
                   * (size_t)s->slicing->width;
}

static inline size_t block_count(struct range depth)
{
    return (size_t)parts((int)length(depth), CONV_BLOCK);
}

/* Block k of a depth. */
static inline struct range block_of(struct range depth, size_t k)
{
    size_t begin = depth.begin + k * CONV_BLOCK;

    return (struct range){ begin, size_min(begin + CONV_BLOCK, depth.end) };
}

/* What a thread makes at a time. */
struct item {
    struct range rows;   /* of C */
    struct range panels; /* of the set */
    float *a, *sum;
};

/* Packs block i of the step's panels, piece by piece, in the order in which
 * they lie in rows of B: all panels of a depth, or turned all depths of a
 * panel. */
void KERNEL(product_pack_panels)(const struct step *, size_t i);

/* Packs a chunk of an item's group of rows. */
void KERNEL(product_pack_group)(const struct slicing *, const struct item *,
                                struct range depth);

#endif
