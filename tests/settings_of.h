/*
 * Settings for tests, from assignments "name=value", ended by NULL. A test
 * fails if one of them is refused.
 */
#ifndef MEMDIAL_TESTS_SETTINGS_OF_H
#define MEMDIAL_TESTS_SETTINGS_OF_H

#include "settings/settings.h"

/* The default settings with these assignments. */
struct settings settings_of(const char *const assignments[]);

/* Makes further assignments; NULL: none. */
void settings_add(struct settings *, const char *const assignments[]);

#endif
