/*
 * What the runs of a sweep take: bytes, and seconds where timings of this
 * machine tell them, or else as a roofline guesses.
 */
#ifndef MEMDIAL_SWEEP_PLAN_H
#define MEMDIAL_SWEEP_PLAN_H

#include "sweep/sweep.h"

/* Plans each run; one that cannot be planned is refused. False if `goes_on`,
 * unless that is NULL, said so before the last. */
bool sweep_plan(struct sweep *, bool (*goes_on)(void *arg), void *arg);

/* Seconds of the steps that the runs have before them, one after the other.
 * Runs of unknown length are counted in *unknown and left out. */
double sweep_seconds_left(const struct sweep *, int *unknown);

/*
 * The most that processes of runs on these data, kept in the root or in the
 * sweep, took beside their arenas; 0: there are none to tell it. *runs is how
 * many did.
 */
uint64_t sweep_gap(const struct sweep *, int *runs);

#endif
