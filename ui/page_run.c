/*
 * The page Run: dials, and what they do to memory and to accuracy.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bar.h"
#include "bytes.h"
#include "chart.h"
#include "explain.h"
#include "screen.h"

/* Rows of the memory pane, after the kinds of memory. */
enum { ROW_PEAK = KIND_COUNT, ROW_TOUCHED, ROW_PROCESS, ROW_GAP, ROW_BUDGET,
       ROW_COUNT };

struct run_page {
    bool more_dials;     /* the second page of them */
    int scroll;          /* first dial shown */
    int row;             /* chosen, enum above or a kind */
    int row_scroll;
    bool has_cursor;
    double cursor;       /* of the curves, in the unit of the x axis */
    double x_max;        /* of the chart when it was last drawn */
};

static void range_of_dials(const struct run_page *p, int *from, int *to)
{
    *from = p->more_dials ? dial_first_page() : 0;
    *to = p->more_dials ? dial_count() : dial_first_page();
}

/* "‹ 3.11 MiB ×1.29": what a turn would make of peak and FLOPs. */
static void draw_turn(struct screen *s, struct area area, int row, int dial,
                      enum dial_turn turn)
{
    const struct session *session = s->session;
    const struct forecast *f = session_turned(session, dial, turn);
    const struct forecast *now = session->planned;
    unsigned style = ROLE_DIM;
    char text[64] = "…", bytes[BYTES_TEXT_SIZE];
    struct settings next;
    int col;

    if (!dial_turn(&session->wanted, dial, turn, &next))
        strcpy(text, "–");
    else if (f && f->refused)
        strcpy(text, "refused");
    else if (f && now && !now->refused) {
        snprintf(text, sizeof(text), "%s ×%.2f",
                 bytes_format(bytes, sizeof(bytes), f->peak_bytes),
                 f->flops / now->flops);
        style = f->peak_bytes < now->peak_bytes   ? ROLE_GOOD
                : f->peak_bytes > now->peak_bytes ? ROLE_BAD : ROLE_TEXT;
    }
    col = area_text(area, row, 0, ROLE_KEY | STYLE_BOLD,
                    turn == DIAL_UP ? "›" : "‹");
    area_text(area, row, col + (area.cols >= 17), style, text);
    screen_target(s, area, row, 0, 1, area.cols,
                  turn == DIAL_UP ? ACTION_MORE : ACTION_LESS, dial + 1);
}

enum { NAME_COLS = 17 };

static void draw_dial(struct screen *s, struct area area, int row, int dial)
{
    const struct session *session = s->session;
    bool chosen = s->dial == dial;
    bool pending = session_dial_pending(session, dial);
    unsigned style = pending ? ROLE_PENDING | STYLE_BOLD
                             : ROLE_TEXT | STYLE_BOLD;
    char value[SETTINGS_TEXT_SIZE], before[SETTINGS_TEXT_SIZE];
    int half = (area.cols - 2) / 2, col;

    screen_target(s, area, row, 0, 2, area.cols, ACTION_ROW, dial);
    dial_format(&session->wanted, dial, value, sizeof(value));
    area_text(area, row, 0, ROLE_KEY | STYLE_BOLD, chosen ? "▸" : " ");
    area_text(area, row, 2, chosen ? ROLE_TITLE : ROLE_TEXT,
              dial_setting(dial)->name);
    col = area_text(area, row, NAME_COLS, style, value);
    if (pending) {
        dial_format(&session->in_force, dial, before, sizeof(before));
        area_print(area, row, col + 1, ROLE_PENDING, "* now %s", before);
    }
    if (chosen && screen_has_keys(s, PANE_DIALS))
        area_mark(area, row, 0, area.cols, STYLE_REVERSE);
    draw_turn(s, area_sub(area, 0, 2, area.rows, half - 1), row + 1, dial,
              DIAL_DOWN);
    draw_turn(s, area_sub(area, 0, 2 + half, area.rows, half), row + 1, dial,
              DIAL_UP);
}

/* The chosen dial at length: what it is, and where its turns lead. */
static void draw_detail(struct screen *s, struct area area)
{
    static const char *const names[] = { "‹ ", "› " };
    const struct session *session = s->session;
    const struct setting *row = dial_setting(s->dial);
    struct text_block text = { 0 };

    for (int c = 0; c < area.cols; c++)
        area_text(area, 0, c, ROLE_BORDER, "─");
    for (int t = 0; t < DIAL_TURNS; t++) {
        const struct forecast *f =
            session_turned(session, s->dial, (enum dial_turn)t);
        char value[SETTINGS_TEXT_SIZE];
        struct settings next;
        if (!dial_turn(&session->wanted, s->dial, (enum dial_turn)t, &next))
            continue;
        dial_format(&next, s->dial, value, sizeof(value));
        if (f && f->refused)
            text_block_add(&text, ROLE_BAD, "%s%s: %s", names[t], value,
                           f->error.text);
        else if (f && session->planned && !session->planned->refused)
            text_block_add(&text, ROLE_TEXT,
                           "%s%s: peak %+.1f%%, FLOPs %+.1f%%", names[t],
                           value,
                           100.0 * ((double)f->peak_bytes /
                                    (double)session->planned->peak_bytes - 1),
                           100.0 * (f->flops / session->planned->flops - 1));
    }
    text_block_add(&text, ROLE_DIM, "%s", row->help);
    text_block_draw(&text, area_sub(area, 1, 0, area.rows - 1, area.cols), 0);
    text_block_done(&text);
}

enum { DETAIL_ROWS = 6 };

static void draw_dials(struct screen *s, struct run_page *p, struct area area)
{
    int from, to, each, shown, rows = area.rows, detail;

    range_of_dials(p, &from, &to);
    if (s->dial < from || s->dial >= to)
        s->dial = from;
    /* With a line between them where there is room for all of it. */
    each = rows >= 3 * (to - from) + DETAIL_ROWS ? 3 : 2;
    shown = rows / each < to - from ? rows / each : to - from;
    if (p->scroll > to - shown)
        p->scroll = to - shown;
    if (p->scroll < from)
        p->scroll = from;
    if (s->dial < p->scroll)
        p->scroll = s->dial;
    if (s->dial >= p->scroll + shown)
        p->scroll = s->dial - shown + 1;
    for (int i = 0; i < shown; i++)
        draw_dial(s, area, each * i, p->scroll + i);
    detail = rows - each * shown;
    if (detail >= 3)
        draw_detail(s, area_sub(area, rows - (detail < DETAIL_ROWS ? detail
                                                               : DETAIL_ROWS),
                                0, DETAIL_ROWS, area.cols));
    screen_note(s, area, screen_has_keys(s, PANE_DIALS) ? ROLE_KEY : ROLE_DIM,
                p->more_dials ? "←→ turn  2/2" : "←→ turn  1/2");
}

static const char *reference_name(const struct session *s)
{
    return s->pinned ? "pinned" : "baseline";
}

enum { BAR_LABEL = 9, BAR_TOTAL = 11 };

/* Of the kinds, `bytes` in all. */
static void draw_bar(struct area area, int row, const char *name,
                     unsigned style, const struct forecast *f,
                     uint64_t bytes, double scale)
{
    char text[BYTES_TEXT_SIZE];

    area_text(area, row, 0, style, name);
    if (!f || f->refused) {
        area_text(area, row, BAR_LABEL, ROLE_DIM, f ? "cannot be" : "…");
        return;
    }
    bar_kinds(area, row, BAR_LABEL, area.cols - BAR_LABEL - BAR_TOTAL,
              f->bytes, (double)bytes, scale);
    area_right(area, row, area.cols, style | STYLE_BOLD,
               bytes_format(text, sizeof(text), bytes));
}

static double most_bytes(const struct session *s)
{
    const struct forecast *all[] = { s->now, s->planned,
                                     session_reference(s) };
    double most = fmax(1, (double)s->touched_bytes);

    for (int i = 0; i < 3; i++)
        if (all[i] && !all[i]->refused)
            most = fmax(most, (double)all[i]->peak_bytes);
    return most;
}

/* "58.3x less than the baseline" */
static void draw_factor(const struct session *s, struct area area, int row)
{
    const struct forecast *f = s->planned, *r = session_reference(s);
    double factor, flops;

    if (!f || f->refused || !r || r->refused)
        return;
    factor = (double)r->peak_bytes / (double)f->peak_bytes;
    flops = f->flops / r->flops;
    area_print(area, row, BAR_LABEL,
               (factor >= 1 ? ROLE_GOOD : ROLE_BAD) | STYLE_BOLD,
               "%.2fx %s than %s%s, ×%.2f FLOPs",
               factor >= 1 ? factor : 1 / factor,
               factor >= 1 ? "less" : "more", s->pinned ? "" : "the ",
               reference_name(s), flops);
}

/* What a row says of a forecast; 0 if it says nothing. */
static uint64_t row_bytes(const struct forecast *f, int row)
{
    if (!f || f->refused)
        return 0;
    return row < KIND_COUNT ? f->bytes[row]
           : row == ROW_PEAK ? f->peak_bytes : 0;
}

static bool has_row(const struct session *s, int row)
{
    return row >= KIND_COUNT || row_bytes(s->now, row) ||
           row_bytes(s->planned, row) ||
           row_bytes(session_reference(s), row);
}

static void put_bytes(struct area area, int row, int end, unsigned style,
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
    char text[32] = "=";
    unsigned style = to < from ? ROLE_GOOD : to > from ? ROLE_BAD : ROLE_DIM;

    if (from && to != from)
        snprintf(text, sizeof(text), "%+.1f%%",
                 100 * ((double)to / (double)from - 1));
    else if (to != from)
        strcpy(text, "new");
    area_right(area, row, end, style, text);
}

/* Columns end here; the change is what turning the dials does, or did. */
struct columns {
    int now, planned, reference, change, share; /* 0: left out */
};

static struct columns find_columns(const struct session *s, int cols)
{
    if (cols >= 62)
        return (struct columns){ 26, 37, 48, 56, 63 };
    return session_pending(s) ? (struct columns){ 24, 34, 0, 42, 0 }
                              : (struct columns){ 24, 0, 34, 42, 0 };
}

static void draw_forecast_row(const struct session *s, struct area area,
                              int y, int row, struct columns c)
{
    const struct forecast *r = session_reference(s);
    uint64_t now = row_bytes(s->now, row), planned = row_bytes(s->planned, row);
    bool pending = session_pending(s);

    put_bytes(area, y, c.now, ROLE_TEXT, s->now, now);
    if (c.planned)
        put_bytes(area, y, c.planned, pending ? ROLE_PENDING : ROLE_TEXT,
                  s->planned, planned);
    if (c.reference)
        put_bytes(area, y, c.reference, ROLE_DIM, r, row_bytes(r, row));
    put_change(area, y, c.change, pending ? now : row_bytes(r, row),
               planned);
    if (c.share && s->planned && !s->planned->refused) {
        char text[16];
        snprintf(text, sizeof(text), "%.1f%%",
                 100.0 * (double)planned / (double)s->planned->peak_bytes);
        area_right(area, y, c.share, ROLE_TEXT, text);
        bar_share(area, y, c.share + 2, area.cols - c.share - 3,
                  (unsigned)(row < KIND_COUNT ? ROLE_KIND + row : ROLE_DIM),
                  (double)planned / (double)s->planned->peak_bytes);
    }
}

static uint64_t gap_bytes(const struct session *s)
{
    return s->os_bytes > s->touched_bytes ? s->os_bytes - s->touched_bytes
                                          : 0;
}

static void draw_worker_row(const struct session *s, struct area area, int y,
                            int row, struct columns c)
{
    uint64_t bytes = row == ROW_TOUCHED ? s->touched_bytes
                     : row == ROW_PROCESS ? s->os_bytes : gap_bytes(s);
    const char *note = row == ROW_TOUCHED   ? "of the one allocation"
                       : row == ROW_PROCESS ? "as the system counts"
                                            : "not the arena";
    char text[BYTES_TEXT_SIZE];

    area_right(area, y, c.now, ROLE_TEXT,
               s->has_memory ? bytes_format(text, sizeof(text), bytes) : "…");
    area_text(area, y, c.now + 2, ROLE_DIM, note);
}

static void draw_budget_row(const struct session *s, struct area area, int y,
                            struct columns c)
{
    const struct forecast *f = s->planned;
    uint64_t budget = s->wanted.memory_budget;
    char text[BYTES_TEXT_SIZE], left[BYTES_TEXT_SIZE];

    if (!budget) {
        area_right(area, y, c.now, ROLE_DIM, "none");
        return;
    }
    area_right(area, y, c.now, ROLE_TEXT,
               bytes_format(text, sizeof(text), budget));
    if (!f || f->refused)
        area_text(area, y, c.now + 2, ROLE_BAD, "cannot be met");
    else if (f->arena_bytes <= budget)
        area_print(area, y, c.now + 2, ROLE_GOOD, "%s to spare",
                   bytes_format(left, sizeof(left), budget - f->arena_bytes));
    else
        area_print(area, y, c.now + 2, ROLE_BAD, "%s over",
                   bytes_format(left, sizeof(left), f->arena_bytes - budget));
}

static void draw_row(struct screen *s, const struct run_page *p,
                     struct area area, int y, int row, struct columns c)
{
    static const char *const names[] = { "peak", "touched", "process", "gap",
                                         "budget" };
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
    if (row <= ROW_PEAK)
        draw_forecast_row(session, area, y, row, c);
    else if (row == ROW_BUDGET)
        draw_budget_row(session, area, y, c);
    else
        draw_worker_row(session, area, y, row, c);
    if (row == p->row && screen_has_keys(s, PANE_MEMORY))
        area_mark(area, y, 0, area.cols, STYLE_REVERSE);
    screen_target(s, area, y, 0, 1, area.cols, ACTION_ROW, row);
}

/* The next row that there is, in steps of 1 or -1; or the same. */
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
    area_right(area, 0, c.change, ROLE_DIM, "change");
    if (c.share)
        area_right(area, 0, c.share, ROLE_DIM, "share");
}

static void draw_rows(struct screen *s, struct run_page *p, struct area area)
{
    struct columns c = find_columns(s->session, area.cols);
    int rows[ROW_COUNT], n = list_rows(s->session, rows), chosen = 0;

    draw_titles(s->session, area, c);
    area = area_sub(area, 1, 0, area.rows - 1, area.cols);
    if (!has_row(s->session, p->row))
        p->row = next_row(s->session, p->row, 1);
    for (int i = 0; i < n; i++)
        if (rows[i] == p->row)
            chosen = i;
    if (p->row_scroll > chosen)
        p->row_scroll = chosen;
    if (p->row_scroll < chosen - area.rows + 1)
        p->row_scroll = chosen - area.rows + 1;
    if (p->row_scroll > n - area.rows)
        p->row_scroll = n > area.rows ? n - area.rows : 0;
    for (int i = 0; i < area.rows && p->row_scroll + i < n; i++)
        draw_row(s, p, area, i, rows[p->row_scroll + i], c);
}

static void draw_memory(struct screen *s, struct run_page *p,
                        struct area area)
{
    const struct session *session = s->session;
    const struct forecast *reference = session_reference(session);
    double scale = most_bytes(session);
    bool pending = session_pending(session);
    int gap = area.rows >= 16;

    draw_bar(area, 0, "touched", ROLE_TEXT, session->now,
             session->touched_bytes, scale);
    draw_bar(area, 1, "planned", pending ? ROLE_PENDING : ROLE_TEXT,
             session->planned, row_bytes(session->planned, ROW_PEAK), scale);
    draw_bar(area, 2, reference_name(session), ROLE_PINNED, reference,
             row_bytes(reference, ROW_PEAK), scale);
    draw_factor(session, area, 3);
    screen_note(s, area, screen_has_keys(s, PANE_MEMORY) ? ROLE_KEY : ROLE_DIM,
                "Enter explains");
    draw_rows(s, p, area_sub(area, 4 + gap, 0, area.rows - 4 - gap,
                             area.cols));
}

static void label_loss(double y, char *text, size_t size)
{
    snprintf(text, size, "%.3g", y);
}

static void label_percent(double y, char *text, size_t size)
{
    snprintf(text, size, "%.4g%%", 100 * y);
}

static struct chart_line line_of(const struct series *c, enum unit unit,
                                 unsigned style, char ascii)
{
    return (struct chart_line){ c->points ? &c->points->at[unit] : NULL,
                                c->points ? &c->points->value : NULL,
                                sizeof(struct point) / sizeof(double),
                                c->count, style, ascii, false };
}

/* An exponential mean over a fiftieth of what there is; the caller frees. */
static double *smooth(const struct series *c, enum unit unit)
{
    double *pairs = xcalloc((unsigned long)c->count + 1, 2 * sizeof(double));
    double rate = fmin(1, 50.0 / (c->count + 1)), mean = 0;

    for (int i = 0; i < c->count; i++) {
        mean = i ? mean + rate * (c->points[i].value - mean)
                 : c->points[i].value;
        pairs[2 * i] = c->points[i].at[unit];
        pairs[2 * i + 1] = mean;
    }
    return pairs;
}

enum { MOST_LINES = 24, MOST_MARKS = 64 };

/* What a chart of the pane is made of. */
struct drawing {
    struct chart_line lines[MOST_LINES];
    struct chart_mark marks[MOST_MARKS];
    struct chart chart;
};

/* Earlier runs lie under this one, the pinned one over the others. */
static void add_earlier(const struct session *s, struct drawing *d,
                        enum curve curve, enum unit unit)
{
    int first = s->run_count - 9 > 0 ? s->run_count - 9 : 0;
    struct chart *c = &d->chart;

    for (int i = first; i < s->run_count - 1; i++)
        if (i != s->pinned_run)
            d->lines[c->line_count++] = line_of(&s->runs[i].curve[curve],
                                                unit, ROLE_EARLIER, '.');
    if (s->pinned_run >= 0 && s->pinned_run < s->run_count - 1)
        d->lines[c->line_count++] =
            line_of(&s->runs[s->pinned_run].curve[curve], unit, ROLE_PINNED,
                    'p');
}

static double furthest(const struct session *s, enum unit unit)
{
    const struct history *h = session_run(s);
    double most = unit == UNIT_EPOCHS ? 1 : 10;

    for (int i = 0; i < s->run_count; i++)
        most = fmax(most, s->runs[i].at[unit]);
    /* The whole run, once a good part of it is there. */
    if (h && unit == UNIT_EPOCHS && h->at[unit] > 0.4 * s->in_force.epochs)
        most = fmax(most, s->in_force.epochs);
    return most;
}

static void add_marks(struct screen *s, const struct run_page *p,
                      struct drawing *d, enum unit unit)
{
    const struct history *h = session_run(s->session);
    struct chart *c = &d->chart;

    for (int i = 0; h && i < h->mark_count && i < MOST_MARKS - 1; i++)
        d->marks[c->mark_count++] =
            (struct chart_mark){ h->marks[i].at[unit], ROLE_MARK };
    if (p->has_cursor)
        d->marks[c->mark_count++] =
            (struct chart_mark){ p->cursor, ROLE_KEY | STYLE_BOLD };
}

static struct drawing drawing_begin(struct screen *s, struct run_page *p)
{
    struct drawing d = { 0 };
    enum unit unit = s->view.unit;

    d.chart.x_max = p->x_max = furthest(s->session, unit);
    d.chart.x_unit = unit_name(unit);
    add_marks(s, p, &d, unit);
    return d;
}

/* The value of a curve at the cursor, or its last; NAN if it has none. */
static double value_at(const struct screen *s, const struct run_page *p,
                       enum curve curve)
{
    const struct history *h = session_run(s->session);
    const struct series *c = h ? &h->curve[curve] : NULL;
    int i = 0;

    if (!c || c->count == 0)
        return NAN;
    if (!p->has_cursor)
        return c->points[c->count - 1].value;
    while (i + 1 < c->count && c->points[i + 1].at[s->view.unit] <= p->cursor)
        i++;
    return c->points[i].value;
}

static int draw_legend(struct area area, int col, unsigned style, char ascii,
                       const char *name, double value, bool percent)
{
    col = area_print(area, 0, col, style | STYLE_BOLD, "%s",
                     area.cells->glyphs == GLYPHS_ASCII
                         ? (char[]){ ascii, '\0' } : "●");
    col = area_print(area, 0, col + 1, ROLE_TEXT, "%s ", name);
    if (isfinite(value))
        col = area_print(area, 0, col, style | STYLE_BOLD,
                         percent ? "%.2f%%" : "%.4f",
                         percent ? 100 * value : value);
    return col + 2;
}

static void finish(struct drawing *d, struct area area)
{
    d->chart.lines = d->lines;
    d->chart.marks = d->marks;
    chart_draw(&d->chart, area_sub(area, 1, 0, area.rows - 1, area.cols));
}

static void draw_accuracy(struct screen *s, struct run_page *p,
                          struct area area)
{
    const struct history *h = session_run(s->session);
    struct drawing d = drawing_begin(s, p);
    struct chart *c = &d.chart;
    enum unit unit = s->view.unit;
    double max = 0;
    int col;

    add_earlier(s->session, &d, CURVE_VALID_ACCURACY, unit);
    if (h) {
        d.lines[c->line_count++] = line_of(&h->curve[CURVE_TRAIN_ACCURACY],
                                           unit, ROLE_TRAIN, 't');
        d.lines[c->line_count++] = line_of(&h->curve[CURVE_VALID_ACCURACY],
                                           unit, ROLE_VALID, 'v');
    }
    c->y_min = 1;
    chart_fit(d.lines, c->line_count, false, &c->y_min, &max);
    c->y_min = fmax(0, floor(c->y_min * 10) / 10);
    c->y_max = fmin(1, ceil(max * 10) / 10);
    if (c->y_max <= c->y_min)
        c->y_max = c->y_min + 0.1;
    c->label = label_percent;
    col = draw_legend(area, 1, ROLE_VALID, 'v', "valid",
                      value_at(s, p, CURVE_VALID_ACCURACY), true);
    draw_legend(area, col, ROLE_TRAIN, 't', "train",
                value_at(s, p, CURVE_TRAIN_ACCURACY), true);
    finish(&d, area);
}

static void draw_loss(struct screen *s, struct run_page *p, struct area area)
{
    const struct history *h = session_run(s->session);
    struct drawing d = drawing_begin(s, p);
    struct chart *c = &d.chart;
    enum unit unit = s->view.unit;
    double *smoothed = NULL;
    int col;

    c->log_y = s->view.log_loss;
    c->label = label_loss;
    add_earlier(s->session, &d, CURVE_LOSS, unit);
    if (h) {
        const struct series *loss = &h->curve[CURVE_LOSS];
        d.lines[c->line_count++] = line_of(
            loss, unit, s->view.smooth ? ROLE_RAW : ROLE_LOSS, '.');
        if (s->view.smooth && loss->count > 0) {
            smoothed = smooth(loss, unit);
            d.lines[c->line_count++] =
                (struct chart_line){ smoothed, smoothed + 1, 2, loss->count,
                                     ROLE_LOSS, '*', false };
        }
        d.lines[c->line_count++] = line_of(&h->curve[CURVE_VALID_LOSS], unit,
                                           ROLE_VALID, 'v');
    }
    c->y_min = 1e300;
    chart_fit(d.lines, c->line_count, c->log_y, &c->y_min, &c->y_max);
    col = draw_legend(area, 1, ROLE_LOSS, '*', "loss",
                      value_at(s, p, CURVE_LOSS), false);
    draw_legend(area, col, ROLE_VALID, 'v', "valid",
                value_at(s, p, CURVE_VALID_LOSS), false);
    finish(&d, area);
    free(smoothed);
}

/* What changed last before the cursor, or at all. */
static void draw_change(struct screen *s, const struct run_page *p,
                        struct area area)
{
    const struct history *h = session_run(s->session);
    const struct mark *m = NULL;
    char text[96];

    if (p->has_cursor)
        snprintf(text, sizeof(text), "at %.6g %s", p->cursor,
                 unit_name(s->view.unit));
    else
        *text = '\0';
    for (int i = 0; h && i < h->mark_count; i++)
        if (!p->has_cursor || h->marks[i].at[s->view.unit] <= p->cursor)
            m = &h->marks[i];
    if (m)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s┆ %s",
                 *text ? "  " : "", m->text);
    screen_note(s, area, ROLE_MARK, text);
}

enum { BOTH_COLS = 72 };

static void draw_curves(struct screen *s, struct run_page *p,
                        struct area area)
{
    int half = area.cols / 2;

    if (s->view.curves == CURVES_LOSS) {
        draw_loss(s, p, area);
    } else if (s->view.curves == CURVES_ACCURACY || area.cols < BOTH_COLS) {
        draw_accuracy(s, p, area);
    } else {
        draw_accuracy(s, p, area_sub(area, 0, 0, area.rows, half - 1));
        draw_loss(s, p, area_sub(area, 0, half, area.rows, area.cols - half));
    }
    draw_change(s, p, area);
}

static void draw(struct screen *s, void *state, int pane, struct area area)
{
    if (pane == PANE_DIALS)
        draw_dials(s, state, area);
    else if (pane == PANE_MEMORY)
        draw_memory(s, state, area);
    else
        draw_curves(s, state, area);
}

static void turn(struct screen *s, struct run_page *p, int argument,
                 enum dial_turn direction)
{
    int from, to;

    if (argument)
        s->dial = argument - 1;
    range_of_dials(p, &from, &to);
    if (s->dial < from || s->dial >= to)
        s->dial = from;
    session_turn(s->session, s->dial, direction);
}

static void choose_dial(struct screen *s, struct run_page *p,
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
        s->dial = argument;
        break;
    case ACTION_LEFT:
        turn(s, p, 0, DIAL_DOWN);
        break;
    case ACTION_RIGHT:
        turn(s, p, 0, DIAL_UP);
        break;
    case ACTION_ENTER:
        s->session->asks |= SESSION_ASK_APPLY;
        break;
    default:
        break;
    }
    s->dial = s->dial < from ? from : s->dial >= to ? to - 1 : s->dial;
}

static void explain(struct screen *s, int row)
{
    const struct session *session = s->session;
    const struct forecast *f = session->planned;
    struct text_block *text = &s->popup_text;

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
    } else if (session->has_memory) {
        screen_popup(s, "The process");
        explain_memory(text, session);
    }
}

static void choose_row(struct screen *s, struct run_page *p,
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
            explain(s, argument);
        p->row = argument;
        break;
    case ACTION_ENTER:
        explain(s, p->row);
        break;
    default:
        break;
    }
}

/* The cursor goes by hundredths of the chart. */
static void move_cursor(struct screen *s, struct run_page *p,
                        enum action action)
{
    const struct history *h = session_run(s->session);
    double step = p->x_max / 100;

    switch (action) {
    case ACTION_LEFT:
    case ACTION_RIGHT:
        if (!p->has_cursor)
            p->cursor = h ? h->at[s->view.unit] : 0;
        p->has_cursor = true;
        p->cursor += action == ACTION_LEFT ? -step : step;
        break;
    case ACTION_START:
        p->has_cursor = true;
        p->cursor = 0;
        break;
    case ACTION_END:
        p->has_cursor = true;
        p->cursor = p->x_max;
        break;
    case ACTION_CLOSE:
        p->has_cursor = false;
        break;
    default:
        break;
    }
    p->cursor = fmin(fmax(p->cursor, 0), p->x_max);
}

static void act(struct screen *s, void *state, enum action action,
                int argument)
{
    struct run_page *p = state;
    struct view *view = &s->view;

    switch (action) {
    case ACTION_LESS:
        turn(s, p, argument, DIAL_DOWN);
        break;
    case ACTION_MORE:
        turn(s, p, argument, DIAL_UP);
        break;
    case ACTION_DIALS:
        p->more_dials = !p->more_dials;
        s->pane[PAGE_RUN] = PANE_DIALS;
        break;
    case ACTION_CURVE:
        view->curves = (enum curves)((view->curves + 1) % CURVES_COUNT);
        break;
    case ACTION_UNIT:
        view->unit = (enum unit)((view->unit + 1) % UNIT_COUNT);
        p->has_cursor = false;
        break;
    case ACTION_LOG:
        view->log_loss = !view->log_loss;
        break;
    case ACTION_SMOOTH:
        view->smooth = !view->smooth;
        break;
    default:
        if (screen_has_keys(s, PANE_DIALS))
            choose_dial(s, p, action, argument);
        else if (screen_has_keys(s, PANE_MEMORY))
            choose_row(s, p, action, argument);
        else
            move_cursor(s, p, action);
        break;
    }
}

const struct page page_run = { .name = "Run",
                               .state_size = sizeof(struct run_page),
                               .draw = draw,
                               .act = act };
