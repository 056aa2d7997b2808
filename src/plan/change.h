/*
 * How much settings change what a network learns. A dial has a price. The class
 * of settings is the dearest price of a dial that saves memory; their degree is
 * how far it goes: the fewest zeros among the weights, then the most bits: in
 * all, of the optimizer's states, of what waits for the backward pass.
 */
#ifndef MEMDIAL_CHANGE_H
#define MEMDIAL_CHANGE_H

#include "graph/graph.h"
#include "settings/settings.h"

/* Settings that save nothing change as much as those that only compute more:
 * nothing. */
struct change {
    enum price price;    /* the dearest */
    double sparsity;     /* a fraction */
    int bits;            /* of an element of each kind that is stored, */
    int state_bits;      /* of the optimizer's states, */
    int saved_bits;      /* and of what waits for the backward pass */
};

/* The price of a dial in a graph; NULL: not known, the dearest that it can be.
 */
enum price change_price(const struct setting *, const struct graph *);

/* The change that settings make, in a graph that they give. */
struct change change_of(const struct settings *, const struct graph *);

/* Less than 0 if `a` changes less than `b`, 0 if both change as much. */
int change_compare(const struct change *a, const struct change *b);

/* "storage, 16 bits", "capacity, 70% zeros, 16 bits, saved 8 bits" */
enum { CHANGE_TEXT_SIZE = 64 };
const char *change_text(const struct change *, char text[CHANGE_TEXT_SIZE]);

#endif
