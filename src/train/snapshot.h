/*
 * Snapshots: the state of a training run in one file, in the safetensors
 * format, so that other programs can read the weights too. The header's
 * metadata hold the rest of a run's state, a version, and a checksum of
 * everything else in the file.
 *
 * Nothing in a file is trusted, the checksum least of all, for anybody can
 * compute it: a file that no run of these settings could have written is
 * refused. A new snapshot is read back in the same way before it replaces the
 * last one, so that the file at the path can always be loaded.
 */
#ifndef MEMDIAL_SNAPSHOT_H
#define MEMDIAL_SNAPSHOT_H

#include "base/error.h"
#include "train/trainer.h"

enum { SNAPSHOT_VERSION = 3 };

/* Whether a snapshot can be put there. It may replace an empty file or another
 * snapshot. */
bool snapshot_check(const char *path, struct error *);

/* Refuses if some of the state is not finite, or if the new file would not
 * load: the old snapshot is worth more. */
bool snapshot_save(struct trainer *, const char *path, struct error *);

/* Whether snapshot_load() would accept it; the trainer needs no arena yet. */
bool snapshot_matches(const struct trainer *, const char *path,
                      struct error *);

/* The step that a snapshot is of. Nothing else of the file is looked at. */
bool snapshot_step(const char *path, int64_t *step, struct error *);

/* Continues where the snapshot was saved. The trainer must be of the same model
 * and have the same batch, epoch, seed and dictionaries. Nothing is changed
 * unless the whole file is good. If the file changes while it is read, the
 * trainer can only be freed. */
bool snapshot_load(struct trainer *, const char *path, struct error *);

/* Loads the state alone, as snapshot_load() does, whatever the batch, epoch and
 * seed of the run that saved it: to use a network, not to go on. With `average`
 * weights become their averages, if it has any: average.h. Dictionaries must be
 * the same, for a network knows words by their numbers. */
bool snapshot_load_state(struct trainer *, const char *path, bool average,
                         struct error *);

#endif
