/*
 * The runs of a sweep, by their settings: lines of a file, or what fit finds
 * within budgets, or one line that changes nothing; and each of these with
 * every combination of values.
 */
#ifndef MEMDIAL_SWEEP_AXES_H
#define MEMDIAL_SWEEP_AXES_H

#include "sweep/sweep.h"

/* Finds the runs of a command line and the name of the sweep, but for their
 * plans. False if something in it can be meant by nobody; settings that do not
 * go together are refused run by run. */
bool sweep_axes_expand(struct sweep *, struct error *);

#endif
