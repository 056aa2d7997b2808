/*
 * Where a person's own files are, as the XDG base directory specification
 * says.
 */
#ifndef MEMDIAL_FOLDER_H
#define MEMDIAL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* $XDG_CONFIG_HOME/memdial/NAME, which need not exist; false if no variable
 * says where, or if it does not fit. */
bool folder_config(char *path, size_t size, const char *name);

/* The same for $XDG_STATE_HOME, which is not for settings but for what a
 * program has to remember. */
bool folder_state(char *path, size_t size, const char *name);

/* The path that a person means: "~" at its beginning is $HOME. It is cut where
 * it does not fit. */
void folder_expand(char *path, size_t size, const char *text);

/* The same path from the root on, without links, wherever the program runs
 * next; as it is if it leads nowhere or does not fit. */
void folder_make_absolute(char *path, size_t size);

/* Makes the folder that `path` is in, and those above it. */
bool folder_make_for(const char *path, struct error *);

#endif
