/*
 * The models that settings can name, each a function that builds its graph.
 */
#ifndef MEMDIAL_MODEL_H
#define MEMDIAL_MODEL_H

#include "graph/layer.h"
#include "settings/settings.h"

/* Forward, backward and update operations of the settings' model for data of
 * `classes` classes. The caller owns the graph. */
struct graph *model_build(const struct settings *, int classes);

/* Wide residual network on (32, 32, 3) images: wrn.c. Its pool is the 3x3
 * convolutions of the blocks. */
struct graph *wrn_build(int depth, int width, int classes, struct storage);

#endif
