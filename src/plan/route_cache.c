#include "plan/route_cache.h"

#include <stdlib.h>

#include "base/error.h"
#include "models/model.h"
#include "plan/graph_cache.h"

/* Whether routes are those of any value of a dial: neither its plans' routed
 * bytes nor the operations depend on it. */
static bool leaves_routes(const struct setting *row)
{
    return row->saves && !(row->shrinks & ROUTED_KINDS) &&
           row->offset != offsetof(struct settings, gradients);
}

/* Bytes are nearly in proportion to the size of a part. So routes that are good
 * for some size are good for parts a few times smaller. Routes are found for 1,
 * 10, 100 and so on parts of a batch. */
static int nearby_microbatch(const struct settings *s)
{
    int parts = 1;

    while (s->microbatch && 10 * parts <= s->batch / s->microbatch)
        parts *= 10;
    return parts > 1 ? s->batch / parts : 0;
}

/* The settings without what does not matter for routes. */
static struct settings routed_settings(const struct settings *s)
{
    struct settings plain = model_graph_settings(s);

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (leaves_routes(row))
            settings_set(&plain, "routes", row->name, row->saves, NULL);
    }
    if (!plain.microbatch)
        plain.microbatch = nearby_microbatch(s);
    plain.recompute = s->recompute;
    return plain;
}

static void find_routes(struct routes *r, const struct settings *s,
                        const struct backend *backend, int threads,
                        struct optimal_room *room)
{
    struct graph *g = graph_cache_build(s, backend);

    routes_add(r, route_straight(g));
    routes_add(r, route_blocks(g));
    routes_add(r, route_sqrt(g));
    routes_add(r, route_recursive(g));
    optimal_add_routes(r, g, policy_from(s), backend, threads, room);
    graph_free(g);
}

struct routes *route_cache_find(struct route_cache *c,
                                const struct settings *settings,
                                const struct backend *backend, int threads)
{
    struct settings s = routed_settings(settings);
    struct routes_of *new;

    for (int i = 0; i < c->count; i++)
        if (settings_same(&c->list[i]->settings, &s))
            return &c->list[i]->routes;
    new = xcalloc(1, sizeof(*new));
    new->settings = s;
    find_routes(&new->routes, &s, backend, threads, &c->room);
    c->list = xrealloc(c->list, (unsigned long)c->count + 1,
                       sizeof(*c->list));
    c->list[c->count++] = new;
    return &new->routes;
}

void route_cache_done(struct route_cache *c)
{
    for (int i = 0; i < c->count; i++) {
        routes_done(&c->list[i]->routes);
        free(c->list[i]);
    }
    free(c->list);
    optimal_room_done(&c->room);
}
