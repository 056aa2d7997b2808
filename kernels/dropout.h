/*
 * Dropout without a mask: whether an element is dropped is a function of the
 * seed, the step, the operation's stream, the sentence's number in the batch,
 * the position in the sentence, and the element's place in its row. So it can
 * be told again at any time, however a batch is cut into parts.
 *
 * A draw of Philox serves DROPOUT_GROUP elements, 16 bits each; the rate is
 * rounded to a multiple of 2^-16.
 */
#ifndef MEMDIAL_DROPOUT_H
#define MEMDIAL_DROPOUT_H

#include "kernels/philox.h"

enum { DROPOUT_GROUP = 8 };

struct dropout {
    uint64_t key;        /* of this operation in this step */
    uint32_t drop;       /* draws below it drop an element */
    float scale;         /* of the others: 1 / (1 - rate) */
};

PORTABLE struct dropout dropout_start(uint64_t seed, int64_t step,
                                      uint32_t stream, float rate)
{
    struct philox key = philox(seed, (uint64_t)step, PHILOX_DROPOUT, stream);
    struct dropout d;

    d.key = key.x[0] | (uint64_t)key.x[1] << 32;
    d.drop = (uint32_t)(rate * 65536 + 0.5f);
    d.scale = 65536 / (float)(65536 - d.drop);
    return d;
}

/* The draw for elements group * DROPOUT_GROUP and the following of a row, or of
 * one of its `lane`s, such as heads. */
PORTABLE struct philox dropout_draw(const struct dropout *d, int sentence,
                                    int position, int group, int lane)
{
    return philox(d->key, (uint64_t)(uint32_t)sentence << 32
                              | (uint32_t)position,
                  (uint32_t)group, (uint32_t)lane);
}

/* The factor of element i of a draw's group. */
PORTABLE float dropout_factor(const struct dropout *d,
                              const struct philox *draw, int i)
{
    uint32_t bits = draw->x[i / 2] >> 16 * (i % 2) & 0xFFFF;

    return bits < d->drop ? 0 : d->scale;
}

#endif
