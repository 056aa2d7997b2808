/*
 * A run as sentences, one per event, for screen readers and logs.
 */
#ifndef MEMDIAL_PLAIN_H
#define MEMDIAL_PLAIN_H

#include "error.h"
#include "link.h"

/* Prints until the run is done; false if it failed, which was said. */
bool plain_run(struct link *);

#endif
