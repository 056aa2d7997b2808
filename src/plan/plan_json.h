/*
 * A plan as JSON: `memdial plan --json` prints it and the screens read it.
 */
#ifndef MEMDIAL_PLAN_JSON_H
#define MEMDIAL_PLAN_JSON_H

#include <jansson.h>

#include "plan/job.h"
#include "plan/timings.h"

enum { PLAN_SCHEMA = 1 };

/* Bytes per kind in one step: {kind: bytes}. */
json_t *plan_bytes_json(const struct plan *, int step);

/* The whole object; `timeline` adds "steps", `layers` adds "layers". "seconds"
 * is by the timings, null without. */
json_t *plan_json(const struct job *, const struct job *baseline,
                  const char *preset, const struct timings *, bool timeline,
                  bool layers);

#endif
