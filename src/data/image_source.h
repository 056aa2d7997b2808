/*
 * What images.c asks of each set: raw samples. Augmentation and
 * normalisation are the same for all and done there.
 */
#ifndef MEMDIAL_IMAGE_SOURCE_H
#define MEMDIAL_IMAGE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "data/cut.h"

enum { IMAGE_SIDE = 32, IMAGE_CHANNELS = 3,
       IMAGE_ELEMENTS = IMAGE_SIDE * IMAGE_SIDE * IMAGE_CHANNELS };

struct image_source {
    float mean[IMAGE_CHANNELS], std[IMAGE_CHANNELS]; /* of 8-bit values */
    /* All NULL for a source that has no state, as is the last. What `check`
     * says yes to may still not open; labels are below `classes`. */
    bool (*check)(const char *path, struct error *);
    bool (*open)(void **state, const char *path, int classes, struct error *);
    void (*close)(void *state);
    int (*samples)(const void *state, enum split);
    /* Writes an image as (32, 32, 3) bytes and returns its label; called from
     * several threads at once. */
    int (*image)(void *state, enum split, int index,
                 uint8_t image[IMAGE_ELEMENTS]);
    /* Whether no image has changed since the source was opened. */
    bool (*intact)(const void *state, struct error *);
};

#endif
