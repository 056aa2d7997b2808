#include "ui/session/attempts.h"

#include <stdlib.h>
#include <string.h>

void attempts_init(struct attempts *as)
{
    *as = (struct attempts){ .pinned = -1 };
}

static void attempt_done(struct attempt *a)
{
    forecast_release(a->plan);
    forecast_release(a->baseline);
}

void attempts_done(struct attempts *as)
{
    for (int i = 0; i < as->count; i++)
        attempt_done(&as->list[i]);
    free(as->list);
    attempts_init(as);
}

static struct entrant entrant_of(const struct attempt *a)
{
    return (struct entrant){ &a->trial, a->peak_bytes };
}

struct contest attempts_contest(const struct attempts *as)
{
    struct contest none = { 0 };

    for (int i = as->count - 1; i >= 0; i--) {
        struct contest c = contest_by(&as->list[i].trial);
        if (attempt_competes(&as->list[i], &c))
            return c;
    }
    return none;
}

bool attempt_competes(const struct attempt *a, const struct contest *c)
{
    struct entrant own = entrant_of(a);

    return a->run >= 0 && contest_admits(c, &own);
}

bool attempt_is_better(const struct attempt *a, const struct attempt *b,
                       const struct contest *c)
{
    struct entrant one = entrant_of(a), other = entrant_of(b);

    return contest_is_better(c, &one, &other);
}

const struct attempt *attempts_origin(const struct attempts *as,
                                      const struct attempt *a)
{
    for (int i = 0; i < as->count; i++)
        if (as->list[i].run == a->run)
            return trial_continues(&as->list[i].trial) ? NULL : &as->list[i];
    return NULL;
}

int attempts_beaten_by(const struct attempts *as, const struct attempt *a)
{
    struct contest c = attempts_contest(as);
    struct entrant own = entrant_of(a);

    for (int i = 0; i < as->count; i++) {
        struct entrant other = entrant_of(&as->list[i]);
        if (contest_admits(&c, &other) && contest_beats(&c, &other, &own))
            return i;
    }
    return -1;
}

/* Forgets an attempt. If it is pinned, the session keeps its forecast. */
static void forget(struct attempts *as, int index)
{
    struct attempt *a = &as->list[index];

    if (a->number == as->pinned)
        as->pinned = -1;
    attempt_done(a);
    memmove(a, a + 1, (size_t)(--as->count - index) * sizeof(*a));
}

/* The oldest attempt that is not pinned and not the best of anything, if there
 * is one. */
static int least_missed(const struct attempts *as)
{
    struct contest c = attempts_contest(as);

    for (int i = 0; i < as->count; i++)
        if (as->list[i].number != as->pinned &&
            (!attempt_competes(&as->list[i], &c) ||
             attempts_beaten_by(as, &as->list[i]) >= 0))
            return i;
    return as->list[0].number == as->pinned;
}

static struct attempt *last(const struct attempts *as)
{
    return as->count ? &as->list[as->count - 1] : NULL;
}

static struct attempt *attempts_append(struct attempts *as,
                                       const struct run *run)
{
    int number = as->count ? last(as)->number + 1 : 0;
    struct attempt *a;

    if (as->count == ATTEMPTS_MOST)
        forget(as, least_missed(as));
    as->list = xrealloc(as->list, (unsigned long)as->count + 1,
                        sizeof(*as->list));
    a = &as->list[as->count++];
    *a = (struct attempt){ .number = number, .run = run->number };
    memcpy(a->preset, run->preset, sizeof(a->preset));
    return a;
}

static bool is_of_trial(const struct attempt *a, const struct run *run,
                        const struct trial *t)
{
    return a && a->run == run->number && a->trial.number == t->number;
}

/* A run may replace a trial that came to nothing by another. */
static void follow_trial(struct attempts *as, const struct run *run,
                         const struct trial *now)
{
    struct attempt *a = last(as);
    bool here = is_of_trial(a, run, now);

    if (here && !settings_same(&a->trial.settings, &now->settings)) {
        forget(as, as->count - 1);
        here = false;
    }
    if (!here)
        a = attempts_append(as, run);
    a->trial = *now;
    a->steps = run->steps;
    if (now->planned > 0) {
        a->peak_bytes = now->planned;
        a->arena_bytes = now->arena;
    }
}

/* Forgets the attempts of trials that a run has lost: it went on from a
 * snapshot before them. */
static void forget_lost(struct attempts *as, const struct run *run)
{
    const struct trial *now = run_trial(run);

    while (now && last(as) && last(as)->run == run->number &&
           last(as)->trial.number > now->number)
        forget(as, as->count - 1);
}

void attempts_follow(struct attempts *as, const struct run *run)
{
    const struct attempt *a;
    int first = run->trial_count - 1;

    forget_lost(as, run);
    a = last(as);

    while (first > 0 && (!a || a->run != run->number))
        first--;
    for (int i = first < 0 ? 0 : first; i < run->trial_count; i++)
        follow_trial(as, run, &run->trials[i]);
}

/* Neighbouring attempts often share a baseline. */
static struct forecast *baseline_figures(const struct attempts *as,
                                         const struct forecast *b)
{
    struct forecast *before = as->count > 1 ? as->list[as->count - 2].baseline
                                            : NULL;

    return forecast_is_of(before, &b->settings, &b->machine) &&
           before->guessed == b->guessed
               ? forecast_hold(before) : forecast_figures(b);
}

/* Steps after which the run's own calls are among the timings, at the least. */
enum { FRESH_STEPS = 8 };

static bool is_fresh(const struct attempt *a)
{
    const struct trial *t = &a->trial;

    return t->end[AXIS_UNITS] - t->begin[AXIS_UNITS] <
           (double)FRESH_STEPS * t->settings.batch;
}

/* Whether a forecast is to take the place of one that was noted, or none. */
static bool improves(const struct attempt *a, const struct forecast *noted,
                     const struct forecast *f)
{
    return !noted || (noted->guessed && !f->guessed && is_fresh(a));
}

void attempts_note(struct attempts *as, struct forecast *plan,
                   const struct forecast *baseline)
{
    struct attempt *a = last(as);

    if (!a || !plan || plan->refused)
        return;
    a->flops = plan->flops;
    a->peak_bytes = plan->peak_bytes;
    a->arena_bytes = plan->arena_bytes;
    if (improves(a, a->plan, plan))
        forecast_replace(&a->plan, forecast_figures(plan));
    /* The baseline is the same for all settings that can follow. */
    if (baseline && improves(a, a->baseline, baseline) &&
        machine_same(&baseline->machine, &plan->machine) &&
        settings_can_follow(&baseline->settings, &a->trial.settings, NULL))
        forecast_replace(&a->baseline, baseline_figures(as, baseline));
}
