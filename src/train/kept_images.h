/*
 * The images that a plan keeps in its arena (keep_images).
 */
#ifndef MEMDIAL_KEPT_IMAGES_H
#define MEMDIAL_KEPT_IMAGES_H

#include "data/dataset.h"
#include "train/executor.h"

/* The bytes of a graph's set of images; 0: it has none. */
size_t kept_images_bytes(const struct graph *);

/* Writes all of the training split to the arena, if its graph has a set of
 * images. */
void kept_images_write(const struct executor *, const struct dataset *);

#endif
