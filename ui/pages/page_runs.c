/*
 * The page Runs: every setting tried so far, a trial, as a row of a table and
 * as a letter in a plot of score against memory. The chosen trial is the
 * same in both.
 */
#include <stdio.h>

#include "ui/pages/new_run.h"
#include "ui/pages/pane_front.h"
#include "ui/pages/trial_text.h"

enum { PANE_TABLE, PANE_PLOT };

static void page_runs_init(void *state)
{
    pane_trials_init(state);
}

static void page_runs_draw(struct screen *s, void *state, int pane,
                           struct area area)
{
    if (pane == PANE_TABLE)
        pane_trials_draw(s, state, area, screen_has_keys(s, PANE_TABLE));
    else
        pane_front_draw(s, state, area);
}

static void page_runs_explain(struct screen *s, const struct attempt *t)
{
    char title[32], label[TRIAL_LABEL_SIZE];

    snprintf(title, sizeof(title), "Settings %s", trial_label(t, label));
    screen_popup(s, title);
    trial_explain(&s->popup_text, s->session, t);
}

static void go_back(struct screen *s, const struct attempt *t)
{
    char name[32], label[TRIAL_LABEL_SIZE];

    snprintf(name, sizeof(name), "settings %s", trial_label(t, label));
    new_run_go(s, name, t->preset, &t->trial.settings);
}

static void page_runs_act(struct screen *s, void *state, enum action action,
                          int argument)
{
    struct pane_trials *p = state;
    struct session *session = s->session;
    int chosen = pane_trials_chosen(session, p);

    if (chosen < 0)
        return;
    switch (action) {
    case ACTION_LEFT:
        pane_trials_choose(session, p, pane_front_next(session, chosen, -1));
        break;
    case ACTION_RIGHT:
        pane_trials_choose(session, p, pane_front_next(session, chosen, 1));
        break;
    case ACTION_ENTER:
        page_runs_explain(s, &session->tried.list[chosen]);
        break;
    case ACTION_BACK:
        go_back(s, &session->tried.list[chosen]);
        break;
    case ACTION_PIN_ROW:
        session_pin_attempt(session, chosen);
        break;
    default:
        if (pane_trials_act(session, p, action, argument))
            page_runs_explain(s, &session->tried.list[chosen]);
        break;
    }
}

const struct page page_runs = { .name = "Runs",
                                .state_size = sizeof(struct pane_trials),
                                .init = page_runs_init,
                                .draw = page_runs_draw,
                                .act = page_runs_act };
