/*
 * The rules for the state of a run: the values that persist from step to step,
 * as they stand in memory or in a file. Kernels trust them: they use an index
 * as an address, and a number that is not finite spreads.
 */
#ifndef MEMDIAL_STATE_H
#define MEMDIAL_STATE_H

#include "plan/plan.h"

/* The fault of numbers that training has made too large. */
#define STATE_NOT_FINITE "is not finite"

/* Whether an instance of the plan's schedule is state. */
bool state_is(const struct plan *, int instance);

/* The fault in the bytes of an instance of state, as the words after its name
 * in a sentence; NULL if there is none. */
const char *state_fault(const struct plan *, int instance, const void *data);

/* The same of a file's floats. */
const char *state_fault_of_floats(const float *, size_t count);

#endif
