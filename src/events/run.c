#include "events/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plan/dial.h"

void run_init(struct run *r)
{
    *r = (struct run){ .end = RUN_OPEN };
}

void run_done(struct run *r)
{
    for (int c = 0; c < CURVE_COUNT; c++)
        series_done(&r->curve[c]);
    free(r->marks);
    free(r->trials);
    run_init(r);
}

static struct trial *this_trial(struct run *r)
{
    return r->trial_count ? &r->trials[r->trial_count - 1] : NULL;
}

/* Whether no step was trained with the trial's settings. */
static bool trial_is_idle(const struct trial *t)
{
    return t->end[AXIS_UNITS] <= t->begin[AXIS_UNITS];
}

static struct trial *append_trial(struct run *r)
{
    int number = r->trial_count ? this_trial(r)->number + 1 : 0;

    if (r->trial_count == RUN_TRIALS)
        memmove(r->trials, r->trials + 1,
                (size_t)--r->trial_count * sizeof(*r->trials));
    r->trials = xrealloc(r->trials, (unsigned long)r->trial_count + 1,
                         sizeof(*r->trials));
    r->trials[r->trial_count] = (struct trial){
        .number = number, .best_each = 1,
        .valid_score = NAN, .best_score = NAN, .test_score = NAN
    };
    return &r->trials[r->trial_count++];
}

/* Settings that were changed again before a step leave no trial. */
static void add_trial(struct run *r)
{
    struct trial *t = this_trial(r);

    if (t && settings_same(&t->settings, &r->settings))
        return;
    if (t && trial_is_idle(t))
        r->trial_count--;
    t = append_trial(r);
    t->settings = r->settings;
    memcpy(t->begin, r->at, sizeof(t->begin));
    memcpy(t->end, t->begin, sizeof(t->end));
}

/* Forgets what a trial did after its run's last point. */
static void cut_trial(struct trial *t, const struct run *r)
{
    const struct point *last = series_last(&r->curve[CURVE_VALID_SCORE]);
    double begin = floor(t->begin[AXIS_EPOCHS]);
    int left = (int)(floor(r->at[AXIS_EPOCHS]) - begin);

    if (t->end[AXIS_UNITS] > r->at[AXIS_UNITS])
        memcpy(t->end, r->at, sizeof(t->end));
    if (left >= t->epochs)
        return;
    t->epochs = left > 0 ? left : 0;
    t->scored = last && last->at[AXIS_EPOCHS] > begin
                    ? (int)(last->at[AXIS_EPOCHS] - begin) : 0;
    t->valid_score = t->scored ? last->value : NAN;
    while (t->best_count > 0 && t->best[t->best_count - 1].epoch > t->epochs)
        t->best_count--;
    t->best_seen = t->best_count * t->best_each;
    t->best_score = t->best_count ? t->best[t->best_count - 1].score : NAN;
    t->test_score = NAN;
}

/* Whether a trial began after the steps that a run goes on from, or with them
 * but with settings that it does not go on with. */
static bool trial_is_lost(const struct trial *t, double units,
                          const struct settings *s)
{
    return t->begin[AXIS_UNITS] > units ||
           (t->begin[AXIS_UNITS] == units && !settings_same(&t->settings, s));
}

/* Likewise; `turned`: a turn with those steps was lost. */
static bool mark_is_lost(const struct mark *m, double units, bool turned)
{
    return m->at[AXIS_UNITS] > units ||
           (turned && m->at[AXIS_UNITS] == units);
}

/* Forgets the steps after `units` units of data, and the trials that were lost
 * with them: the run goes on with the settings `s`. */
static void cut_back(struct run *r, double units, const struct settings *s)
{
    const struct point *last;
    bool turned = false;

    while (r->trial_count > 1 && trial_is_lost(this_trial(r), units, s)) {
        turned |= this_trial(r)->begin[AXIS_UNITS] == units;
        r->trial_count--;
    }
    for (int c = 0; c < CURVE_COUNT; c++)
        series_cut(&r->curve[c], units);
    while (r->mark_count > 0 &&
           mark_is_lost(&r->marks[r->mark_count - 1], units, turned))
        r->mark_count--;
    last = series_last(&r->curve[CURVE_LOSS]);
    memset(r->at, 0, sizeof(r->at));
    if (last)
        memcpy(r->at, last->at, sizeof(r->at));
    r->at[AXIS_UNITS] = units;
    if (r->trial_count > 0)
        cut_trial(this_trial(r), r);
}

static void begin_anew(struct run *r)
{
    int number = r->number;

    run_done(r);
    r->number = number;
}

/* The epoch that the step done last is of, counted from 1; 0: none. */
static int epoch_of_start(const struct event *e)
{
    int epochs = e->start.settings->epochs;
    double share = (double)e->start.step / (double)e->start.steps;

    return share > 0 ? (int)fmin(ceil(share * epochs - 1e-6), epochs) : 0;
}

static void run_on_start(struct run *r, const struct event *e)
{
    if (e->start.step == 0)
        begin_anew(r);
    else
        cut_back(r, (double)e->start.step * e->start.settings->batch,
                 e->start.settings);
    r->end = RUN_OPEN;
    r->paused = false;
    snprintf(r->preset, sizeof(r->preset), "%s", e->start.preset);
    r->machine = e->start.machine;
    r->settings = *e->start.settings;
    r->step = e->start.step;
    r->steps = e->start.steps;
    r->epoch = epoch_of_start(e);
    r->has_memory = r->has_stepped = false;
    r->touched = r->os = 0;
    add_trial(r);
}

static void run_on_memory(struct run *r, const struct event *e)
{
    struct trial *t = this_trial(r);

    r->has_memory = true;
    t->planned = r->planned = e->memory.planned;
    t->arena = r->arena = e->memory.arena;
    r->touched = e->memory.touched;
    r->os = e->memory.os;
    r->os_peak = e->memory.os_peak;
}

/* Keeps the speed of the last step, and the mean of about twenty. */
static void note_speed(struct run *r)
{
    struct trial *t = this_trial(r);
    double seconds = r->settings.batch / r->samples_per_second;

    if (!isfinite(seconds))
        return;
    t->last_step_seconds = seconds;
    t->seconds_per_step += (seconds - t->seconds_per_step) *
                           (t->seconds_per_step > 0 ? 0.05 : 1);
}

static void run_on_step(struct run *r, const struct event *e)
{
    double steps_per_epoch = (double)e->step.steps / r->settings.epochs;

    r->has_stepped = true;
    r->step = e->step.step;
    r->steps = e->step.steps;
    r->epoch = e->step.epoch;
    r->samples_per_second = e->step.samples_per_second;
    r->at[AXIS_EPOCHS] = (double)r->step / steps_per_epoch;
    r->at[AXIS_SECONDS] = e->step.seconds;
    r->at[AXIS_UNITS] = (double)r->step * r->settings.batch;
    series_add(&r->curve[CURVE_LOSS], r->at, e->step.loss);
    memcpy(this_trial(r)->end, r->at, sizeof(r->at));
    note_speed(r);
}

/* Keeps the best score so far. Where they are too many, every other one goes,
 * and of those to come. */
static void keep_best(struct trial *t, double score)
{
    t->best_score = score;
    if (t->best_seen++ % t->best_each)
        return;
    if (t->best_count == TRIAL_BESTS) {
        t->best_count /= 2;
        t->best_each *= 2;
        for (int i = 0; i < t->best_count; i++)
            t->best[i] = t->best[2 * i];
    }
    t->best[t->best_count++] = (struct best){ t->epochs, score };
}

/* Notes the score of an epoch that ended in a trial, if it has one. */
static void note_score(struct trial *t, const struct score *score,
                       double value)
{
    t->epochs++;
    if (!isnan(value)) {
        t->scored = t->epochs;
        t->valid_score = value;
    }
    if (score_better(score, value, t->best_score))
        keep_best(t, value);
}

static void run_on_epoch(struct run *r, const struct event *e)
{
    struct score score = run_score(r);
    double valid = event_score(e, &score);

    r->at[AXIS_EPOCHS] = e->epoch.epoch;
    series_add(&r->curve[CURVE_TRAIN_SCORE], r->at,
               event_train_score(e, &score));
    series_add(&r->curve[CURVE_VALID_LOSS], r->at, e->epoch.valid_loss);
    series_add(&r->curve[CURVE_VALID_ACCURACY], r->at,
               e->epoch.valid_accuracy);
    series_add(&r->curve[CURVE_VALID_SCORE], r->at, valid);
    note_score(this_trial(r), &score, valid);
}

static struct mark *append_mark(struct run *r)
{
    if (r->mark_count == RUN_MARKS)
        memmove(r->marks, r->marks + 1,
                (size_t)--r->mark_count * sizeof(*r->marks));
    r->marks = xrealloc(r->marks, (unsigned long)r->mark_count + 1,
                        sizeof(*r->marks));
    return &r->marks[r->mark_count++];
}

static void run_on_applied(struct run *r, const struct event *e)
{
    struct mark *m = append_mark(r);
    struct trial *t;

    memcpy(m->at, r->at, sizeof(m->at));
    dial_changes(e->applied.before, e->applied.after, m->text,
                 sizeof(m->text));
    r->settings = *e->applied.after;
    r->has_stepped = false;
    add_trial(r);
    t = this_trial(r);
    t->planned = e->applied.planned;
    t->arena = e->applied.arena;
}

/* A worker that is told to stop in the middle of a run says `done` too. */
static enum run_end run_end_of(const struct run *r, const struct event *e)
{
    if (e->type == EVENT_DONE)
        return r->step >= r->steps ? RUN_DONE : RUN_STOPPED;
    return strstr(e->message, EVENT_DIVERGED) ? RUN_DIVERGED : RUN_FAILED;
}

void run_take(struct run *r, const struct event *e)
{
    if (r->trial_count == 0 && e->type != EVENT_START)
        return;
    switch (e->type) {
    case EVENT_START:
        run_on_start(r, e);
        break;
    case EVENT_MEMORY:
        run_on_memory(r, e);
        break;
    case EVENT_STEP:
        run_on_step(r, e);
        break;
    case EVENT_EPOCH:
        run_on_epoch(r, e);
        break;
    case EVENT_TEST:
        this_trial(r)->test_score = e->test.score;
        break;
    case EVENT_APPLIED:
        run_on_applied(r, e);
        break;
    case EVENT_PAUSED:
    case EVENT_RESUMED:
        r->paused = e->type == EVENT_PAUSED;
        break;
    case EVENT_ERROR:
    case EVENT_DONE:
        r->end = run_end_of(r, e);
        break;
    case EVENT_LEARNING:
    case EVENT_TIMINGS:
    case EVENT_REFUSED:
    case EVENT_SAVED:
    case EVENT_LABEL:
    case EVENT_WARNING:
    case EVENT_COUNT:
        break;
    }
}

void run_shrink(struct run *r, int points)
{
    for (int c = 0; c < CURVE_COUNT; c++)
        series_shrink(&r->curve[c], points);
}

const struct trial *run_trial(const struct run *r)
{
    return r->trial_count ? &r->trials[r->trial_count - 1] : NULL;
}

bool trial_continues(const struct trial *t)
{
    return t->begin[AXIS_UNITS] > 0;
}

double trial_best_by(const struct trial *t, int epochs)
{
    int i = t->best_count;

    if (epochs >= t->epochs)
        return t->best_score;
    while (i > 0 && t->best[i - 1].epoch > epochs)
        i--;
    return i > 0 ? t->best[i - 1].score : NAN;
}

double run_latest(const struct run *r, enum curve curve)
{
    const struct point *last = series_last(&r->curve[curve]);

    return last ? last->value : NAN;
}

struct score run_score(const struct run *r)
{
    return facts_of(&r->settings).score;
}

const char *run_axis(const struct run *r, enum axis axis)
{
    return axis == AXIS_UNITS ? facts_of(&r->settings).units
                              : axis_name(axis);
}

const struct point *run_best(const struct run *r)
{
    const struct series *c = &r->curve[CURVE_VALID_SCORE];
    struct score score = run_score(r);
    const struct point *best = NULL;

    for (int i = 0; i < c->count; i++)
        if (!best || score_better(&score, c->points[i].value, best->value))
            best = &c->points[i];
    return best;
}
