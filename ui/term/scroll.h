/*
 * Lists that are longer than their place: how far a key moves in one, and which
 * rows are in sight.
 */
#ifndef MEMDIAL_SCROLL_H
#define MEMDIAL_SCROLL_H

#include "ui/term/keys.h"

/* The number of rows that an action moves down, with `height` in sight; a move
 * to an end is longer than any list. 0: the action is not for lists. */
int scroll_steps(enum action, int height);

/* The row nearest to `row` in a list of `count`; 0 if it is empty. */
int scroll_row(int row, int count);

/* The first row in sight of `count`: as near to `first` as the chosen row and
 * the end of the list allow. */
int scroll_keep(int first, int chosen, int count, int height);

#endif
