/*
 * The factors of dropout (kernels/dropout.h) for elements in a row.
 */
#ifndef MEMDIAL_DROPOUT_ROW_H
#define MEMDIAL_DROPOUT_ROW_H

#include <string.h>

#include "kernels/cpu/vec_philox.h"
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

/* The factors of WIDE_LANES groups. */
static inline void dropout_factors_wide(const struct dropout *d, int sentence,
                                        int position, int group, int lane,
                                        float factor[])
{
    struct vec_philox c = { { vwide_set((uint32_t)position),
                              vwide_set((uint32_t)sentence),
                              vwide_set((uint32_t)group),
                              vwide_set((uint32_t)lane) } };
    vwide bits[2];       /* 16 of each element */

    vec_philox_row(d->key, c, 2, bits);
    for (int i = 0; i < WIDE_LANES * DROPOUT_GROUP / VLEN; i++) {
        vu draw = __builtin_convertvector(((const vh *)bits)[i], vu);

        vf_store(factor + i * VLEN, (vf)((vi)(draw >= d->drop)
                                         & (vi)vf_set(d->scale)));
    }
}

/* The factors of n elements from a multiple of DROPOUT_GROUP on. Writes whole
 * groups: factor[] has room for n rounded up. */
static inline void dropout_factors(const struct dropout *d, int sentence,
                                   int position, int first, int lane, int n,
                                   float factor[])
{
    enum { WIDE = WIDE_LANES * DROPOUT_GROUP };
    float last[WIDE];

    for (int i = 0; i < n; i += WIDE) {
        bool whole = n - i >= WIDE;

        dropout_factors_wide(d, sentence, position,
                             (first + i) / DROPOUT_GROUP, lane,
                             whole ? factor + i : last);
        for (int k = 0; !whole && k < n - i; k += DROPOUT_GROUP)
            memcpy(factor + i + k, last + k, DROPOUT_GROUP * sizeof(*last));
    }
}

#endif
