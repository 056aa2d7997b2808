/*
 * A timeline: the steps of a schedule laid out over columns in their order,
 * each as wide as the FLOPs that it takes. Narrow steps share a column, which
 * stands for the one with the most bytes alive, so that no peak is lost.
 *
 * Training comes first. Evaluation, which is on the same line of steps in the
 * same arena, gets an eighth of training's width: it may hold the peak, but is
 * not part of a training step. Another eighth is shared out evenly among the
 * steps of each, so that steps that compute nothing are there too.
 */
#ifndef MEMDIAL_TIMELINE_H
#define MEMDIAL_TIMELINE_H

#include "plan/plan.h"

struct timeline {
    double *begin;       /* owned, [steps + 1] of each step, then their end */
    int steps;
    int first, count;    /* of the steps shown */
    int cols;
};

enum { TIMELINE_FEWEST = 12, TIMELINE_MOST_ZOOM = 8 };

/* Lays out the steps of a schedule, or steps of any widths above 0. */
void timeline_measure(struct timeline *, const struct schedule *);
void timeline_set(struct timeline *, const double *width, int steps);
void timeline_done(struct timeline *);

/* Shows the part with the cursor: all steps, halved `zoom` times, but at least
 * TIMELINE_FEWEST. The part moves no further than it must. */
void timeline_show(struct timeline *, int zoom, int cursor, int cols);

/* The steps [*from, *to) of a column, and the columns of a step; at least one
 * of each. */
void timeline_steps(const struct timeline *, int col, int *from, int *to);
void timeline_cols(const struct timeline *, int step, int *from, int *to);

/* The step that a column stands for. */
int timeline_step(const struct timeline *, const struct plan *, int col);

#endif
