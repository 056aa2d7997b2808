/*
 * The streams that this process was given when it began.
 */
#ifndef MEMDIAL_PROCESS_H
#define MEMDIAL_PROCESS_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Opens /dev/null in place of standard streams that are closed, before another
 * file can take their numbers. Input then is at its end, and errors are lost.
 * False without standard output, where every command puts its result.
 */
bool process_streams(struct error *);

/* Whether there was a standard input; for a command that needs it. */
bool process_has_input(struct error *);

#endif
