/*
 * The runs of a sweep as processes here: some at a time, as far as processors
 * and memory allow.
 */
#ifndef MEMDIAL_SWEEP_LOCAL_H
#define MEMDIAL_SWEEP_LOCAL_H

#include "cli/sweep_tell.h"

/* Runs all that wait, at most `jobs` at a time. False if a signal ended it
 * before; then the runs under way have ended in order. */
bool sweep_local_run(struct sweep *, struct sweep_tell *, int jobs);

#endif
