/*
 * The factors of dropout (kernels/dropout.h) for elements in a row.
 */
#ifndef MEMDIAL_DROPOUT_ROW_H
#define MEMDIAL_DROPOUT_ROW_H

#include "kernels/cpu/cpu.h"
#include "kernels/dropout.h"

static inline struct dropout dropout_of_call(const struct call *c,
                                             uint32_t stream, float rate)
{
    return dropout_start(c->batch->seed, c->batch->step, stream, rate);
}

/* The number of the batch's sentence that is sentence `number` of the part. */
static inline int dropout_sentence(const struct call *c, int number)
{
    return c->part->first.of[EXTENT_SAMPLES] + number;
}

/* The factors of n elements from a multiple of DROPOUT_GROUP on. Writes whole
 * groups: factor[] has room for n rounded up. */
static inline void dropout_factors(const struct dropout *d, int sentence,
                                   int position, int first, int lane, int n,
                                   float factor[])
{
    for (int i = 0; i < n; i += DROPOUT_GROUP) {
        struct philox draw = dropout_draw(d, sentence, position,
                                          (first + i) / DROPOUT_GROUP, lane);

        for (int k = 0; k < DROPOUT_GROUP; k++)
            factor[i + k] = dropout_factor(d, &draw, k);
    }
}

#endif
