/*
 * Dials: the settings that can change in a run and have a ladder, in the order
 * in which they are shown. The settings table determines all of it.
 */
#ifndef MEMDIAL_DIAL_H
#define MEMDIAL_DIAL_H

#include "settings/settings.h"

enum dial_turn { DIAL_DOWN, DIAL_UP, DIAL_TURNS };

/* The number of dials, and the number on the first page. */
int dial_count(void);
int dial_first_page(void);

/* The setting of a dial, 0 to dial_count() - 1. */
const struct setting *dial_setting(int dial);

/* Turns a dial by one step. It skips budgets below `least` bytes, which could
 * not be met. False, leaving *to alone, if there is no further step or the
 * result does not go with the other settings. */
bool dial_turn(const struct settings *from, int dial, enum dial_turn,
               uint64_t least, struct settings *to);

/* Whether the next step does not go with the other settings; *e says why. */
bool dial_refuses(const struct settings *from, int dial, enum dial_turn,
                  struct error *e);

/* A dial's value, for people: "8 MiB", "100 (all)". */
void dial_format(const struct settings *, int dial, char *text, size_t size);

/* The dials that changed, as shown: "precision=fp16 microbatch=20 (all)". */
void dial_changes(const struct settings *from, const struct settings *to,
                  char *text, size_t size);

/* Whether both settings have the same value for the dial. */
bool dial_same(const struct settings *, const struct settings *, int dial);

#endif
