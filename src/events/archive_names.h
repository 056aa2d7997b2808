/*
 * The names of the folders in an archive's root, in order: not each is of a
 * record.
 */
#ifndef MEMDIAL_ARCHIVE_NAMES_H
#define MEMDIAL_ARCHIVE_NAMES_H

#include <dirent.h>
#include <stdbool.h>

#include "base/error.h"

struct archive_names {
    char **list;                 /* owned, [count], each owned */
    int count;
};

/* Whether it may be such a folder, by its name and kind. */
bool archive_is_entry(const struct dirent *);

/* Reads them. A root that is not there has none. */
bool archive_list(struct archive_names *, const char *root, struct error *);

/* Puts names that were added in their places. */
void archive_names_sort(struct archive_names *);
void archive_names_done(struct archive_names *);

#endif
