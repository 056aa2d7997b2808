/*
 * Signals while the terminal is ours. Those that can wait only write a byte to
 * a pipe that is polled, so nothing is interrupted half-way. In a crash there
 * is no such moment: the terminal is restored at once, and then whoever was
 * asked before deals with it.
 */
#ifndef MEMDIAL_SIGNALS_H
#define MEMDIAL_SIGNALS_H

#include "base/error.h"

/* Ctrl-C was typed: a key, which asks before it ends a run. SIGINT is the
 * signal of another process. */
enum { SIGNALS_CTRL_C = 0 };

bool signals_catch(struct error *);

/* Whoever was asked before gets them again. */
void signals_release(void);

/* To poll for input. */
int signals_fd(void);

/* Stops this process as SIGTSTP does by itself; returns when it goes on. */
void signals_suspend(void);

/* The number of the next signal that came, or SIGNALS_CTRL_C; false if there is
 * no more. Never waits. */
bool signals_next(int *number);

#endif
