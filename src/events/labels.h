/*
 * Labels: what people call a run, and the tags that they gave it. They are
 * events too, so that they stand in the run's own file.
 */
#ifndef MEMDIAL_LABELS_H
#define MEMDIAL_LABELS_H

#include "events/event.h"

enum { LABEL_BYTES_MAX = 64, LABEL_SIZE = LABEL_BYTES_MAX + 1,
       LABELS_TAGS_MAX = 16 };

struct labels {
    char name[LABEL_SIZE];           /* "": none */
    char tags[LABELS_TAGS_MAX][LABEL_SIZE];
    int count;                       /* of tags */
};

/* Whether a text can be a label: a word or some, on one line. `what` begins the
 * message. */
bool label_check(const char *what, const char *text, struct error *);

/* Takes an event, if it is a label. */
void labels_take(struct labels *, const struct event *);

bool labels_has(const struct labels *, const char *tag);

/* Emits the events that give these labels to a run without any. */
void labels_emit(const struct labels *, struct event_sink);

#endif
