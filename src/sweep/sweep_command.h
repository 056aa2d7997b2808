/*
 * The command that asks for a sweep: `memdial sweep PRESET --set ... --over
 * ...`, as a shell reads it.
 */
#ifndef MEMDIAL_SWEEP_COMMAND_H
#define MEMDIAL_SWEEP_COMMAND_H

#include "sweep/sweep.h"

/* Adds it. The root is named unless commands look there anyway: `usual`. */
void sweep_command(struct buffer *, const struct sweep_request *,
                   const char *usual);

#endif
