#include "ui/session/past.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/resume.h"
#include "ui/session/diff.h"
#include "ui/session/runs.h"

static char *list_tags(const struct labels *l)
{
    char text[LABELS_TAGS_MAX * (LABEL_SIZE + 2)] = "";
    size_t used = 0;

    for (int i = 0; i < l->count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s#%s",
                                 i ? " " : "", l->tags[i]);
    return xstrdup(text);
}

/* What the last trial of a run tells; a record without one tells nothing. */
static void take_trial(struct past *p, const struct run *run)
{
    struct attempt *a = &p->attempt;
    const struct trial *t = run_trial(run);
    char savings[DIFF_TEXT_SIZE];

    p->has_settings = t;
    if (!t)
        return;
    memcpy(a->preset, run->preset, sizeof(a->preset));
    a->trial = *t;
    a->steps = run->steps;
    a->peak_bytes = run->planned;
    a->arena_bytes = run->arena;
    diff_savings(savings, sizeof(savings), &t->settings);
    xreplace(&p->savings, savings);
    p->epochs = (int)floor(run->at[AXIS_EPOCHS] + 1e-9);
}

struct past *past_new(const struct record *r, int number)
{
    struct past *p = xcalloc(1, sizeof(*p));

    p->attempt.number = number;
    p->attempt.run = -1;
    p->name = xstrdup(r->name);
    p->label = xstrdup(r->labels.name);
    p->tags = list_tags(&r->labels);
    p->trouble = xstrdup(r->error.code != EXIT_OK ? r->error.text
                                                  : r->trouble);
    p->savings = xstrdup("");
    p->state = r->state;
    p->guessed = r->guessed;
    p->began = r->time;
    p->turned = r->turned;
    p->seconds = r->seconds;
    p->score = record_score(r);
    p->passes = true;
    if (r->error.code == EXIT_OK)
        take_trial(p, &r->run);
    return p;
}

static void free_texts(struct past *p)
{
    free(p->name);
    free(p->label);
    free(p->tags);
    free(p->savings);
    free(p->trouble);
}

void past_free(struct past *p)
{
    if (!p)
        return;
    forecast_release(p->attempt.plan);
    forecast_release(p->attempt.baseline);
    whole_free(p->whole);
    free_texts(p);
    free(p);
}

struct past *past_of(const struct attempt *a)
{
    size_t before = offsetof(struct past, attempt);

    return a->number > PAST_FIRST ? (struct past *)((uintptr_t)a - before)
                                  : NULL;
}

void past_put_whole(struct past *p, struct whole *w)
{
    whole_free(p->whole);
    p->whole = w;
    p->wanted = p->asked = p->stale = false;
    if (w && w->record.error.code == EXIT_OK)
        take_trial(p, &w->record.run);
}

void past_renew(struct past *p, struct past *later)
{
    struct attempt *a = &later->attempt;

    a->marked = p->attempt.marked;
    if (p->has_settings && later->has_settings &&
        settings_same(&p->attempt.trial.settings, &a->trial.settings)) {
        a->plan = forecast_hold(p->attempt.plan);
        a->baseline = forecast_hold(p->attempt.baseline);
        a->flops = p->attempt.flops;
    }
    later->own = p->own;
    later->letter = p->letter;
    later->used = p->used;
    if (p->whole) {
        past_put_whole(later, p->whole);
        later->stale = true;
        p->whole = NULL;
    }
    later->wanted = p->wanted;
    later->asked = p->asked;
}

/* Whether the run can go on, and how. */
static void find_continuation(struct whole *w, const char *folder)
{
    struct resume resume;

    w->goes_on = resume_open(&resume, folder, false, &w->why_not) &&
                 resume_check_more(&resume, &resume.settings, &w->why_not);
    if (w->goes_on) {
        w->settings = resume.settings;
        w->step = resume.step;
        memcpy(w->preset, resume.preset, sizeof(w->preset));
    }
    resume_done(&resume);
}

struct whole *whole_read(const char *folder)
{
    struct whole *w = xcalloc(1, sizeof(*w));

    if (!record_read(&w->record, folder, RECORD_CURVES, NULL)) {
        whole_free(w);
        return NULL;
    }
    run_shrink(&w->record.run, RUNS_EARLIER_POINTS);
    find_continuation(w, folder);
    return w;
}

void whole_free(struct whole *w)
{
    if (!w)
        return;
    record_done(&w->record);
    free(w);
}
