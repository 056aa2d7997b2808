/*
 * Series: one curve of a run, point by point. Each point has the run's progress
 * on every axis that a curve can be drawn against. However long a run lasts a
 * series is bounded: at SERIES_MOST points it drops every other one.
 */
#ifndef MEMDIAL_SERIES_H
#define MEMDIAL_SERIES_H

enum { SERIES_MOST = 1 << 15 };

enum axis { AXIS_EPOCHS, AXIS_SECONDS, AXIS_UNITS, AXIS_COUNT };

/* "epochs", "seconds", "units": the data name their units themselves */
const char *axis_name(enum axis);

struct point {
    double at[AXIS_COUNT];
    double value;
};

struct series {
    struct point *points;            /* owned, [count] */
    int count, capacity;
};

/* Adds a point, unless the value is not finite. */
void series_add(struct series *, const double at[AXIS_COUNT], double value);

/* Forgets the points that came after `units` units of data. */
void series_cut(struct series *, double units);

/* Drops every other point, but neither the first nor the last, until at most
 * `most` (2 or more) are left; the series takes no more memory than they do. */
void series_shrink(struct series *, int most);

/* The latest point; NULL if there is none. */
const struct point *series_last(const struct series *);

void series_done(struct series *);

#endif
