#include "events/ledger.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ledger_init(struct ledger *l)
{
    *l = (struct ledger){ .timings = NULL };
}

void ledger_done(struct ledger *l)
{
    timings_free(l->timings);
    timings_free(l->coming);
    ledger_init(l);
}

void ledger_put(struct ledger *l, struct timings *t, const char *why)
{
    timings_free(l->timings);
    l->timings = t;
    snprintf(l->why, sizeof(l->why), "%s", !t && why ? why : "");
}

/* Begins a new table. This program may not know the backend. */
static void begin_table(struct ledger *l, const char *name)
{
    const struct backend *backend = backend_named(name);

    timings_free(l->coming);
    l->coming = backend ? timings_new(backend) : NULL;
}

static bool is_of_other(const struct timings *t, const char *name)
{
    return !t || strcmp(t->backend->name, name) != 0;
}

/* The event's calls, as a table; the caller frees. */
static struct timings *table_of(const struct event *e,
                                const struct backend *backend)
{
    struct timings *t = timings_new(backend);

    for (int i = 0; i < e->timings.calls.count; i++)
        timings_put(t, &e->timings.calls.list[i]);
    if (!isnan(e->timings.overhead))
        timings_add_overhead(t, e->timings.overhead);
    return t;
}

/* Adds an event's calls to the table that is coming, and puts that in force
 * once it is whole. */
static bool complete_table(struct ledger *l, const struct event *e)
{
    struct timings *part = table_of(e, l->coming->backend), *whole = NULL;

    timings_fill(l->coming, part);
    timings_free(part);
    if (e->timings.left > 0)
        return false;
    if (timings_count(l->coming) > 0)
        whole = timings_hold(l->coming);
    timings_free(l->coming);
    l->coming = NULL;
    ledger_put(l, whole, e->timings.message);
    return true;
}

static bool add_to_table(struct ledger *l, const struct event *e)
{
    struct timings *all = timings_copy(l->timings);
    struct timings *part = table_of(e, all->backend);

    timings_merge(all, part);
    timings_free(part);
    ledger_put(l, all, NULL);
    return true;
}

static bool take_timings(struct ledger *l, const struct event *e)
{
    const char *name = e->timings.backend;

    if (is_of_other(l->coming ? l->coming : l->timings, name))
        begin_table(l, name);
    if (l->coming)
        return complete_table(l, e);
    return !is_of_other(l->timings, name) && add_to_table(l, e);
}

bool ledger_take(struct ledger *l, const struct event *e)
{
    if (e->type == EVENT_START)
        begin_table(l, e->start.machine.backend);
    return e->type == EVENT_TIMINGS && take_timings(l, e);
}

/* All calls in one list, [*count]; the caller frees. NULL has none. */
static struct timing *list_calls(const struct timings *t, int *count)
{
    unsigned long room = t ? (unsigned long)timings_count(t) : 0;
    struct timing *list = xcalloc(room + 1, sizeof(*list));

    *count = 0;
    for (int op = 0; t && op < OP_COUNT; op++)
        for (int i = 0; i < t->of[op].count; i++)
            list[(*count)++] = t->of[op].list[i];
    return list;
}

void ledger_tell(const struct backend *backend, const struct timings *t,
                 const char *why, struct event_sink sink)
{
    int count, told = 0;
    struct timing *list = list_calls(t, &count);

    do {
        int left = count - told;
        int now = left < EVENT_CALLS_MAX ? left : EVENT_CALLS_MAX;
        struct event e = { .type = EVENT_TIMINGS,
                           .timings = { .calls = { list + told, now },
                                        .left = left - now,
                                        .overhead = NAN, .message = why } };
        strcpy(e.timings.backend, backend->name);
        if (left == now && t && t->overhead_count)
            e.timings.overhead = t->overhead;
        sink.emit(sink.arg, &e);
        told += now;
    } while (told < count);
    free(list);
}
