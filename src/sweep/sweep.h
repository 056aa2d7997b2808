/*
 * A sweep: runs of one preset that differ in some settings. Each has a folder
 * of its own in the sweep's folder, which is an archive (archive.h), and is
 * called after what it does not share with the others.
 *
 * Every folder has its settings before the first run begins, and a run is
 * nothing but `memdial train --resume FOLDER`. So the folders alone tell how
 * far a sweep is, whether its runs are processes here or jobs of a cluster, and
 * a sweep that is asked for again goes on.
 */
#ifndef MEMDIAL_SWEEP_H
#define MEMDIAL_SWEEP_H

#include "base/buffer.h"
#include "events/archive.h"
#include "events/archive_within.h"
#include "plan/plan.h"
#include "settings/machine.h"
#include "settings/preset.h"

enum { SWEEP_RUNS_USUAL = 1000 /* at most, unless more are asked for */ };

/* Which runs are asked for. */
struct sweep_request {
    const char *preset;          /* of all runs, with ... */
    const struct assignment *assignments; /* ... these, [assignment_count] */
    int assignment_count;
    const char **over;           /* owned, [over_count]: "name=a,b" */
    int over_count;
    const char *list;            /* a file of settings, or NULL */
    const char *front;           /* budgets, "2MiB,4MiB", or NULL */
    const char *runs, *name;     /* the root, the folder in it; or NULL */
    const struct machine *machine; /* NULL: this one, whose backend is looked
                                    for */
    int most;                    /* runs */
    bool retry;                  /* those that have failed too */
};

enum sweep_state {
    SWEEP_WAITS,                 /* to begin, or to go on */
    SWEEP_RUNS,
    SWEEP_DONE,
    SWEEP_STOPPED,               /* it can go on, but not in this sweep */
    SWEEP_FAILED,
    SWEEP_REFUSED,               /* its settings do not go together */
    SWEEP_ELSEWHERE,             /* another process works on it, or a job of
                                    Slurm has it */
    SWEEP_STATES
};

struct sweep_run {
    char name[ARCHIVE_NAME_MAX + 1];
    char *text;                  /* owned; the name in full, of any length */
    struct settings settings;    /* as asked for */
    struct settings settled;     /* with nothing left to the machine */
    bool kept;                   /* its folder has these settings already */
    bool differs;                /* it has not begun, and its folder has other
                                    settings */
    enum sweep_state state;
    char *why;                   /* owned; why it is in its state; or NULL */

    const struct backend *backend; /* as planned, as are: */
    size_t peak_bytes, arena_bytes;
    double seconds;              /* of all its steps; NAN: not known */
    bool guessed;                /* by a roofline */

    int epoch;                   /* how far it is */
    int64_t step, steps;         /* steps 0: not known */
    double score;                /* NAN: none */
    int task;                    /* of a job array; 0: none yet */
};

/* The number of a run of an earlier command in the sweep's job array. */
struct sweep_task {
    char name[ARCHIVE_NAME_MAX + 1]; /* of the run */
    int task;
};

struct sweep {
    const struct sweep_request *request;
    char name[ARCHIVE_NAME_MAX + 1];
    char root[RECORD_PATH_SIZE], folder[RECORD_PATH_SIZE];
    struct settings base;        /* that all begin from */
    struct machine machine;
    struct buffer front;         /* the list of rows that fit has found just
                                    now; empty: it was not asked */
    struct sweep_run *runs;      /* owned, [count] */
    int count;
    int twice;                   /* left out, for they are there already */
    struct sweep_task *others;   /* owned, [other_count]: tasks of runs that are
                                    not of this command */
    int other_count;
    bool guessed;                /* some seconds are */
    uint64_t start_gap;          /* bytes beside the arena of a run that was
                                    begun to see them; 0: none was */
};

void sweep_done(struct sweep *);

/* Adds a run of these settings, whose name begins with a text. */
void sweep_add(struct sweep *, const struct settings *, const char *text);

/* Adds "name=value" to the full name of a run, with a '+' before it if it is
 * not the first. The value is in the form of the settings, so that 0.50 and 0.5
 * have one name. */
void sweep_extend_name(struct sweep_run *, const char *setting);

/* A text as the name of a folder that no shell takes apart. Texts that cannot
 * be one as they are end in a checksum. */
void sweep_clean_name(const char *text, char name[ARCHIVE_NAME_MAX + 1]);

/* Whether a name is of a file that a sweep or a run may have in its folder. */
bool sweep_is_file(const char *name);

/* Finds the root, and the sweep's folder of its name there. The folder of a run
 * is an error, and one with a folder in the place of a file of the sweep. */
bool sweep_find_folder(struct sweep *, struct error *);

/* The path of a run's folder. */
const char *sweep_run_folder(const struct sweep *, const struct sweep_run *,
                             char path[RECORD_PATH_SIZE]);

/* Makes the folders of all runs that have not begun nor been refused. */
bool sweep_make_folders(const struct sweep *, struct error *);

/* Reads how far the runs are. A run that has begun with other settings than it
 * is to have is an error. */
bool sweep_look(struct sweep *, struct error *);

/* Reads how far a run is that was begun; and its figures alone, where its state
 * is known otherwise. */
void sweep_look_at(const struct sweep *, struct sweep_run *);
void sweep_follow(const struct sweep *, struct sweep_run *);

/* Puts a run into a state that has a reason, which the run keeps. */
void sweep_fail(struct sweep_run *, enum sweep_state, const char *why);

/* The same, for a run that has ended without a word: its folder says so too. */
void sweep_note_failure(const struct sweep *, struct sweep_run *,
                        const char *why);

const char *sweep_state_name(enum sweep_state);

/* How many runs are in a state. */
int sweep_count(const struct sweep *, enum sweep_state);

#endif
