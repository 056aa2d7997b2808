/*
 * A picture of a grid of cells, as a terminal shows it.
 */
#ifndef MEMDIAL_PICTURE_H
#define MEMDIAL_PICTURE_H

#include "base/buffer.h"
#include "ui/term/theme.h"

/* Adds a picture of the cells in the colours of a theme; where none can be
 * drawn, their text. Returns the ending of a file's name: "svg", "txt". */
const char *picture_draw(const struct cells *, enum theme, struct buffer *);

#endif
