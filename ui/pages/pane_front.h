/*
 * The plot of the page Runs: each trial that has ended an epoch is a letter,
 * its place the score and the memory, and the Pareto front is a line.
 */
#ifndef MEMDIAL_PANE_FRONT_H
#define MEMDIAL_PANE_FRONT_H

#include "ui/pages/pane_trials.h"

/* Marks the trial that is chosen in the table; a click chooses another. */
void pane_front_draw(struct screen *, struct pane_trials *, struct area);

/* The next trial in the plot with more memory, or less if `step` is -1; at the
 * end, the same trial. */
const struct attempt *pane_front_next(const struct session *,
                                      const struct attempt *, int step);

#endif
