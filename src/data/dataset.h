/*
 * The sets of data that settings->data names, each of a family (family.h).
 */
#ifndef MEMDIAL_DATASET_H
#define MEMDIAL_DATASET_H

#include "data/family.h"

struct dataset;

/* What the planner and the screens know of a set, from settings alone, beside
 * facts.h: where its files come from, in words, or NULL if it needs none; its
 * family; how its batches are cut. */
const char *dataset_where(int data);
const struct data_family *dataset_family(int data);
struct cut dataset_cut(const struct settings *);

/* Whether the set is there, as far as the names and sizes of files tell; cheap
 * enough for a look before a run is given up. The error is for REASON_DATA, and
 * says "data_path: " first, then names the trouble; then, after "; ", the
 * remedy. */
bool dataset_check(const struct settings *, struct error *);

/* Opens the set; cifar10 from settings->data_path, the folder of its binary
 * files or the one above it. */
bool dataset_open(struct dataset **, const struct settings *, struct error *);
void dataset_close(struct dataset *);

/* Batches of an epoch, at least one, or an error (EXIT_INPUT). */
bool dataset_batches(const struct dataset *, const struct settings *,
                     int64_t *batches, struct error *);

/* A batch after `step` steps of training, or of another split all that is
 * looked at; settings are borrowed. */
struct reading dataset_read(const struct dataset *, const struct settings *,
                            enum split, int64_t step);

/* The loader of a batch, for as long as the reading is there. */
struct loader dataset_loader(const struct dataset *, struct reading *);

/* Whether all samples so far were what they were when the set was opened. Once
 * they are not it stays so. */
bool dataset_intact(const struct dataset *, struct error *);

#endif
