/*
 * Bars of cells: stacked parts on a scale that several bars can share. Each
 * part has its pattern and, where there is room, its letter, so that it can
 * be recognised without colour.
 */
#ifndef MEMDIAL_BAR_H
#define MEMDIAL_BAR_H

#include <stddef.h>

#include "base/kind.h"
#include "ui/term/cells.h"

/* Draws bytes by kind, at most `most` in all, `scale` bytes being `cols`
 * columns. A longer bar is cut there, with arrows at the end. Returns the
 * column after the bar. */
int bar_kinds(struct area, int row, int col, int cols,
              const size_t bytes[KIND_COUNT], double most, double scale);

/* Draws one part, a share from 0 to 1, in eighths of a column where the glyphs
 * have them. */
void bar_share(struct area, int row, int col, int cols, unsigned style,
               double share);

#endif
