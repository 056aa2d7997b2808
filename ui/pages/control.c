#include "ui/pages/control.h"

#include <stdio.h>
#include <string.h>

#include "ui/pages/help.h"
#include "ui/pages/leave.h"
#include "ui/pages/new_run.h"
#include "ui/pages/screen.h"
#include "ui/pages/sweep_box.h"
#include "ui/session/complete.h"
#include "ui/term/prompt.h"
#include "ui/term/scroll.h"

/* Whether an action has its usual effect while a popup is open. */
static bool passes_popup(enum action action)
{
    return action == ACTION_QUIT || action == ACTION_REPAINT ||
           action == ACTION_THEME || action == ACTION_PICTURE ||
           action == ACTION_ANSWER ||
           action == ACTION_CHOICE || action == ACTION_PICK ||
           action == ACTION_NONE;
}

/* Whether an action only closes a popup. Dials that cannot be seen are not
 * turned. Any other action is carried out as the popup closes. */
static bool only_closes(const struct screen *s, enum action action)
{
    return action == ACTION_CLOSE || action == ACTION_ENTER ||
           action == ACTION_LEFT || action == ACTION_RIGHT ||
           action == ACTION_LESS || action == ACTION_MORE ||
           (action == ACTION_HELP && s->popup.helping);
}

/* Whether an action moves within a popup. */
static bool moves(enum action action)
{
    return scroll_steps(action, 1) != 0;
}

/* Goes to another line that can be chosen; beyond the last, to the text there.
 */
static void act_on_popup(struct screen *s, enum action action)
{
    int steps = scroll_steps(action, s->layout.body.rows - 3);
    int last = text_block_choices(&s->popup.text) - 1;
    int next = s->popup.chosen + steps;

    s->popup.strays = steps < 0 ? s->popup.chosen <= 0
                                : s->popup.chosen >= last;
    if (s->popup.strays)
        s->popup.scroll += steps;
    else
        s->popup.chosen = next < 0 ? 0 : next > last ? last : next;
    if (s->popup.scroll < 0)
        s->popup.scroll = 0;
}

/* Whether an action ends with the popup. Without choices it takes no keys in a
 * terminal that is too small for it; with choices no key goes past it, but a
 * line that cannot be seen is not chosen. */
static bool popup_takes(struct screen *s, enum action action)
{
    bool hidden = s->layout.size == SIZE_LINE;

    if (hidden && !screen_offers(s)) {
        s->popup.open = moves(action);
        return false;
    }
    if (!hidden)
        act_on_popup(s, action);
    s->popup.open = moves(action);
    return moves(action) || only_closes(s, action);
}

static void go_to_pane(struct screen *s, int step)
{
    int n = layout_panes(s->page), *pane = &s->pane[s->page];
    struct layout next;

    do {
        *pane = (*pane + step + n) % n;
        next = layout_make(s->cells.rows, s->cells.cols, s->page, *pane);
    } while (next.size > SIZE_LINE && next.pane[*pane].rows == 0);
}

/* The last page is before the first. */
static void go_to_page(struct screen *s, int page)
{
    screen_go(s, (enum page_id)((page + PAGE_COUNT) % PAGE_COUNT));
}

/* Goes to another pane or page. */
static void go(struct screen *s, enum action action, int argument)
{
    switch (action) {
    case ACTION_NEXT_PANE:
        go_to_pane(s, 1);
        break;
    case ACTION_PREVIOUS_PANE:
        go_to_pane(s, -1);
        break;
    case ACTION_PANE:
        s->pane[s->page] = argument;
        break;
    case ACTION_NEXT_PAGE:
        go_to_page(s, (int)s->page + 1);
        break;
    case ACTION_PREVIOUS_PAGE:
        go_to_page(s, (int)s->page - 1);
        break;
    default:
        go_to_page(s, argument);
        break;
    }
}

static void hand_answer(struct screen *s)
{
    if (s->question.answered)
        s->question.answered(s);
    else
        screen_pages[s->page]->act(s, s->state[s->page], ACTION_ANSWER, 0);
}

static void take_choice(struct screen *s, int key)
{
    s->popup.open = false;
    if (key != KEY_ESCAPE && s->popup.choose)
        s->popup.choose(s, key);
}

/* Chooses a line; the line that is chosen already is taken. */
static void pick(struct screen *s, int line)
{
    s->popup.strays = true;
    if (line == s->popup.chosen)
        take_choice(s, KEY_RETURN);
    s->popup.chosen = line;
}

static void act_on_run(struct session *session, enum action action)
{
    switch (action) {
    case ACTION_LOCK:
        session_lock(session, !session->locked);
        break;
    case ACTION_PIN:
        session_pin(session);
        break;
    default:
        session->asks ^= SESSION_ASK_PAUSE;
        break;
    }
}

/* Shows the whole of a message that the status line had to cut. */
static void show_message(struct screen *s)
{
    struct session *session = s->session;

    if (session->sentence[0]) {
        screen_trouble(s);
    } else if (session->message[0]) {
        screen_popup(s, "What was said last");
        text_block_add(&s->popup.text, ROLE_TEXT, "%s", session->message);
    } else {
        session_say(session, NOTICE_INFO, "nothing was said yet");
    }
}

void control_act(struct screen *s, enum action action, int argument)
{
    if (s->popup.open && !passes_popup(action) && popup_takes(s, action))
        return;
    switch (action) {
    case ACTION_NONE:
        break;
    case ACTION_NEXT_PANE:
    case ACTION_PREVIOUS_PANE:
    case ACTION_PANE:
    case ACTION_NEXT_PAGE:
    case ACTION_PREVIOUS_PAGE:
    case ACTION_PAGE:
        go(s, action, argument);
        break;
    case ACTION_UNDO:
        new_run_undo(s);
        break;
    case ACTION_ANSWER:
        hand_answer(s);
        break;
    case ACTION_CHOICE:
        take_choice(s, argument);
        break;
    case ACTION_PICK:
        pick(s, argument);
        break;
    case ACTION_LOCK:
    case ACTION_PIN:
    case ACTION_PAUSE:
        act_on_run(s->session, action);
        break;
    case ACTION_RESTART:
        new_run_restart(s);
        break;
    case ACTION_EXPORT:
        s->export = true;
        break;
    case ACTION_PICTURE:
        s->picture = true;
        break;
    case ACTION_THEME:
        s->view.theme = (enum theme)((s->view.theme + 1) % THEME_COUNT);
        session_say(s->session, NOTICE_INFO, "theme %s",
                    theme_name(s->view.theme));
        break;
    case ACTION_SAVE_VIEW:
        s->save_view = true;
        break;
    case ACTION_REPAINT:
        s->repaint = true;
        break;
    case ACTION_MESSAGE:
        show_message(s);
        break;
    case ACTION_FIT:
        page_fit.act(s, s->state[PAGE_FIT], action, argument);
        break;
    case ACTION_SWEEP:
        sweep_box_open(s);
        break;
    case ACTION_HELP:
        screen_popup(s, "Keys");
        s->popup.helping = true;
        help_fill(&s->popup.text, s->page, s->cells.glyphs);
        break;
    case ACTION_QUIT:
        s->quit = (screen_offers(s) && s->popup.leaving) || !leave_ask(s);
        break;
    default:
        screen_pages[s->page]->act(s, s->state[s->page], action, argument);
        break;
    }
}

/* Whether a key of an answer that the page follows is the page's. */
static bool is_for_page(const struct prompt *q, int key)
{
    return q->edited && (key == KEY_ARROW_UP || key == KEY_ARROW_DOWN ||
                         key == KEY_PAGE_UP || key == KEY_PAGE_DOWN);
}

static void edit_answer(struct screen *s, int key)
{
    struct prompt *q = &s->question;

    if (q->proposed && prompt_writes(key))
        q->answer[0] = '\0';
    prompt_key(q->answer, sizeof(q->answer), &q->at, key);
    if (q->edited)
        q->edited(s);
}

static void leave_question(struct screen *s)
{
    s->question.open = false;
    s->question.answer[0] = '\0';
    if (s->question.edited)
        s->question.edited(s);
}

static void complete_answer(struct prompt *q)
{
    complete_folder(q->answer, sizeof(q->answer), q->offers,
                    sizeof(q->offers));
    q->at = strlen(q->answer);
}

/* An answer may lead to another question, which has a state of its own. */
static void answer_key(struct screen *s, int key)
{
    struct prompt *q = &s->question;

    q->offers[0] = '\0';
    if (key == KEY_RETURN || key == '\n') {
        q->open = false;
        control_act(s, ACTION_ANSWER, 0);
        return;
    }
    if (is_for_page(q, key))
        control_act(s, keys_find(s->page, key)->action, 0);
    else if (key == KEY_ESCAPE)
        leave_question(s);
    else if (key == KEY_TAB && q->completes)
        complete_answer(q);
    else
        edit_answer(s, key);
    q->proposed = false;
}

static void paste(struct screen *s, int key)
{
    if (s->question.open && key >= ' ' && key < KEY_BASE)
        answer_key(s, key);
}

/* Turns other keys that people type for yes and no into Enter and Esc. */
static int meaning_of(int key)
{
    return key == '\n' || key == 'y'   ? KEY_RETURN
           : key == 'n' || key == 'N' ? KEY_ESCAPE : key;
}

/* Keys while a popup waits for a choice: the keys of the choices, and those
 * that scroll. */
static void choice_key(struct screen *s, int key)
{
    const struct key *other = keys_find(s->page, key);

    key = meaning_of(key);
    for (int i = 0; i < s->popup.choice_count; i++)
        if (s->popup.choices[i].key == key) {
            take_choice(s, key);
            return;
        }
    if (key == KEY_ESCAPE)
        take_choice(s, key);
    else if (other && (moves(other->action) ||
                       other->action == ACTION_REPAINT ||
                       other->action == ACTION_QUIT))
        control_act(s, other->action, 0);
}

/* Ctrl-C gives up a question; otherwise it quits, and asks first, as q does. */
static void interrupt(struct screen *s)
{
    if (s->question.open)
        s->question.open = false;
    else
        control_act(s, ACTION_QUIT, 0);
    s->interrupted = s->quit;
}

static void go_to_pane_at(struct screen *s, int row, int col)
{
    for (int i = 0; i < LAYOUT_PANES; i++)
        if (rect_has(s->layout.pane[i], row, col) && !s->popup.open)
            s->pane[s->page] = i;
}

static void click_target(struct screen *s, int row, int col)
{
    for (int i = s->target_count - 1; i >= 0; i--)
        if (rect_has(s->targets[i].rect, row, col)) {
            struct target target = s->targets[i];
            go_to_pane_at(s, row, col);
            s->drags = target.action == ACTION_GRIP;
            s->grip = target.rect;
            s->grip_col = col - target.rect.col;
            s->drag_hint[0] = '\0';
            control_act(s, target.action, target.argument);
            return;
        }
}

/* Moves the grip, or lets it go, at a column of its own. */
static void drag(struct screen *s, const struct input *input)
{
    bool end = input->type == INPUT_DROP;

    if (s->drags && !s->question.open && !s->popup.open)
        control_act(s, end ? ACTION_DROP : ACTION_DRAG,
                    input->col - s->grip.col);
    s->drags &= !end;
}

/* Pasted text is only for answers. */
static void take_key(struct screen *s, const struct input *input)
{
    const struct key *key = keys_find(s->page, input->key);

    if (input->pasted)
        paste(s, input->key);
    else if (input->key == KEY_CTRL_C)
        interrupt(s);
    else if (s->question.open)
        answer_key(s, input->key);
    else if (screen_offers(s))
        choice_key(s, input->key);
    else if (key)
        control_act(s, key->action, key->argument);
}

void control_input(struct screen *s, const struct input *input)
{
    switch (input->type) {
    case INPUT_NONE:
        break;
    case INPUT_KEY:
        take_key(s, input);
        break;
    case INPUT_CLICK:
        s->drags = false;
        if (!s->question.open)
            click_target(s, input->row, input->col);
        break;
    case INPUT_DRAG:
    case INPUT_DROP:
        drag(s, input);
        break;
    case INPUT_WHEEL:
        if (s->question.open)
            break;
        go_to_pane_at(s, input->row, input->col);
        control_act(s, input->turn < 0 ? ACTION_UP : ACTION_DOWN, 0);
        break;
    case INPUT_RESIZE:
        cells_resize(&s->cells, input->row, input->col);
        break;
    }
    screen_serve_waiting(s);
}
