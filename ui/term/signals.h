/*
 * Signals while the terminal is ours. Signals that can wait only write a byte
 * to a pipe that is polled, so nothing is interrupted half-way. A crash cannot
 * wait: the terminal is restored at once, and then the handler of before gets
 * the signal.
 */
#ifndef MEMDIAL_SIGNALS_H
#define MEMDIAL_SIGNALS_H

#include "base/error.h"

/* Ctrl-C was typed: a key, which asks before it ends a run. SIGINT comes from
 * another process. */
enum { SIGNALS_CTRL_C = 0 };

bool signals_catch(struct error *);

/* Gives the signals back to the handlers of before. */
void signals_release(void);

/* The descriptor to poll for input. */
int signals_fd(void);

/* Stops this process as an uncaught SIGTSTP would; returns when it goes on. */
void signals_suspend(void);

/* The number of the next signal that came, or SIGNALS_CTRL_C; false if there is
 * none. Never waits. */
bool signals_next(int *number);

#endif
