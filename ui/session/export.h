/*
 * A session as one JSON file: plan, settings tried, curves.
 */
#ifndef MEMDIAL_EXPORT_H
#define MEMDIAL_EXPORT_H

#include "ui/session/session.h"

enum { EXPORT_PATH_SIZE = 128 };

/* Writes a new file in the current folder and says its name. */
bool export_session(const struct session *, char path[EXPORT_PATH_SIZE],
                    struct error *);

#endif
