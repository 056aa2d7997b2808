/*
 * Settings as JSON and back: numbers as numbers, switches as booleans, the
 * rest as text. One object, used by the plan, by events, by the worker's
 * commands and by the lists.
 */
#ifndef MEMDIAL_SETTINGS_JSON_H
#define MEMDIAL_SETTINGS_JSON_H

#include <jansson.h>

#include "settings/settings.h"

/* {name: value} of all settings, in the table's order; a new reference. */
json_t *settings_json(const struct settings *);

/* One value; a new reference. */
json_t *settings_json_value(const struct settings *, const struct setting *);

/* The settings that differ, as they are after; a new reference. */
json_t *settings_json_changes(const struct settings *before,
                              const struct settings *after);

/* Sets the settings that the object names, all or none. `where` begins the
 * message. */
bool settings_json_read(const json_t *object, struct settings *,
                        const char *where, struct error *);

#endif
