/*
 * A folder for files of this process alone, removed when the process ends. A
 * folder that a killed process left is removed by the next process that makes
 * one in the same place: a lock on the folder tells whether its process lives.
 */
#ifndef MEMDIAL_SCRATCH_H
#define MEMDIAL_SCRATCH_H

#include <limits.h>
#include <stdbool.h>

struct scratch {
    char path[PATH_MAX];
    int fd;                      /* of the folder, locked; -1: there is none */
};

/* Makes a folder whose path begins with `prefix`, ".../run-", and the folders
 * above it. False if that fails; then there is no folder. */
bool scratch_init(struct scratch *, const char *prefix);

/* Removes the folder, if there is one, with all files in it. */
void scratch_done(struct scratch *);

#endif
