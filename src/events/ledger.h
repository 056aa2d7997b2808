/*
 * A ledger: the timings of a worker, as its events `timings` tell them. After
 * each start, and for each other backend, it tells a whole table in one event
 * or several; the table before it stays until the last of them. Later events
 * add what a run has measured meanwhile.
 *
 * A table does not change once it is here, for others may hold it. Later events
 * make a new one.
 */
#ifndef MEMDIAL_LEDGER_H
#define MEMDIAL_LEDGER_H

#include "events/event.h"
#include "plan/timings.h"

struct ledger {
    struct timings *timings;     /* held; NULL: there are none */
    struct timings *coming;      /* held; NULL: none is being told */
    char why[ERROR_TEXT_SIZE];   /* there are none; "": nobody measured */
};

/* A ledger without timings. */
void ledger_init(struct ledger *);
void ledger_done(struct ledger *);

/* Takes timings, held by the caller until then, as if they were told. NULL:
 * there are none, and why. */
void ledger_put(struct ledger *, struct timings *, const char *why);

/* Takes an event. True: it has other timings now, or none. */
bool ledger_take(struct ledger *, const struct event *);

/* Tells timings of a backend in events. NULL: there are none; `why` is for
 * people, or NULL. */
void ledger_tell(const struct backend *, const struct timings *,
                 const char *why, struct event_sink);

#endif
