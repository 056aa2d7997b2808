#include "carry.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"

/* The value of that name in a layer, of the weight named `of` or, if that is
 * NULL, of none; -1 if there is none. */
static int find_value(const struct graph *g, int layer, const char *name,
                      const char *of)
{
    for (int i = 0; i < g->value_count; i++) {
        const struct value *v = &g->values[i];
        const char *has = v->of >= 0 ? g->values[v->of].name : NULL;
        if (v->layer == layer && strcmp(v->name, name) == 0 &&
            (of ? has && strcmp(has, of) == 0 : !has))
            return i;
    }
    return -1;
}

/* The value of `before` that a value of `after` goes on from, or -1. */
static int source_of(const struct graph *before, const struct graph *after,
                     int value)
{
    const struct value *v = &after->values[value];
    const char *of = v->of >= 0 ? after->values[v->of].name : NULL;
    int found = -1;

    if (!of)
        found = find_value(before, v->layer, "master", v->name);
    if (found < 0)
        found = find_value(before, v->layer, v->name, of);
    if (found < 0 && v->init.rule == INIT_COPY)
        found = find_value(before, v->layer, of, NULL);
    return found;
}

static void carry_instance(const struct executor *from, int source,
                           struct executor *to, int target)
{
    const struct plan_instance *a = &from->plan->instances[source];
    const struct plan_instance *b = &to->plan->instances[target];
    enum dtype before = schedule_value(from->plan->schedule, source)->dtype;
    enum dtype after = schedule_value(to->plan->schedule, target)->dtype;
    void *old = xcalloc(1, a->bytes), *new = xcalloc(1, b->bytes);

    executor_read(from, source, old);
    for (size_t i = 0; i < b->bytes / dtype_size(after); i++)
        float_store(new, i, after, float_load(old, i, before));
    executor_write(to, target, new);
    free(old);
    free(new);
}

void carry_state(const struct executor *from, struct executor *to)
{
    const struct schedule *before = from->plan->schedule;
    const struct schedule *after = to->plan->schedule;
    int *holder = xcalloc((unsigned long)before->graph->value_count,
                          sizeof(*holder));

    for (int i = 0; i < before->instance_count; i++)
        if (kind_persists(schedule_value(before, i)->kind))
            holder[before->instances[i]] = i;
    for (int i = 0; i < after->instance_count; i++) {
        int source;
        if (!kind_persists(schedule_value(after, i)->kind))
            continue;
        source = source_of(before->graph, after->graph, after->instances[i]);
        if (source >= 0)
            carry_instance(from, holder[source], to, i);
    }
    free(holder);
}
