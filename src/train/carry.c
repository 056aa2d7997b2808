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

static enum dtype dtype_of(const struct executor *ex, int instance)
{
    return schedule_value(ex->plan->schedule, instance)->dtype;
}

/* Codes and scales would change if they became floats between. */
static void carry_bits(const struct executor *from, int source,
                       const struct executor *to, int target)
{
    void *host = xcalloc(1, to->plan->instances[target].bytes);

    executor_read(from, source, host);
    executor_write(to, target, host);
    free(host);
}

static void carry_floats(const struct executor *from, int source,
                         const struct executor *to, int target)
{
    float *host = xcalloc(executor_elements(to, target), sizeof(*host));

    executor_read_floats(from, source, host);
    executor_write_floats(to, target, host);
    free(host);
}

static void carry_instance(const struct executor *from, int source,
                           const struct executor *to, int target)
{
    if (dtype_of(from, source) == dtype_of(to, target))
        carry_bits(from, source, to, target);
    else
        carry_floats(from, source, to, target);
}

/* Carries state over, without that of a pool that changes; the index, by which
 * other state is stored, first. */
static void carry_values(const struct executor *from,
                         const struct executor *to, bool index, bool pool)
{
    const struct schedule *before = from->plan->schedule;
    const struct schedule *after = to->plan->schedule;

    for (int i = 0; i < after->instance_count; i++) {
        int value = after->instances[i], source;
        enum kind kind = schedule_value(after, i)->kind;
        if (!kind_persists(kind) || (kind == KIND_INDEX) != index ||
            (!pool && graph_is_pool(after->graph, value)))
            continue;
        source = schedule_instance(
            before, predecessor_of(before->graph, after->graph, value));
        if (source >= 0)
            carry_instance(from, source, to, i);
    }
}

void carry_state(const struct executor *from, const struct executor *to,
                 uint64_t seed)
{
    const struct pool *before = from->plan->schedule->graph->pool;
    const struct pool *after = to->plan->schedule->graph->pool;
    bool same = before && after && before->nonzeros == after->nonzeros;

    carry_values(from, to, true, same);
    carry_values(from, to, false, same);
    if (!same)
        pool_carry(from, to, seed);
}
