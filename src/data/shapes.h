/*
 * The embedded set: ten kinds of shape, drawn from numbers when asked for.
 */
#ifndef MEMDIAL_SHAPES_H
#define MEMDIAL_SHAPES_H

#include "data/image_source.h"

extern const struct image_source shapes_source;

#endif
