/*
 * Series: one curve of a run, point by point, each with how far the run was in
 * every unit that a curve can be drawn against. However long a run lasts a
 * series has a bound: at SERIES_MOST points it drops every other one.
 */
#ifndef MEMDIAL_SERIES_H
#define MEMDIAL_SERIES_H

enum { SERIES_MOST = 1 << 15 };

enum unit { UNIT_EPOCHS, UNIT_SECONDS, UNIT_SAMPLES, UNIT_COUNT };

const char *unit_name(enum unit);

struct point {
    double at[UNIT_COUNT];
    double value;
};

struct series {
    struct point *points;            /* owned, [count] */
    int count, capacity;
};

/* A value that is not finite is no point. */
void series_add(struct series *, const double at[UNIT_COUNT], double value);

/* Forgets the points after so many samples. */
void series_cut(struct series *, double samples);

/* Drops every other point, but neither the first nor the last, until at most
 * `most` (2 or more) are left; the series takes no more memory than they do. */
void series_shrink(struct series *, int most);

/* The latest point; NULL if there is none. */
const struct point *series_last(const struct series *);

void series_done(struct series *);

#endif
