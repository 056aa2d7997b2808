/*
 * The reader of a worker's stream, or of a file of one: one line in, one event
 * out, the same struct event that the engine emitted, by the table of event.h.
 * The strings and settings of an event are in the feed and last until the next
 * line is read. The worst that a line can do is to be refused: an object whose
 * members are missing or mistyped is an error, and changes no settings. A type
 * or a member that is not known is passed over, for a newer worker may have
 * more of them.
 */
#ifndef MEMDIAL_FEED_H
#define MEMDIAL_FEED_H

#include <stddef.h>

#include "base/error.h"
#include "events/event.h"
#include "plan/timings.h"

enum { FEED_TEXT_SIZE = ERROR_TEXT_SIZE, FEED_NAME_SIZE = 64 };

struct feed {
    struct event event;          /* the latest */
    struct settings settings;    /* in force, as `start` and `applied` say */
    struct settings before;      /* before the latest `applied` */
    struct timing calls[EVENT_CALLS_MAX]; /* of the event */
    char text[EVENT_TEXTS_MAX][FEED_TEXT_SIZE]; /* of the event, in its order */
    bool lost_settings;          /* the latest line was to change the settings,
                                    and was refused */
    bool notes_unknown;          /* for `unknown`; the caller's to set */
    char unknown[FEED_NAME_SIZE]; /* "event x", "member x" or "setting x" of the
                                    latest line that this version does not know;
                                    "": it knows all */
};

enum feed_result {
    FEED_EVENT,        /* feed->event is it */
    FEED_UNKNOWN,      /* of a type that this version does not know */
    FEED_BAD,          /* not an event; the error says why */
    FEED_OTHER_SCHEMA  /* a start with another schema; the error names both */
};

void feed_init(struct feed *);

/* Reads a line without its newline; it may hold any bytes. */
enum feed_result feed_read(struct feed *, const char *line, size_t length,
                           struct error *);

#endif
