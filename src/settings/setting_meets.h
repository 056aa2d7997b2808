/*
 * Whether a setting meets a condition that a person typed: by number where it
 * has one, or else by its text.
 */
#ifndef MEMDIAL_SETTING_MEETS_H
#define MEMDIAL_SETTING_MEETS_H

#include "base/condition.h"
#include "settings/settings.h"

bool setting_meets(const struct settings *, const struct setting *,
                   const struct condition *);

#endif
