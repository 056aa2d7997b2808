/*
 * A saver writes snapshots of a run under way to one file, again and again: as
 * often as takes little of the run's time, and at the end of every epoch whose
 * weights go into an average.
 */
#ifndef MEMDIAL_SAVER_H
#define MEMDIAL_SAVER_H

#include "train/trainer.h"

struct saver {
    const char *path;            /* borrowed; NULL: nothing is saved */
    int64_t saved_step;          /* of the latest snapshot; -1: none of the run
                                    as it is now */
    double next;                 /* when one is due, monotonic seconds */
};

/* A saver whose first snapshot is due in a second. */
void saver_init(struct saver *, const char *path);

/* Whether a snapshot is due, between two steps. */
bool saver_is_due(const struct saver *, const struct trainer *);

/* Saves, unless this step is saved already, and says `saved`. After a failure
 * the next is due in a minute. */
bool saver_save(struct saver *, struct trainer *, struct event_sink,
                struct error *);

#endif
