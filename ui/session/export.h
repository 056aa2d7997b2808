/*
 * A session as one JSON file: plan, settings tried, curves.
 */
#ifndef MEMDIAL_EXPORT_H
#define MEMDIAL_EXPORT_H

#include "base/buffer.h"
#include "ui/session/session.h"

enum { EXPORT_PATH_SIZE = 128 };

/* Writes a new file in the current folder, the first of memdial-1.ENDING,
 * memdial-2.ENDING, ... that is not there, and says its name. */
bool export_put(const struct buffer *, const char *ending,
                char path[EXPORT_PATH_SIZE], struct error *);

/* Writes such a file of the session. */
bool export_session(const struct session *, char path[EXPORT_PATH_SIZE],
                    struct error *);

#endif
