/*
 * Leaving the screens. A run that is under way ends with them, so that is
 * asked about; what there was of it is told on the screen that comes back.
 */
#ifndef MEMDIAL_LEAVE_H
#define MEMDIAL_LEAVE_H

#include <stdbool.h>

struct screen;
struct session;

/* Asks if something would be lost; false: nothing would. */
bool leave_ask(struct screen *);

/* Prints settings, memory, score, how far it came, and how to have it
 * saved. `exported` is a file that was written, or empty. */
void leave_print(const struct session *, const char *exported);

#endif
