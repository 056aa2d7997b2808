/*
 * The graphs of settings that a search plans one after another, each with its
 * schedules for all checkpoints but optimal ones. Settings that differ only in
 * how they cut a batch share them. A cache keeps the last few.
 */
#ifndef MEMDIAL_GRAPH_CACHE_H
#define MEMDIAL_GRAPH_CACHE_H

#include "plan/schedule.h"

struct backend;

enum { GRAPHS_KEPT = 8 };

struct graph_cache {
    struct graph_of {
        struct settings settings;    /* as model_graph_settings() gives them */
        struct graph *graph;         /* held; NULL: the place is free */
        size_t throughout;           /* as below */
        struct schedule *schedules[CHECKPOINT_OPTIMAL][RECOMPUTE_COUNT];
                                     /* owned; NULL: not known */
    } list[GRAPHS_KEPT];
    int oldest;
};

/* The graph of settings as a backend runs it, held for the caller. */
struct graph *graph_cache_build(const struct settings *,
                                const struct backend *);

/* The same from the cache, all 0 at first, which is for this backend alone. */
struct graph *graph_cache_find(struct graph_cache *, const struct settings *,
                               const struct backend *);

/* The least bytes that every plan of the settings keeps throughout its body of
 * training: state, and values that are made before the body and read after it.
 */
size_t graph_cache_throughout(struct graph_cache *, const struct settings *,
                              const struct backend *);

/* The schedule of settings whose checkpoints are not optimal; the caller owns
 * it, and holds their graph. */
struct schedule *graph_cache_schedule(struct graph_cache *,
                                      const struct settings *,
                                      const struct backend *);

void graph_cache_done(struct graph_cache *);

#endif
