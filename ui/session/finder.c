/*
 * The thread works on a copy of the question. Before each plan it asks, with
 * the lock, whether it shall go on, and counts the plan.
 */
#include "ui/session/finder.h"

#include <stdlib.h>

#include "base/clock.h"
#include "ui/session/background.h"

/* How often the thread tells of its progress, at most. */
static const double news_seconds = 0.1;

struct finder {
    struct background thread;
    struct finding *asked;       /* owned, a question; NULL: none is open */
    bool stop;                   /* the newest search */
    int plans;                   /* of that search */
    double told;                 /* when there was news last */
    struct finding *found;       /* owned; NULL: not yet, or taken */
};

void finding_free(struct finding *f)
{
    if (!f)
        return;
    fit_done(&f->fit);
    timings_free(f->timings);
    free(f);
}

int finding_rows(const struct finding *f)
{
    return f->blocked ? 1 : f->fit.count;
}

const struct fit_row *finding_row(const struct finding *f, int row)
{
    return f->blocked ? &f->obstacle.least : &f->fit.rows[row];
}

/* A setting that changes neither bytes nor time in a run may differ. */
static bool matters(const struct setting *row)
{
    return !row->live || row->shrinks;
}

bool finding_holds(const struct finding *f, const struct settings *settings,
                   const struct machine *machine)
{
    struct settings same = f->from;

    fit_copy_dials(&same, settings);
    for (int i = 0; i < settings_count; i++)
        if (matters(&settings_table[i]) &&
            settings_differ(&same, settings, &settings_table[i]))
            return false;
    return machine_same(&f->machine, machine);
}

/* A search ends for a newer question, or if it is told to. */
static bool finder_goes_on(void *arg)
{
    struct finder *f = arg;
    double now = clock_seconds();
    bool on;

    background_lock(&f->thread);
    f->plans++;
    on = !f->stop && !f->asked && !f->thread.quit;
    if (now - f->told > news_seconds) {
        f->told = now;
        background_tell(&f->thread);
    }
    background_unlock(&f->thread);
    return on;
}

static void search_fit(struct finder *f, struct finding *its)
{
    struct fit_query q = { .settings = &its->from, .machine = &its->machine,
                           .timings = its->timings,
                           .budget = its->budget, .goes_on = finder_goes_on,
                           .goes_on_arg = f };
    struct error e;

    its->refused = !fit_find(&its->fit, &q, &its->error);
    if (!its->refused && its->fit.complete && its->fit.count == 0)
        its->blocked = fit_find_obstacle(&its->obstacle, &q, &e);
}

static bool find_next(void *arg)
{
    struct finder *f = arg;
    struct finding *its = f->asked;

    if (!its)
        return false;
    f->asked = NULL;
    f->plans = 0;
    background_unlock(&f->thread);
    search_fit(f, its);
    background_lock(&f->thread);
    if (f->asked || f->thread.quit) {
        finding_free(its);
        return true;
    }
    if (f->stop)
        its->fit.complete = its->blocked = false;
    f->found = its;
    background_tell(&f->thread);
    return true;
}

struct finder *finder_new(void)
{
    struct finder *f = xcalloc(1, sizeof(*f));

    background_start(&f->thread, find_next, f);
    return f;
}

void finder_free(struct finder *f)
{
    if (!f || !background_stop(&f->thread))
        return;
    finding_free(f->asked);
    finding_free(f->found);
    free(f);
}

void finder_ask(struct finder *f, const struct settings *settings,
                const struct machine *machine, struct timings *timings,
                size_t budget)
{
    struct finding *next = xcalloc(1, sizeof(*next));

    next->from = *settings;
    next->machine = *machine;
    next->timings = timings_hold(timings);
    next->budget = budget;
    background_lock(&f->thread);
    finding_free(f->asked);
    finding_free(f->found);
    f->found = NULL;
    f->stop = false;
    f->asked = next;
    background_wake(&f->thread);
    background_unlock(&f->thread);
}

void finder_stop(struct finder *f)
{
    background_lock(&f->thread);
    f->stop = true;
    background_unlock(&f->thread);
}

int finder_fd(const struct finder *f)
{
    return background_fd(&f->thread);
}

struct finding *finder_take(struct finder *f, int *plans)
{
    struct finding *found;

    background_hear(&f->thread);
    background_lock(&f->thread);
    background_clear(&f->thread);
    found = f->found;
    f->found = NULL;
    *plans = f->plans;
    background_unlock(&f->thread);
    return found;
}
