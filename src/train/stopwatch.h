/*
 * A stopwatch: observes an executor and notes what calls take, for timings. Its
 * memory is there from the start, so that it allocates nothing in a step. Of
 * calls that differ in their addresses alone the lower quartile of the last
 * ones counts: other processes only ever add to their time.
 */
#ifndef MEMDIAL_STOPWATCH_H
#define MEMDIAL_STOPWATCH_H

#include "plan/timings.h"
#include "train/executor.h"

struct stopwatch;

/* Observes the training steps of an executor until it is freed. */
struct stopwatch *stopwatch_new(struct executor *);
void stopwatch_free(struct stopwatch *);

/* What has been observed. */
struct stopwatch_sum {
    double calls;
    double all;          /* their seconds */
    double typical;      /* the sum of their quartiles, seconds */
};

struct stopwatch_sum stopwatch_sum(const struct stopwatch *);

/* Adds the quartiles to timings. The time of a load is that of a data set: it
 * counts if `loads`. */
void stopwatch_note(const struct stopwatch *, struct timings *, bool loads);

#endif
