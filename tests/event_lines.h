/*
 * Helpers for tests of events: an event as its line, and a line as its event.
 */
#ifndef MEMDIAL_TESTS_EVENT_LINES_H
#define MEMDIAL_TESTS_EVENT_LINES_H

#include "events/feed.h"

/* The caller frees it. */
char *line_of(const struct event *);

/* Reads a line; the error is EXIT_OK without one. */
enum feed_result read_line(struct feed *, const char *line, struct error *);

#endif
