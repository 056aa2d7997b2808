/*
 * Commands to a worker as they come in: one object of JSON in a line.
 */
#ifndef MEMDIAL_COMMAND_H
#define MEMDIAL_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/lines.h"

/* The object in a line, owned by the caller; NULL if there is none. */
json_t *command_read(const struct line *, struct error *);

/* json_unpack() of a command's members; refuses any others. */
bool command_unpack(json_t *members, struct error *, const char *format, ...);

#endif
