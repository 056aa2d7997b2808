/*
 * The figure of memory against score: a point for each entry that competes,
 * and the Pareto front as a line.
 */
#ifndef MEMDIAL_FIGURE_FRONT_H
#define MEMDIAL_FIGURE_FRONT_H

#include "report/figure_style.h"

void figure_front_draw(struct sheet *, const struct report *,
                       const struct group *, double x, double y, struct look);

#endif
