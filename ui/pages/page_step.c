/*
 * The page Step: one training step of a plan, and evaluation. A sawtooth of
 * the bytes alive, a map of the arena, and a list of the tensors alive at a
 * cursor that all three share.
 */
#include "ui/pages/pane_living.h"
#include "ui/pages/pane_map.h"
#include "ui/pages/pane_sawtooth.h"

struct step_page {
    struct step_cursor cursor;
    struct pane_map map;
    struct pane_living living;
};

static void page_step_done(void *state)
{
    struct step_page *p = state;

    step_cursor_done(&p->cursor);
}

static void page_step_draw(struct screen *s, void *state, int pane,
                           struct area area)
{
    struct step_page *p = state;
    const struct job *job = subject_job(s->session, p->cursor.subject);

    if (!job && pane != PANE_LIVING)
        subject_title(s, area, p->cursor.subject, "", "");
    if (!job)
        subject_excuse(s->session, p->cursor.subject, area);
    else if (pane == PANE_SAWTOOTH)
        pane_sawtooth_draw(s, &p->cursor, job, area);
    else if (pane == PANE_MAP)
        pane_map_draw(s, &p->map, &p->cursor, job, area);
    else
        pane_living_draw(s, &p->living, &p->cursor, job, area);
}

/* Moves the cursor along the steps. */
static void move_cursor(struct step_cursor *c, const struct job *job,
                        enum action action, int argument)
{
    int at = step_cursor_at(c, job), page = c->timeline.count / 10 + 1;

    switch (action) {
    case ACTION_LEFT:
        step_cursor_go(c, job, at - 1);
        break;
    case ACTION_RIGHT:
        step_cursor_go(c, job, at + 1);
        break;
    case ACTION_PAGE_UP:
        step_cursor_go(c, job, at - page);
        break;
    case ACTION_PAGE_DOWN:
        step_cursor_go(c, job, at + page);
        break;
    case ACTION_START:
        step_cursor_go(c, job, 0);
        break;
    case ACTION_END:
        step_cursor_go(c, job, job->schedule->step_count);
        break;
    case ACTION_ROW:
        step_cursor_go(c, job, argument);
        break;
    case ACTION_LESS:
        step_cursor_zoom(c, job, -1);
        break;
    case ACTION_MORE:
        step_cursor_zoom(c, job, 1);
        break;
    case ACTION_CLOSE:
        step_cursor_reset(c);
        break;
    default:
        break;
    }
}

/* Up and down in the sawtooth choose a tensor, as in the list. */
static bool act_in_step_pane(struct screen *s, struct step_page *p,
                             const struct job *job, enum action action,
                             int argument)
{
    if (screen_has_keys(s, PANE_MAP))
        return pane_map_act(&p->map, &p->cursor, job, action, argument);
    if (screen_has_keys(s, PANE_LIVING) || action == ACTION_UP ||
        action == ACTION_DOWN)
        return pane_living_act(s, &p->living, &p->cursor, job, action,
                               argument);
    return false;
}

static void page_step_act(struct screen *s, void *state, enum action action,
                          int argument)
{
    struct step_page *p = state;
    struct step_cursor *c = &p->cursor;
    const struct job *job = subject_job(s->session, c->subject);

    if (action == ACTION_SUBJECT)
        c->subject = subject_next(s->session, c->subject);
    else if (job && action == ACTION_ENTER)
        pane_living_explain(s, c, job);
    else if (job && !act_in_step_pane(s, p, job, action, argument))
        move_cursor(c, job, action, argument);
}

const struct page page_step = { .name = "Step",
                                .state_size = sizeof(struct step_page),
                                .done = page_step_done,
                                .draw = page_step_draw,
                                .act = page_step_act };
