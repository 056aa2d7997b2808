/*
 * A run that is asked for but has not begun. It ends the run under way. So the
 * worker is asked for nothing before it is known that the new run can begin,
 * and before the person agrees. If data are missing the screen says so, says
 * where they come from, and asks for their folder. Then a question names the
 * changes and the run that ends.
 */
#ifndef MEMDIAL_NEW_RUN_H
#define MEMDIAL_NEW_RUN_H

#include <stdbool.h>

#include "settings/settings.h"

struct past;
struct refused_run;
struct screen;

/* Goes to other settings, for which messages use `name`: in the run under way
 * if it can follow, else in a new run of `preset`, after a question. */
void new_run_go(struct screen *, const char *name, const char *preset,
                const struct settings *);

/* Runs settings from the beginning, after a question. */
void new_run_afresh(struct screen *, const char *preset,
                    const struct settings *);

/* Goes on with a past run from its folder, after a question; says so where it
 * cannot go on. */
void new_run_continue(struct screen *, struct past *);

/* Undoes the last change, which may be a new run. */
void new_run_undo(struct screen *);

/* Begins the run again; asks first if a run is under way. */
void new_run_restart(struct screen *);

/* Says why the worker refused a run, as soon as no other question is open; asks
 * for the data that it lacks. The session is as it was before, or failed. */
void new_run_refused(struct screen *, const struct refused_run *);

#endif
