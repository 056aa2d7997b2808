/*
 * Points in a chart whose x axis is the logarithm of bytes to base 2: the axis'
 * labels, and places for letters that points are drawn with.
 */
#ifndef MEMDIAL_BYTE_PLOT_H
#define MEMDIAL_BYTE_PLOT_H

#include "base/number.h"
#include "ui/term/cells.h"

/* Labels powers of two alone: "8 MiB". */
void byte_plot_label(double x, char text[NUMBER_SIZE]);

/* A column for a label of `width`, `col` or one beside the letters that are
 * there already. */
int byte_plot_column(struct area, int row, int col, int width);

#endif
