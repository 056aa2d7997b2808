/*
 * The plot of the page Fit: each row is the letter of its class, its place the
 * bytes of its arena and its seconds; lines are the budget and the baseline.
 */
#ifndef MEMDIAL_PANE_FIT_PLOT_H
#define MEMDIAL_PANE_FIT_PLOT_H

#include "ui/pages/screen.h"

/* Marks the chosen row of the table, and describes it. */
void pane_fit_plot_draw(struct screen *, int chosen, struct area);

#endif
