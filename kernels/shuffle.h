/*
 * Random order without a table, on every backend.
 */
#ifndef MEMDIAL_SHUFFLE_H
#define MEMDIAL_SHUFFLE_H

#include "kernels/philox.h"

enum { SHUFFLE_ROUNDS = 10 };

/*
 * A permutation of the numbers of 2 * bits bits. Four rounds are enough when
 * the halves are wide (Luby and Rackoff, "How to construct pseudorandom
 * permutations from pseudorandom functions", 1988); ten also reach every order
 * of a handful of samples about as often.
 */
PORTABLE uint32_t shuffle_feistel(uint64_t seed, uint32_t pass, int bits,
                                  uint32_t n)
{
    uint32_t mask = (1u << bits) - 1, left = n >> bits, right = n & mask;

    for (uint32_t round = 0; round < SHUFFLE_ROUNDS; round++) {
        uint64_t counter = (uint64_t)pass << 32 | right;
        struct philox r = philox(seed, counter, PHILOX_SHUFFLE, round);
        uint32_t next = left ^ (r.x[0] & mask);

        left = right;
        right = next;
    }
    return left << bits | right;
}

/*
 * The place `position` of a pass over `count` things in random order: a
 * permutation of 0..count-1 that depends on (seed, pass), computed in place (a
 * Feistel network over Philox, walked until in range).
 */
PORTABLE int shuffle_place(uint64_t seed, uint32_t pass, int count,
                           int position)
{
    uint32_t n = (uint32_t)position;
    int bits = 1;

    while ((uint64_t)1 << 2 * bits < (uint64_t)count)
        bits++;
    do
        n = shuffle_feistel(seed, pass, bits, n);
    while (n >= (uint32_t)count);
    return (int)n;
}

#endif
