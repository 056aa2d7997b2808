#include "ui/session/session.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "train/trainer.h"

enum { CANDIDATES_AT_ONCE = 16 };

/* Tags of questions; turns of dials follow, then candidates. */
enum { TAG_PLANNED, TAG_NOW, TAG_BASELINE, TAG_PINNED, TAG_TURN };

const char *unit_name(enum unit unit)
{
    static const char *const names[] = { "epochs", "seconds", "samples" };

    return names[unit];
}

static struct forecast **turn_place(const struct session *s, int dial,
                                    enum dial_turn turn)
{
    return &s->turn[dial * DIAL_TURNS + (int)turn];
}

void session_init(struct session *s, const char *preset,
                  const struct settings *settings)
{
    *s = (struct session){ .in_force = *settings, .wanted = *settings,
                           .pinned_run = -1, .pinned_trial = -1,
                           .undo_before = -1,
                           .state = LINK_DEAD, .snapshot = -1,
                           .asks = SESSION_ASK_QUESTIONS };
    machine_init(&s->machine);
    snprintf(s->preset, sizeof(s->preset), "%s", preset);
    s->undo = xcalloc(SESSION_UNDOS, sizeof(*s->undo));
    s->turn = xcalloc((unsigned long)(dial_count() * DIAL_TURNS),
                      sizeof(*s->turn));
}

static void forget_turns(struct session *s)
{
    for (int i = 0; i < dial_count() * DIAL_TURNS; i++)
        forecast_replace(&s->turn[i], NULL);
}

static void run_done(struct history *r)
{
    for (int c = 0; c < CURVE_COUNT; c++)
        free(r->curve[c].points);
    free(r->marks);
}

static void trial_done(struct trial *t)
{
    forecast_release(t->plan);
    forecast_release(t->baseline);
}

static void candidates_free(struct candidate *list, int count)
{
    for (int i = 0; i < count; i++)
        forecast_release(list[i].forecast);
    free(list);
}

void session_done(struct session *s)
{
    forget_turns(s);
    forecast_release(s->now);
    forecast_release(s->planned);
    forecast_release(s->baseline);
    forecast_release(s->pinned);
    forecast_release(s->least);
    for (int i = 0; i < s->run_count; i++)
        run_done(&s->runs[i]);
    free(s->runs);
    for (int i = 0; i < s->trial_count; i++)
        trial_done(&s->trials[i]);
    free(s->trials);
    candidates_free(s->candidates, s->candidate_count);
    free(s->turn);
    free(s->undo);
    *s = (struct session){ 0 };
}

void session_say(struct session *s, enum notice notice, const char *format,
                 ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(s->message, sizeof(s->message), format, args);
    va_end(args);
    s->notice = notice;
    s->notices++;
}

/* The present plan stays on the screen until the new one is here. */
static void change_wanted(struct session *s, const struct settings *settings)
{
    s->wanted = *settings;
    forget_turns(s);
    s->asks |= SESSION_ASK_QUESTIONS;
    if (!s->locked)
        s->asks |= SESSION_ASK_APPLY;
}

static void remember(struct session *s)
{
    struct former *former;

    if (s->undo_count == SESSION_UNDOS)
        memmove(s->undo, s->undo + 1,
                (size_t)--s->undo_count * sizeof(*s->undo));
    former = &s->undo[s->undo_count++];
    memcpy(former->preset, s->preset, sizeof(former->preset));
    former->settings = s->wanted;
}

void session_want(struct session *s, const struct settings *settings)
{
    if (settings_same(settings, &s->wanted))
        return;
    remember(s);
    s->notice = NOTICE_NONE;
    change_wanted(s, settings);
}

/* What no budget for the settings wanted can be below; 0: not known. */
static uint64_t least_budget(const struct session *s)
{
    struct settings settings = s->wanted;

    settings.memory_budget = 0;
    return s->least && settings_same(&s->least->settings, &settings)
               ? s->least->arena_bytes : 0;
}

bool session_next(const struct session *s, int dial, enum dial_turn turn,
                  struct settings *next)
{
    return dial_turn(&s->wanted, dial, turn, least_budget(s), next);
}

void session_turn(struct session *s, int dial, enum dial_turn turn)
{
    struct settings next;

    if (session_next(s, dial, turn, &next))
        session_want(s, &next);
    else
        session_say(s, NOTICE_INFO, "%s has no further step that way",
                    dial_setting(dial)->name);
}

static void begin(struct session *s, const char *preset,
                  const struct settings *settings)
{
    s->undo_before = s->undo_count;
    snprintf(s->preset, sizeof(s->preset), "%s", preset);
    change_wanted(s, settings);
    s->asks &= ~(unsigned)SESSION_ASK_APPLY;
    s->asks |= SESSION_ASK_BEGIN;
}

const struct settings *session_former(const struct session *s)
{
    return s->undo_count ? &s->undo[s->undo_count - 1].settings : NULL;
}

const char *session_former_preset(const struct session *s)
{
    return s->undo_count ? s->undo[s->undo_count - 1].preset : NULL;
}

void session_undo(struct session *s)
{
    const struct former *former;

    if (s->undo_count == 0) {
        session_say(s, NOTICE_INFO, "nothing to undo");
        return;
    }
    former = &s->undo[s->undo_count - 1];
    if (settings_can_follow(&s->wanted, &former->settings, NULL))
        change_wanted(s, &former->settings);
    else
        begin(s, former->preset, &former->settings);
    s->undo_count--;
    session_say(s, NOTICE_INFO, "undone");
}

void session_fill(const struct session *s, struct settings *settings)
{
    if (dataset_where(settings->data) && !settings->data_path[0])
        strcpy(settings->data_path, s->data_path);
}

void session_begin(struct session *s, const char *preset,
                   const struct settings *settings)
{
    remember(s);
    begin(s, preset, settings);
    s->undo_before--;
}

void session_stay(struct session *s)
{
    const struct history *run = session_run(s);

    if (s->undo_before < 0)
        return;
    s->undo_count = s->undo_before;
    s->undo_before = -1;
    if (run)
        memcpy(s->preset, run->preset, sizeof(s->preset));
    change_wanted(s, &s->in_force);
    s->asks &= ~(unsigned)SESSION_ASK_APPLY;
}

void session_lock(struct session *s, bool locked)
{
    s->locked = locked;
    if (!locked && session_pending(s))
        s->asks |= SESSION_ASK_APPLY;
    session_say(s, NOTICE_INFO, locked ?
                "changes stay pending until Enter" :
                "unlocked: changes apply at once");
}

/* The figures are compared at once; the plan, for the pages that show one, is
 * asked for if it is not the one in force. */
static void pin(struct session *s, const struct trial *t)
{
    bool now = forecast_is_of(s->now, &t->plan->settings, &t->plan->machine);

    forecast_replace(&s->pinned, forecast_hold(now ? s->now : t->plan));
    s->pinned_run = t->run;
    s->pinned_trial = t->number;
    s->asks |= SESSION_ASK_QUESTIONS;
}

void session_pin_trial(struct session *s, int trial)
{
    const struct trial *t = &s->trials[trial];

    if (!t->plan) {
        session_say(s, NOTICE_INFO, "nothing to pin yet");
    } else if (s->pinned && s->pinned_trial == t->number) {
        forecast_replace(&s->pinned, NULL);
        s->pinned_run = s->pinned_trial = -1;
        session_say(s, NOTICE_INFO, "comparing with the baseline again");
    } else {
        pin(s, t);
        session_say(s, NOTICE_INFO, "pinned: comparing with these settings");
    }
}

void session_pin(struct session *s)
{
    if (s->trial_count > 0)
        session_pin_trial(s, s->trial_count - 1);
    else
        session_say(s, NOTICE_INFO, "nothing to pin yet");
}

/* Lists are often as they were, or nearly so. */
void session_consider(struct session *s, const struct settings *settings,
                      int count)
{
    struct candidate *list = xcalloc((unsigned long)count, sizeof(*list));

    for (int i = 0; i < count; i++) {
        list[i].settings = settings[i];
        if (i < s->candidate_count &&
            settings_same(&settings[i], &s->candidates[i].settings))
            list[i].forecast = forecast_hold(s->candidates[i].forecast);
    }
    candidates_free(s->candidates, s->candidate_count);
    s->candidates = list;
    s->candidate_count = count;
    s->asks |= SESSION_ASK_QUESTIONS;
}

void session_drop_pending(struct session *s)
{
    change_wanted(s, &s->in_force);
    s->asks &= ~(unsigned)SESSION_ASK_APPLY;
}

/* What a new run was asked for is not pending in the one that is there. */
void session_discard(struct session *s)
{
    if (!session_pending(s) ||
        !settings_can_follow(&s->in_force, &s->wanted, NULL))
        return;
    session_want(s, &s->in_force);
    session_say(s, NOTICE_INFO,
                "pending changes dropped; u brings them back");
}

bool session_pending(const struct session *s)
{
    return !settings_same(&s->wanted, &s->in_force);
}

bool session_planned(const struct session *s)
{
    return forecast_is_of(s->planned, &s->wanted, &s->machine);
}

bool session_dial_pending(const struct session *s, int dial)
{
    return !dial_same(&s->wanted, &s->in_force, dial);
}

const struct forecast *session_reference(const struct session *s)
{
    return s->pinned ? s->pinned : s->baseline;
}

/* Drops every other point, but not the last, until so few are left. */
static void thin(struct series *c, int most)
{
    while (c->count > most) {
        int odd = c->count % 2;
        for (int i = 0; i < c->count / 2; i++)
            c->points[i + odd] = c->points[2 * i + 1 + odd];
        c->count = c->count / 2 + odd;
    }
}

static void add_point(struct series *c, const double at[UNIT_COUNT],
                      double value)
{
    struct point *p;

    if (!isfinite(value))
        return;
    thin(c, SESSION_POINTS - 1);
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : 64;
        c->points = xrealloc(c->points, (unsigned long)c->capacity,
                             sizeof(*c->points));
    }
    p = &c->points[c->count++];
    memcpy(p->at, at, sizeof(p->at));
    p->value = value;
}

static struct history *this_run(struct session *s)
{
    return s->run_count ? &s->runs[s->run_count - 1] : NULL;
}

static struct trial *this_trial(struct session *s)
{
    return s->trial_count ? &s->trials[s->trial_count - 1] : NULL;
}

/* No step was trained with it. */
static bool is_idle(const struct trial *t)
{
    return t->end[UNIT_SAMPLES] <= t->begin[UNIT_SAMPLES];
}

/* What is pinned stays so. */
static void forget_trial(struct session *s, int trial)
{
    struct trial *t = &s->trials[trial];

    if (t->number == s->pinned_trial)
        s->pinned_trial = -1;
    trial_done(t);
    memmove(t, t + 1, (size_t)(--s->trial_count - trial) * sizeof(*t));
}

/* The oldest that nobody would miss: not pinned and not the best of anything,
 * if there is one such. */
static int least_missed(const struct session *s)
{
    for (int i = 0; i < s->trial_count; i++)
        if (s->trials[i].number != s->pinned_trial &&
            (!trial_has_point(&s->trials[i]) ||
             session_beaten_by(s, &s->trials[i]) >= 0))
            return i;
    return s->trials[0].number == s->pinned_trial;
}

static struct trial *append_trial(struct session *s)
{
    int number = s->trial_count ? this_trial(s)->number + 1 : 0;

    if (s->trial_count == SESSION_TRIALS)
        forget_trial(s, least_missed(s));
    s->trials = xrealloc(s->trials, (unsigned long)s->trial_count + 1,
                         sizeof(*s->trials));
    s->trials[s->trial_count] = (struct trial){ .number = number };
    return &s->trials[s->trial_count++];
}

/* Settings that were passed by on the way to these leave no trial. */
static void add_trial(struct session *s)
{
    const struct history *r = this_run(s);
    struct trial *t = this_trial(s);
    int run = r ? r->number : -1;

    if (t && t->run == run && settings_same(&t->settings, &s->in_force))
        return;
    if (t && t->run == run && is_idle(t))
        forget_trial(s, s->trial_count - 1);
    t = append_trial(s);
    t->settings = s->in_force;
    t->run = run;
    memcpy(t->preset, s->preset, sizeof(t->preset));
    if (r) {
        memcpy(t->begin, r->at, sizeof(t->begin));
        memcpy(t->end, t->begin, sizeof(t->end));
    }
}

/* What is in force is what the worker says, whoever asked for it. */
static void enter_force(struct session *s, const struct settings *settings)
{
    s->in_force = *settings;
    if (forecast_is_of(s->planned, settings, &s->machine))
        forecast_replace(&s->now, forecast_hold(s->planned));
    else
        forecast_replace(&s->now, NULL);
    s->asks |= SESSION_ASK_QUESTIONS;
}

/* Trials often share one. */
static struct forecast *baseline_figures(const struct session *s)
{
    const struct forecast *b = s->baseline;
    int before = s->trial_count - 2;

    if (before >= 0 && forecast_is_of(s->trials[before].baseline,
                                      &b->settings, &b->machine))
        return forecast_hold(s->trials[before].baseline);
    return forecast_figures(b);
}

static void note_forecast(struct session *s)
{
    struct trial *t = this_trial(s);

    if (!t || !s->now || s->now->refused)
        return;
    t->flops = s->now->flops;
    t->peak_bytes = s->now->peak_bytes;
    t->arena_bytes = s->now->arena_bytes;
    if (!t->plan)
        t->plan = forecast_figures(s->now);
    /* What nothing is saved of is the same for all that can follow. */
    if (!t->baseline && s->baseline &&
        machine_same(&s->baseline->machine, &s->machine) &&
        settings_can_follow(&s->baseline->settings, &t->settings, NULL))
        t->baseline = baseline_figures(s);
}

/* Forgets what came after so many samples. */
static void cut_back(struct history *h, double samples)
{
    for (int c = 0; c < CURVE_COUNT; c++) {
        struct series *curve = &h->curve[c];
        while (curve->count > 0 &&
               curve->points[curve->count - 1].at[UNIT_SAMPLES] > samples)
            curve->count--;
    }
    while (h->mark_count > 0 &&
           h->marks[h->mark_count - 1].at[UNIT_SAMPLES] > samples)
        h->mark_count--;
    memset(h->at, 0, sizeof(h->at));
    if (h->curve[CURVE_LOSS].count > 0)
        memcpy(h->at,
               h->curve[CURVE_LOSS].points[h->curve[CURVE_LOSS].count - 1].at,
               sizeof(h->at));
}

/* Of a run that goes on no more, what a chart can show. */
static void shrink_run(struct history *h)
{
    for (int c = 0; c < CURVE_COUNT; c++) {
        struct series *curve = &h->curve[c];
        thin(curve, SESSION_EARLIER_POINTS);
        if (curve->count > 0)
            curve->points = xrealloc(curve->points,
                                     (unsigned long)curve->count,
                                     sizeof(*curve->points));
        curve->capacity = curve->count;
    }
}

static void forget_oldest_run(struct session *s)
{
    struct history *h = &s->runs[s->runs[0].number == s->pinned_run];

    run_done(h);
    s->run_count--;
    memmove(h, h + 1, (size_t)(s->runs + s->run_count - h) * sizeof(*h));
}

static void add_run(struct session *s)
{
    struct history *h = this_run(s);
    int number = h ? h->number + 1 : 0;

    if (h && h->end == RUN_OPEN)
        h->end = RUN_STOPPED;
    if (h)
        shrink_run(h);
    if (s->run_count == SESSION_RUNS)
        forget_oldest_run(s);
    s->runs = xrealloc(s->runs, (unsigned long)s->run_count + 1,
                       sizeof(*s->runs));
    h = &s->runs[s->run_count++];
    *h = (struct history){ .number = number };
    memcpy(h->preset, s->preset, sizeof(h->preset));
}

/* Which machine the worker has is known once it says so; what was planned for
 * another is worth nothing. */
static void enter_machine(struct session *s, const struct machine *machine)
{
    if (machine_same(&s->machine, machine))
        return;
    s->machine = *machine;
    forget_turns(s);
    for (int i = 0; i < s->candidate_count; i++)
        forecast_replace(&s->candidates[i].forecast, NULL);
}

/* A run that begins from a snapshot goes on where that was written. */
static void on_start(struct session *s, const struct event *e)
{
    enter_machine(s, &e->start.machine);
    s->undo_before = -1;
    if (dataset_where(e->start.settings->data))
        strcpy(s->data_path, e->start.settings->data_path);
    snprintf(s->preset, sizeof(s->preset), "%s", e->start.preset);
    if (e->start.step > 0 && s->run_count > 0)
        cut_back(this_run(s),
                 (double)e->start.step * e->start.settings->batch);
    else
        add_run(s);
    this_run(s)->end = RUN_OPEN;
    s->step = e->start.step;
    s->steps = e->start.steps;
    s->epoch = 0;
    s->has_memory = s->has_run = false;
    s->touched_bytes = s->os_bytes = 0;
    if (s->notice == NOTICE_ERROR)
        s->notice = NOTICE_NONE; /* it was of the run before */
    if (settings_same(&s->in_force, &s->wanted))
        s->wanted = *e->start.settings;
    enter_force(s, e->start.settings);
    add_trial(s);
    note_forecast(s);
}

static void on_step(struct session *s, const struct event *e)
{
    struct history *r = this_run(s);
    struct trial *t = this_trial(s);
    double step_seconds = s->in_force.batch / e->step.samples_per_second;

    s->has_run = true;
    s->step = e->step.step;
    s->steps = e->step.steps;
    s->epoch = e->step.epoch;
    s->loss = e->step.loss;
    s->samples_per_second = e->step.samples_per_second;
    if (!r)
        return;
    r->steps_per_epoch = (double)s->steps / s->in_force.epochs;
    r->at[UNIT_EPOCHS] = (double)s->step / r->steps_per_epoch;
    r->at[UNIT_SECONDS] = e->step.seconds;
    r->at[UNIT_SAMPLES] = (double)s->step * s->in_force.batch;
    add_point(&r->curve[CURVE_LOSS], r->at, e->step.loss);
    memcpy(t->end, r->at, sizeof(t->end));
    /* A mean over about twenty steps. */
    t->seconds_per_step += (step_seconds - t->seconds_per_step) *
                           (t->seconds_per_step > 0 ? 0.05 : 1);
}

static void on_epoch(struct session *s, const struct event *e)
{
    struct history *r = this_run(s);
    struct trial *t = this_trial(s);

    if (!r)
        return;
    r->at[UNIT_EPOCHS] = e->epoch.epoch;
    add_point(&r->curve[CURVE_TRAIN_ACCURACY], r->at,
              e->epoch.train_accuracy);
    add_point(&r->curve[CURVE_VALID_LOSS], r->at, e->epoch.valid_loss);
    add_point(&r->curve[CURVE_VALID_ACCURACY], r->at,
              e->epoch.valid_accuracy);
    t->epochs++;
    t->valid_accuracy = e->epoch.valid_accuracy;
    if (t->valid_accuracy > t->best_accuracy)
        t->best_accuracy = t->valid_accuracy;
}

static struct mark *add_mark(struct history *r)
{
    if (r->mark_count == SESSION_MARKS)
        memmove(r->marks, r->marks + 1,
                (size_t)--r->mark_count * sizeof(*r->marks));
    r->marks = xrealloc(r->marks, (unsigned long)r->mark_count + 1,
                        sizeof(*r->marks));
    return &r->marks[r->mark_count++];
}

static void on_applied(struct session *s, const struct event *e)
{
    struct history *r = this_run(s);
    struct mark *m;

    enter_force(s, e->applied.after);
    s->has_run = false;
    add_trial(s);
    this_trial(s)->peak_bytes = e->applied.planned;
    this_trial(s)->arena_bytes = e->applied.arena;
    note_forecast(s);
    if (!r)
        return;
    m = add_mark(r);
    memcpy(m->at, r->at, sizeof(m->at));
    dial_changes(e->applied.before, e->applied.after, m->text,
                 sizeof(m->text));
    session_say(s, NOTICE_INFO, "applied %s", m->text);
}

bool session_has_work(const struct session *s)
{
    return s->step > 0 && (s->state == LINK_RUNNING ||
                           s->state == LINK_PAUSED);
}

uint64_t session_gap(const struct session *s)
{
    return s->os_bytes > s->touched_bytes ? s->os_bytes - s->touched_bytes
                                          : 0;
}

static void on_memory(struct session *s, const struct event *e)
{
    s->has_memory = true;
    s->planned_bytes = e->memory.planned;
    s->arena_bytes = e->memory.arena;
    s->touched_bytes = e->memory.touched;
    s->os_bytes = e->memory.os;
    s->os_peak_bytes = e->memory.os_peak;
}

static void end_run(struct session *s, enum run_end end)
{
    if (this_run(s))
        this_run(s)->end = end;
}

const char *session_trial_state(const struct session *s,
                                const struct trial *t)
{
    static const char *const ends[] = {
        [RUN_DONE] = "done", [RUN_DIVERGED] = "diverged",
        [RUN_FAILED] = "failed", [RUN_STOPPED] = "stopped"
    };
    const struct history *run = session_run(s);
    const struct trial *next = t + 1 < s->trials + s->trial_count ? t + 1
                                                                  : NULL;

    if (next && next->run == t->run)
        return "changed";
    for (int i = 0; i < s->run_count; i++)
        if (s->runs[i].number == t->run && s->runs[i].end != RUN_OPEN)
            return ends[s->runs[i].end];
    if (!run || run->number != t->run)
        return "stopped";
    return s->silent                   ? "silent"
           : s->state == LINK_RUNNING  ? "running"
           : s->state == LINK_PAUSED   ? "paused"
           : s->state == LINK_STARTING ? "starting"
           : s->state == LINK_DONE     ? "done"
           : s->state == LINK_FAILED   ? "failed" : "stopped";
}

void session_event(struct session *s, const struct event *e)
{
    switch (e->type) {
    case EVENT_START:
        on_start(s, e);
        break;
    case EVENT_MEMORY:
        on_memory(s, e);
        break;
    case EVENT_STEP:
        on_step(s, e);
        break;
    case EVENT_EPOCH:
        on_epoch(s, e);
        break;
    case EVENT_APPLIED:
        on_applied(s, e);
        break;
    case EVENT_REFUSED:
        session_say(s, NOTICE_ERROR, "%s: %s", e->refused.command,
                    e->refused.message);
        if (strcmp(e->refused.command, "set") == 0)
            session_drop_pending(s);
        break;
    case EVENT_WARNING:
        session_say(s, NOTICE_WARNING, "%s", e->message);
        break;
    case EVENT_ERROR:
        end_run(s, strstr(e->message, TRAINER_DIVERGED) ? RUN_DIVERGED
                                                        : RUN_FAILED);
        session_say(s, NOTICE_ERROR, "%s", e->message);
        break;
    case EVENT_DONE: /* a worker that is told to stop says it too */
        end_run(s, s->step >= s->steps ? RUN_DONE : RUN_STOPPED);
        break;
    case EVENT_PAUSED:
    case EVENT_RESUMED:
    case EVENT_SAVED: /* the link's own snapshots */
    case EVENT_COUNT:
        break;
    }
}

void session_remedy(const struct session *s, char *text, size_t size)
{
    if (s->snapshot >= 0)
        snprintf(text, size, "goes on from step %lld",
                 (long long)s->snapshot);
    else
        snprintf(text, size, "begins again");
}

int session_most_questions(void)
{
    return TAG_TURN + dial_count() * DIAL_TURNS + CANDIDATES_AT_ONCE;
}

static struct question question(const struct session *s, int tag,
                                const struct settings *settings)
{
    return (struct question){ .tag = tag, .settings = *settings,
                              .machine = s->machine };
}

static int ask_turns(const struct session *s, int dial, struct question *q)
{
    struct settings next;
    int n = 0;

    for (int turn = 0; turn < DIAL_TURNS; turn++)
        if (!*turn_place(s, dial, (enum dial_turn)turn) &&
            session_next(s, dial, (enum dial_turn)turn, &next))
            q[n++] = question(s, TAG_TURN + dial * DIAL_TURNS + turn, &next);
    return n;
}

static int candidate_tag(int candidate)
{
    return TAG_TURN + dial_count() * DIAL_TURNS + candidate;
}

/* The first block of them that is not known whole. */
static int ask_candidates(const struct session *s, struct question *q)
{
    int n = 0, i = 0, end;

    while (i < s->candidate_count && s->candidates[i].forecast)
        i++;
    end = (i / CANDIDATES_AT_ONCE + 1) * CANDIDATES_AT_ONCE;
    for (; i < end && i < s->candidate_count; i++)
        if (!s->candidates[i].forecast)
            q[n++] = question(s, candidate_tag(i),
                              &s->candidates[i].settings);
    return n;
}

int session_questions(const struct session *s, int dial, struct question *q)
{
    int n = 0;
    bool here = session_planned(s);

    if (!here)
        q[n++] = question(s, TAG_PLANNED, &s->wanted);
    if (!s->now && (here || session_pending(s)))
        q[n++] = question(s, TAG_NOW, &s->in_force);
    if (!s->baseline || !here) {
        q[n] = question(s, TAG_BASELINE, &s->wanted);
        q[n++].baseline = true;
    }
    if (s->pinned && !s->pinned->job) {
        q[n] = question(s, TAG_PINNED, &s->pinned->settings);
        q[n++].machine = s->pinned->machine;
    }
    for (int i = 0; i < n; i++)
        q[i].whole = true;
    n += ask_turns(s, dial, q + n);
    for (int i = 0; i < dial_count(); i++)
        if (i != dial)
            n += ask_turns(s, i, q + n);
    return n + ask_candidates(s, q + n);
}

/* It may be an answer about candidates that were replaced meanwhile. The next
 * block of them is asked for when one is complete. */
static void answer_candidate(struct session *s, int candidate,
                             struct forecast *f)
{
    struct candidate *c = &s->candidates[candidate];

    if (!forecast_is_of(f, &c->settings, &s->machine)) {
        forecast_release(f);
        return;
    }
    forecast_replace(&c->forecast, f);
    if ((candidate + 1) % CANDIDATES_AT_ONCE == 0)
        s->asks |= SESSION_ASK_QUESTIONS;
}

/* From it follows which budgets can be, so their turns are asked anew. */
static void learn_least(struct session *s, struct forecast *f)
{
    if (f->refused || f->settings.checkpoint != CHECKPOINT_OPTIMAL ||
        f->settings.memory_budget > 0)
        return;
    forecast_replace(&s->least, forecast_figures(f));
    for (int dial = 0; dial < dial_count(); dial++)
        for (int turn = 0; turn < DIAL_TURNS; turn++)
            if (dial_setting(dial)->type == SETTING_BYTES)
                forecast_replace(turn_place(s, dial, (enum dial_turn)turn),
                                 NULL);
    s->asks |= SESSION_ASK_QUESTIONS;
}

void session_answer(struct session *s, int tag, struct forecast *f)
{
    int turn = tag - TAG_TURN, candidate = tag - candidate_tag(0);

    if (tag == TAG_PLANNED) {
        learn_least(s, f);
        forecast_replace(&s->planned, f);
        if (f->refused)
            session_say(s, NOTICE_ERROR, "%s", f->error.text);
        else if (!session_pending(s))
            forecast_replace(&s->now, forecast_hold(f));
    } else if (tag == TAG_NOW) {
        forecast_replace(&s->now, f);
    } else if (tag == TAG_BASELINE && !f->refused) {
        forecast_replace(&s->baseline, f);
    } else if (tag == TAG_PINNED && s->pinned &&
               forecast_is_of(f, &s->pinned->settings, &s->pinned->machine)) {
        forecast_replace(&s->pinned, f);
    } else if (turn >= 0 && turn < dial_count() * DIAL_TURNS) {
        forecast_replace(&s->turn[turn], f);
    } else if (candidate >= 0 && candidate < s->candidate_count) {
        answer_candidate(s, candidate, f);
    } else {
        forecast_release(f);
    }
    note_forecast(s);
}

const struct forecast *session_turned(const struct session *s, int dial,
                                      enum dial_turn turn)
{
    return *turn_place(s, dial, turn);
}

const struct history *session_run(const struct session *s)
{
    return s->run_count ? &s->runs[s->run_count - 1] : NULL;
}

const struct history *session_pinned_run(const struct session *s)
{
    for (int i = 0; i < s->run_count - 1; i++)
        if (s->runs[i].number == s->pinned_run)
            return &s->runs[i];
    return NULL;
}

bool trial_has_point(const struct trial *t)
{
    return t->epochs > 0 && t->peak_bytes > 0;
}

static bool beats(const struct trial *a, const struct trial *b)
{
    return trial_has_point(a) && a->peak_bytes <= b->peak_bytes &&
           a->best_accuracy >= b->best_accuracy &&
           (a->peak_bytes < b->peak_bytes ||
            a->best_accuracy > b->best_accuracy);
}

int session_beaten_by(const struct session *s, const struct trial *t)
{
    for (int i = 0; i < s->trial_count; i++)
        if (beats(&s->trials[i], t))
            return i;
    return -1;
}

double session_latest(const struct session *s, enum curve curve)
{
    const struct history *r = session_run(s);

    if (!r || r->curve[curve].count == 0)
        return NAN;
    return r->curve[curve].points[r->curve[curve].count - 1].value;
}
