#include "plan/graph_cache.h"

#include <stdlib.h>

#include "base/error.h"
#include "graph/fuse.h"
#include "models/model.h"

static struct route *(*const route_by[])(const struct graph *) = {
    [CHECKPOINT_NONE] = route_straight,
    [CHECKPOINT_BLOCK] = route_blocks,
    [CHECKPOINT_SQRT] = route_sqrt,
    [CHECKPOINT_RECURSIVE] = route_recursive,
};

struct graph *graph_cache_build(const struct settings *s,
                                const struct backend *backend)
{
    struct graph *g = model_build(s);

    fuse_tile_sums(g, backend->tile_rows);
    return g;
}

static void forget_graph(struct graph_of *of)
{
    for (int i = 0; i < CHECKPOINT_OPTIMAL; i++)
        for (int k = 0; k < RECOMPUTE_COUNT; k++)
            schedule_free(of->schedules[i][k]);
    graph_free(of->graph);
    *of = (struct graph_of){ .graph = NULL };
}

enum { IN_PROLOGUE = 1, IN_BODY = 2, IN_EPILOGUE = 4 };

/* Notes the values with storage that operations of training name, and those
 * that are named before its body and after it. */
static unsigned char *find_places_of_values(const struct graph *g)
{
    unsigned char *uses = xcalloc((unsigned long)g->value_count, 1);

    for (int i = 0; i < g->op_count; i++) {
        const struct op *op = &g->ops[i];
        if (!(op->programs & IN_TRAIN))
            continue;
        for (int k = 0; k < op_slots(op->code); k++) {
            int v = op->operand[k];
            if (graph_is_view(g, v))
                v = g->values[v].part_of;
            uses[v] |= op->pass == PASS_PREPARE ? IN_PROLOGUE
                       : op->pass == PASS_UPDATE ? IN_EPILOGUE : IN_BODY;
        }
    }
    return uses;
}

static size_t bytes_throughout(const struct graph *g)
{
    static const struct extents none;
    unsigned char *uses = find_places_of_values(g);
    size_t sum = 0;

    for (int i = 1; i < g->value_count; i++)
        if ((graph_persists(g, i) && uses[i]) ||
            (uses[i] & IN_PROLOGUE && uses[i] & IN_EPILOGUE))
            sum += graph_bytes(g, i, &none);
    free(uses);
    return sum;
}

static struct graph_of *find_graph(struct graph_cache *c,
                                   const struct settings *settings,
                                   const struct backend *backend)
{
    struct settings s = model_graph_settings(settings);
    struct graph_of *of;

    for (int i = 0; i < GRAPHS_KEPT; i++)
        if (c->list[i].graph && settings_same(&c->list[i].settings, &s))
            return &c->list[i];
    of = &c->list[c->oldest];
    c->oldest = (c->oldest + 1) % GRAPHS_KEPT;
    forget_graph(of);
    of->settings = s;
    of->graph = graph_cache_build(&s, backend);
    of->throughout = bytes_throughout(of->graph);
    return of;
}

struct graph *graph_cache_find(struct graph_cache *c,
                               const struct settings *settings,
                               const struct backend *backend)
{
    return graph_hold(find_graph(c, settings, backend)->graph);
}

size_t graph_cache_throughout(struct graph_cache *c,
                              const struct settings *settings,
                              const struct backend *backend)
{
    return find_graph(c, settings, backend)->throughout;
}

struct schedule *graph_cache_schedule(struct graph_cache *c,
                                      const struct settings *settings,
                                      const struct backend *backend)
{
    struct graph_of *of = find_graph(c, settings, backend);
    struct policy policy = policy_from(settings);
    struct schedule **known =
        &of->schedules[settings->checkpoint][policy.recompute];

    if (!*known) {
        struct route *route = route_by[settings->checkpoint](of->graph);
        *known = schedule_build(of->graph, policy, route);
        route_free(route);
    }
    return schedule_recut(*known, policy.cut);
}

void graph_cache_done(struct graph_cache *c)
{
    for (int i = 0; i < GRAPHS_KEPT; i++)
        forget_graph(&c->list[i]);
}
