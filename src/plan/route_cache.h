/*
 * The routes that checkpoint=optimal chooses among. They follow from settings
 * alone. Two settings have the same routes if they differ only in dials that
 * leave the memory of a forward and backward pass as it is, as sparsity does,
 * or in a microbatch of similar size. A cache keeps the routes, for a search
 * that plans many such settings.
 */
#ifndef MEMDIAL_ROUTE_CACHE_H
#define MEMDIAL_ROUTE_CACHE_H

#include "plan/optimal.h"
#include "settings/settings.h"

struct backend;

struct route_cache {
    struct routes_of {
        struct settings settings;
        struct routes routes;
    } **list;            /* owned, [count] */
    int count;
    struct optimal_room room;
};

/* The routes for settings on a backend with that many threads. The cache, all 0
 * at first, owns them; it is for this backend and these threads alone. */
struct routes *route_cache_find(struct route_cache *, const struct settings *,
                                const struct backend *, int threads);
void route_cache_done(struct route_cache *);

#endif
