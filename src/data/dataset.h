/*
 * The sets of data that settings->data names, each of a family (family.h).
 */
#ifndef MEMDIAL_DATASET_H
#define MEMDIAL_DATASET_H

#include "data/family.h"

struct dataset;
struct images;
struct sequences;

/* Facts about a set that the planner needs, from settings alone, beside
 * facts.h: its family; how its batches are cut. */
const struct data_family *dataset_family(int data);
struct cut dataset_cut(const struct settings *);

/* Whether an epoch has a batch, as far as settings alone say; the error is that
 * of dataset_batches(), which also knows the files. */
bool dataset_epoch_check(const struct settings *, struct error *);

/* Whether the set is there, by the names and sizes of its files; cheap enough
 * to call before a run is given up. The error has REASON_DATA. It says
 * "data_path: " first, then the trouble; then, after "; ", the remedy. */
bool dataset_check(const struct settings *, struct error *);

/* From now on, has opening a set tell how many merges of byte pair encoding it
 * has learned, of those wanted. A set that is opened has all of them. */
void dataset_watch(void (*told)(int merges, int wanted));

/* Opens the set, which may be one of files in the folder settings->data_path.
 */
bool dataset_open(struct dataset **, const struct settings *, struct error *);
void dataset_close(struct dataset *);

/* Batches of an epoch, at least one, or an error (EXIT_INPUT). */
bool dataset_batches(const struct dataset *, const struct settings *,
                     int64_t *batches, struct error *);

/* Whether a split has any samples. */
bool dataset_has(const struct dataset *, const struct settings *, enum split);

/* A batch after `step` steps of training, or all samples that an evaluation of
 * another split uses; settings are borrowed. */
struct reading dataset_read(const struct dataset *, const struct settings *,
                            enum split, int64_t step);

/* The loader of a batch, valid as long as the reading. */
struct loader dataset_loader(const struct dataset *, struct reading *);

/* Names what only a network of this set's can have learned, such as its
 * dictionaries and merges, by their checksums: sets with the same name can take
 * each other's networks, if these have the right sizes. */
enum { DATASET_IDENTITY_SIZE = 128 };
void dataset_identity(const struct dataset *,
                      char text[DATASET_IDENTITY_SIZE]);

/* Whether no sample so far had changed since the set was opened. Once one has,
 * the answer stays false. */
bool dataset_intact(const struct dataset *, struct error *);

/* The set as images.h or sequences.h has it; NULL if it is none of these. */
const struct images *dataset_images(const struct dataset *);
const struct sequences *dataset_sequences(const struct dataset *);

#endif
