/*
 * Activations in fewer bits. A pass over a finished graph says of every value
 * that could be kept so how it is stored and read back; a schedule decides
 * whether it is.
 */
#ifndef MEMDIAL_SQUEEZE_OFFER_H
#define MEMDIAL_SQUEEZE_OFFER_H

#include "graph/graph.h"

/*
 * For each result that both passes read, adds a value of the same shape and of
 * that type, DTYPE_8BIT or DTYPE_4BIT, an operation that stores it and one that
 * defines the result anew. They are of PASS_SAVE. Statistics, which are exact
 * or wrong, are no such results: they are the same for all samples, or stand
 * beside an operation's main one (slot 'o').
 */
void squeeze_offer(struct graph *, enum dtype);

#endif
