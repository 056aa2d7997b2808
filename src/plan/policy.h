/*
 * The settings that a schedule depends on, and whether a graph can be trained
 * with them.
 */
#ifndef MEMDIAL_POLICY_H
#define MEMDIAL_POLICY_H

#include "base/error.h"
#include "data/cut.h"
#include "graph/graph.h"
#include "settings/settings.h"

/* Sentences that are translated at once: what the first one takes, at most,
 * and what each of the others does. */
struct translated {
    struct extents first, each;
};

struct policy {
    struct cut cut;
    struct translated translated;
    enum recompute recompute;
};

struct policy policy_from(const struct settings *);

/*
 * Whether the graph can be trained with these settings. A layer's weights and a
 * pool must not be too large (graph_pool_fits). A batch norm needs more than
 * one value per channel in every part of a batch, the smallest too. If one has
 * fewer, the error (EXIT_INPUT) names the nearest microbatch that works.
 */
bool policy_check(const struct graph *, const struct settings *,
                  struct error *);

#endif
