/*
 * The page Runs: every setting tried so far, a trial, and past runs, as rows of
 * a table; and the trials as letters in a plot of score against memory. The
 * chosen row is the same in both.
 */
#include <stdio.h>

#include "ui/pages/new_run.h"
#include "ui/pages/pane_front.h"
#include "ui/pages/past_text.h"
#include "ui/pages/trial_compare.h"
#include "ui/pages/trial_text.h"

enum { PANE_TABLE, PANE_PLOT };

struct runs_page {
    struct pane_trials trials;
    int shown[2];        /* numbers of the attempts in the popup */
};

static void page_runs_init(void *state)
{
    struct runs_page *p = state;

    pane_trials_init(&p->trials);
}

static void page_runs_draw(struct screen *s, void *state, int pane,
                           struct area area)
{
    struct runs_page *p = state;

    if (pane == PANE_TABLE)
        pane_trials_draw(s, &p->trials, area, screen_has_keys(s, PANE_TABLE));
    else
        pane_front_draw(s, &p->trials, area);
}

/* Wants the wholes and the plans of the attempts in a popup, as far as they are
 * past runs. Plans tell bytes by kind, and what they are a reduction of. */
static void want_past(struct screen *s, struct runs_page *p, int count)
{
    struct session *session = s->session;
    struct settings list[4];
    int n = 0;

    for (int i = 0; i < count; i++) {
        struct attempt *t = session_attempt(session, p->shown[i]);
        struct past *past = t ? past_of(t) : NULL;
        if (!past || !past->has_settings)
            continue;
        history_want(&session->history, past);
        list[n] = list[n + 1] = t->trial.settings;
        settings_save_nothing(&list[n + 1]);
        n += 2;
    }
    if (n)
        session_consider(session, p, list, n);
}

/* Hands plans that were wanted to their attempts. */
static void take_plans(struct session *s, struct runs_page *p, int count)
{
    for (int k = 0; s->candidates_for == p && k < s->candidate_count; k++) {
        struct forecast *f = s->candidates[k].forecast;
        for (int i = 0; i < count && f && !f->refused; i++) {
            struct attempt *t = session_attempt(s, p->shown[i]);
            struct settings nothing;
            if (!t || !past_of(t))
                continue;
            nothing = t->trial.settings;
            settings_save_nothing(&nothing);
            if (settings_same(&f->settings, &nothing))
                forecast_replace(&t->baseline, forecast_figures(f));
            if (!settings_same(&f->settings, &t->trial.settings))
                continue;
            forecast_replace(&t->plan, forecast_figures(f));
            t->flops = f->flops;
        }
    }
}

/* The attempts in the popup; false: one of them is gone. */
static bool find_shown(struct screen *s, struct attempt *shown[], int count)
{
    struct runs_page *p = s->state[PAGE_RUNS];

    take_plans(s->session, p, count);
    for (int i = 0; i < count; i++) {
        shown[i] = session_attempt(s->session, p->shown[i]);
        if (!shown[i]) {
            text_block_add(&s->popup.text, ROLE_DIM, "It is gone.");
            return false;
        }
    }
    return true;
}

static void fill_past(struct screen *s)
{
    struct attempt *t;

    if (find_shown(s, &t, 1))
        past_explain(&s->popup.text, s->session, past_of(t));
}

static void page_runs_explain(struct screen *s, struct runs_page *p,
                              const struct attempt *t)
{
    bool past = past_of(t);
    char title[32], label[TRIAL_LABEL_SIZE];

    snprintf(title, sizeof(title), "%s %s", past ? "Run" : "Settings",
             trial_label(t, label));
    screen_popup(s, title);
    if (!past) {
        trial_explain(&s->popup.text, s->session, t);
        return;
    }
    p->shown[0] = t->number;
    want_past(s, p, 1);
    screen_fill(s, fill_past);
}

/* Says why there is nothing to do with the settings of a row, if so. */
static bool has_settings(struct session *s, const struct attempt *t)
{
    const struct past *past = past_of(t);
    bool has = !past || past->has_settings;

    if (!has)
        session_say(s, NOTICE_INFO, "%s: no settings: %s", past->name,
                    *past->trouble ? past->trouble
                                   : "it ended before it began");
    return has;
}

static void go_back(struct screen *s, const struct attempt *t)
{
    char name[32], label[TRIAL_LABEL_SIZE];

    snprintf(name, sizeof(name), "settings %s", trial_label(t, label));
    new_run_go(s, name, t->preset, &t->trial.settings);
}

/* The attempts that are marked, first those of the session; NULL: no more. */
static struct attempt *next_marked(const struct session *s, int *at)
{
    while (*at < s->tried.count + s->history.count) {
        int i = (*at)++;
        struct attempt *t = i < s->tried.count
                                ? &s->tried.list[i]
                                : &s->history.list[i - s->tried.count]->attempt;
        if (t->marked)
            return t;
    }
    return NULL;
}

/* Whether a marked attempt from place `at` on has the same settings. */
static bool has_marked_twin(const struct session *s, int at,
                            const struct attempt *t)
{
    const struct attempt *other;

    while ((other = next_marked(s, &at)))
        if (settings_same(&other->trial.settings, &t->trial.settings))
            return true;
    return false;
}

static bool are_all_queued(const struct session *s)
{
    const struct attempt *t;

    for (int at = 0; (t = next_marked(s, &at));)
        if (!session_has_queued(s, t))
            return false;
    return true;
}

/* Queues the marked attempts, which lose their marks, or the chosen one. Those
 * that are in the queue stay there; if all are, they leave it. */
static void queue_marked(struct session *s, struct attempt *chosen)
{
    struct attempt *t;
    bool any = false, leave = are_all_queued(s);

    for (int at = 0; (t = next_marked(s, &at)); any = true) {
        if (session_has_queued(s, t) == leave && !has_marked_twin(s, at, t) &&
            has_settings(s, t))
            session_queue(s, t);
        t->marked = false;
    }
    if (!any && has_settings(s, chosen))
        session_queue(s, chosen);
}

/* Finds the two attempts to compare: those marked, or the marked one and the
 * chosen one. */
static bool find_two(const struct session *s, const struct attempt *chosen,
                     int two[2])
{
    const struct attempt *t;
    int count = 0;

    for (int at = 0; (t = next_marked(s, &at));)
        if (count++ < 2)
            two[count - 1] = t->number;
    if (count == 1 && two[0] != chosen->number)
        two[count++] = chosen->number;
    return count == 2;
}

static void fill_comparison(struct screen *s)
{
    struct attempt *two[2];

    if (find_shown(s, two, 2))
        trial_compare(&s->popup.text, s->session, two[0], two[1]);
}

static void page_runs_compare(struct screen *s, struct runs_page *p,
                              const struct attempt *chosen)
{
    struct session *session = s->session;
    char title[32], one[TRIAL_LABEL_SIZE], other[TRIAL_LABEL_SIZE];

    if (!find_two(session, chosen, p->shown)) {
        session_say(session, NOTICE_INFO, "mark two settings with m to compare "
                    "them, or one and choose the other");
        return;
    }
    for (int i = 0; i < 2; i++)
        if (!has_settings(session, session_attempt(session, p->shown[i])))
            return;
    snprintf(title, sizeof(title), "%s beside %s",
             trial_label(session_attempt(session, p->shown[0]), one),
             trial_label(session_attempt(session, p->shown[1]), other));
    screen_popup(s, title);
    want_past(s, p, 2);
    screen_fill(s, fill_comparison);
}

/* The curves of the session's runs are drawn anyway. */
static void overlay(struct session *s, const struct attempt *t)
{
    struct past *past = past_of(t);
    char label[TRIAL_LABEL_SIZE];

    trial_label(t, label);
    if (!past)
        session_say(s, NOTICE_INFO, "curves of this session are drawn already");
    else if (!has_settings(s, t))
        return;
    else if (!history_draw(&s->history, past))
        session_say(s, NOTICE_INFO, "the curves of %d runs are drawn: o on one "
                    "of them takes it away", HISTORY_DRAWN);
    else if (past->letter)
        session_say(s, NOTICE_INFO, "the curves of run %s are %c on the page "
                    "Run", label, past->letter);
    else
        session_say(s, NOTICE_INFO, "the curves of run %s are no longer drawn",
                    label);
}

static void go_on(struct screen *s, const struct attempt *t)
{
    struct past *past = past_of(t);

    if (past)
        new_run_continue(s, past);
    else
        session_say(s->session, NOTICE_INFO, "only runs of earlier sessions go "
                    "on from their folders; N runs these settings afresh");
}

static void on_filter(struct screen *s)
{
    history_sift(&s->session->history, s->question.answer);
}

static void ask_filter(struct screen *s)
{
    screen_ask(s, "filter:", s->session->history.sift.text);
    s->question.proposed = false;
    s->question.edited = on_filter;
    s->question.answered = on_filter;
}

static void go_along_front(const struct session *s, struct pane_trials *p,
                           const struct attempt *chosen, int step)
{
    pane_trials_choose(s, p, pane_front_next(s, chosen, step));
}

/* Acts on the chosen row. */
static void act_on_chosen(struct screen *s, struct runs_page *p,
                          struct attempt *t, enum action action, int argument)
{
    struct session *session = s->session;

    switch (action) {
    case ACTION_LEFT:
        go_along_front(session, &p->trials, t, -1);
        break;
    case ACTION_RIGHT:
        go_along_front(session, &p->trials, t, 1);
        break;
    case ACTION_ENTER:
        page_runs_explain(s, p, t);
        break;
    case ACTION_BACK:
        if (has_settings(session, t))
            go_back(s, t);
        break;
    case ACTION_PIN_ROW:
        if (has_settings(session, t))
            session_pin_attempt(session, t);
        break;
    case ACTION_AFRESH:
        if (has_settings(session, t))
            new_run_afresh(s, t->preset, &t->trial.settings);
        break;
    case ACTION_CONTINUE:
        go_on(s, t);
        break;
    case ACTION_OVERLAY:
        overlay(session, t);
        break;
    case ACTION_MARK:
        t->marked ^= true;
        break;
    case ACTION_QUEUE:
        queue_marked(session, t);
        break;
    case ACTION_COMPARE:
        page_runs_compare(s, p, t);
        break;
    default:
        if (pane_trials_act(session, &p->trials, action, argument))
            page_runs_explain(s, p, t);
        break;
    }
}

static void page_runs_act(struct screen *s, void *state, enum action action,
                          int argument)
{
    struct runs_page *p = state;
    struct attempt *chosen;

    if (action == ACTION_FILTER) {
        ask_filter(s);
        return;
    }
    if (action == ACTION_CLOSE) {
        history_sift(&s->session->history, "");
        return;
    }
    chosen = pane_trials_chosen(s->session, &p->trials);
    if (chosen)
        act_on_chosen(s, p, chosen, action, argument);
}

const struct page page_runs = { .name = "Runs",
                                .state_size = sizeof(struct runs_page),
                                .init = page_runs_init,
                                .draw = page_runs_draw,
                                .act = page_runs_act };
