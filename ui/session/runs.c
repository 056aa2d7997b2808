#include "ui/session/runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void runs_init(struct runs *rs)
{
    *rs = (struct runs){ .pinned = -1 };
}

void runs_done(struct runs *rs)
{
    for (int i = 0; i < rs->count; i++)
        run_done(&rs->list[i]);
    free(rs->list);
    runs_await(rs, NULL, NULL);
    runs_init(rs);
}

void runs_await(struct runs *rs, struct run *run, const char *folder)
{
    run_done(&rs->awaited);
    free(rs->awaited_folder);
    rs->awaited_folder = folder ? xstrdup(folder) : NULL;
    if (!folder)
        return;
    rs->awaited = *run;
    run_init(run);
}

static void forget_oldest(struct runs *rs)
{
    struct run *r = &rs->list[rs->list[0].number == rs->pinned];

    run_done(r);
    rs->count--;
    memmove(r, r + 1, (size_t)(rs->list + rs->count - r) * sizeof(*r));
}

static struct run *runs_append(struct runs *rs)
{
    if (rs->count == RUNS_MOST)
        forget_oldest(rs);
    rs->list = xrealloc(rs->list, (unsigned long)rs->count + 1,
                        sizeof(*rs->list));
    return &rs->list[rs->count++];
}

/* Adds a run, which may have begun: it takes that over. */
static void add_run(struct runs *rs, const struct run *begun)
{
    struct run *r = rs->count ? &rs->list[rs->count - 1] : NULL;
    int number = r ? r->number + 1 : 0;

    if (r && r->end == RUN_OPEN)
        r->end = RUN_STOPPED;
    if (r)
        run_shrink(r, RUNS_EARLIER_POINTS);
    r = runs_append(rs);
    *r = *begun;
    r->number = number;
}

static bool is_awaited(const struct runs *rs, const struct event *e)
{
    return rs->awaited_folder && e->start.folder &&
           strcmp(rs->awaited_folder, e->start.folder) == 0;
}

/* A run that begins from a snapshot goes on where it was written. */
static void begin_next(struct runs *rs, const struct event *e)
{
    struct run none;

    run_init(&none);
    if (is_awaited(rs, e)) {
        add_run(rs, e->start.step > 0 ? &rs->awaited : &none);
        if (e->start.step > 0)
            run_init(&rs->awaited);
        runs_await(rs, NULL, NULL);
    } else if (e->start.step == 0 || rs->count == 0) {
        add_run(rs, &none);
    }
}

void runs_take(struct runs *rs, const struct event *e)
{
    if (e->type == EVENT_START)
        begin_next(rs, e);
    if (rs->count > 0)
        run_take(&rs->list[rs->count - 1], e);
}

const struct run *runs_now(const struct runs *rs)
{
    static const struct run none;

    return rs->count ? &rs->list[rs->count - 1] : &none;
}

const struct run *runs_find(const struct runs *rs, int number)
{
    for (int i = 0; i < rs->count; i++)
        if (rs->list[i].number == number)
            return &rs->list[i];
    return NULL;
}
