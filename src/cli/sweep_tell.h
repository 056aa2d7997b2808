/*
 * What a sweep tells while it goes on: a table of its runs before them, a line
 * when a run begins or ends, a line that changes with every step on a terminal,
 * and a summary. With --json each is an object on a line of its own.
 */
#ifndef MEMDIAL_SWEEP_TELL_H
#define MEMDIAL_SWEEP_TELL_H

#include "sweep/sweep.h"

struct sweep_tell {
    const struct sweep *sweep;
    bool json, live;
    int width;                   /* of the changing line now, cells */
    double began;                /* monotonic seconds */
    double before;               /* seconds left then, as predicted */
};

void sweep_tell_init(struct sweep_tell *, const struct sweep *, bool json);

/* The table of runs, and the time that they take. */
void sweep_tell_plan(struct sweep_tell *);

/* A run is in another state; `what` says it in other words, or is NULL. */
void sweep_tell_run(struct sweep_tell *, const struct sweep_run *,
                    const char *what);

/* Any other line; an object of this type. */
void sweep_tell_line(struct sweep_tell *, const char *type, const char *text);

/* How far all is: the changing line. */
void sweep_tell_progress(struct sweep_tell *);

/* The last words; `interrupted`: somebody ended the sweep before. */
void sweep_tell_end(struct sweep_tell *, bool interrupted);

#endif
