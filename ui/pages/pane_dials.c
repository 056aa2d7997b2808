#include "ui/pages/pane_dials.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "settings/idle.h"
#include "ui/pages/dial_list.h"
#include "ui/pages/explain.h"
#include "ui/term/scroll.h"

static void range_of_dials(const struct pane_dials *p, int *from, int *to)
{
    *from = p->more ? dial_first_page() : 0;
    *to = p->more ? dial_count() : dial_first_page();
}

static unsigned style_of_change(int sign)
{
    return sign < 0 ? ROLE_GOOD : sign > 0 ? ROLE_BAD : ROLE_TEXT;
}

/* The value after a turn, of a dial that saves no bytes. */
static void turned_text(int dial, const struct settings *next, char text[64],
                       char bytes[BYTES_TEXT_SIZE])
{
    char value[SETTINGS_TEXT_SIZE];

    dial_format(next, dial, value, sizeof(value));
    snprintf(text, 64, "%.32s", value);
    snprintf(bytes, BYTES_TEXT_SIZE, "%.16s", value);
}

enum { SECONDS_COLS = 19 };

/* Whether a turn has room for seconds, and they are known; else a factor. */
static bool says_seconds(const struct session *s, int cols)
{
    return s->ledger.timings && cols >= SECONDS_COLS;
}

/* "3.11 MiB 86.0 ms", or "3.11 MiB ×1.29" where there is less room or times are
 * a guess, and the peak alone; returns the style. */
static unsigned peak_text_of(const struct session *s, const struct forecast *f,
                             int cols, char text[64],
                             char bytes[BYTES_TEXT_SIZE])
{
    char times[NUMBER_SIZE], change[NUMBER_SIZE], time[TEXT_TIME_SIZE];
    double factor = session_times(s, f);

    bytes_format(bytes, BYTES_TEXT_SIZE, f->peak_bytes);
    if (!f->guessed && says_seconds(s, cols))
        snprintf(text, 64, "%s %s", bytes, text_time(time, f->seconds));
    else if (isfinite(factor))
        snprintf(text, 64, "%s ×%s", bytes,
                 number_format(times, factor, 2, NUMBER_CELLS_MIN));
    else
        snprintf(text, 64, "%s", bytes);
    return style_of_change(number_change(change,
                                         (double)s->planned->peak_bytes,
                                         (double)f->peak_bytes));
}

/* "‹ 3.11 MiB 86.0 ms": the peak after a turn, and the time of a step; the peak
 * alone where there is no room for all digits. */
static void draw_turn(struct screen *s, struct area area, int row, int dial,
                      enum dial_turn turn)
{
    const struct session *session = s->session;
    const struct forecast *f = session_turned(session, dial, turn);
    const struct forecast *now = session->planned;
    unsigned style = ROLE_DIM;
    char text[64] = "…", bytes[BYTES_TEXT_SIZE] = "…";
    struct settings next;
    int col;

    if (!session_next(session, dial, turn, &next))
        strcpy(text, "–");
    else if (f && f->refused)
        strcpy(text, "refused");
    else if (!dial_setting(dial)->shrinks)
        turned_text(dial, &next, text, bytes);
    else if (f && now && !now->refused)
        style = peak_text_of(session, f, area.cols, text, bytes);
    col = area_text(area, row, 0, ROLE_KEY | STYLE_BOLD,
                    turn == DIAL_UP ? "›" : "‹");
    if (col + cells_width(text) > area.cols)
        snprintf(text, sizeof(text), "%s", bytes);
    col += col + 1 + cells_width(text) <= area.cols;
    area_text(area, row, col, style, text);
    screen_target(s, area, row, 0, 1, area.cols,
                  turn == DIAL_UP ? ACTION_MORE : ACTION_LESS, dial + 1);
}

enum { NAME_COLS = 18 };

/* Whether a dial's value has no effect beside the other dials. */
static bool is_idle(const struct session *session, int dial,
                    char why[IDLE_WHY_SIZE])
{
    return idle_now(dial_setting(dial), &session->wanted, &session->machine,
                    why);
}

/* The columns before a turn, and those of one. */
static int indent_of(int cols)
{
    return cols < 38 ? 1 : 2;
}

static int half_of(int cols)
{
    return (cols - indent_of(cols) - 1) / 2;
}

/* "+3 marked", at the end of a row that ends at `col` so far. */
static void draw_mark_count(const struct session *s, struct area area, int row,
                       int col, int dial)
{
    int count = marks_of(&s->marks, dial_setting(dial));
    char text[32];

    snprintf(text, sizeof(text), " +%d marked", count);
    if (count && col + cells_width(text) > area.cols)
        snprintf(text, sizeof(text), " +%d", count);
    if (count)
        area_right(area, row, area.cols, ROLE_TITLE, text);
}

static void draw_dial(struct screen *s, struct area area, int row, int dial)
{
    const struct session *session = s->session;
    bool chosen = s->dial == dial;
    bool pending = session_dial_pending(session, dial);
    char why[IDLE_WHY_SIZE];
    bool idle = is_idle(session, dial, why);
    unsigned style = pending ? ROLE_PENDING | STYLE_BOLD
                     : idle  ? ROLE_DIM : ROLE_TEXT | STYLE_BOLD;
    char value[SETTINGS_TEXT_SIZE], before[SETTINGS_TEXT_SIZE];
    int indent = indent_of(area.cols), half = half_of(area.cols), col;

    screen_target(s, area, row, 0, 2, area.cols, ACTION_ROW, dial);
    dial_format(&session->wanted, dial, value, sizeof(value));
    area_text(area, row, 0, ROLE_KEY | STYLE_BOLD, chosen ? "▸" : " ");
    area_text(area, row, 2, chosen ? ROLE_TITLE : ROLE_TEXT,
              dial_setting(dial)->name);
    col = area_text(area, row, NAME_COLS, style, value);
    if (pending) {
        dial_format(session_settled(session), dial, before,
                    sizeof(before));
        col = area_print(area, row, col + 1, ROLE_PENDING, "* now %s", before);
    } else if (idle) {
        col = area_text(area, row, col + 1, ROLE_DIM, "(idle)");
    }
    draw_mark_count(session, area, row, col + 1, dial);
    if (chosen && screen_has_keys(s, PANE_DIALS))
        area_mark(area, row, 0, area.cols, STYLE_REVERSE);
    draw_turn(s, area_sub(area, 0, indent, area.rows, half), row + 1, dial,
              DIAL_DOWN);
    draw_turn(s, area_sub(area, 0, indent + half + 1, area.rows, half),
              row + 1, dial, DIAL_UP);
}

/* Describes the chosen dial, as far as there is room. */
static void draw_detail(struct screen *s, struct area area)
{
    struct text_block text = { 0 };

    for (int c = 0; c < area.cols; c++)
        area_text(area, 0, c, ROLE_BORDER, "─");
    explain_turns(&text, s->session, s->dial);
    text_block_add(&text, ROLE_DIM, "%s", dial_setting(s->dial)->help);
    area = area_sub(area, 1, 0, area.rows - 1, area.cols);
    text_block_draw(&text, area, 0);
    if (text_block_rows(&text, area.cols) > area.rows)
        area_right(area, area.rows - 1, area.cols, ROLE_DIM, " …");
    text_block_done(&text);
}

enum { DETAIL_ROWS = 6 };

void pane_dials_draw(struct screen *s, struct pane_dials *p, struct area area)
{
    int from, to, each, shown, rows = area.rows, detail;
    char note[32];

    range_of_dials(p, &from, &to);
    if (s->dial < from || s->dial >= to)
        s->dial = from;
    /* A blank line stands between dials where there is room for all. */
    each = rows >= 3 * (to - from) + DETAIL_ROWS ? 3 : 2;
    shown = rows / each < to - from ? rows / each : to - from;
    p->scroll = from + scroll_keep(p->scroll - from, s->dial - from, to - from,
                                   shown);
    for (int i = 0; i < shown; i++)
        draw_dial(s, area, each * i, p->scroll + i);
    detail = rows - each * shown;
    if (detail >= 3)
        draw_detail(s, area_sub(area, rows - (detail < DETAIL_ROWS ? detail
                                                               : DETAIL_ROWS),
                                0, DETAIL_ROWS, area.cols));
    snprintf(note, sizeof(note), "%s  %d/2",
             says_seconds(s->session, half_of(area.cols)) ? "a step"
                                                          : "of baseline",
             p->more ? 2 : 1);
    screen_note(s, area, screen_has_keys(s, PANE_DIALS) ? ROLE_KEY : ROLE_DIM,
                note);
}

void pane_dials_turn(struct screen *s, struct pane_dials *p, int number,
                     enum dial_turn turn)
{
    int from, to;

    if (number)
        s->dial = number - 1;
    range_of_dials(p, &from, &to);
    if (s->dial < from || s->dial >= to)
        s->dial = from;
    session_turn(s->session, s->dial, turn);
}

void pane_dials_act(struct screen *s, struct pane_dials *p,
                    enum action action, int argument)
{
    int from, to;

    range_of_dials(p, &from, &to);
    switch (action) {
    case ACTION_UP:
        s->dial--;
        break;
    case ACTION_DOWN:
        s->dial++;
        break;
    case ACTION_START:
    case ACTION_PAGE_UP:
        s->dial = from;
        break;
    case ACTION_END:
    case ACTION_PAGE_DOWN:
        s->dial = to - 1;
        break;
    case ACTION_ROW:
        if (s->dial == argument)
            dial_list_open(s);
        s->dial = argument;
        break;
    case ACTION_LEFT:
        pane_dials_turn(s, p, 0, DIAL_DOWN);
        break;
    case ACTION_RIGHT:
        pane_dials_turn(s, p, 0, DIAL_UP);
        break;
    case ACTION_ENTER:
        if (s->session->locked && session_pending(s->session))
            s->session->asks |= SESSION_ASK_APPLY;
        else
            dial_list_open(s);
        break;
    case ACTION_VALUE:
        dial_list_ask(s);
        break;
    default:
        break;
    }
    s->dial = s->dial < from ? from : s->dial >= to ? to - 1 : s->dial;
}
