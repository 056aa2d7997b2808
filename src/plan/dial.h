/*
 * Dials: the settings that can change in a run and have a ladder, in the order
 * in which they are shown. All of it follows from the settings table.
 */
#ifndef MEMDIAL_DIAL_H
#define MEMDIAL_DIAL_H

#include "settings/settings.h"

enum dial_turn { DIAL_DOWN, DIAL_UP, DIAL_TURNS };

/* How many there are, and how many of them belong to the first page. */
int dial_count(void);
int dial_first_page(void);

/* The setting of a dial, 0 to dial_count() - 1. */
const struct setting *dial_setting(int dial);

/* Turns a dial by one step; budgets below `least` bytes, which could not be met
 * anyway, are none. False, leaving *to alone, if there is no further step or
 * the result does not go with the other settings. */
bool dial_turn(const struct settings *from, int dial, enum dial_turn,
               uint64_t least, struct settings *to);

/* What it is set to, for people: "8 MiB", "100 (all)". */
void dial_format(const struct settings *, int dial, char *text, size_t size);

/* What was turned, as dials show it: "precision=fp16 microbatch=20 (all)". */
void dial_changes(const struct settings *from, const struct settings *to,
                  char *text, size_t size);

/* Whether it is set alike in both. */
bool dial_same(const struct settings *, const struct settings *, int dial);

#endif
