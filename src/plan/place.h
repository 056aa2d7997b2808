/*
 * Places blocks of storage with known lifetimes in one arena, as low as it can:
 * offline dynamic storage allocation, which is NP-hard. The result depends on
 * the blocks and their order alone.
 */
#ifndef MEMDIAL_PLACE_H
#define MEMDIAL_PLACE_H

#include <stddef.h>

struct block {
    size_t bytes, offset;
    int first, last;         /* time, inclusive */
    size_t *target;          /* gets the offset */
};

/* The most bytes alive at once in `times` units of time: no placement can be
 * lower. */
size_t place_lower_bound(const struct block *, int count, int times);

/* Gives every block its offset, stores it in *target, and returns the end of
 * the highest block. Reorders the blocks. */
size_t place_blocks(struct block *, int count, int times);

#endif
