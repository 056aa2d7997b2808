/*
 * An archive: the folder of the records of runs, the root. Other things in it
 * are left alone. A new record has its name by making its folder, which only
 * one process can do, also on a shared file system.
 *
 * A sweep is a folder of runs too. It is an archive of its own, mostly in
 * another, where it is no record but an archive within.
 */
#ifndef MEMDIAL_ARCHIVE_H
#define MEMDIAL_ARCHIVE_H

#include "base/buffer.h"
#include "events/record.h"

enum { ARCHIVE_NAME_MAX = 100 /* bytes of a name that a person gives */ };

/* In place of a root: no record is kept. */
#define ARCHIVE_NONE "none"

/* The root: the option --runs, unless that is NULL, MEMDIAL_RUNS, or
 * $XDG_DATA_HOME/memdial/runs. "": none is to be kept. False if there is
 * nowhere to keep them. */
bool archive_root(char root[RECORD_PATH_SIZE], const char *option,
                  struct error *);

/* Whether there is a root, which archive_root() has given for an option. */
bool archive_check_root(const char *root, const char *option, struct error *);

/* Refuses what cannot be the name of a record: a path, or text that cannot be
 * shown. `where` is the option or member that gave it. */
bool archive_check_name(const char *where, const char *name, struct error *);

/* Makes the folder of a new record, and the root if need be. It is called
 * `name`, or if that is NULL by date, time and preset. */
bool archive_make(const char *root, const char *name, const char *preset,
                  char folder[RECORD_PATH_SIZE], struct error *);

/* Finds a record: by its path, also one from the root, by its name, the name
 * that a label gives it, or a beginning of its name that no other has; after
 * SWEEP/ each of these is looked for in that sweep. */
bool archive_find(const char *root, const char *text,
                  char folder[RECORD_PATH_SIZE], struct error *);

/* Adds " --runs ROOT", unless that is where commands look anyway: `usual`, as
 * archive_root() has it without an option. */
void archive_add_root(struct buffer *, const char *root, const char *usual);

/* Adds the command that goes on with the run in a folder. */
void archive_add_resume(struct buffer *, const char *folder,
                        const char *usual);

/* All records, in the order of their names. */
struct archive {
    struct record *list;         /* owned, [count] */
    int count;
    int others;                  /* folders that are not of runs: these, and */
    int within;                  /* archives, with the names of some */
    char within_names[160];
};

/* Reads them. A root that is not there has none. */
bool archive_read(struct archive *, const char *root, enum record_part,
                  struct error *);
void archive_done(struct archive *);

#endif
