/*
 * The runs of a session, the last of them under way. When there are RUNS_MOST
 * the oldest makes room, but not the pinned one. A run that has ended keeps the
 * points that a chart can show.
 */
#ifndef MEMDIAL_RUNS_H
#define MEMDIAL_RUNS_H

#include "events/run.h"

enum {
    RUNS_MOST = 32,
    RUNS_EARLIER_POINTS = 1 << 11    /* of a curve */
};

struct runs {
    struct run *list;                /* owned, [count]; last: now */
    int count;
    int pinned;                      /* its number; -1: none */
    struct run awaited;              /* that was begun before the session ... */
    char *awaited_folder;            /* ... in this folder; owned; NULL: none */
};

void runs_init(struct runs *);
void runs_done(struct runs *);

/* Takes over a run of that folder: it goes on with the next `start` from there.
 * Without a folder, none is awaited any more. */
void runs_await(struct runs *, struct run *, const char *folder);

/* Takes an event of the run under way, or of another that it begins. */
void runs_take(struct runs *, const struct event *);

/* The run under way; before the first `start`, a run that has not begun. */
const struct run *runs_now(const struct runs *);

/* The run of that number, the first being 0; NULL: it is forgotten. */
const struct run *runs_find(const struct runs *, int number);

#endif
