/*
 * The script of a job array: what its tasks ask for, and which run each is.
 */
#ifndef MEMDIAL_SWEEP_SCRIPT_H
#define MEMDIAL_SWEEP_SCRIPT_H

#include "sweep/sweep.h"

/* Reads the numbers of the script that is there: gives them to the runs, and
 * lists those of other commands in `others`. A run without one has 0. Returns
 * the largest, or 0. */
int sweep_script_read(struct sweep *);

/* Numbers the runs: as in the script that is there, and then on. Returns the
 * largest number. */
int sweep_script_number(struct sweep *);

/* The text for the tasks of the runs that wait; the caller frees. NULL if the
 * sweep's folder has a name that no script can have. */
char *sweep_script_text(const struct sweep *, const char *options, int jobs,
                        struct error *);

/* Runs that are asked for at once, for they take about as much memory: at least
 * half of what the largest takes. */
struct sweep_class {
    uint64_t mebibytes;          /* that a task asks for */
    char *tasks;                 /* owned, "1-3,7" */
    int count;
};

/* The classes of the runs that wait, the largest first: at most `most`. Returns
 * how many there are; the caller frees their tasks. */
enum { SWEEP_CLASSES = 16 };
int sweep_script_classes(const struct sweep *,
                         struct sweep_class[SWEEP_CLASSES], int most);

/* The path of the script. */
const char *sweep_script_path(const struct sweep *,
                              char path[RECORD_PATH_SIZE]);

/* The last line of what a task wrote to its log; "" if there is none. */
enum { SCRIPT_LINE_SIZE = 400 };
const char *sweep_script_last_words(const struct sweep *,
                                    const struct sweep_run *,
                                    char text[SCRIPT_LINE_SIZE]);

#endif
