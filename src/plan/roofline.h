/*
 * A guess of the time of a step, where nothing was measured: an operation takes
 * as long as its arithmetic or its bytes do, whichever is more (Williams,
 * Waterman and Patterson, 2009), and some time to begin and, where it skips
 * zeros, to find each nonzero. The rates are those of
 * two cores of a common processor. They are good enough to compare settings,
 * not to tell a time.
 */
#ifndef MEMDIAL_ROOFLINE_H
#define MEMDIAL_ROOFLINE_H

#include "plan/plan.h"

/* Seconds of one call; its addresses do not matter. */
double roofline_call(enum op_code, const struct call *);

/* Seconds of one of a plan's steps in all its repetitions, and of an optimizer
 * step; an outline is enough. */
double roofline_step(const struct plan *, int step);
double roofline_seconds(const struct plan *);

#endif
