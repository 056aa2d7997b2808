/*
 * Ladders: the values that a setting takes one after another, as its row of
 * the table lists them. Dials step through them, and the search for settings
 * that need less memory tries them.
 */
#ifndef MEMDIAL_LADDER_H
#define MEMDIAL_LADDER_H

#include "settings/settings.h"

enum ladder_way { LADDER_DOWN = -1, LADDER_UP = 1 };

/* Sets the next value of a ladder; skips budgets below `least` bytes. False,
 * leaving *to alone, if there is no further value or it does not go with the
 * other settings. */
bool ladder_step(const struct settings *from, const struct setting *,
                 enum ladder_way, uint64_t least, struct settings *to);

/* Whether there is a further value that does not go with the other settings;
 * *e then says why. */
bool ladder_refuses(const struct settings *, const struct setting *,
                    enum ladder_way, const char *where, struct error *e);

/* The way from the value that saves nothing to those that save. */
enum ladder_way ladder_saving(const struct settings *,
                              const struct setting *);

#endif
