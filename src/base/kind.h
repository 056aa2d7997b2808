/*
 * The kinds of memory that training takes. Values of a graph have one, plans
 * and screens count bytes by them, and the table of settings says which of
 * them a setting shrinks.
 */
#ifndef MEMDIAL_KIND_H
#define MEMDIAL_KIND_H

#include <stdbool.h>

enum kind {
    KIND_WEIGHTS,
    KIND_INDEX,
    KIND_GRADIENTS,
    KIND_OPTIMIZER,
    KIND_ACTIVATIONS,
    KIND_TRANSIENT,
    KIND_WORKSPACE,
    KIND_INPUT,
    KIND_COUNT
};

const char *kind_name(enum kind);

/* Alive at every step of every program, and what a snapshot saves. */
bool kind_persists(enum kind);

#endif
