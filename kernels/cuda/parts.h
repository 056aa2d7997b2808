/*
 * How the CUDA backend cuts sums into parts, and so the scratch that they take:
 * a function of shapes alone, so that a plan needs no device and a result does
 * not depend on one.
 */
#ifndef MEMDIAL_CUDA_PARTS_H
#define MEMDIAL_CUDA_PARTS_H

#include <stddef.h>

#include "kernels/beam.h"
#include "kernels/kernels.h"

enum { CUDA_ALIGNMENT = 256 }; /* of values in the arena, bytes */

/* Bytes for the sums of the tiles of x, if no operand has them. */
static inline size_t sums_bytes(const struct operand *x,
                                const struct operand *sums)
{
    return operand_given(sums) ? 0
                               : tiles_of(operand_rows(x), TILE_ROWS) * SUM_ROWS
                                     * (size_t)x->dim[x->rank - 1]
                                     * sizeof(float);
}

/* The parts in which the pixels of a weight gradient are summed. A part has at
 * least PART_PIXELS; there are no more parts than give the device tiles enough.
 */
enum { PART_PIXELS = 512, PART_STEP = 32, TILES_WANTED = 256,
       TILE_SUMS = 128 * 32 };

static inline int wgrad_parts(const struct operand *dw, size_t pixels)
{
    size_t tiles = (operand_elements(dw) + TILE_SUMS - 1) / TILE_SUMS;
    size_t most = (pixels + PART_PIXELS - 1) / PART_PIXELS;
    size_t wanted = (TILES_WANTED + tiles - 1) / tiles;

    return (int)(most < wanted ? most : wanted);
}

/* Pixels of each part but the last, a multiple of PART_STEP. */
static inline int wgrad_part(size_t pixels, int parts)
{
    size_t steps = (pixels + PART_STEP - 1) / PART_STEP;
    size_t count = (size_t)parts;

    return (int)((steps + count - 1) / count * PART_STEP);
}

/* Columns of a tile of the vocabulary in a beam search; the tiles; and the
 * bytes that are kept of a hypothesis and tile: two floats, then candidates. */
enum { BEAM_COLUMNS = 128 };

static inline int beam_tiles_of(int vocabulary)
{
    return (vocabulary + BEAM_COLUMNS - 1) / BEAM_COLUMNS;
}

PORTABLE size_t beam_kept_bytes(int beam)
{
    return 2 * sizeof(float) + 2 * (size_t)beam * sizeof(struct candidate);
}

/* The bytes of scratch that a call needs. */
size_t cuda_scratch(enum op_code op, const struct call *c);

#endif
