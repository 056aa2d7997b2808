/*
 * The images that a plan keeps in its arena (keep_images).
 */
#ifndef MEMDIAL_KEPT_IMAGES_H
#define MEMDIAL_KEPT_IMAGES_H

#include "data/dataset.h"
#include "train/executor.h"

/* Writes all of the training split to the arena, if its graph has a set of
 * images. */
void kept_images_write(const struct executor *, const struct dataset *);

#endif
