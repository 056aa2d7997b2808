/*
 * Figures: the pictures of a report. Each shows a group: the memory at the
 * peak by kind, memory against score with the Pareto front, scores and losses
 * by epoch.
 * Kinds of memory have a colour, a pattern and a letter; figure_style.h has
 * what tells entries apart.
 */
#ifndef MEMDIAL_FIGURE_H
#define MEMDIAL_FIGURE_H

#include "report/figure_style.h"

enum figure { FIGURE_MEMORY, FIGURE_FRONT, FIGURE_SCORES, FIGURE_LOSSES,
              FIGURE_COUNT };

/* Whether there is anything to draw. */
bool figure_is(enum figure, const struct report *, const struct group *);

double figure_height(enum figure, const struct group *, struct look);

void figure_draw(struct sheet *, enum figure, const struct report *,
                 const struct group *, double x, double y, struct look);

/* "Memory at the peak, by kind"; and a sentence or two on how to read it. */
void figure_title(enum figure, const struct group *, struct buffer *);
void figure_caption(enum figure, const struct report *, const struct group *,
                    struct buffer *);

#endif
