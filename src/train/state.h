/*
 * What the state of a run may be: the values that persist from step to step,
 * as they stand in memory or in a file. Kernels trust them: they use an index
 * to find what they read and write, and a number that is not finite spreads.
 */
#ifndef MEMDIAL_STATE_H
#define MEMDIAL_STATE_H

#include "plan/plan.h"

/* What is wrong with numbers that training has made too large. */
#define STATE_NOT_FINITE "is not finite"

/* Whether an instance of the plan's schedule is state. */
bool state_is(const struct plan *, int instance);

/* What is wrong with the bytes of such an instance, as what follows its name
 * in a sentence; NULL if nothing is. */
const char *state_fault(const struct plan *, int instance, const void *data);

#endif
