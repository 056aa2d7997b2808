/*
 * Timings: the seconds that calls of one backend's kernels were measured to
 * take, on one machine, and predictions for others. A measured call takes its
 * measured time. Another takes a roofline's guess (roofline.h), corrected by
 * the factor by which that errs on measured calls of the same kind, the nearest
 * in size above all; factors are averaged by their logarithms. A kind that was
 * not measured takes the factor of the nearest kind of the operation.
 *
 * A table may be asked and held from several threads at once, but not while it
 * is added to. It remembers its answers, so that a search can ask for thousands
 * of plans.
 */
#ifndef MEMDIAL_TIMINGS_H
#define MEMDIAL_TIMINGS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "plan/plan.h"
#include "plan/timed_call.h"

struct timing {
    struct timed_call call;
    double guess;        /* the roofline's, seconds */
    double seconds;      /* as measured */
    int count;           /* measurements that it is the mean of */
};

struct timings_memo;     /* timings.c */

struct timings {
    atomic_int holders;
    const struct backend *backend;
    struct timing_list {
        struct timing *list;     /* owned, [count] */
        int count;
    } of[OP_COUNT];
    int count;           /* measured calls */
    double overhead;     /* of a call, beside its own seconds */
    int overhead_count;
    struct timings_memo *memo;   /* owned */
};

/* An empty table, held once. */
struct timings *timings_new(const struct backend *);

/* Adds a holder; returns the table. NULL stays NULL. */
struct timings *timings_hold(struct timings *);

/* Takes a holder away; frees a table without holders. */
void timings_free(struct timings *);

/* Another table with the same measurements, held once. */
struct timings *timings_copy(const struct timings *);

/* Measured calls. */
int timings_count(const struct timings *);

/* Adds seconds that a call was measured to take. Of a call that is known the
 * mean of the last few is kept. */
void timings_add(struct timings *, enum op_code, const struct call *,
                 double seconds);

/* The same for a call in numbers, as the mean of `count` measurements. */
void timings_put(struct timings *, const struct timing *);

/* Adds the measurements of another table, but of calls that are very near to a
 * known one: parts of text have many sizes. */
void timings_merge(struct timings *, const struct timings *from);

/* Adds those of another table's calls that are not known. */
void timings_fill(struct timings *, const struct timings *from);

/* Adds what a call of a step takes beside the seconds of its kernel. */
void timings_add_overhead(struct timings *, double seconds);

/* Predicted seconds of one call; NAN if nothing is known of the operation, or
 * for NULL. */
double timings_call(const struct timings *, enum op_code, const struct call *);

struct timings_step {
    double seconds;      /* NAN: nothing is known */
    double known;        /* the share that was measured, or calls of the same
                            kind were */
};

/* Predicts one optimizer step of a plan or an outline: each step of the
 * schedule times its repetitions. Evaluation and translation do not count.
 * Nothing is known of a plan for another backend. */
struct timings_step timings_step(const struct timings *, const struct plan *);
double timings_step_seconds(const struct timings *, const struct plan *);

/* Whether anything is known of a plan; false for NULL. */
bool timings_know(const struct timings *, const struct plan *);

/* Seconds of one of the plan's steps in all its repetitions, as timings_step()
 * adds them up. Something must be known of the plan. */
double timings_plan_step(const struct timings *, const struct plan *, int step);

/* Predicted seconds of one of a plan's steps, once; NAN: not known. */
double timings_plan_call(const struct timings *, const struct plan *,
                         int step);

#endif
