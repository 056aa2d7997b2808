/*
 * Snapshots: the state of a training run in one file, in the safetensors
 * format, so that other programs can read the weights too: 8 bytes of header
 * size, a JSON header, the tensors. The header's metadata holds what a run
 * needs to go on, a version, and a checksum of everything else in the file.
 *
 * A snapshot is written beside its name and renamed over it when it is safely
 * on disk, so that being killed never costs the one before.
 */
#ifndef MEMDIAL_SNAPSHOT_H
#define MEMDIAL_SNAPSHOT_H

#include "error.h"
#include "trainer.h"

enum { SNAPSHOT_VERSION = 1 };

/* Whether a snapshot can be written there: better known before a run than
 * after it. */
bool snapshot_check(const char *path, struct error *);

/* Refused if not all of the state is finite: what it would replace is worth
 * more. */
bool snapshot_save(const struct trainer *, const char *path, struct error *);

/* Whether snapshot_load() would take it; the trainer needs no arena yet. */
bool snapshot_matches(const struct trainer *, const char *path,
                      struct error *);

/* Continues where the snapshot was saved. The trainer must be of the same
 * model and have the same batch, epoch and seed; nothing is changed unless
 * all of the file is good. */
bool snapshot_load(struct trainer *, const char *path, struct error *);

#endif
