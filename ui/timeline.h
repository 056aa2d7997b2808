/*
 * A timeline: consecutive steps laid out over columns. With fewer steps than
 * columns each has some columns of its own; with more, a column is for some
 * steps, and stands for that of them in which most is alive, so that no peak
 * is lost.
 */
#ifndef MEMDIAL_TIMELINE_H
#define MEMDIAL_TIMELINE_H

#include "plan.h"

struct timeline {
    int begin, end;      /* all steps that there are to show */
    int first, count;    /* those shown */
    int cols;
};

enum { TIMELINE_FEWEST = 12, TIMELINE_MOST_ZOOM = 8 };

/* Shows a part, halved `zoom` times but TIMELINE_FEWEST steps at least, that
 * has the cursor in it, moving it no further than that needs. */
void timeline_show(struct timeline *, const struct program_steps *, int zoom,
                   int cursor, int cols);

/* The steps [*from, *to) of a column, and the columns of a step; at least one
 * of each. */
void timeline_steps(const struct timeline *, int col, int *from, int *to);
void timeline_cols(const struct timeline *, int step, int *from, int *to);

/* The step that a column stands for. */
int timeline_step(const struct timeline *, const struct plan *, int col);

#endif
