/*
 * The files of a set of translated text: for each split a file of either
 * language, under the names that those have who publish such sets.
 */
#ifndef MEMDIAL_PARALLEL_FILES_H
#define MEMDIAL_PARALLEL_FILES_H

#include "data/corpus.h"

enum { PARALLEL_PATH_SIZE = 1024 };

struct parallel_files {
    char path[SPLIT_COUNT][SIDES][PARALLEL_PATH_SIZE]; /* "": no test split */
    char dictionary[SIDES][PARALLEL_PATH_SIZE]; /* need not be there, */
    char merges[PARALLEL_PATH_SIZE];            /* nor need these */
};

/* Finds the files in settings->data_path by their names; or says which are not
 * there. */
bool parallel_files_find(struct parallel_files *, const struct settings *,
                         struct error *);

/* The paths of dictionaries and merges in a folder. */
void parallel_files_name(struct parallel_files *, const char *source,
                         const char *target, const char *folder);

#endif
