/*
 * A listener that tells people how a run goes: one line per epoch, on a
 * terminal also a line that changes with every step.
 */
#ifndef MEMDIAL_PROGRESS_H
#define MEMDIAL_PROGRESS_H

#include "events/event.h"
#include "settings/facts.h"

struct progress {
    bool live;                   /* standard output is a terminal */
    int width;                   /* of the changing line as it stands, cells */
    double started, drawn;       /* monotonic seconds */
    int64_t first_step;          /* done before this run; -1: none yet */
    struct event memory, step, best; /* the latest; the best epoch */
    struct facts facts;          /* of the data */
};

void progress_init(struct progress *);

/* For event_sink.emit; arg is a struct progress. */
void progress_emit(void *arg, const struct event *);

/* The last words of a run, finished or interrupted. */
void progress_summary(const struct progress *, bool interrupted,
                      const char *saved);

#endif
