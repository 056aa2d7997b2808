#include "ui/pages/pane_memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "settings/idle.h"
#include "ui/pages/explain.h"
#include "ui/pages/time_text.h"
#include "ui/term/bar.h"
#include "ui/term/scroll.h"

/* Rows after the kinds of memory. */
enum { ROW_PEAK = KIND_COUNT, ROW_ARENA, ROW_TOUCHED, ROW_PROCESS, ROW_GAP,
       ROW_BUDGET, ROW_COUNT };

static const char *reference_name(const struct session *s)
{
    return s->pinned ? "pinned" : "baseline";
}

enum { BAR_LABEL = 9, BAR_TOTAL = 11 };

/* Draws the kinds at the peak, by the name of a column. */
static void draw_memory_bar(struct area area, int row, const char *name,
                            unsigned style, const struct forecast *f,
                            double scale)
{
    char text[BYTES_TEXT_SIZE];

    area_text(area, row, 0, style, name);
    if (!f || f->refused) {
        area_text(area, row, BAR_LABEL, ROLE_DIM, f ? "cannot be" : "…");
        return;
    }
    bar_kinds(area, row, BAR_LABEL, area.cols - BAR_LABEL - BAR_TOTAL,
              f->bytes, (double)f->peak_bytes, scale);
    area_right(area, row, area.cols, style | STYLE_BOLD,
               bytes_format(text, sizeof(text), f->peak_bytes));
}

/* The bytes of a row in a forecast; 0 if it has none. */
static uint64_t row_bytes(const struct forecast *f, int row)
{
    if (!f || f->refused)
        return 0;
    return row < KIND_COUNT   ? f->bytes[row]
           : row == ROW_PEAK  ? f->peak_bytes
           : row == ROW_ARENA ? f->arena_bytes : 0;
}

/* The bytes that fill a bar: the most of all three. With `zoom`, the most of
 * the first two, which the third may be far above. */
static double scale_of(const struct session *s, bool zoom)
{
    const struct forecast *all[] = { s->now, s->planned,
                                     session_reference(s) };
    double most = 1;

    for (int i = 0; i < (zoom ? 2 : 3); i++)
        most = fmax(most, (double)row_bytes(all[i], ROW_PEAK));
    return most;
}

enum { GAIN_SIZE = 256 };

/* "58.3x less than the baseline, ×1.33 its time, predicted 86.0 ms". How far a
 * measured time is from the predicted one comes before the factor. */
static void gain_text(const struct session *s, int cols, char text[GAIN_SIZE])
{
    const struct forecast *f = s->planned, *r = session_reference(s);
    char ratio[TEXT_RATIO_SIZE], number[NUMBER_SIZE], factor[64] = "";
    char time[TIME_TEXT_SIZE];
    int used = snprintf(text, GAIN_SIZE, "%s %s%s",
                        text_ratio(ratio, (double)r->peak_bytes /
                                              (double)f->peak_bytes),
                        s->pinned ? "" : "the ", reference_name(s));

    if (f->guessed == r->guessed)
        snprintf(factor, sizeof(factor), ", ×%s its time",
                 number_format(number, f->seconds / r->seconds, 2,
                               NUMBER_CELLS_MIN));
    time_text_of(s, f, time);
    if (strchr(time, ',') && cells_width(text) + cells_width(factor) + 2 +
                                 cells_width(time) > cols)
        *factor = '\0';
    snprintf(text + used, GAIN_SIZE - (size_t)used, "%s, %s", factor, time);
    while (cells_width(text) > cols && strchr(text, ','))
        *strrchr(text, ',') = '\0';
}

static void draw_gain(const struct session *s, struct area area, int row)
{
    const struct forecast *f = s->planned, *r = session_reference(s);
    char text[GAIN_SIZE];
    double factor;

    if (!f || f->refused || !r || r->refused)
        return;
    factor = (double)r->peak_bytes / (double)f->peak_bytes;
    gain_text(s, area.cols, text);
    area_text(area, row,
              BAR_LABEL + cells_width(text) <= area.cols ? BAR_LABEL : 0,
              (1 / factor < TEXT_RATIO_LEAST ? ROLE_GOOD : ROLE_BAD) |
                  STYLE_BOLD, text);
}

static bool has_row(const struct session *s, int row)
{
    return row >= KIND_COUNT || row_bytes(s->now, row) ||
           row_bytes(s->planned, row) ||
           row_bytes(session_reference(s), row);
}

static void draw_bytes(struct area area, int row, int end, unsigned style,
                       const struct forecast *f, uint64_t bytes)
{
    char text[BYTES_TEXT_SIZE];

    area_right(area, row, end, style,
               f && !f->refused ? bytes_format(text, sizeof(text), bytes)
                                : "…");
}

static void put_change(struct area area, int row, int end, uint64_t from,
                       uint64_t to)
{
    char text[NUMBER_SIZE];
    int sign = number_change(text, (double)from, (double)to);

    area_right(area, row, end,
               sign < 0 ? ROLE_GOOD : sign > 0 ? ROLE_BAD : ROLE_DIM, text);
}

/* Where columns end; the change is that of turning the dials, done or not. */
struct columns {
    int now, planned, reference, change, share; /* 0: left out */
};

static struct columns memory_columns(const struct session *s, int cols)
{
    if (cols >= 62)
        return (struct columns){ 26, 37, 48, 56, 63 };
    return session_differs(s)
               ? (struct columns){ 24, 34, 0, cols >= 42 ? 42 : 0, 0 }
               : (struct columns){ 24, 0, 34, cols >= 42 ? 42 : 0, 0 };
}

static void draw_forecast_row(const struct session *s, struct area area,
                              int y, int row, struct columns c)
{
    const struct forecast *r = session_reference(s);
    uint64_t now = row_bytes(s->now, row), planned = row_bytes(s->planned, row);
    bool pending = session_differs(s);

    draw_bytes(area, y, c.now, ROLE_TEXT, s->now, now);
    if (c.planned)
        draw_bytes(area, y, c.planned, pending ? ROLE_PENDING : ROLE_TEXT,
                   s->planned, planned);
    if (c.reference)
        draw_bytes(area, y, c.reference, ROLE_DIM, r, row_bytes(r, row));
    if (!s->planned || s->planned->refused)
        return;
    if (c.change)
        put_change(area, y, c.change, pending ? now : row_bytes(r, row),
                   planned);
    if (c.share && row <= ROW_PEAK) {
        char text[16];
        snprintf(text, sizeof(text), "%.1f%%",
                 100.0 * (double)planned / (double)s->planned->peak_bytes);
        area_right(area, y, c.share, ROLE_TEXT, text);
        bar_share(area, y, c.share + 2, area.cols - c.share - 3,
                  (unsigned)(row < KIND_COUNT ? ROLE_KIND + row : ROLE_DIM),
                  (double)planned / (double)s->planned->peak_bytes);
    }
}

/* The worker's figures are for a step that was run. The size of the process is
 * known at any time; its share that is the arena is not known before a step. */
static void draw_worker_row(const struct session *s, struct area area, int y,
                            int row, struct columns c)
{
    const struct run *r = session_run(s);
    uint64_t bytes = row == ROW_TOUCHED   ? r->touched
                     : row == ROW_PROCESS ? r->os : session_gap(s);
    bool known = r->has_memory && (r->has_stepped || row == ROW_PROCESS);
    char text[BYTES_TEXT_SIZE], peak[BYTES_TEXT_SIZE], note[32] = "";

    if (!known)
        strcpy(note, "after a step");
    else if (row == ROW_TOUCHED)
        strcpy(note, bytes == r->arena ? "all of the arena" : "of the arena");
    else if (row == ROW_GAP)
        strcpy(note, "not the arena");
    else if (r->os_peak)
        snprintf(note, sizeof(note), "max %s",
                 bytes_format(peak, sizeof(peak), r->os_peak));
    area_right(area, y, c.now, known ? ROLE_TEXT : ROLE_DIM,
               known ? bytes_format(text, sizeof(text), bytes) : "…");
    area_text(area, y, c.now + 2, ROLE_DIM, note);
}

static void draw_budget_row(const struct session *s, struct area area, int y,
                            struct columns c)
{
    const struct forecast *f = s->planned;
    uint64_t budget = s->wanted.memory_budget;
    char text[BYTES_TEXT_SIZE], left[BYTES_TEXT_SIZE], why[IDLE_WHY_SIZE];

    if (!budget) {
        area_right(area, y, c.now, ROLE_DIM, "none");
        return;
    }
    area_right(area, y, c.now, ROLE_TEXT,
               bytes_format(text, sizeof(text), budget));
    if (idle_now(settings_find("memory_budget"), &s->wanted, &s->machine, why))
        area_text(area, y, c.now + 2, ROLE_DIM, "idle");
    else if (!f || f->refused)
        area_text(area, y, c.now + 2, ROLE_BAD, "cannot be met");
    else if (f->arena_bytes <= budget)
        area_print(area, y, c.now + 2, ROLE_GOOD, "%s to spare",
                   bytes_format(left, sizeof(left), budget - f->arena_bytes));
    else
        area_print(area, y, c.now + 2, ROLE_BAD, "%s over",
                   bytes_format(left, sizeof(left), f->arena_bytes - budget));
}

static void pane_memory_draw_row(struct screen *s, const struct pane_memory *p,
                                 struct area area, int y, int row,
                                 struct columns c)
{
    static const char *const names[] = { "peak", "arena", "touched",
                                         "process", "gap", "budget" };
    const struct session *session = s->session;

    if (row < KIND_COUNT) {
        unsigned style = (unsigned)(ROLE_KIND + row);
        area_text(area, y, 0, style,
                  theme_pattern((enum kind)row, area.cells->glyphs));
        area_print(area, y, 1, style | STYLE_BOLD, "%c",
                   theme_letter((enum kind)row));
        area_text(area, y, 3, ROLE_TEXT, kind_name((enum kind)row));
    } else {
        area_text(area, y, 3, row == ROW_PEAK ? ROLE_TITLE : ROLE_TEXT,
                  names[row - KIND_COUNT]);
    }
    if (row <= ROW_ARENA)
        draw_forecast_row(session, area, y, row, c);
    else if (row == ROW_BUDGET)
        draw_budget_row(session, area, y, c);
    else
        draw_worker_row(session, area, y, row, c);
    if (row == p->row && screen_has_keys(s, PANE_MEMORY))
        area_mark(area, y, 0, area.cols, STYLE_REVERSE);
    screen_target(s, area, y, 0, 1, area.cols, ACTION_ROW, row);
}

/* The next row that is shown, in steps of 1 or -1; at the end, the same row. */
static int next_row(const struct session *s, int row, int step)
{
    for (int r = row + step; r >= 0 && r < ROW_COUNT; r += step)
        if (has_row(s, r))
            return r;
    return row;
}

static int list_rows(const struct session *s, int rows[ROW_COUNT])
{
    int n = 0;

    for (int r = 0; r < ROW_COUNT; r++)
        if (has_row(s, r))
            rows[n++] = r;
    return n;
}

static void draw_titles(const struct session *s, struct area area,
                        struct columns c)
{
    area_right(area, 0, c.now, ROLE_DIM, "now");
    if (c.planned)
        area_right(area, 0, c.planned, ROLE_DIM, "planned");
    if (c.reference)
        area_right(area, 0, c.reference, ROLE_DIM, reference_name(s));
    if (c.change)
        area_right(area, 0, c.change, ROLE_DIM, "change");
    if (c.share)
        area_right(area, 0, c.share, ROLE_DIM, "share");
}

/* Rows that are not shown must not be taken for none. */
static void draw_memory_rows(struct screen *s, struct pane_memory *p,
                             struct area area)
{
    struct columns c = memory_columns(s->session, area.cols);
    int rows[ROW_COUNT], n = list_rows(s->session, rows), chosen = 0;
    struct area titles = area_sub(area, 0, 0, 1, area.cols);

    draw_titles(s->session, titles, c);
    area = area_sub(area, 1, 0, area.rows - 1, area.cols);
    if (!has_row(s->session, p->row))
        p->row = next_row(s->session, p->row, 1);
    for (int i = 0; i < n; i++)
        if (rows[i] == p->row)
            chosen = i;
    p->scroll = scroll_keep(p->scroll, chosen, n, area.rows);
    if (area.rows < n)
        area_print(titles, 0, 0, ROLE_DIM, "rows %d-%d of %d", p->scroll + 1,
                   p->scroll + area.rows, n);
    for (int i = 0; i < area.rows && p->scroll + i < n; i++)
        pane_memory_draw_row(s, p, area, i, rows[p->scroll + i], c);
}

enum { FLAT = 4 /* times less than the largest */ };

/* Zooming is offered where it would show more. */
static void draw_note(struct screen *s, struct area area)
{
    bool flat = scale_of(s->session, false) > FLAT * scale_of(s->session, true);

    screen_note(s, area, screen_has_keys(s, PANE_MEMORY) ? ROLE_KEY : ROLE_DIM,
                flat ? "z zooms, Enter explains" : "Enter explains");
}

/* With fewer rows there are figures alone. */
enum { BARS_ROWS = 7, BARS = 3 };

/* A budget can be dragged along the bars, whose scale it has. */
static void draw_grip(struct screen *s, const struct pane_memory *p,
                      struct area area, double scale)
{
    int cols = area.cols - BAR_LABEL - BAR_TOTAL;
    int col = (int)((double)p->budget / scale * cols);

    screen_target(s, area, 0, BAR_LABEL, BARS, cols, ACTION_GRIP, 0);
    for (int row = 0; p->budget && row < BARS && col < cols; row++)
        area_text(area, row, BAR_LABEL + col, ROLE_MARK | STYLE_BOLD, "│");
}

/* Takes a budget at a column of the bars; at the end of the drag, asks for
 * settings that fit. A press that does not move means nothing. */
static void drag_budget(struct screen *s, struct pane_memory *p, int col,
                        bool end)
{
    struct session *session = s->session;
    double scale = scale_of(session, s->view.zoom);
    uint64_t budget = (uint64_t)(scale * (col + 1) / s->grip.cols);
    char text[BYTES_TEXT_SIZE];

    p->budget = 0;
    s->drag_hint[0] = '\0';
    if (col < 0 || col >= s->grip.cols)
        return;
    if (end && col != s->grip_col) {
        screen_go(s, PAGE_FIT);
        session_fit(session, budget);
    } else if (!end) {
        p->budget = budget;
        snprintf(s->drag_hint, sizeof(s->drag_hint),
                 "budget %s: let go, and what fits is searched for",
                 bytes_format(text, sizeof(text), budget));
    }
}

void pane_memory_draw(struct screen *s, struct pane_memory *p,
                      struct area area)
{
    const struct session *session = s->session;
    const struct forecast *reference = session_reference(session);
    double scale = scale_of(session, s->view.zoom);
    bool pending = session_differs(session);
    int bars = area.rows >= BARS_ROWS ? BARS : 0, gap = area.rows >= 16;

    if (bars) {
        draw_memory_bar(area, 0, "now", ROLE_TEXT, session->now, scale);
        draw_memory_bar(area, 1, "planned", pending ? ROLE_PENDING : ROLE_TEXT,
                        session->planned, scale);
        draw_memory_bar(area, 2, reference_name(session), ROLE_PINNED,
                        reference, scale);
        draw_grip(s, p, area, scale);
    }
    draw_gain(session, area, bars);
    draw_note(s, area);
    bars += 1 + gap;
    draw_memory_rows(s, p,
                     area_sub(area, bars, 0, area.rows - bars, area.cols));
}

void pane_memory_init(struct pane_memory *p)
{
    p->row = ROW_PEAK;
}

static void pane_memory_explain(struct screen *s, int row)
{
    const struct session *session = s->session;
    const struct forecast *f = session->planned;
    struct text_block *text = &s->popup.text;

    if (row <= ROW_PEAK && (!f || !f->job))
        return;
    if (row < KIND_COUNT) {
        screen_popup(s, kind_name((enum kind)row));
        explain_kind(text, f->job, (enum kind)row);
    } else if (row == ROW_PEAK) {
        screen_popup(s, "The peak");
        explain_peak(text, session);
    } else if (row == ROW_BUDGET && f) {
        screen_popup(s, "The budget");
        explain_budget(text, session);
    } else if (row != ROW_BUDGET && session_run(session)->has_memory) {
        screen_popup(s, "The process");
        explain_memory(text, session);
    }
}

void pane_memory_act(struct screen *s, struct pane_memory *p,
                     enum action action, int argument)
{
    const struct session *session = s->session;

    switch (action) {
    case ACTION_UP:
        p->row = next_row(session, p->row, -1);
        break;
    case ACTION_DOWN:
        p->row = next_row(session, p->row, 1);
        break;
    case ACTION_START:
        p->row = next_row(session, -1, 1);
        break;
    case ACTION_END:
        p->row = ROW_BUDGET;
        break;
    case ACTION_ROW:
        if (p->row == argument)
            pane_memory_explain(s, argument);
        p->row = argument;
        break;
    case ACTION_ENTER:
        pane_memory_explain(s, p->row);
        break;
    case ACTION_DRAG:
    case ACTION_DROP:
        drag_budget(s, p, argument, action == ACTION_DROP);
        break;
    default:
        break;
    }
}
