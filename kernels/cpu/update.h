/*
 * Helpers of the operations that update weights: tensors as one row, and values
 * in 16 bits that are rounded stochastically.
 */
#ifndef MEMDIAL_UPDATE_H
#define MEMDIAL_UPDATE_H

#include "kernels/cpu/stage.h"
#include "kernels/cpu/vec_philox.h"

/* A word for each element of a block, which begins at a multiple of 4: a
 * function of the seed, the step, the stream and the element. */
static inline void update_random(const struct call *c, struct block b,
                                 uint32_t stream,
                                 uint32_t words[STAGE_COLUMNS])
{
    struct vec_philox counters = {
        { vwide_set(b.column / 4), vwide_set((uint32_t)c->batch->step),
          vwide_set(PHILOX_ROUND), vwide_set(stream) }
    };

    for (size_t i = 0; i < b.columns; i += 4 * WIDE_LANES) {
        vec_philox_row(c->batch->seed, counters, 0, (vwide *)(words + i));
        counters.x[0] += WIDE_LANES;
    }
}

/* Stores a block in 16 bits, with 16 bits of each random word. */
static inline void update_store(const struct stage *s, const uint32_t *words,
                                int shift)
{
    uint16_t *to = stage_row(s, 0);

    if (s->tensor->dtype == DTYPE_BF16)
        for (size_t i = 0; i < s->block.columns; i++)
            to[i] = bf16_store_random(s->data[i], words[i] >> shift & 0xFFFF);
    else
        for (size_t i = 0; i < s->block.columns; i++)
            to[i] = f16_store_random(s->data[i], words[i] >> shift & 0xFFFF);
}

/* The tensor as a single row. */
static inline struct operand update_flat(const struct operand *o)
{
    return (struct operand){ .data = o->data, .dtype = o->dtype, .rank = 1,
                             .dim = { (int)operand_elements(o) } };
}

#endif
