/*
 * The figures of curves: a line for each run, its name at its end.
 */
#ifndef MEMDIAL_FIGURE_CURVES_H
#define MEMDIAL_FIGURE_CURVES_H

#include "report/figure_style.h"

/* Whether any run of the group has the curve: of the score, or of the loss. */
bool figure_curves_any(const struct report *, const struct group *,
                       enum curve);
void figure_curves_draw(struct sheet *, const struct report *,
                        const struct group *, enum curve, double x, double y,
                        struct look);

#endif
