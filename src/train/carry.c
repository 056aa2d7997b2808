#include "train/carry.h"

#include <stdlib.h>
#include <string.h>

#include "train/pool_carry.h"

/* The value of that name in a layer that belongs to the weight named `of` (to
 * none, if `of` is NULL); VALUE_NONE if there is none. */
static int find_value(const struct graph *g, int layer, const char *name,
                      const char *of)
{
    for (int i = 1; i < g->value_count; i++) {
        const struct value *v = &g->values[i];
        const char *has = g->values[v->of].name;
        if (v->layer == layer && strcmp(v->name, name) == 0 &&
            (of ? has && strcmp(has, of) == 0 : !has))
            return i;
    }
    return VALUE_NONE;
}

/* The value of `before` that a value of `after` goes on from, or
 * VALUE_NONE. */
static int predecessor_of(const struct graph *before, const struct graph *after,
                          int value)
{
    const struct value *v = &after->values[value];
    const char *of = after->values[v->of].name;
    int found = VALUE_NONE;

    if (!of)
        found = find_value(before, v->layer, "master", v->name);
    if (!found)
        found = find_value(before, v->layer, v->name, of);
    if (!found && v->init.rule == INIT_COPY)
        found = find_value(before, v->layer, of, NULL);
    return found;
}

static void carry_instance(const struct executor *from, int source,
                           const struct executor *to, int target)
{
    size_t bytes = to->plan->instances[target].bytes;
    enum dtype dtype = schedule_value(to->plan->schedule, target)->dtype;
    float *host = xcalloc(bytes / dtype_size(dtype), sizeof(*host));

    executor_read_floats(from, source, host);
    executor_write_floats(to, target, host);
    free(host);
}

void carry_state(const struct executor *from, const struct executor *to,
                 uint64_t seed)
{
    const struct schedule *before = from->plan->schedule;
    const struct schedule *after = to->plan->schedule;

    for (int i = 0; i < after->instance_count; i++) {
        int value = after->instances[i], source;
        if (!kind_persists(schedule_value(after, i)->kind) ||
            graph_is_pool(after->graph, value))
            continue;
        source = schedule_instance(
            before, predecessor_of(before->graph, after->graph, value));
        if (source >= 0)
            carry_instance(from, source, to, i);
    }
    pool_carry(from, to, seed);
}
