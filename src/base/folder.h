/*
 * Where a person's own files are, as the XDG base directory specification
 * says.
 */
#ifndef MEMDIAL_FOLDER_H
#define MEMDIAL_FOLDER_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* $XDG_CONFIG_HOME/memdial/NAME, which need not exist; false if no variable
 * names the folder, or if the path does not fit. */
bool folder_config(char *path, size_t size, const char *name);

/* $XDG_STATE_HOME/memdial/NAME, likewise: for the program's memory, not for
 * settings. */
bool folder_state(char *path, size_t size, const char *name);

/* $XDG_CACHE_HOME/memdial/NAME, likewise: for what can be made again. */
bool folder_cache(char *path, size_t size, const char *name);

/* $XDG_DATA_HOME/memdial/NAME, likewise: for what a person wants to keep. */
bool folder_data(char *path, size_t size, const char *name);

/* The path that a person means: "~" at its beginning is $HOME. A path that does
 * not fit is cut. */
void folder_expand(char *path, size_t size, const char *text);

/* Makes the path absolute and free of links, so that it holds from any working
 * folder, and is the same before the folder is made as after. A path that does
 * not fit, or cannot be looked at, stays as it is; so does an empty one. */
void folder_make_absolute(char *path, size_t size);

/* Both: the path that a person means, from any working folder. */
void folder_resolve(char *path, size_t size, const char *text);

/* Makes the folder that `path` is in, and those above it. */
bool folder_make_for(const char *path, struct error *);

/* Locks a folder until it is closed. False if another process has; true where
 * the file system has no locks. */
bool folder_lock(DIR *);

#endif
