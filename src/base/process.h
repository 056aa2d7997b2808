/*
 * What this process was given by whoever began it.
 */
#ifndef MEMDIAL_PROCESS_H
#define MEMDIAL_PROCESS_H

#include <signal.h>
#include <stdbool.h>

#include "base/error.h"

/*
 * Opens /dev/null in place of standard streams that are closed, before another
 * file can take their numbers. Input then is at its end, and errors are lost.
 * False without standard output, where every command puts its result.
 */
bool process_streams(struct error *);

/* sigaction(), but a signal that the process was begun with as ignored stays
 * so: nohup does that, and shells do it to what they run in the background. */
void process_catch(int signal, const struct sigaction *action,
                   struct sigaction *before);

/* The same for each signal by which people, terminals and batch systems ask a
 * program to end: *all, if not NULL, are these. */
void process_catch_ends(const struct sigaction *action, sigset_t *all);

#endif
