/*
 * A listener that shows people the progress of a run: one line per epoch, and
 * on a terminal also a line that changes with every step.
 */
#ifndef MEMDIAL_PROGRESS_H
#define MEMDIAL_PROGRESS_H

#include "events/run.h"

struct progress {
    bool live;                   /* standard output is a terminal */
    int width;                   /* of the changing line now, cells */
    double started, drawn;       /* monotonic seconds */
    int64_t first_step;          /* done before this run; -1: none yet */
    struct event memory, step;   /* the latest */
    int best_epoch;              /* 0: none yet */
    double best_score;           /* that it has; NAN: none */
    const struct run *before;    /* the run as its record had it, or NULL */
    struct facts facts;          /* of the data */
};

/* Begins; `before` is the run that goes on, or NULL, and outlives this. */
void progress_init(struct progress *, const struct run *before);

/* For event_sink.emit; arg is a struct progress. */
void progress_emit(void *arg, const struct event *);

/* Prints the last words of a run, finished or interrupted: the file that it was
 * saved to, or NULL, and the folder that it is kept in, or "". */
void progress_summary(const struct progress *, bool interrupted,
                      const char *saved, const char *folder);

#endif
