/*
 * Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and
 * Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). A number is a
 * function of its key and counter alone, so any random number can be made
 * again, anywhere, in any order, on any backend.
 */
#ifndef MEMDIAL_PHILOX_H
#define MEMDIAL_PHILOX_H

#include <stdint.h>

#include "kernels/portable.h"

struct philox {
    uint32_t x[4];
};

/* The use of a stream of random numbers: the third word of the counter. */
enum philox_use {
    PHILOX_INIT,
    PHILOX_SHUFFLE,
    PHILOX_AUGMENT,
    PHILOX_DRAW,
    PHILOX_ROUND,
    PHILOX_PLACE,
    PHILOX_REWIRE,
    PHILOX_DROPOUT,
    PHILOX_SQUEEZE
};

/* The factors of a round, and how the key grows after it. */
#define PHILOX_FACTOR_0 0xD2511F53u
#define PHILOX_FACTOR_1 0xCD9E8D57u
#define PHILOX_KEY_0 0x9E3779B9u
#define PHILOX_KEY_1 0xBB67AE85u

enum { PHILOX_ROUNDS = 10 };

PORTABLE struct philox philox_round(struct philox c, uint32_t k0, uint32_t k1)
{
    uint64_t a = (uint64_t)PHILOX_FACTOR_0 * c.x[0];
    uint64_t b = (uint64_t)PHILOX_FACTOR_1 * c.x[2];
    struct philox next = {{ (uint32_t)(b >> 32) ^ c.x[1] ^ k0, (uint32_t)b,
                            (uint32_t)(a >> 32) ^ c.x[3] ^ k1,
                            (uint32_t)a }};

    return next;
}

/* Four words for key `seed` and counter (low, high, use, item). */
PORTABLE struct philox philox(uint64_t seed, uint64_t counter, uint32_t use,
                              uint32_t item)
{
    struct philox c = {{ (uint32_t)counter, (uint32_t)(counter >> 32), use,
                         item }};
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);

    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        c = philox_round(c, k0, k1);
        k0 += PHILOX_KEY_0;
        k1 += PHILOX_KEY_1;
    }
    return c;
}

/* Uniform in (0, 1): never 0, so that its logarithm is finite, and never 1, for
 * which 24 bits would be one too many. */
PORTABLE float philox_unit(uint32_t word)
{
    return ((float)(word >> 9) + 0.5f) * 0x1p-23f;
}

#endif
