/*
 * A run of the engine that is small enough to be made anew for each test.
 */
#ifndef MEMDIAL_TESTS_SMALL_RUN_H
#define MEMDIAL_TESTS_SMALL_RUN_H

#include "train/trainer.h"

/* From assignments "name=value" to the default settings, first of `base`, then
 * of `more`; both end with NULL, `more` may be NULL. Fails the test if any of
 * it fails. */
struct trainer *small_run(const char *const base[], const char *const more[]);

#endif
