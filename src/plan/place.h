/*
 * Placing blocks of storage whose lifetimes are known in one arena, as low as
 * can be: offline dynamic storage allocation, which is NP-hard. The result
 * depends on nothing but the blocks and their order.
 */
#ifndef MEMDIAL_PLACE_H
#define MEMDIAL_PLACE_H

#include <stddef.h>

struct block {
    size_t bytes, offset;
    int first, last;         /* time, inclusive */
    size_t *target;          /* where the caller wants the offset */
};

/* The most that is alive at once in `times` units of time: no placement can
 * do better. */
size_t place_lower_bound(const struct block *, int count, int times);

/* Gives every block its offset, stores it in *target, and returns the end of
 * the highest block. Reorders the blocks. */
size_t place_blocks(struct block *, int count, int times);

#endif
