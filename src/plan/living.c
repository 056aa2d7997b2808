#include "plan/living.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"

enum { NAME_SIZE = 64 };

bool living_in(const struct plan *plan, int instance, int step)
{
    const struct plan_instance *p = &plan->instances[instance];

    return p->last >= p->first && p->first <= step &&
           step < p->last + (p->taken_by < 0);
}

static int compare_bytes(const void *a, const void *b)
{
    const struct living *x = a, *y = b;

    if (x->bytes == y->bytes)
        return x->instance - y->instance;
    return x->bytes < y->bytes ? 1 : -1;
}

static bool wanted(int kind, enum kind of)
{
    return kind == LIVING_ALL || kind == (int)of;
}

struct living *living_find(const struct plan *plan, int kind, int step,
                           int *count)
{
    int n = plan->schedule->instance_count;
    struct living *living = xcalloc((unsigned long)n + 1, sizeof(*living));

    *count = 0;
    if (plan->scratch_bytes[step] && wanted(kind, KIND_WORKSPACE))
        living[(*count)++] =
            (struct living){ LIVING_SCRATCH, plan->scratch_bytes[step] };
    for (int i = 0; i < n; i++)
        if (wanted(kind, plan->instances[i].kind) &&
            plan->instances[i].bytes && living_in(plan, i, step))
            living[(*count)++] =
                (struct living){ i, plan->instances[i].bytes };
    qsort(living, (size_t)*count, sizeof(*living), compare_bytes);
    return living;
}

size_t living_offset(const struct plan *plan, int instance, int step)
{
    return instance == LIVING_SCRATCH ? plan->scratch_offset[step]
                                      : plan->instances[instance].offset;
}

enum kind living_kind(const struct plan *plan, int instance)
{
    return instance == LIVING_SCRATCH ? KIND_WORKSPACE
                                      : plan->instances[instance].kind;
}

void living_name_largest(const struct plan *plan, char *text, size_t size)
{
    int step = plan->peak_step, count;
    struct living *living = living_find(plan, LIVING_ALL, step, &count);
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < count && i < NAMED && used < size; i++) {
        char name[NAME_SIZE] = "scratch", bytes[BYTES_TEXT_SIZE];

        if (living[i].instance != LIVING_SCRATCH)
            graph_value_name(plan->schedule->graph,
                             plan->schedule->instances[living[i].instance],
                             name, sizeof(name));
        used += (size_t)snprintf(
            text + used, size - used, "%s%s %s", i ? ", " : "", name,
            bytes_format(bytes, sizeof(bytes), living[i].bytes));
    }
    free(living);
}
