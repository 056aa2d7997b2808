/*
 * A labelled set of images, split for training and validation. Samples are
 * made or read on demand: no image is kept in memory.
 */
#ifndef MEMDIAL_IMAGES_H
#define MEMDIAL_IMAGES_H

#include "data/family.h"
#include "data/image_source.h"

/* The functions of images for the rest of the program. A unit is an image; the
 * set's `source` is a struct image_source. */
extern const struct data_family images_family;

struct images;

bool images_open(struct images **, const struct image_source *,
                 const struct settings *, struct error *);
void images_close(struct images *);
int images_samples(const struct images *, enum split);

/*
 * Writes sample `index` of a split, normalised to about zero mean and unit
 * variance per channel, as (32, 32, 3) floats, and returns its label. With
 * `draw` not NULL the image is augmented (4-pixel reflect pad, random crop,
 * random horizontal flip) as a function of (draw->seed, draw->sample) alone.
 * Safe to call from several threads. It cannot fail: images_intact() says
 * whether its results can be used.
 */
struct augment_draw {
    uint64_t seed;
    uint64_t sample;     /* counts samples over the whole run */
};

int images_sample(const struct images *, enum split, int index,
                  const struct augment_draw *draw,
                  float image[IMAGE_ELEMENTS]);

/* A sample's bytes, (32, 32, 3), as it is stored; returns its label. */
int images_raw(const struct images *, enum split, int index,
               uint8_t image[IMAGE_ELEMENTS]);

/* The figures that normalise the bytes of a channel: they become
 * (byte - mean) * scale. */
void images_norm(const struct images *, float mean[IMAGE_CHANNELS],
                 float scale[IMAGE_CHANNELS]);

/* Whether no sample so far had changed since the set was opened. Once one has,
 * the answer stays false. */
bool images_intact(const struct images *, struct error *);

#endif
