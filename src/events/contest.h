/*
 * A contest: the terms on which trials compete for the most score in the least
 * memory. They compete by their best scores after the same number of epochs,
 * and only if they learn the same data and are judged by the same score.
 * Continuations do not compete: the weights that they began with are another
 * trial's.
 */
#ifndef MEMDIAL_CONTEST_H
#define MEMDIAL_CONTEST_H

#include "events/run.h"

struct contest {
    int epochs;                  /* 0: nobody competes */
    int data;                    /* as in the settings */
    struct score score;
};

/* A trial, and the bytes that it takes at the peak; 0: not known. */
struct entrant {
    const struct trial *trial;   /* borrowed */
    uint64_t peak_bytes;
};

/* The terms that a trial sets for others. */
struct contest contest_by(const struct trial *);

/* Whether two contests are of the same data, and judged by the same score. */
bool contest_alike(const struct contest *, const struct contest *);

/* Whether a trial competes: it is a trial proper, has had a score by these
 * epochs, and its memory is known. */
bool contest_admits(const struct contest *, const struct entrant *);

/* The score that a trial competes with. */
double contest_score(const struct contest *, const struct trial *);

/* Whether one is better than another; whether it is that in no more memory, or
 * as good in less. Both compete. */
bool contest_is_better(const struct contest *, const struct entrant *,
                       const struct entrant *other);
bool contest_beats(const struct contest *, const struct entrant *,
                   const struct entrant *other);

/*
 * The line of a front in a chart: from the `worst` end of the axis of scores to
 * the first point, from each point to the next, and on to the `end` of the axis
 * of memory. Points are x, y, x, y, ... from the least memory on, and so is the
 * line, which has room for 2 * count + 1. Returns its length: 0 without points.
 */
int contest_line(double *line, const double *points, int count, double worst,
                 double end);

#endif
