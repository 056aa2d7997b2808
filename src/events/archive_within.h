/*
 * Archives within an archive: a sweep is a folder of runs in the root, with
 * some files of its own beside them.
 */
#ifndef MEMDIAL_ARCHIVE_WITHIN_H
#define MEMDIAL_ARCHIVE_WITHIN_H

#include "events/archive_names.h"
#include "events/record.h"

/* Files of a sweep in its folder: the rows of fit that it runs, and the script
 * of its jobs, whose logs are slurm-N.log. */
#define ARCHIVE_FRONT "front.list"
#define ARCHIVE_SCRIPT "slurm.sh"

enum archive_holding {
    ARCHIVE_HOLDS_OTHERS,        /* neither runs nor only a sweep's files */
    ARCHIVE_HOLDS_RUNS,
    ARCHIVE_HOLDS_NOTHING        /* but a sweep's files */
};

/* What a folder holds that is no record itself. */
enum archive_holding archive_holding(const char *folder);

/* The same names as archive_list(), with the runs of sweeps, SWEEP/RUN, in the
 * place of the sweeps. */
bool archive_list_all(struct archive_names *, const char *root,
                      struct error *);

/* Whether a text is a path; names of sweeps and runs are none. */
bool archive_within_is_path(const char *text);

/* Finds an archive within the root, by its name there or its path, also that of
 * a sweep whose runs are gone. False if the text names none. */
bool archive_within(const char *root, const char *text,
                    char folder[RECORD_PATH_SIZE]);

/* Removes the archive within that a text names: its runs, a sweep's own files
 * and the folder. Where one of its runs is under way, or where there is a link
 * or anything else, nothing is removed; a run with files of others stays. */
bool archive_remove(const char *root, const char *text, struct error *);

#endif
