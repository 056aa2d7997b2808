/*
 * A profile for people and for programs: each operation beside the most that
 * the device does.
 */
#ifndef MEMDIAL_PROFILE_TABLE_H
#define MEMDIAL_PROFILE_TABLE_H

#include "train/profile.h"

/* Ends the profile and measures the device, which takes about a second and
 * memory beside the arena; prints a table, or with `json` one line, the event
 * `profile`. Without the device's figures it prints the others. `seconds` are
 * those of the whole run. */
void profile_table_print(struct profile *, bool tf32, double seconds,
                         bool json);

#endif
