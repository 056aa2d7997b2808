#include "ui/session/session.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "settings/facts.h"
#include "ui/session/diff.h"

void session_init(struct session *s, const char *preset,
                  const struct settings *settings)
{
    *s = (struct session){ .in_force = *settings, .wanted = *settings,
                           .undo_before = -1, .state = LINK_DEAD,
                           .snapshot = -1,
                           .asks = SESSION_ASK_QUESTIONS };
    machine_init(&s->machine);
    ledger_init(&s->ledger);
    runs_init(&s->runs);
    attempts_init(&s->tried);
    history_init(&s->history);
    sweeping_init(&s->sweeping);
    snprintf(s->preset, sizeof(s->preset), "%s", preset);
    memcpy(s->begun, s->preset, sizeof(s->begun));
    s->undo = xcalloc(SESSION_UNDOS, sizeof(*s->undo));
    s->turn = xcalloc((unsigned long)(dial_count() * DIAL_TURNS),
                      sizeof(*s->turn));
}

static void forget_turns(struct session *s)
{
    for (int i = 0; i < dial_count() * DIAL_TURNS; i++)
        forecast_replace(&s->turn[i], NULL);
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
    ledger_done(&s->ledger);
    runs_done(&s->runs);
    attempts_done(&s->tried);
    history_done(&s->history);
    marks_done(&s->marks);
    proposal_free(s->proposed);
    sweeping_done(&s->sweeping);
    finding_free(s->found);
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

uint64_t session_least_budget(const struct session *s)
{
    struct settings settings = s->wanted;

    settings.memory_budget = 0;
    return s->least && settings_same(&s->least->settings, &settings)
               ? s->least->arena_bytes : 0;
}

double session_times(const struct session *s, const struct forecast *f)
{
    return f && !f->refused && s->baseline &&
           f->guessed == s->baseline->guessed
               ? f->seconds / s->baseline->seconds : NAN;
}

void session_put_timings(struct session *s, struct timings *t, const char *why)
{
    ledger_put(&s->ledger, t, why);
    s->asks |= SESSION_ASK_QUESTIONS;
}

bool session_next(const struct session *s, int dial, enum dial_turn turn,
                  struct settings *next)
{
    return dial_turn(&s->wanted, dial, turn, session_least_budget(s), next);
}

void session_turn(struct session *s, int dial, enum dial_turn turn)
{
    struct settings next;
    struct error e;

    if (session_next(s, dial, turn, &next))
        session_want(s, &next);
    else if (dial_refuses(&s->wanted, dial, turn, &e))
        session_say(s, NOTICE_INFO, "%s", e.text);
    else
        session_say(s, NOTICE_INFO, "%s has no further step that way",
                    dial_setting(dial)->name);
}

static void begin_run(struct session *s, const char *preset,
                      const struct settings *settings)
{
    sweeping_leave(&s->sweeping);
    s->undo_before = s->undo_count;
    snprintf(s->preset, sizeof(s->preset), "%s", preset);
    s->coming = *settings;
    s->goes_on[0] = '\0';
    change_wanted(s, settings);
    s->asks &= ~(unsigned)(SESSION_ASK_APPLY | SESSION_ASK_CONTINUE |
                           SESSION_ASK_RESTART);
    s->asks |= SESSION_ASK_BEGIN;
}

void session_begin_again(struct session *s)
{
    sweeping_leave(&s->sweeping);
    s->goes_on[0] = '\0';
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
        begin_run(s, former->preset, &former->settings);
    s->undo_count--;
    session_say(s, NOTICE_INFO, "undone");
}

void session_fill(const struct session *s, struct settings *settings)
{
    if (facts_of(settings).where && !settings->data_path[0])
        strcpy(settings->data_path, s->data_path);
}

void session_begin(struct session *s, const char *preset,
                   const struct settings *settings)
{
    remember(s);
    begin_run(s, preset, settings);
    s->undo_before--;
}

/* Begins a run that goes on in its own folder, so that its row is the session's
 * from then on, with the curves so far. */
static void continue_run(struct session *s, const char *preset,
                         const struct settings *settings, struct run *run,
                         const char *folder, int64_t step)
{
    remember(s);
    begin_run(s, preset, settings);
    s->undo_before--;
    s->asks &= ~(unsigned)SESSION_ASK_BEGIN;
    s->asks |= SESSION_ASK_CONTINUE;
    snprintf(s->goes_on, sizeof(s->goes_on), "%s", folder);
    s->goes_on_after = step;
    runs_await(&s->runs, run, folder);
}

void session_continue(struct session *s, struct past *past)
{
    struct whole *w = past->whole;

    continue_run(s, w->preset, &w->settings, &w->record.run,
                 w->record.folder, w->step);
    history_put_whole(&s->history, past->attempt.number, NULL);
}

bool session_has_queued(const struct session *s, const struct attempt *a)
{
    return queue_has(&s->queue, &a->trial.settings);
}

/* The time of a run is that of its steps so far, for all its steps. */
void session_queue(struct session *s, const struct attempt *a)
{
    struct queued q = { .settings = a->trial.settings };
    int before = s->queue.count;

    memcpy(q.preset, a->preset, sizeof(q.preset));
    q.seconds = (double)a->steps * a->trial.seconds_per_step;
    if (!queue_toggle(&s->queue, &q))
        session_say(s, NOTICE_WARNING, "the queue is full: it has %d runs",
                    QUEUE_MOST);
    else
        session_say(s, NOTICE_INFO, "%s the queue: %d to run after this one",
                    s->queue.count > before ? "in" : "out of",
                    s->queue.count);
    session_next_run(s);
}

/* Begins a run of the sweep in its folder, or where it was there. */
static void begin_swept(struct session *s, struct sweep_run *run)
{
    const struct sweep *sweep = sweeping_sweep(&s->sweeping);
    char folder[RECORD_PATH_SIZE];
    struct whole *w = NULL;
    struct run none;

    run_init(&none);
    sweep_run_folder(sweep, run, folder);
    if (run->step > 0)
        w = whole_read(folder);
    continue_run(s, sweep->request->preset, &run->settled,
                 w ? &w->record.run : &none, folder, run->step);
    whole_free(w);
    sweeping_start(&s->sweeping, run);
    session_say(s, NOTICE_INFO, "%d of %d of the sweep %.*s: %.*s",
                (int)(run - sweep->runs) + 1, sweep->count,
                text_cut(sweep->name, 100), sweep->name,
                text_cut(run->name, 100), run->name);
}

static void tell_sweep_is_over(struct session *s)
{
    const struct sweep *sweep = sweeping_sweep(&s->sweeping);
    int done = sweep_count(sweep, SWEEP_DONE);

    session_say(s, done == sweep->count ? NOTICE_INFO : NOTICE_WARNING,
                "the sweep is over, %d of %d runs are done; memdial report "
                "%s -o FILE.html tells of them", done, sweep->count,
                sweep->name);
}

/* Begins the next run of the sweep, or ends it. */
static void go_on_sweeping(struct session *s)
{
    struct sweep_run *run = sweeping_next(&s->sweeping);

    if (run) {
        begin_swept(s, run);
        return;
    }
    tell_sweep_is_over(s);
    sweeping_done(&s->sweeping);
}

void session_next_run(struct session *s)
{
    struct queued next;

    if ((s->state != LINK_DONE && s->state != LINK_FAILED) ||
        s->asks & (SESSION_ASK_BEGIN | SESSION_ASK_CONTINUE))
        return;
    sweeping_settle(&s->sweeping, session_run(s)->end);
    if (queue_take(&s->queue, &next)) {
        session_begin(s, next.preset, &next.settings);
        session_say(s, NOTICE_INFO, "the next of the queue begins; %d after "
                    "it", s->queue.count);
    } else if (sweeping_sweep(&s->sweeping)) {
        go_on_sweeping(s);
    }
}

void session_propose(struct session *s)
{
    proposal_free(s->proposed);
    s->proposed = NULL;
    s->asks |= SESSION_ASK_PROPOSE;
}

void session_proposed(struct session *s, struct proposal *p)
{
    proposal_free(s->proposed);
    s->proposed = p;
}

void session_sweep(struct session *s, bool at_once)
{
    struct error e;

    if (!s->proposed || !s->proposed->planned)
        return;
    if (!sweeping_begin(&s->sweeping, s->proposed, &e)) {
        session_say(s, NOTICE_ERROR, "%s", e.text);
        return;
    }
    s->proposed = NULL;
    marks_done(&s->marks);
    if (at_once)
        go_on_sweeping(s);
    else
        session_say(s, NOTICE_INFO, "the sweep begins after this run%s",
                    s->queue.count ? " and the queue" : "");
    session_next_run(s);
}

void session_end_sweep(struct session *s)
{
    sweeping_done(&s->sweeping);
    session_say(s, NOTICE_INFO, "no more runs of the sweep begin; the same "
                "sweep again goes on with it");
}

bool session_refuse_swept(struct session *s, const char *why)
{
    if (!sweeping_refuse(&s->sweeping, why))
        return false;
    session_say(s, NOTICE_ERROR, "a run of the sweep cannot begin: %s", why);
    return true;
}

/* Adds the runs of the sweep that wait. */
static double left_with_sweep(const struct session *s, double left)
{
    double more = sweeping_seconds_left(&s->sweeping);

    return isnan(more) ? 0 : left + more;
}

double session_seconds_left(const struct session *s)
{
    const struct run *r = session_run(s);
    double left = r->samples_per_second > 0
                      ? (double)(r->steps - r->step) * s->in_force.batch /
                            r->samples_per_second : 0;

    for (int i = 0; i < s->queue.count; i++)
        if (s->queue.list[i].seconds <= 0)
            return 0;
        else
            left += s->queue.list[i].seconds;
    return sweeping_sweep(&s->sweeping) ? left_with_sweep(s, left) : left;
}

/* The worker says which settings are in force, whoever asked for them. */
static void enter_force(struct session *s, const struct settings *settings)
{
    s->in_force = *settings;
    if (forecast_is_of(s->planned, settings, &s->machine))
        forecast_replace(&s->now, forecast_hold(s->planned));
    else
        forecast_replace(&s->now, NULL);
    s->asks |= SESSION_ASK_QUESTIONS;
}

void session_stay(struct session *s)
{
    if (s->undo_before < 0)
        return;
    if (s->runs.count == 0) {
        memcpy(s->begun, s->preset, sizeof(s->begun));
        enter_force(s, &s->wanted);
    } else {
        s->undo_count = s->undo_before;
    }
    s->undo_before = -1;
    s->goes_on[0] = '\0';
    runs_await(&s->runs, NULL, NULL);
    memcpy(s->preset, s->begun, sizeof(s->preset));
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

/* The figures are compared at once. If the plan is not the one in force, it is
 * asked for, for the pages that show one. */
static void pin(struct session *s, const struct attempt *a)
{
    struct past *past = past_of(a);
    bool now = a->plan && forecast_is_of(s->now, &a->plan->settings,
                                         &a->plan->machine);

    forecast_replace(&s->pinned,
                     now       ? forecast_hold(s->now)
                     : a->plan ? forecast_hold(a->plan)
                               : forecast_promise(&a->trial.settings,
                                                  &s->machine, a->peak_bytes,
                                                  a->arena_bytes));
    s->runs.pinned = a->run;
    s->tried.pinned = a->number;
    s->asks |= SESSION_ASK_QUESTIONS;
    if (past)
        history_want(&s->history, past);
}

static void unpin(struct session *s)
{
    forecast_replace(&s->pinned, NULL);
    s->runs.pinned = s->tried.pinned = -1;
    session_say(s, NOTICE_INFO, "comparing with the baseline again");
}

/* Of a past run the bytes are known without a plan. */
void session_pin_attempt(struct session *s, const struct attempt *a)
{
    const struct past *past = past_of(a);

    if (past ? !past->has_settings || !a->peak_bytes : !a->plan) {
        session_say(s, NOTICE_INFO, "nothing to pin yet");
    } else if (s->pinned && s->tried.pinned == a->number) {
        unpin(s);
    } else {
        pin(s, a);
        session_say(s, NOTICE_INFO, "pinned: comparing with these settings");
    }
}

void session_pin(struct session *s)
{
    if (s->tried.count > 0)
        session_pin_attempt(s, &s->tried.list[s->tried.count - 1]);
    else
        session_say(s, NOTICE_INFO, "nothing to pin yet");
}

struct attempt *session_attempt(const struct session *s, int number)
{
    struct past *past = history_find(&s->history, number);

    for (int i = 0; i < s->tried.count; i++)
        if (s->tried.list[i].number == number)
            return &s->tried.list[i];
    return past ? &past->attempt : NULL;
}

bool session_shows(const struct session *s, const struct attempt *a)
{
    const struct past *past = past_of(a);
    const char *state = session_attempt_state(s, a);
    char words[512 + RUN_PRESET_SIZE], savings[DIFF_TEXT_SIZE];

    if (past)
        return past->passes && !past->own;
    if (s->history.sift.count == 0)
        return true;
    diff_savings(savings, sizeof(savings), &a->trial.settings);
    snprintf(words, sizeof(words), "%s %s %s", a->preset, state, savings);
    return sift_passes(&s->history.sift, a, NULL, state, words);
}

void session_fit(struct session *s, size_t budget)
{
    s->fit_budget = budget;
    s->fitting = true;
    s->fit_plans = 0;
    s->notice = NOTICE_NONE;
    s->asks |= SESSION_ASK_FIT;
}

/* A search that was not begun yet has no end to wait for. */
void session_fit_stop(struct session *s)
{
    if (s->asks & SESSION_ASK_FIT)
        s->fitting = false;
    s->asks &= ~(unsigned)SESSION_ASK_FIT;
    s->asks |= SESSION_ASK_FIT_STOP;
}

void session_fitted(struct session *s, struct finding *found)
{
    finding_free(s->found);
    s->found = found;
    s->fitting = false;
}

bool session_fit_holds(const struct session *s)
{
    return s->found && finding_holds(s->found, &s->wanted, &s->machine);
}

struct settings session_fit_settings(const struct session *s, int row)
{
    struct settings settings = s->wanted;

    fit_copy_dials(&settings, &finding_row(s->found, row)->settings);
    return settings;
}

static bool has_fit(struct session *s)
{
    if (!session_fit_holds(s))
        session_say(s, NOTICE_INFO, "the settings have changed: f searches "
                    "anew");
    return session_fit_holds(s);
}

void session_take_fit(struct session *s, int row)
{
    struct settings settings;

    if (!has_fit(s))
        return;
    settings = session_fit_settings(s, row);
    if (settings_same(&settings, &s->wanted)) {
        session_say(s, NOTICE_INFO, "the dials are set so already");
        return;
    }
    session_want(s, &settings);
    session_say(s, NOTICE_INFO, "dials are turned; %su takes that back",
                s->locked ? "Enter on a dial applies it, " : "");
}

/* The kinds of its bytes come with the plan, which is asked for. */
void session_pin_fit(struct session *s, int row)
{
    const struct fit_row *r;
    struct settings settings;
    struct forecast *f;

    if (!has_fit(s))
        return;
    settings = session_fit_settings(s, row);
    if (s->pinned && settings_same(&s->pinned->settings, &settings)) {
        unpin(s);
        return;
    }
    r = finding_row(s->found, row);
    f = forecast_promise(&settings, &s->machine, r->peak_bytes,
                         r->arena_bytes);
    f->flops = r->flops;
    f->seconds = r->seconds;
    f->guessed = s->found->fit.guessed;
    forecast_replace(&s->pinned, f);
    s->runs.pinned = s->tried.pinned = -1;
    s->asks |= SESSION_ASK_QUESTIONS;
    session_say(s, NOTICE_INFO, "pinned as planned: bars compare with it");
}

/* Most candidates of a new list are often those of the old one. */
void session_consider(struct session *s, const void *asker,
                      const struct settings *settings, int count)
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
    s->candidates_for = asker;
    s->asks |= SESSION_ASK_QUESTIONS;
}

const struct settings *session_settled(const struct session *s)
{
    return s->undo_before < 0 ? &s->in_force : &s->coming;
}

void session_drop_pending(struct session *s)
{
    change_wanted(s, session_settled(s));
    s->asks &= ~(unsigned)SESSION_ASK_APPLY;
}

void session_discard(struct session *s)
{
    if (!session_pending(s))
        return;
    session_want(s, session_settled(s));
    session_say(s, NOTICE_INFO,
                "pending changes dropped; u brings them back");
}

bool session_pending(const struct session *s)
{
    return !settings_same(&s->wanted, session_settled(s));
}

bool session_differs(const struct session *s)
{
    return !settings_same(&s->wanted, &s->in_force);
}

bool session_planned(const struct session *s)
{
    return forecast_is_of(s->planned, &s->wanted, &s->machine);
}

bool session_dial_pending(const struct session *s, int dial)
{
    return !dial_same(&s->wanted, session_settled(s), dial);
}

const struct forecast *session_reference(const struct session *s)
{
    return s->pinned ? s->pinned : s->baseline;
}

/* The worker's machine is known once it says so; forecasts for another machine
 * are worthless. */
static void enter_machine(struct session *s, const struct machine *machine)
{
    if (machine_same(&s->machine, machine))
        return;
    s->machine = *machine;
    forget_turns(s);
    for (int i = 0; i < s->candidate_count; i++)
        forecast_replace(&s->candidates[i].forecast, NULL);
}

/* The folders of another machine may have names that folders here have too. */
static void note_folder(struct session *s, const char *folder)
{
    const char *slash = strrchr(folder, '/');
    size_t length = strlen(s->root);
    bool within = *s->root && strncmp(folder, s->root, length) == 0 &&
                  folder[length] == '/';

    snprintf(s->folder, sizeof(s->folder), "%s", folder);
    if (slash && !s->remote)
        history_own(&s->history, within ? folder + length + 1 : slash + 1);
}

/* The run is the one asked for last. */
static void take_last_start(struct session *s, const struct event *e)
{
    if (!session_pending(s))
        s->wanted = *e->start.settings;
    memcpy(s->preset, s->begun, sizeof(s->preset));
    s->undo_before = -1;
    s->goes_on[0] = '\0';
}

static void session_on_start(struct session *s, const struct event *e)
{
    char left_out[EVENT_LEFT_OUT_SIZE];

    note_folder(s, e->start.folder ? e->start.folder : "");
    enter_machine(s, &e->start.machine);
    if (facts_of(e->start.settings).where)
        strcpy(s->data_path, e->start.settings->data_path);
    snprintf(s->begun, sizeof(s->begun), "%s", e->start.preset);
    if (s->notice == NOTICE_ERROR)
        s->notice = NOTICE_NONE; /* it was about the run before */
    if (s->starts == 0)
        take_last_start(s, e);
    enter_force(s, e->start.settings);
    if (*event_left_out(e, left_out))
        session_say(s, NOTICE_INFO, "%s", left_out);
}

static void session_on_applied(struct session *s, const struct event *e)
{
    const struct run *r = session_run(s);

    enter_force(s, e->applied.after);
    if (r->mark_count > 0)
        session_say(s, NOTICE_INFO, "applied %s",
                    r->marks[r->mark_count - 1].text);
}

static void session_on_refused(struct session *s, const struct event *e)
{
    session_say(s, NOTICE_ERROR, "%s: %s", e->refused.command,
                e->refused.message);
    if (strcmp(e->refused.command, "set") == 0)
        session_drop_pending(s);
}

bool session_has_work(const struct session *s)
{
    return session_run(s)->step > 0 &&
           (s->state == LINK_RUNNING || s->state == LINK_PAUSED);
}

uint64_t session_gap(const struct session *s)
{
    const struct run *r = session_run(s);

    return r->os > r->touched ? r->os - r->touched : 0;
}

const char *session_attempt_state(const struct session *s,
                                  const struct attempt *a)
{
    static const char *const ends[] = {
        [RUN_DONE] = "done", [RUN_DIVERGED] = "diverged",
        [RUN_FAILED] = "failed", [RUN_STOPPED] = "stopped"
    };
    const struct run *run = runs_find(&s->runs, a->run);
    const struct past *past = past_of(a);

    if (past)
        return record_state_name(past->state);
    if (a + 1 < s->tried.list + s->tried.count && a[1].run == a->run)
        return "changed";
    if (run && run->end != RUN_OPEN)
        return ends[run->end];
    if (run != session_run(s))
        return "stopped";
    return s->silent                   ? "silent"
           : s->state == LINK_RUNNING  ? "running"
           : s->state == LINK_PAUSED   ? "paused"
           : s->state == LINK_STARTING ? "starting"
           : s->state == LINK_DONE     ? "done"
           : s->state == LINK_FAILED   ? "failed" : "stopped";
}

static void session_on_learning(struct session *s, const struct event *e)
{
    char merges[TEXT_COUNT_SIZE], wanted[TEXT_COUNT_SIZE];

    session_say(s, NOTICE_INFO, "learning subwords: %s of %s merges",
                text_count(merges, e->learning.merges),
                text_count(wanted, e->learning.wanted));
}

static void session_on_test(struct session *s, const struct event *e)
{
    struct score score = run_score(session_run(s));
    char figure[NUMBER_SIZE];

    if (!isnan(e->test.score))
        session_say(s, NOTICE_INFO, "%s on the test set: %s", score.name,
                    score_format(&score, e->test.score, 2, figure));
}

/* Tells the person at the screens about an event. */
static void session_hear(struct session *s, const struct event *e)
{
    switch (e->type) {
    case EVENT_LEARNING:
        session_on_learning(s, e);
        break;
    case EVENT_START:
        session_on_start(s, e);
        break;
    case EVENT_APPLIED:
        session_on_applied(s, e);
        break;
    case EVENT_REFUSED:
        session_on_refused(s, e);
        break;
    case EVENT_WARNING:
        session_say(s, NOTICE_WARNING, "%s", e->message);
        break;
    case EVENT_ERROR:
        session_say(s, NOTICE_ERROR, "%s", e->message);
        break;
    case EVENT_TEST:
        session_on_test(s, e);
        break;
    case EVENT_TIMINGS:
    case EVENT_MEMORY:
    case EVENT_STEP:
    case EVENT_EPOCH:
    case EVENT_PAUSED:
    case EVENT_RESUMED:
    case EVENT_SAVED: /* the link's own snapshots */
    case EVENT_LABEL:
    case EVENT_DONE:
    case EVENT_COUNT:
        break;
    }
}

void session_event(struct session *s, const struct event *e)
{
    runs_take(&s->runs, e);
    attempts_follow(&s->tried, session_run(s));
    session_hear(s, e);
    if (ledger_take(&s->ledger, e))
        s->asks |= SESSION_ASK_QUESTIONS;
    if (e->type == EVENT_START || e->type == EVENT_APPLIED)
        attempts_note(&s->tried, s->now, s->baseline);
}

void session_remedy(const struct session *s, char *text, size_t size)
{
    if (s->snapshot >= 0)
        snprintf(text, size, "goes on from step %lld",
                 (long long)s->snapshot);
    else
        snprintf(text, size, "begins again");
}

const struct forecast *session_turned(const struct session *s, int dial,
                                      enum dial_turn turn)
{
    return s->turn[dial * DIAL_TURNS + (int)turn];
}

const struct run *session_run(const struct session *s)
{
    return runs_now(&s->runs);
}

const struct run *session_pinned_run(const struct session *s)
{
    const struct run *run = runs_find(&s->runs, s->runs.pinned);
    const struct past *past = history_find(&s->history, s->tried.pinned);

    if (past && past->whole)
        return &past->whole->record.run;
    return run == session_run(s) ? NULL : run;
}
