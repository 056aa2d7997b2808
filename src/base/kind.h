/*
 * The kinds of memory that training takes. Each value of a graph has a kind,
 * plans and screens count bytes by kind, and the table of settings says which
 * kinds a setting shrinks.
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

/* Whether values of this kind live at every step of every program, so that a
 * snapshot saves them. */
bool kind_persists(enum kind);

#endif
