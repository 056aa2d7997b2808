/*
 * The screens as sentences, one per event, for screen readers and logs; and
 * their dials as commands, one a line, on standard input.
 */
#ifndef MEMDIAL_PLAIN_H
#define MEMDIAL_PLAIN_H

#include "base/error.h"
#include "ui/session/link.h"

/* Prints until the run is done, commands say quit or a signal comes; false if
 * it failed, which was said. That the commands end, or that there are none,
 * does not end the run. */
bool plain_run(struct link *);

#endif
