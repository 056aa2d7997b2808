/*
 * The screens as sentences, one per event, for screen readers and logs. Their
 * dials are commands, one a line, on standard input.
 */
#ifndef MEMDIAL_PLAIN_H
#define MEMDIAL_PLAIN_H

#include "base/error.h"
#include "ui/session/link.h"

/* Prints until the run is done, a command says quit or a signal comes; false if
 * the run failed, which was said. The run does not end with the commands, and
 * needs none. */
bool plain_run(struct link *);

#endif
