/*
 * What commands tell of time: predictions from this machine's timings, or how
 * to get them.
 */
#ifndef MEMDIAL_TOLD_TIME_H
#define MEMDIAL_TOLD_TIME_H

#include "plan/job.h"
#include "plan/timings.h"

enum { TOLD_TIME_SIZE = ERROR_TEXT_SIZE + 128 };

/* The timings of the backend that the settings stand for, by name; the caller
 * frees. NULL if none hold here: then the text says why, and which command
 * measures them. */
struct timings *told_timings(const struct settings *, const char *backend,
                             const char *preset, char why[TOLD_TIME_SIZE]);

/* "0.52 s per step, 192 samples per second"; less than half of it measured: ",
 * mostly guessed". */
void told_time(char text[TOLD_TIME_SIZE], const struct job *,
               const struct timings_step *);

#endif
