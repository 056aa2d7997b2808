/*
 * The page Run: dials, and their effect on memory and on the score.
 */
#include "ui/pages/pane_curves.h"
#include "ui/pages/pane_dials.h"
#include "ui/pages/pane_memory.h"

struct run_page {
    struct pane_dials dials;
    struct pane_memory memory;
    struct pane_curves curves;
};

static void page_run_init(void *state)
{
    struct run_page *p = state;

    pane_memory_init(&p->memory);
}

static void page_run_draw(struct screen *s, void *state, int pane,
                          struct area area)
{
    struct run_page *p = state;

    if (pane == PANE_DIALS)
        pane_dials_draw(s, &p->dials, area);
    else if (pane == PANE_MEMORY)
        pane_memory_draw(s, &p->memory, area);
    else
        pane_curves_draw(s, &p->curves, area);
}

/* Carries out an action in the pane that has the keys. */
static void act_in_run_pane(struct screen *s, struct run_page *p,
                            enum action action, int argument)
{
    bool on_cursor = screen_has_keys(s, PANE_CURVES) && p->curves.has_cursor;

    if (action == ACTION_CLOSE && !on_cursor)
        session_discard(s->session);
    else if (screen_has_keys(s, PANE_DIALS))
        pane_dials_act(s, &p->dials, action, argument);
    else if (screen_has_keys(s, PANE_MEMORY))
        pane_memory_act(s, &p->memory, action, argument);
    else
        pane_curves_act(s, &p->curves, action);
}

static void say_of_loss(struct screen *s, const char *how)
{
    session_say(s->session, NOTICE_INFO, "loss: %s%s", how,
                s->view.curves == CURVES_SCORE ? "; c shows it" : "");
}

static void page_run_act(struct screen *s, void *state, enum action action,
                         int argument)
{
    struct run_page *p = state;
    struct view *view = &s->view;

    switch (action) {
    case ACTION_LESS:
        pane_dials_turn(s, &p->dials, argument, DIAL_DOWN);
        break;
    case ACTION_MORE:
        pane_dials_turn(s, &p->dials, argument, DIAL_UP);
        break;
    case ACTION_DIALS:
        p->dials.more = !p->dials.more;
        s->pane[PAGE_RUN] = PANE_DIALS;
        break;
    case ACTION_CURVE:
        view->curves = (enum curves)((view->curves + 1) % CURVES_COUNT);
        session_say(s->session, NOTICE_INFO, "curves: %s",
                    view->curves == CURVES_SCORE
                        ? run_score(session_run(s->session)).name
                        : view_curves_name(view->curves));
        break;
    case ACTION_AXIS:
        view->axis = (enum axis)((view->axis + 1) % AXIS_COUNT);
        p->curves.has_cursor = false;
        session_say(s->session, NOTICE_INFO, "curves: against %s",
                    run_axis(session_run(s->session), view->axis));
        break;
    case ACTION_LOG:
        view->log_loss = !view->log_loss;
        say_of_loss(s, view->log_loss ? "on a logarithmic axis"
                                      : "on a linear axis");
        break;
    case ACTION_ZOOM:
        view->zoom = !view->zoom;
        session_say(s->session, NOTICE_INFO, view->zoom ?
                    "bars: on the scale of now and planned" :
                    "bars: all on one scale");
        break;
    case ACTION_VALUE:
        pane_dials_act(s, &p->dials, action, argument);
        break;
    case ACTION_DRAG:
    case ACTION_DROP:
        pane_memory_act(s, &p->memory, action, argument);
        break;
    case ACTION_SMOOTH:
        view->smooth = !view->smooth;
        say_of_loss(s, view->smooth ? "a running mean over its steps"
                                    : "as each step has it");
        break;
    default:
        act_in_run_pane(s, p, action, argument);
        break;
    }
}

const struct page page_run = { .name = "Run",
                               .state_size = sizeof(struct run_page),
                               .init = page_run_init,
                               .draw = page_run_draw,
                               .act = page_run_act };
