/*
 * News: the events that are worth a line to somebody who follows a run. Steps
 * come twenty a second at most, and memory when a figure has changed.
 */
#ifndef MEMDIAL_NEWS_H
#define MEMDIAL_NEWS_H

#include "events/event.h"

struct news {
    double next_step;            /* when, monotonic seconds */
    struct event memory;         /* as last told */
};

/* Whether to tell an event, which is told then. */
bool news_are(struct news *, const struct event *);

#endif
