/*
 * Snapshots: the state of a training run in one file, in the safetensors
 * format, so that other programs can read the weights too. The header's
 * metadata hold what a run needs to go on, a version, and a checksum of
 * everything else in the file.
 *
 * Nothing in a file is trusted, the checksum least of all, which anybody can
 * make right: a file that no run of these settings could have written is
 * refused. A snapshot is read back in the same way before it replaces the last
 * one, so that the file that is there can always be loaded.
 */
#ifndef MEMDIAL_SNAPSHOT_H
#define MEMDIAL_SNAPSHOT_H

#include "base/error.h"
#include "train/trainer.h"

enum { SNAPSHOT_VERSION = 1 };

/* Whether a snapshot can be put there: in place of nothing, of an empty file or
 * of another snapshot. */
bool snapshot_check(const char *path, struct error *);

/* Refused if not all of the state is finite, or if what was written would not
 * load: what it would replace is worth more. */
bool snapshot_save(const struct trainer *, const char *path, struct error *);

/* Whether snapshot_load() would take it; the trainer needs no arena yet. */
bool snapshot_matches(const struct trainer *, const char *path,
                      struct error *);

/* Continues where the snapshot was saved. The trainer must be of the same
 * model and have the same batch, epoch and seed. Nothing is changed unless all
 * of the file is good; if it becomes another while it is read, the trainer is
 * only good to be freed. */
bool snapshot_load(struct trainer *, const char *path, struct error *);

#endif
