/*
 * Quantities that change in the course of a run, as functions of the steps
 * done.
 */
#ifndef MEMDIAL_COURSE_H
#define MEMDIAL_COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "settings/settings.h"

/* The learning rate of the step after `step` of `steps` steps. */
double course_learning_rate(const struct settings *, int64_t step,
                            int64_t steps);

/* Whether the sparse weights are rewired after that step. */
bool course_rewires(const struct settings *, int64_t step, int64_t steps);

#endif
