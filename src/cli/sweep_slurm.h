/*
 * The runs of a sweep as tasks of a Slurm job array. The script in the sweep's
 * folder numbers the runs; a run keeps its number when the script is written
 * anew. Slurm knows the jobs of a sweep by their working folder, so nothing is
 * to be remembered here: whoever asks for the same sweep again watches on.
 */
#ifndef MEMDIAL_SWEEP_SLURM_H
#define MEMDIAL_SWEEP_SLURM_H

#include "cli/sweep_tell.h"

/* Whether options can stand in a script. */
bool sweep_slurm_check(const char *options, struct error *);

/* Prints the script for all runs that wait; asks nobody. `jobs` at a time, 0:
 * as many as there are. */
bool sweep_slurm_show(struct sweep *, const char *options, int jobs,
                      struct error *);

/* Looks for jobs of an earlier command, before anything is written: one that
 * waits to train a run with other settings is an error. If the sweep submits
 * jobs itself, Slurm must answer. If not, the runs that have a job are left to
 * it, where Slurm answers. */
bool sweep_slurm_look(struct sweep *, bool submits, struct error *);

/* Submits the runs that wait and have no job yet, and watches all until they
 * have ended. *whole: no signal ended that before; the jobs go on then. */
bool sweep_slurm_run(struct sweep *, struct sweep_tell *, const char *options,
                     int jobs, bool *whole, struct error *);

#endif
