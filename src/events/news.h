/*
 * News: the events that are worth a line to somebody who follows a run. Steps
 * come twenty a second at most, but always the last before the run stops or is
 * saved; and memory when a figure has changed.
 */
#ifndef MEMDIAL_NEWS_H
#define MEMDIAL_NEWS_H

#include "events/event.h"

struct news {
    double next_step;            /* when, monotonic seconds */
    struct event memory;         /* as last told */
    struct event left;           /* the last step, if it was left out ... */
    bool has_left;               /* ... and nothing told since needs it */
};

/* The step that was left out and is to be told before an event, at once; NULL:
 * none. It is asked before news_are(). */
const struct event *news_before(struct news *, const struct event *);

/* Whether to tell an event, which is told then. */
bool news_are(struct news *, const struct event *);

#endif
