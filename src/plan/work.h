/*
 * The work of an optimizer step: its arithmetic and its seconds, summed over
 * the steps of a schedule. Steps that run one operation on the same values take
 * the same, in all schedules of a graph and policy. Their figures are
 * remembered, for hundreds of routes are compared.
 */
#ifndef MEMDIAL_WORK_H
#define MEMDIAL_WORK_H

#include "plan/plan.h"

/* How seconds are told: of one of a plan's steps in all its repetitions. */
struct pace {
    double (*seconds)(const struct plan *, int step, const void *arg);
    const void *arg;
};

struct work;

/* For schedules of this graph with the same policy, planned for the same
 * backend and threads, at one pace. */
struct work *work_new(const struct graph *);
void work_free(struct work *);

/* The same as schedule_flops(). */
double work_flops(struct work *, const struct schedule *);

/* Whether an optimizer step takes less than `most` seconds; a plan of calls is
 * enough. */
bool work_is_below(struct work *, const struct plan *, const struct pace *,
                   double most);

#endif
