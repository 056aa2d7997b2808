/*
 * A run that goes on from its record: with the settings in force when its
 * snapshot was written, at the step that the snapshot is of. Without a snapshot
 * it begins again. Bits are as if it had never stopped.
 */
#ifndef MEMDIAL_RESUME_H
#define MEMDIAL_RESUME_H

#include <dirent.h>

#include "events/record.h"
#include "train/trainer.h"

struct resume {
    DIR *claim;                  /* the folder, locked; or NULL */
    struct record record;
    bool ours;                   /* no other process has the record, or it is
                                    taken over: a failure from here on may be
                                    noted in it */
    struct settings settings;    /* to make the trainer with */
    char preset[RUN_PRESET_SIZE]; /* the name that the run says */
    bool loads;                  /* there is a snapshot */
    char snapshot[RECORD_PATH_SIZE];
    int64_t step;                /* that it is of */
};

/* Reads the record in a folder. Refuses a run that is under way, or about to go
 * on in another process, unless it is to be taken over; and one with settings
 * that this version does not know. Release it in either case: until then no
 * other process goes on with the run, if the file system has locks. */
bool resume_open(struct resume *, const char *folder, bool take_over,
                 struct error *);
void resume_done(struct resume *);

/* Refuses a run that is done, if it has no more steps with these settings. One
 * that was killed before it could say `done` goes on to do so. */
bool resume_check_more(const struct resume *, const struct settings *,
                       struct error *);

/* Puts a new trainer of these settings where the run stopped. */
bool resume_load(const struct resume *, struct trainer *, struct error *);

#endif
