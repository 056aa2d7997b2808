/*
 * The page Runs: every setting tried so far, a trial, as a row of a table and
 * as a letter in a plot of score against memory. The chosen trial is the
 * same in both.
 */
#include <stdio.h>

#include "ui/pages/new_run.h"
#include "ui/pages/pane_front.h"
#include "ui/pages/trial_compare.h"
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

/* Queues the marked attempts, which lose their marks, or the chosen one. */
static void queue_marked(struct session *s, int chosen)
{
    bool any = false;

    for (int i = 0; i < s->tried.count; i++) {
        struct attempt *t = &s->tried.list[i];
        if (!t->marked)
            continue;
        session_queue(s, t);
        t->marked = false;
        any = true;
    }
    if (!any)
        session_queue(s, &s->tried.list[chosen]);
}

/* Finds the two attempts to compare: those marked, or the marked one and the
 * chosen one. */
static bool find_two(const struct session *s, int chosen, int two[2])
{
    int count = 0;

    for (int i = 0; i < s->tried.count; i++)
        if (s->tried.list[i].marked && count++ < 2)
            two[count - 1] = i;
    if (count == 1 && two[0] != chosen)
        two[count++] = chosen;
    return count == 2;
}

static void page_runs_compare(struct screen *s, int chosen)
{
    struct session *session = s->session;
    const struct attempt *list = session->tried.list;
    char title[32], one[TRIAL_LABEL_SIZE], other[TRIAL_LABEL_SIZE];
    int two[2];

    if (!find_two(session, chosen, two)) {
        session_say(session, NOTICE_INFO, "mark two settings with m to compare "
                    "them, or one and choose the other");
        return;
    }
    snprintf(title, sizeof(title), "%s beside %s",
             trial_label(&list[two[0]], one),
             trial_label(&list[two[1]], other));
    screen_popup(s, title);
    trial_compare(&s->popup_text, session, &list[two[0]], &list[two[1]]);
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
    case ACTION_AFRESH:
        new_run_afresh(s, session->tried.list[chosen].preset,
                       &session->tried.list[chosen].trial.settings);
        break;
    case ACTION_MARK:
        session->tried.list[chosen].marked ^= true;
        break;
    case ACTION_QUEUE:
        queue_marked(session, chosen);
        break;
    case ACTION_COMPARE:
        page_runs_compare(s, chosen);
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
