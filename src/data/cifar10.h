/*
 * CIFAR-10 (Krizhevsky 2009) from its binary files.
 */
#ifndef MEMDIAL_CIFAR10_H
#define MEMDIAL_CIFAR10_H

#include "data/image_source.h"

extern const struct image_source cifar10_source;

#endif
