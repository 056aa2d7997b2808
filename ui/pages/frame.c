#include "ui/pages/frame.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "ui/pages/screen.h"
#include "ui/term/prompt.h"
#include "ui/term/scroll.h"

/* "training", or the trouble with it. */
static const char *state_text(const struct session *s, unsigned *style)
{
    *style = ROLE_BAD | STYLE_BOLD;
    if (s->silent)
        return "silent";
    switch (s->state) {
    case LINK_STARTING:
        *style = ROLE_DIM;
        return "starting";
    case LINK_RUNNING:
        *style = ROLE_GOOD | STYLE_BOLD;
        return "training";
    case LINK_PAUSED:
        *style = ROLE_WARNING;
        return "paused";
    case LINK_DONE:
        *style = ROLE_TITLE;
        return "done";
    case LINK_FAILED:
        return session_run(s)->end == RUN_DIVERGED ? "diverged" : "failed";
    case LINK_DEAD:
        break;
    }
    *style = s->sentence[0] ? *style : ROLE_DIM;
    return s->sentence[0] ? "no worker" : "starting";
}

enum { RATE_CELLS = 7 };

enum { PROGRESS_SIZE = 160 };

/* "epoch 3 of 20  1,240 samples/s  0:42 left", or as much of it as there are
 * columns for: the speed is left out first, the epoch last. While the run
 * stands still only the epoch: the old speed does not tell the end. */
static void progress_text(const struct session *s, int cols,
                          char text[PROGRESS_SIZE])
{
    char rate[NUMBER_SIZE], left[TEXT_DURATION_SIZE], epoch[60];
    const struct run *r = session_run(s);
    double speed = r->samples_per_second;

    *text = '\0';
    if (r->epoch == 0 || speed <= 0 || s->state == LINK_STARTING)
        return;
    snprintf(epoch, sizeof(epoch), "epoch %d of %d", r->epoch,
             s->in_force.epochs);
    if (s->state == LINK_RUNNING && !s->silent) {
        number_format(rate, speed, speed < 10, RATE_CELLS);
        text_duration(left, (double)(r->steps - r->step) *
                                s->in_force.batch / speed);
        snprintf(text, PROGRESS_SIZE, "%s  %s %s/s  %s left", epoch, rate,
                 facts_of(&r->settings).units, left);
        if (cells_width(text) <= cols)
            return;
        snprintf(text, PROGRESS_SIZE, "%s  %s left", epoch, left);
        if (cells_width(text) <= cols)
            return;
    }
    snprintf(text, PROGRESS_SIZE, "%s",
             cells_width(epoch) <= cols ? epoch : "");
}

/* From this width on the progress is in the line of the tabs, below it in the
 * line of the state. */
enum { PROGRESS_COLS = 120 };

/* From this width on there is room for the name of the program; beside the
 * names of pages. */
enum { NAME_COLS = 48, BOTH_COLS = 96 };

static void draw_tabs(struct screen *s, struct area area)
{
    const struct session *session = s->session;
    char progress[PROGRESS_SIZE];
    unsigned style;
    const char *state = state_text(session, &style);
    bool names = area.cols >= 80;
    int end, col = 0;
    bool wide = area.cols >= PROGRESS_COLS;

    if (area.cols >= (names ? BOTH_COLS : NAME_COLS))
        col = area_text(area, 0, 1, ROLE_FOCUS | STYLE_BOLD, "memdial");
    col += 1;
    for (int i = 0; i < PAGE_COUNT; i++) {
        bool here = (int)s->page == i;
        int begin = col;
        col = area_print(area, 0, col, ROLE_KEY, " %d", i + 1);
        if (names || here)
            col = area_print(area, 0, col, here ? ROLE_TITLE : ROLE_DIM,
                             " %s", screen_pages[i]->name);
        col = area_text(area, 0, col, ROLE_TEXT, " ");
        if (here)
            area_mark(area, 0, begin, col - begin, STYLE_REVERSE);
        screen_target(s, area, 0, begin, 1, col - begin, ACTION_PAGE, i);
    }
    end = area.cols - 1 - cells_width(state);
    area_right(area, 0, area.cols - 1, style, state);
    if (wide) {
        progress_text(session, area.cols, progress);
        end -= 2 + cells_width(progress);
        area_text(area, 0, end, ROLE_TEXT, progress);
    }
    if (end - col > 8)
        area_fit(area, 0, col + 2, end - col - 4, ROLE_DIM, session->preset);
}

static void draw_question(struct screen *s, struct area area)
{
    const struct prompt *q = &s->question;
    int col = area_text(area, 0, 1, ROLE_TITLE, q->text) + 1;

    prompt_draw(area, 0, col, q->answer, q->at, q->proposed);
}

static void draw_status(struct screen *s, struct area area)
{
    static const unsigned styles[] = {
        [NOTICE_NONE] = ROLE_DIM, [NOTICE_INFO] = ROLE_STATUS,
        [NOTICE_WARNING] = ROLE_WARNING, [NOTICE_ERROR] = ROLE_BAD
    };
    const struct session *session = s->session;
    const char *text = session->notice ? session->message : "";
    unsigned style = styles[session->notice];
    int col = 1, end = area.cols - 1;
    char line[sizeof(session->sentence) + 80], remedy[64];
    char progress[PROGRESS_SIZE];
    static const char more[] = " ! reads it";

    if (s->question.open) {
        draw_question(s, area);
        return;
    }
    if (session->sentence[0]) {
        session_remedy(session, remedy, sizeof(remedy));
        snprintf(line, sizeof(line), "%s; R %s", session->sentence, remedy);
        text = line;
        style = ROLE_BAD | STYLE_BOLD;
    }
    if (s->drags && s->drag_hint[0]) {
        text = s->drag_hint;
        style = ROLE_STATUS;
    }
    if (session->locked)
        col = area_text(area, 0, col, ROLE_WARNING, "locked") + 2;
    if (session_pending(session))
        col = area_text(area, 0, col, ROLE_PENDING,
                        session->locked && s->page == PAGE_RUN ?
                        "pending: Enter on a dial applies, Esc drops" :
                        "pending") + 2;
    progress_text(session, end - col - cells_width(text) - 3, progress);
    if (area.cols < PROGRESS_COLS)
        area_right(area, 0, end, ROLE_TEXT, progress);
    if (*text && text != s->drag_hint && cells_width(text) > end - col) {
        end -= cells_width(more);
        area_text(area, 0, end, ROLE_KEY, more);
        screen_target(s, area, 0, col, 1, area.cols - col, ACTION_MESSAGE, 0);
    }
    area_fit(area, 0, col, end - col, style, text);
}

/* Draws a key and its effect, at `col` if they end before `end`; returns the
 * column after them and a gap, or `col`. */
static int draw_word(struct screen *s, struct area area, int row, int col,
                     int end, const char *label, const char *word,
                     enum action action, int argument)
{
    int width = cells_width(label) + 1 + cells_width(word);

    if (col + width > end)
        return col;
    area_text(area, row, col, ROLE_KEY | STYLE_BOLD, label);
    area_text(area, row, col + cells_width(label) + 1, ROLE_DIM, word);
    screen_target(s, area, row, col, 1, width, action, argument);
    return col + width + 2;
}

static int draw_hint(struct screen *s, struct area area, const struct key *k,
                     int col, int end)
{
    char label[16];

    snprintf(label, sizeof(label), "%.*s", (int)strcspn(k->label, " "),
             k->label);
    return draw_word(s, area, 0, col, end, label, k->hint, k->action,
                     k->argument);
}

/* Shows the keys of a question while it is open. */
static void draw_question_hints(const struct screen *s, struct area area)
{
    if (s->question.offers[0])
        area_fit(area, 0, 1, area.cols - 2, ROLE_TEXT, s->question.offers);
    else
        area_text(area, 0, 1, ROLE_DIM, s->question.completes ?
                  "Enter takes it  Tab completes it  Ctrl-U clears it  Esc "
                  "leaves it" : s->question.edited ?
                  "Enter keeps it  Ctrl-U empties it  Esc shows all rows" :
                  "Enter takes it  Ctrl-U clears it  Esc leaves it");
}

/* The keys for help and for quitting are always there, at the right. */
static void draw_hints(struct screen *s, struct area area)
{
    const struct key *help = keys_of(s->page, ACTION_HELP);
    const struct key *quit = keys_of(s->page, ACTION_QUIT);
    int end = area.cols - 14, col = 1;

    if (s->question.open)
        draw_question_hints(s, area);
    if (s->question.open || screen_offers(s))
        return; /* the keys of the page have to wait */
    draw_hint(s, area, quit, draw_hint(s, area, help, end, area.cols),
              area.cols);
    for (int i = 0; i < keys_count; i++) {
        const struct key *k = &keys_table[i];
        int before = col;
        if (!k->hint || !(k->pages & 1u << s->page) || k == help || k == quit)
            continue;
        col = draw_hint(s, area, k, col, end - 1);
        if (col == before)
            break;
    }
}

static void draw_switcher(struct screen *s, struct area area)
{
    int col = 1;

    for (int i = 0; i < layout_panes(s->page); i++) {
        int begin = col;
        col = area_print(area, 0, col,
                         screen_has_keys(s, i) ? ROLE_FOCUS | STYLE_BOLD
                                               : ROLE_DIM,
                         " %s ", layout_pane_name(s->page, i));
        if (screen_has_keys(s, i))
            area_mark(area, 0, begin, col - begin, STYLE_UNDERLINE);
        screen_target(s, area, 0, begin, 1, col - begin, ACTION_PANE, i);
        col++;
    }
}

static void draw_pane(struct screen *s, int pane)
{
    struct area all = area_all(&s->cells);
    struct rect r = s->layout.pane[pane];
    struct area area = area_rect(all, r);
    bool keys = screen_has_keys(s, pane);

    if (area.rows == 0 || area.cols == 0)
        return;
    screen_target(s, area, 0, 0, area.rows, area.cols, ACTION_PANE, pane);
    if (s->layout.size > SIZE_TABS)
        area = area_box(area, keys ? ROLE_FOCUS : ROLE_BORDER,
                        keys ? ROLE_FOCUS | STYLE_BOLD : ROLE_TITLE,
                        layout_pane_name(s->page, pane));
    screen_pages[s->page]->draw(s, s->state[s->page], pane, area);
}

/* Lays out choices one after the other, in rows of `cols` columns, and draws
 * them if there is an area. Returns the number of rows. */
static int flow_choices(struct screen *s, struct area *area, int cols)
{
    int row = 0, col = 0;

    for (int i = 0; i < s->popup.choice_count; i++) {
        const struct choice *c = &s->popup.choices[i];
        int width = cells_width(c->label) + 1 + cells_width(c->word);
        if (col > 0 && col + width > cols) {
            row++;
            col = 0;
        }
        if (area)
            draw_word(s, *area, row, col, area->cols + 1, c->label, c->word,
                      ACTION_CHOICE, c->key);
        col += width + 3;
    }
    return s->popup.choice_count ? row + 1 : 0;
}

enum { POPUP_WIDTH = 76 };

static void keep_choice_in_sight(struct screen *s, int cols, int rows)
{
    const struct text_block *text = &s->popup.text;
    int count = text_block_choices(text), row;

    if (count == 0 || s->popup.strays)
        return;
    s->popup.chosen = scroll_row(s->popup.chosen, count);
    row = text_block_choice_row(text, s->popup.chosen, cols);
    if (s->popup.chosen == 0 && row < rows)
        row = 0;
    s->popup.scroll = scroll_keep(s->popup.scroll, row, row + rows, rows);
}

/* Marks the chosen line, and lets all of them be clicked. */
static void mark_choices(struct screen *s, struct area area)
{
    int count = text_block_choices(&s->popup.text);

    for (int i = 0; i < count; i++) {
        int row = text_block_choice_row(&s->popup.text, i, area.cols) -
                  s->popup.scroll;
        if (row < 0 || row >= area.rows)
            continue;
        if (i == s->popup.chosen)
            area_mark(area, row, 0, area.cols, STYLE_REVERSE);
        screen_target(s, area, row, 0, 1, area.cols, ACTION_PICK, i);
    }
}

/* The text stands above the choices. It scrolls if it does not fit; the choices
 * are always in sight. */
static void draw_popup_text(struct screen *s, struct area area)
{
    int choices = flow_choices(s, NULL, area.cols);
    int needed = text_block_rows(&s->popup.text, area.cols);
    int gap = choices > 0 && area.rows > choices + needed;
    int rows = area.rows - choices - gap;
    int most = needed - rows;
    struct area below = area_sub(area, area.rows - choices, 0, choices,
                                 area.cols);

    keep_choice_in_sight(s, area.cols, rows);
    s->popup.scroll = scroll_row(s->popup.scroll, most + 1);
    if (s->popup.scroll < most)
        area_right(area_sub(area_all(&s->cells), area.row + area.rows,
                            area.col - 1, 1, area.cols + 2),
                   0, area.cols + 1, ROLE_KEY, " ▼ more ");
    text_block_draw(&s->popup.text, area_sub(area, 0, 0, rows, area.cols),
                    s->popup.scroll);
    mark_choices(s, area_sub(area, 0, 0, rows, area.cols));
    flow_choices(s, &below, area.cols);
}

static void draw_filled_popup(struct screen *s, struct area body)
{
    int cols = body.cols < POPUP_WIDTH + 4 ? body.cols : POPUP_WIDTH + 4;
    int choices = flow_choices(s, NULL, cols - 4);
    int needed = text_block_rows(&s->popup.text, cols - 4) + choices +
                 (choices > 0) + 2;
    int rows = needed < body.rows ? needed : body.rows;
    struct area area = area_sub(body, (body.rows - rows) / 2,
                                (body.cols - cols) / 2, rows, cols);

    area_fill(area, ROLE_TEXT, " ");
    screen_target(s, body, 0, 0, body.rows, body.cols,
                  choices ? ACTION_NONE : ACTION_CLOSE, 0);
    area = area_box(area, ROLE_FOCUS, ROLE_FOCUS | STYLE_BOLD,
                    s->popup.title);
    draw_popup_text(s, area_sub(area, 0, 1, area.rows, area.cols - 2));
}

static void draw_popup(struct screen *s)
{
    draw_filled_popup(s, area_rect(area_all(&s->cells), s->layout.body));
}

/* A question has the keys, so it must be seen: below the line, or over it. */
static void draw_small_question(struct screen *s, struct area area)
{
    struct text_block text = { 0 };

    area = area_sub(area, area.rows > 1, 0, area.rows, area.cols);
    area_fill(area, ROLE_TEXT, " ");
    if (s->question.open)
        text_block_add(&text, ROLE_TITLE, "%s %.*s_%s", s->question.text,
                       (int)s->question.at, s->question.answer,
                       s->question.answer + s->question.at);
    else
        text_block_add(&text, ROLE_TITLE, "%s?", s->popup.title);
    for (int i = 0; !s->question.open && i < s->popup.choice_count; i++)
        text_block_add(&text, ROLE_TEXT, "%s: %s", s->popup.choices[i].label,
                       s->popup.choices[i].word);
    text_block_draw(&text, area, 0);
    text_block_done(&text);
}

/* The state of the run, in the rows that there are, the most important first.
 */
static void draw_summary(const struct session *s, struct area area)
{
    static const unsigned styles[] = {
        [NOTICE_INFO] = ROLE_STATUS, [NOTICE_WARNING] = ROLE_WARNING,
        [NOTICE_ERROR] = ROLE_BAD
    };
    struct text_block text = { 0 };
    char progress[PROGRESS_SIZE];
    double loss = run_latest(session_run(s), CURVE_LOSS);

    progress_text(s, area.cols, progress);
    if (s->sentence[0])
        text_block_add(&text, ROLE_BAD, "%s", s->sentence);
    else if (s->notice)
        text_block_add(&text, styles[s->notice], "%s", s->message);
    text_block_add(&text, ROLE_TEXT, "%s", s->preset);
    if (*progress)
        text_block_add(&text, ROLE_TEXT, "%s", progress);
    if (isfinite(loss))
        text_block_add(&text, ROLE_TEXT, "loss %.4g", loss);
    if (session_pending(s))
        text_block_add(&text, ROLE_PENDING, "changes are pending");
    text_block_add(&text, ROLE_DIM, "from %dx%d on there are "
                   "pages; q quits", LAYOUT_LEAST_COLS, LAYOUT_LEAST_ROWS);
    text_block_draw(&text, area, 0);
    text_block_done(&text);
}

/* Where there is no room for a page, the first line is like a status bar's.
 */
static void draw_without_page(struct screen *s, struct area area)
{
    const struct session *session = s->session;
    unsigned style;
    const char *state = state_text(session, &style);
    double valid = run_latest(session_run(session), CURVE_VALID_SCORE);
    struct score score = run_score(session_run(session));
    char peak[BYTES_TEXT_SIZE], figure[NUMBER_SIZE];
    int col = area_text(area, 0, 0, style, state);

    if (session->now && !session->now->refused)
        col = area_print(area, 0, col, ROLE_TEXT, " %s",
                         bytes_format(peak, sizeof(peak),
                                      session->now->peak_bytes));
    if (isfinite(valid))
        area_print(area, 0, col, ROLE_TEXT, " %s",
                   score_format(&score, valid, 1, figure));
    if (area.rows > 1)
        draw_summary(session, area_sub(area, 1, 0, area.rows - 1, area.cols));
    if (s->question.open || screen_offers(s))
        draw_small_question(s, area);
}

void frame_draw(struct screen *s)
{
    struct area all = area_all(&s->cells);

    cells_clear(&s->cells);
    s->target_count = 0;
    s->layout = layout_make(s->cells.rows, s->cells.cols, s->page,
                            s->pane[s->page]);
    if (s->popup.open && s->popup.fill)
        screen_fill(s, s->popup.fill);
    if (s->layout.size == SIZE_LINE) {
        draw_without_page(s, all);
        return;
    }
    draw_tabs(s, area_rect(all, s->layout.tabs));
    if (s->layout.switcher.rows)
        draw_switcher(s, area_rect(all, s->layout.switcher));
    for (int i = 0; i < LAYOUT_PANES; i++)
        draw_pane(s, i);
    draw_status(s, area_rect(all, s->layout.status));
    draw_hints(s, area_rect(all, s->layout.hints));
    if (s->popup.open)
        draw_popup(s);
}
