/*
 * Random order without a table.
 */
#ifndef MEMDIAL_SHUFFLE_H
#define MEMDIAL_SHUFFLE_H

#include <stdint.h>

/*
 * The place `position` of a pass over `count` things in random order: a
 * permutation of 0..count-1 that depends on (seed, pass), computed in place (a
 * Feistel network over Philox, walked until in range).
 */
int shuffle_place(uint64_t seed, uint32_t pass, int count, int position);

#endif
