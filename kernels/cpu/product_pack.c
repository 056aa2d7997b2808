/*
 * The packing of a product's matrices. Packing writes whole blocks of
 * CONV_BLOCK, and zeros beyond the last column of B.
 */
#include "kernels/cpu/product_pack.h"

#include <string.h>

#include "kernels/cpu/conv_pack.h"
#include "kernels/cpu/conv_transpose.h"
#include "kernels/cpu/pairs.h"
#include "kernels/cpu/sparse.h"

/* Packs a panel of a member of a pool, whose nonzeros are found row by row. */
static void pack_sparse_panel(const struct step *s, size_t i,
                              struct range depth, float *to)
{
    const struct operand *b = s->slicing->p->b;
    size_t width = (size_t)s->slicing->width, lanes = (size_t)panel_lanes(s, i);
    size_t at = depth.begin * columns_of(b) + (size_t)panel_column(s, i);
    float room[CONV_PANEL];

    for (size_t k = 0; k < length(depth); k++, to += width) {
        memcpy(to, sparse_floats(b, at, lanes, room), lanes * sizeof(float));
        memset(to + lanes, 0, (width - lanes) * sizeof(float));
        at += columns_of(b);
    }
}

static void pack_panel(const struct step *s, size_t i, struct range depth,
                       float *to)
{
    const struct operand *b = s->slicing->p->b;
    size_t step = step_of(b, s->slicing->p->b_step);
    int width = s->slicing->width, first = panel_column(s, i);

    for (int c = 0; c < width; c += CONV_BLOCK)
        if (c < panel_lanes(s, i) && s->slicing->pairs)
            pairs_of_rows(b, step, first + c, depth, to + c, (size_t)width);
        else if (c < panel_lanes(s, i))
            DTYPE_SWITCH(b->dtype, conv_pack, b, first + c,
                         (int)length(depth),
                         depth.begin * step + (size_t)(first + c), step,
                         to + c, (size_t)width);
        else
            for (size_t k = 0; k < length(depth); k++)
                memset(to + k * (size_t)width + c, 0,
                       CONV_BLOCK * sizeof(float));
}

/* Reads a block of depth of a panel whose columns lie in rows. */
static void read_turned_panel(const struct step *s, size_t i,
                              struct range depth,
                              float line[CONV_PANEL][CONV_BLOCK])
{
    const struct operand *b = s->slicing->p->b;
    size_t first = (size_t)panel_column(s, i);
    size_t step = step_of(b, s->slicing->p->b_step);
    size_t at = first * step + depth.begin, deep = length(depth);
    int lanes = panel_lanes(s, i);
    float room[CONV_BLOCK];

    if (s->slicing->pairs)
        for (int j = 0; j < lanes; j++)
            pairs_of_row(b, (first + (size_t)j) * step, depth, line[j]);
    else if (b->pool)
        for (int j = 0; j < lanes; j++)
            memcpy(line[j], sparse_floats(b, at + (size_t)j * step, deep,
                                          room), deep * sizeof(float));
    else
        DTYPE_SWITCH(b->dtype, conv_pack, b, (int)depth.begin, lanes, at,
                     step, line[0], CONV_BLOCK);
}

static void pack_turned_panel(const struct step *s, size_t i,
                              struct range depth, float *to)
{
    const struct operand *b = s->slicing->p->b;
    int width = s->slicing->width;
    size_t step = step_of(b, s->slicing->p->b_step), deep = length(depth);
    size_t at = (size_t)panel_column(s, i) * step + depth.begin;
    float line[CONV_PANEL][CONV_BLOCK] = { { 0 } };
    float turned[CONV_BLOCK][CONV_PANEL];

    if (!b->pool && b->dtype == DTYPE_F32 && deep == CONV_BLOCK
        && panel_lanes(s, i) == width) {
        KERNEL(conv_transpose)((const float *)b->data + at, (int)step, width,
                               (size_t)width, to);
        return;
    }
    read_turned_panel(s, i, depth, line);
    if (deep == CONV_BLOCK) {
        KERNEL(conv_transpose)(line[0], CONV_BLOCK, width, (size_t)width, to);
        return;
    }
    KERNEL(conv_transpose)(line[0], CONV_BLOCK, width, (size_t)width,
                           turned[0]);
    memcpy(to, turned, deep * (size_t)width * sizeof(float));
}

/* The panels of the piece that has block i of the step's; *i becomes the number
 * of the block in it. */
static struct range piece_with(const struct step *s, size_t *i, size_t blocks)
{
    struct range panels;

    for (int piece = 0;; piece++) {
        panels = range_share(length(s->now.panels), piece, s->pieces);
        if (*i < length(panels) * blocks)
            return panels;
        *i -= length(panels) * blocks;
    }
}

void KERNEL(product_pack_panels)(const struct step *s, size_t i)
{
    const struct product *p = s->slicing->p;
    size_t blocks = block_count(s->now.depth);
    struct range panels = piece_with(s, &i, blocks);
    size_t panel = panels.begin + (p->b_turned ? i / blocks
                                               : i % length(panels));
    size_t block = p->b_turned ? i % blocks : i / length(panels);
    struct range depth = block_of(s->now.depth, block);
    float *to = step_panel(s, panel, depth.begin);

    if (p->b_turned)
        pack_turned_panel(s, panel, depth, to);
    else if (p->b->pool)
        pack_sparse_panel(s, panel, depth, to);
    else
        pack_panel(s, panel, depth, to);
}

static void pack_plain_group(const struct slicing *slicing,
                             const struct item *item, struct range depth)
{
    const struct operand *a = slicing->p->a;
    size_t rows = length(item->rows), blocks = block_count(depth);
    size_t first = item->rows.begin, step = step_of(a, slicing->p->a_step);
    float *to = item->a;

    for (size_t k = 0; k < blocks; k++, to += rows * CONV_BLOCK) {
        struct range block = block_of(depth, k);

        if (slicing->pairs)
            for (size_t i = 0; i < rows; i++)
                pairs_of_row(a, (first + i) * step, block,
                             to + i * CONV_BLOCK);
        else
            DTYPE_SWITCH(a->dtype, conv_pack, a, (int)block.begin, (int)rows,
                         first * step + block.begin, step, to, CONV_BLOCK);
    }
}

/* Packs n ones of the row of ones, or pairs of them: a zero of B's completes
 * the last pair. */
static void pack_ones(const struct slicing *slicing, size_t n, float *to)
{
    uint16_t one = bf16_store(1);

    for (; n > 0; n--, to += slicing->group)
        if (slicing->pairs)
            pair_store(to, one, one);
        else
            *to = 1;
}

static void pack_turned_group(const struct slicing *slicing,
                              const struct item *item, struct range depth)
{
    const struct operand *a = slicing->p->a;
    size_t first = item->rows.begin, columns = columns_of(a);
    size_t end = size_min(item->rows.end, columns), blocks = block_count(depth);
    size_t room = (size_t)slicing->group;
    size_t step = step_of(a, slicing->p->a_step);
    float *to = item->a;

    for (size_t k = 0; k < blocks; k++, to += CONV_BLOCK * room) {
        struct range block = block_of(depth, k);

        for (size_t i = first; i < end; i += CONV_BLOCK)
            if (slicing->pairs)
                pairs_of_rows(a, step, (int)i, block, to + i - first, room);
            else
                DTYPE_SWITCH(a->dtype, conv_pack, a, (int)i,
                             (int)length(block), block.begin * step + i, step,
                             to + i - first, room);
    }
    if (slicing->p->ones && item->rows.end > columns)
        pack_ones(slicing, length(depth), item->a + length(item->rows) - 1);
}

void KERNEL(product_pack_group)(const struct slicing *slicing,
                                const struct item *item, struct range depth)
{
    if (slicing->p->a_turned)
        pack_turned_group(slicing, item, depth);
    else
        pack_plain_group(slicing, item, depth);
}
