/*
 * A queue: settings that are run one after the other, each from its beginning,
 * as the run before comes to its end.
 */
#ifndef MEMDIAL_QUEUE_H
#define MEMDIAL_QUEUE_H

#include "events/run.h"

enum { QUEUE_MOST = 64 };

struct queued {
    char preset[RUN_PRESET_SIZE];
    struct settings settings;
    double seconds;                  /* that the run may take; 0: not known */
};

struct queue {
    struct queued list[QUEUE_MOST];  /* [count]; the first is next */
    int count;
};

/* Adds a run at the end, or takes out the one of these settings that is there;
 * false if there is no more room. */
bool queue_toggle(struct queue *, const struct queued *);

/* Whether a run of these settings is in it. */
bool queue_has(const struct queue *, const struct settings *);

/* Takes out the first; false if there is none. */
bool queue_take(struct queue *, struct queued *);

#endif
