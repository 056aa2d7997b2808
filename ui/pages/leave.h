/*
 * Leaving the screens. A run under way ends with them, and the queue is lost,
 * so the person is asked first. Its results are printed on the screen that
 * comes back.
 */
#ifndef MEMDIAL_LEAVE_H
#define MEMDIAL_LEAVE_H

#include <stdbool.h>

struct screen;
struct session;
struct text_block;

/* Asks if work would be lost; false: none would be. */
bool leave_ask(struct screen *);

/* Says how the run under way, which is kept, can go on. */
void leave_tell_kept(struct text_block *, const struct session *);

/* Prints settings, memory, score and progress of the run, and how to save it.
 * `exported` is a file that was written, or empty. */
void leave_print(const struct session *, const char *exported);

#endif
