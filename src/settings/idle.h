/*
 * Idle settings have no effect beside the others, as memory_budget has none
 * without checkpoint=optimal. They are allowed, so that the order in which
 * settings are changed does not matter, but never passed over in silence.
 */
#ifndef MEMDIAL_IDLE_H
#define MEMDIAL_IDLE_H

#include "settings/machine.h"
#include "settings/settings.h"

enum { IDLE_WHY_SIZE = 128,
       IDLE_TEXT_SIZE = IDLE_WHY_SIZE + SETTINGS_TEXT_SIZE + 64 };

/* When a setting is idle, for the manual: "without checkpoint=optimal"; false
 * if it never is. */
bool idle_ever(const struct setting *, char when[IDLE_WHY_SIZE]);

/* Whether a setting is idle among these settings on that machine; if so, why,
 * in the words of idle_ever(). */
bool idle_now(const struct setting *, const struct settings *,
              const struct machine *, char why[IDLE_WHY_SIZE]);

/*
 * Whether a setting was asked for in vain: it is idle with a value that is
 * neither its default nor a no. If so, says so: "memory_budget=8388608 has no
 * effect without checkpoint=optimal". With `before` not NULL, a setting that
 * was already idle in vain there is passed over.
 */
bool idle_warning(const struct setting *, const struct settings *before,
                  const struct settings *after, const struct machine *,
                  char text[IDLE_TEXT_SIZE]);

#endif
