/*
 * The page Fit: asks for a budget, and shows the settings that train within it,
 * as rows of a table and as letters in a plot of seconds against bytes. The
 * chosen row is the same in both.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ui/pages/pane_fit_plot.h"
#include "ui/pages/pane_fits.h"

enum { PANE_WAYS, PANE_PLACES };

struct fit_page {
    struct table_view view;
    char wrong[ANSWER_SIZE];     /* typed last, if it was no budget */
};

static void page_fit_draw(struct screen *s, void *state, int pane,
                          struct area area)
{
    struct fit_page *p = state;
    int count = s->session->found ? finding_rows(s->session->found) : 0;

    if (p->view.chosen >= count)
        p->view.chosen = count > 0 ? count - 1 : 0;
    if (pane == PANE_WAYS)
        pane_fits_draw(s, &p->view, area, screen_has_keys(s, pane));
    else
        pane_fit_plot_draw(s, p->view.chosen, area);
}

/* The budget asked for last, that of the checkpoints, or half of the arena. */
static uint64_t likely_budget(const struct session *s)
{
    if (s->fit_budget)
        return s->fit_budget;
    if (s->wanted.memory_budget)
        return s->wanted.memory_budget;
    return s->planned && !s->planned->refused ? s->planned->arena_bytes / 2
                                              : 8 << 20;
}

static void on_budget(struct screen *s)
{
    struct fit_page *p = s->state[PAGE_FIT];
    uint64_t budget;

    if (bytes_parse(s->question.answer, &budget) && budget > 0) {
        p->wrong[0] = '\0';
        p->view.chosen = 0;
        screen_go(s, PAGE_FIT);
        session_fit(s->session, budget);
        return;
    }
    memcpy(p->wrong, s->question.answer, sizeof(p->wrong));
    session_say(s->session, NOTICE_ERROR, "'%.*s' is no budget: a number of "
                "bytes above 0 is, as 8388608 or 8MiB; f asks again",
                text_cut(p->wrong, 24), p->wrong);
}

/* Asks on the page that is shown, which stays without an answer. */
static void ask_budget(struct screen *s, const struct fit_page *p)
{
    char likely[BYTES_TEXT_SIZE];

    bytes_format(likely, sizeof(likely), likely_budget(s->session));
    screen_ask(s, "train in at most (as 8MiB):",
               p->wrong[0] ? p->wrong : likely);
    s->question.answered = on_budget;
}

static void page_fit_leave(struct screen *s)
{
    if (s->session->fitting)
        session_fit_stop(s->session);
    else
        screen_go(s, s->before == PAGE_FIT ? PAGE_RUN : s->before);
}

static void act_on_row(struct screen *s, struct fit_page *p, enum action action,
                       int argument)
{
    struct session *session = s->session;
    int count = !session->fitting && session->found
                    ? finding_rows(session->found) : 0;
    int before = p->view.chosen;

    if (count == 0)
        session_say(session, NOTICE_INFO, session->fitting ?
                    "the search goes on; Esc ends it" :
                    action == ACTION_PIN_ROW ?
                    "nothing to pin yet: f asks for a budget" :
                    "nothing is found yet: f asks for a budget");
    else if (action == ACTION_ENTER)
        session_take_fit(session, before);
    else if (action == ACTION_PIN_ROW)
        session_pin_fit(session, before);
    else if (action == ACTION_LEFT || action == ACTION_RIGHT)
        table_act(&p->view, count, 1,
                  action == ACTION_LEFT ? ACTION_UP : ACTION_DOWN, 0);
    else if (action != ACTION_SORT && action != ACTION_REVERSE)
        table_act(&p->view, count, 1, action, argument);
    if (count > 0 && action == ACTION_ROW && argument == before)
        session_take_fit(session, before);
}

static void page_fit_act(struct screen *s, void *state, enum action action,
                         int argument)
{
    struct fit_page *p = state;

    switch (action) {
    case ACTION_FIT:
        ask_budget(s, p);
        break;
    case ACTION_CLOSE:
        page_fit_leave(s);
        break;
    default:
        act_on_row(s, p, action, argument);
        break;
    }
}

const struct page page_fit = { .name = "Fit",
                               .state_size = sizeof(struct fit_page),
                               .draw = page_fit_draw,
                               .act = page_fit_act };
