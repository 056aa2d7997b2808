/*
 * A labelled set of images, split for training and validation. Samples are
 * made or read on demand: no image is kept in memory.
 */
#ifndef MEMDIAL_DATASET_H
#define MEMDIAL_DATASET_H

#include "data/image_source.h"
#include "settings/settings.h"

struct dataset;

/* Whether the set that settings->data names is there, as far as the names and
 * sizes of files tell; cheap enough for a look before a run is given up. The
 * error is for REASON_DATA, and says "data_path: " first, then names the
 * trouble; then, after "; ", the remedy. */
bool dataset_check(const struct settings *, struct error *);

/* Where the files of a set come from, in words; NULL: it needs none. */
const char *dataset_where(int data);

/* Opens the set that settings->data names; cifar10 from settings->data_path,
 * the folder of its binary files or the one above it. */
bool dataset_open(struct dataset **, const struct settings *, struct error *);
void dataset_close(struct dataset *);

const char *dataset_name(const struct dataset *);
int dataset_classes(const struct dataset *);

/* The same for data that are not open: a plan needs no data. */
int dataset_classes_of(int data);
int dataset_samples(const struct dataset *, enum split);

/*
 * Writes sample `index` of a split, normalised to about zero mean and unit
 * variance per channel, as (32, 32, 3) floats, and returns its label. With
 * `draw` not NULL the image is augmented (4-pixel reflect pad, random crop,
 * random horizontal flip) as a function of (draw->seed, draw->sample) alone.
 * Safe to call from several threads. It cannot fail; whether what it gave can
 * be used says dataset_intact().
 */
struct augment_draw {
    uint64_t seed;
    uint64_t sample;     /* counts samples over the whole run */
};

int dataset_sample(const struct dataset *, enum split, int index,
                   const struct augment_draw *draw,
                   float image[IMAGE_ELEMENTS]);

/* Whether all samples so far were what they were when the set was opened. Once
 * they are not it stays so. */
bool dataset_intact(const struct dataset *, struct error *);

/*
 * The place `position` of a pass over `count` samples in random order: a
 * permutation of 0..count-1 that depends on (seed, pass), computed in place,
 * without a table (a Feistel network over Philox, walked until in range).
 */
int dataset_shuffle(uint64_t seed, uint32_t pass, int count, int position);

#endif
