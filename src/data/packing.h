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

/* The tokens of pairs, end marks included: those of pair i lie from first[i] to
 * first[i + 1]. */
struct pair_tokens {
    const int *source, *target; /* [pairs + 1] */
};

/* Pairs in an order, cut into bins. Their places are numbers in that order. */
struct packing {
    int *pair;           /* owned, [pairs]: the number of each */
    int *source, *target; /* owned, [pairs + 1]: tokens before each place */
    int *first;          /* owned, [bins + 1]: the place where each begins */
    int pairs, bins;
};

/* Packs pairs, in the order in which `order` has their numbers, NULL for 0, 1,
 * 2 and so on. No pair has more tokens of a language than `room`. */
struct packing packing_new(const struct pair_tokens *, const int *order,
                           int pairs, int room);
void packing_free(struct packing *);

/* The place where the part ends that begins at place `begin` of those before
 * `end`. */
int packing_part(const struct packing *, int begin, int end, int room);

/* The least room for which places from `begin` to `end` make no more parts than
 * with this room. */
int packing_room(const struct packing *, int begin, int end, int room);

#endif
