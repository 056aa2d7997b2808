/*
 * A profile for people and for programs: the rate of each operation beside the
 * highest rate of the device.
 */
#ifndef MEMDIAL_PROFILE_TABLE_H
#define MEMDIAL_PROFILE_TABLE_H

#include "train/profile.h"

/* Ends the profile and measures the device, which takes about a second and
 * memory beside the arena. Prints a table, or with `json` one line, the event
 * `profile`. A device that cannot be measured leaves its figures out. `seconds`
 * is the time of the whole run. */
void profile_table_print(struct profile *, bool tf32, double seconds,
                         bool json);

#endif
