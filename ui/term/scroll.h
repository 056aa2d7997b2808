/*
 * Lists that are longer than their place: how far a key goes in one, and what of
 * it is in sight.
 */
#ifndef MEMDIAL_SCROLL_H
#define MEMDIAL_SCROLL_H

#include "ui/term/keys.h"

/* How many rows an action goes down, where `height` of them are in sight; to an
 * end it is more than any list has. 0: it is no action of lists. */
int scroll_steps(enum action, int height);

/* The row of `count` that is nearest; 0 if there are none. */
int scroll_row(int row, int count);

/* The first row in sight of `count`: as near to `first` as the chosen row and
 * the end of the list let it. */
int scroll_keep(int first, int chosen, int count, int height);

#endif
