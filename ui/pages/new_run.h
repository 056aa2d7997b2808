/*
 * A run that is asked for but has not begun. It ends the one under way, so
 * nothing is asked of the worker before it is known that it can begin, and
 * before the person has said so: data that are not there are told of, with
 * where they come from, and asked for; then the question says what changes and
 * what ends.
 */
#ifndef MEMDIAL_NEW_RUN_H
#define MEMDIAL_NEW_RUN_H

#include <stdbool.h>

#include "settings/settings.h"

struct screen;

/* Goes to other settings: in the run under way if they can follow there, which
 * is said of `name`; else in a new run of `preset`, which is asked first. */
void new_run_go(struct screen *, const char *name, const char *preset,
                const struct settings *);

/* Undoes the last change, which may be a new run. */
void new_run_undo(struct screen *);

/* Begins the run again, which is asked first if one is under way. */
void new_run_restart(struct screen *);

/* Asks for the data that a run of a preset cannot be without; `message` says
 * what is the matter with those it has. False if it needs no files. */
bool new_run_ask_data(struct screen *, const char *preset,
                      const struct settings *, const char *message);

#endif
