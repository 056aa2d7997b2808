/*
 * A run of the engine that is small enough to be made anew for each test.
 */
#ifndef MEMDIAL_TESTS_SMALL_RUN_H
#define MEMDIAL_TESTS_SMALL_RUN_H

#include "train/trainer.h"

/* A run with the default settings and assignments "name=value", first of
 * `base`, then of `more`; both end with NULL, `more` may be NULL. Fails the
 * test if that fails. */
struct trainer *small_run(const char *const base[], const char *const more[]);

#endif
