/*
 * Timings as JSON, and in a file of this user's cache for each backend:
 * $XDG_CACHE_HOME/memdial/timings-BACKEND.json. They hold for one build of the
 * program on one machine, and name both. A file that is damaged, or of another
 * build or machine, is refused with the reason. A file is replaced as a whole:
 * of two processes that write it one wins.
 */
#ifndef MEMDIAL_TIMINGS_FILE_H
#define MEMDIAL_TIMINGS_FILE_H

#include <jansson.h>

#include "base/buffer.h"
#include "plan/timings.h"

/* The timings of a backend on this machine. False, with the reason, if there
 * are none (EXIT_RUN) or none that hold (EXIT_INPUT). */
bool timings_load(struct timings **, const struct backend *, struct error *);

bool timings_save(const struct timings *, struct error *);

/* Whether those of a backend can be saved. */
bool timings_check_place(const struct backend *, struct error *);

/* Adds these timings to those of the file, which begins anew if it does not
 * hold here. A cache that cannot be written is none: no error. */
void timings_refresh(const struct timings *);

/* Adds the command that measures such timings: `memdial calibrate PRESET`, for
 * the backend that the settings name, if any. */
void timings_command(struct buffer *, const char *preset,
                     const struct settings *);

/* One measured call as an object, and from one; false if that is none. */
json_t *timing_json(const struct timing *);
bool timing_read(struct timing *, const json_t *);

/* One object, and timings from one. `where` comes first in an error. */
json_t *timings_json(const struct timings *);
struct timings *timings_read(const json_t *, const struct backend *,
                             const char *where, struct error *);

#endif
