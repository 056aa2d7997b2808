/*
 * An axis of bytes at the left of a plot, from 0 below its last row up, with
 * labels at powers of two.
 */
#ifndef MEMDIAL_BYTE_AXIS_H
#define MEMDIAL_BYTE_AXIS_H

#include "ui/term/cells.h"

/* Columns that it takes. */
enum { BYTE_AXIS_COLS = 10 };

/* Draws it for the rows of the area, whose upper edge is `top` bytes; a label
 * is in the row above the height that it names. */
void byte_axis_draw(struct area, double top);

#endif
