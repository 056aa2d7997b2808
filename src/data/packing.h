/*
 * Batches and parts of sentence pairs, by counts of tokens. Pairs are taken in
 * order as long as neither language has more tokens than there is room for. A
 * batch has room for `batch` tokens of each; a part of it for `microbatch`.
 *
 * Settings never change a batch but by `batch`: parts are consecutive pairs of
 * it. There are as few of them as can be, of even size: the room that they use
 * is the least for which there are no more.
 */
#ifndef MEMDIAL_PACKING_H
#define MEMDIAL_PACKING_H

#include <stdint.h>

/* Tokens of pairs, end marks included; no pair is longer than the room that it
 * is packed into. */
struct pair_lengths {
    const int32_t *source, *target; /* [count] */
    int count;
};

/* Pairs in an order, cut. */
struct packing {
    int *pair;           /* owned, [pairs]: their numbers */
    int *first;          /* owned, [bins + 1]: places in pair[] */
    int pairs, bins;
};

/* Packs pairs, in the order in which `order` has their numbers, NULL for 0, 1,
 * 2 and so on. */
struct packing packing_new(const struct pair_lengths *, const int *order,
                           int pairs, int room);
void packing_free(struct packing *);

/* Cuts a bin into parts. end[] gets the place in pair[] at which each part
 * ends; it has room for one per pair. Returns the number of parts. */
int packing_parts(const struct packing *, const struct pair_lengths *, int bin,
                  int room, int end[]);

#endif
