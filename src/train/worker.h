/*
 * A worker: runs under the command of a front end. It reads commands as lines
 * of JSON and writes events, as memdial-events(5) says. It does both between
 * two steps of its run, if it has one. It waits for commands only when there is
 * no step to do. A command that makes no sense is refused with an event and
 * changes nothing.
 */
#ifndef MEMDIAL_WORKER_H
#define MEMDIAL_WORKER_H

#include <stdbool.h>

/* Works until the commands end, one of them is `stop`, the events cannot be
 * written, or a signal asks the program to end: ending_hold(). False if
 * commands could not be read. */
bool worker_run(int commands);

#endif
