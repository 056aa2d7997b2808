/*
 * The page Runs: every setting tried so far, a trial, as a row of a table and
 * as a letter in a plot of accuracy against memory. The chosen trial is the
 * same in both. A trial is on the front if no other has as much accuracy in
 * less memory, or more in as much.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ui/pages/new_run.h"
#include "ui/pages/screen.h"
#include "ui/pages/table.h"
#include "ui/session/diff.h"
#include "ui/term/chart.h"

enum { PANE_TABLE, PANE_PLOT };

/* In this order, as many as there is room for. */
enum { COLUMN_LABEL, COLUMN_SETTINGS, COLUMN_PEAK, COLUMN_FLOPS, COLUMN_BEST,
       COLUMN_STATE, COLUMN_SECONDS, COLUMN_EPOCHS, COLUMN_LAST,
       COLUMN_REDUCTION, COLUMN_COUNT };

struct runs_page {
    struct table_view view;
    bool stays;          /* on the trial of this number, not on the latest */
    int trial;
    int column_count;    /* as last drawn */
};

static void init(void *state)
{
    struct runs_page *p = state;

    p->column_count = COLUMN_COUNT;
}

/* The latest too where that one was forgotten. */
static int chosen(const struct session *s, const struct runs_page *p)
{
    int trial = s->trial_count - 1;

    for (int i = 0; p->stays && i < s->trial_count; i++)
        if (s->trials[i].number == p->trial)
            trial = i;
    return trial;
}

static void choose(const struct session *s, struct runs_page *p, int trial)
{
    p->trial = s->trials[trial].number;
    p->stays = trial != s->trial_count - 1;
}

enum { LABEL_SIZE = 8 };

/* A to Z, AA, AB, ... */
static const char *trial_label(const struct trial *t, char text[LABEL_SIZE])
{
    char letters[LABEL_SIZE];
    int n = LABEL_SIZE - 1;

    letters[n] = '\0';
    for (int left = t->number + 1; left > 0; left = (left - 1) / 26)
        letters[--n] = (char)('A' + (left - 1) % 26);
    return strcpy(text, letters + n);
}

/* 0: not known yet. */
static double flops_ratio(const struct trial *t)
{
    return t->baseline ? t->flops / t->baseline->flops : 0;
}

static double reduction(const struct trial *t)
{
    return t->baseline && t->peak_bytes ?
        (double)t->baseline->peak_bytes / (double)t->peak_bytes : 0;
}

static double seconds_in(const struct trial *t)
{
    return fmax(0, t->end[UNIT_SECONDS] - t->begin[UNIT_SECONDS]);
}

static bool on_front(const struct session *s, const struct trial *t)
{
    return trial_has_point(t) && session_beaten_by(s, t) < 0;
}

static bool is_now(const struct session *s, const struct trial *t)
{
    return t == &s->trials[s->trial_count - 1];
}

static bool is_pinned(const struct session *s, const struct trial *t)
{
    return t->number == s->pinned_trial;
}

static const struct trial *first_of_run(const struct session *s, int run)
{
    const struct trial *t = s->trials;

    while (t->run != run)
        t++;
    return t;
}

/* How the trial saves memory, then what else is not as the run began with. */
static void describe(const struct session *s, const struct trial *t,
                     char *text, size_t size)
{
    const struct trial *first = first_of_run(s, t->run);

    *text = '\0';
    if (!t->baseline) {
        snprintf(text, size, "…");
        return;
    }
    diff_list(text, size, &t->settings, &t->baseline->settings);
    for (int i = 0; first->baseline && i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (settings_differ(&t->settings, &first->settings, row) &&
            !settings_differ(&t->settings, &t->baseline->settings, row) &&
            !settings_differ(&first->settings, &first->baseline->settings,
                             row))
            diff_add(text, size, &t->settings, row);
    }
    if (!*text)
        snprintf(text, size, "nothing saved");
    if (strcmp(t->preset, s->trials[0].preset) != 0) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, " (%s)", t->preset);
    }
}

static void write_label(const struct session *s, const struct trial *t,
                        char *text, size_t size, unsigned *style)
{
    char label[LABEL_SIZE];

    snprintf(text, size, "%s%s%s%s",
             trial_label(t, label),
             on_front(s, t) ? "*" : "", is_now(s, t) ? "▸" : "",
             is_pinned(s, t) ? "p" : "");
    *style = on_front(s, t) ? ROLE_GOOD | STYLE_BOLD : ROLE_TEXT | STYLE_BOLD;
}

static void write_state(const struct session *s, const struct trial *t,
                        char *text, size_t size, unsigned *style)
{
    const char *state = session_trial_state(s, t);

    snprintf(text, size, "%s", state);
    *style = strcmp(state, "diverged") == 0 || strcmp(state, "failed") == 0
                 ? ROLE_BAD : is_now(s, t) ? ROLE_TEXT : ROLE_DIM;
}

enum { FLOPS_CELLS = 5, SECONDS_CELLS = 7 };

static void write_cell(const void *arg, int row, int column, char *text,
                       size_t size, unsigned *style)
{
    const struct session *s = arg;
    const struct trial *t = &s->trials[row];
    char number[NUMBER_SIZE];

    switch (column) {
    case COLUMN_LABEL:
        write_label(s, t, text, size, style);
        break;
    case COLUMN_SETTINGS:
        describe(s, t, text, size);
        break;
    case COLUMN_PEAK:
        if (t->peak_bytes)
            bytes_format(text, size, t->peak_bytes);
        break;
    case COLUMN_FLOPS:
        if (flops_ratio(t) > 0)
            snprintf(text, size, "×%s",
                     number_format(number, flops_ratio(t), 2, FLOPS_CELLS));
        break;
    case COLUMN_BEST:
        *style = on_front(s, t) ? ROLE_GOOD : ROLE_TEXT;
        if (t->epochs)
            snprintf(text, size, "%s",
                     number_percent(number, t->best_accuracy, 2));
        break;
    case COLUMN_STATE:
        write_state(s, t, text, size, style);
        break;
    case COLUMN_LAST:
        if (t->epochs)
            snprintf(text, size, "%s",
                     number_percent(number, t->valid_accuracy, 2));
        break;
    case COLUMN_EPOCHS:
        snprintf(text, size, "%d", t->epochs);
        break;
    case COLUMN_SECONDS:
        snprintf(text, size, "%s",
                 number_format(number, seconds_in(t), 1, SECONDS_CELLS));
        break;
    case COLUMN_REDUCTION:
        if (reduction(t) > 0)
            snprintf(text, size, "%sx",
                     number_format(number, reduction(t), 2,
                                   NUMBER_CELLS_MIN));
        break;
    }
    if (!*text)
        snprintf(text, size, "…");
}

static double sort_key(const void *arg, int row, int column)
{
    const struct session *s = arg;
    const struct trial *t = &s->trials[row];

    switch (column) {
    case COLUMN_SETTINGS: /* how much they save */
    case COLUMN_REDUCTION:
        return reduction(t);
    case COLUMN_PEAK:
        return (double)t->peak_bytes;
    case COLUMN_FLOPS:
        return flops_ratio(t);
    case COLUMN_BEST:
        return t->epochs ? t->best_accuracy : -1;
    case COLUMN_LAST:
        return t->epochs ? t->valid_accuracy : -1;
    case COLUMN_EPOCHS:
        return t->epochs;
    case COLUMN_SECONDS:
        return seconds_in(t);
    default:
        return row;
    }
}

/* The order of the rows, which the caller frees; puts the view on the trial
 * that is chosen, wherever that is now. */
static int *order_rows(const struct session *s, struct runs_page *p)
{
    int *order = table_order(&p->view, s->trial_count, sort_key, s);
    for (int i = 0; i < s->trial_count; i++)
        if (order[i] == chosen(s, p))
            p->view.chosen = i;
    return order;
}

static void draw_table(struct screen *s, struct runs_page *p,
                       struct area area)
{
    struct table_column columns[COLUMN_COUNT] = {
        [COLUMN_LABEL] = { "id", 5, false },
        [COLUMN_SETTINGS] = { "saves memory by", 0, false },
        [COLUMN_PEAK] = { "peak", 10, true },
        [COLUMN_FLOPS] = { "FLOPs", 6, true },
        [COLUMN_BEST] = { "best", 7, true },
        [COLUMN_STATE] = { "state", 8, false },
        [COLUMN_LAST] = { "last", 7, true },
        [COLUMN_EPOCHS] = { "epochs", 6, true },
        [COLUMN_SECONDS] = { "seconds", SECONDS_CELLS, true },
        [COLUMN_REDUCTION] = { "reduction", 9, true },
    };
    const struct session *session = s->session;
    int *order = order_rows(session, p);
    struct table table = { columns, 0, session->trial_count, order,
                           write_cell, session };
    int left = area.cols - 2, least = area.cols >= 90 ? 30 : 19;

    p->column_count = COLUMN_COUNT;
    for (int c = 0; c < COLUMN_COUNT; c++) {
        int width = (c == COLUMN_SETTINGS ? least : columns[c].width) +
                    (c > 0 ? 2 : 0);
        if (width > left) {
            p->column_count = c;
            break;
        }
        left -= width;
    }
    columns[COLUMN_SETTINGS].width = least + left;
    table.column_count = p->column_count;
    table_draw(s, &table, &p->view, area, screen_has_keys(s, PANE_TABLE));
    if (session->trial_count == 0)
        area_text(area, 1, 1, ROLE_DIM,
                  "Nothing was tried yet; the run is about to begin.");
    screen_note(s, area, ROLE_DIM, "* on the front  ▸ now  p pinned");
    free(order);
}

/* x is the logarithm of bytes to base 2; only whole ones are labelled. */
static void label_bytes(double x, char text[NUMBER_SIZE])
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    int power = (int)lround(x);

    *text = '\0';
    if (fabs(x - power) < 1e-6 && power >= 0 && power < 50)
        snprintf(text, NUMBER_SIZE, "%d %s", 1 << power % 10, units[power / 10]);
}

static int compare_peaks(const void *a, const void *b)
{
    const struct trial *const *x = a, *const *y = b;

    if ((*x)->peak_bytes != (*y)->peak_bytes)
        return (*x)->peak_bytes > (*y)->peak_bytes ? 1 : -1;
    return (*x)->best_accuracy < (*y)->best_accuracy   ? -1
           : (*x)->best_accuracy > (*y)->best_accuracy ? 1
           : *x > *y ? 1 : -1;
}

/* Trials that have a point, by memory; the caller frees. */
static const struct trial **sort_points(const struct session *s, int *count)
{
    const struct trial **sorted = xcalloc((unsigned long)s->trial_count + 1,
                                          sizeof(*sorted));
    int n = 0;

    for (int i = 0; i < s->trial_count; i++)
        if (trial_has_point(&s->trials[i]))
            sorted[n++] = &s->trials[i];
    qsort(sorted, (size_t)n, sizeof(*sorted), compare_peaks);
    *count = n;
    return sorted;
}

static double point_x(const struct trial *t)
{
    return log2((double)t->peak_bytes);
}

/* Up from the axis to the first point of the front, from each to the next, and
 * on to the end of the chart: x, y, x, y, ...; the caller frees. */
static double *make_stairs(const struct session *s, const struct chart *c,
                           int *count)
{
    int points, n = 0;
    const struct trial **sorted = sort_points(s, &points);
    double *stairs = xcalloc(2 * (unsigned long)points + 2,
                             2 * sizeof(*stairs));
    double y = c->y_min;

    for (int i = 0; i < points; i++) {
        if (!on_front(s, sorted[i]))
            continue;
        stairs[2 * n] = point_x(sorted[i]);
        stairs[2 * n++ + 1] = y;
        y = sorted[i]->best_accuracy;
        stairs[2 * n] = point_x(sorted[i]);
        stairs[2 * n++ + 1] = y;
    }
    stairs[2 * n] = c->x_max;
    stairs[2 * n + 1] = y;
    *count = n ? n + 1 : 0;
    free(sorted);
    return stairs;
}

/* Room for all points and the baseline, between two powers of two that have
 * room for their labels. */
static void fit_chart(const struct session *s, struct chart *c,
                      const struct forecast *baseline)
{
    double low = 1, high = 0, pad;

    c->x_min = 1e300;
    c->x_max = 0;
    for (int i = 0; i < s->trial_count; i++) {
        const struct trial *t = &s->trials[i];
        if (!trial_has_point(t))
            continue;
        low = fmin(low, t->best_accuracy);
        high = fmax(high, t->best_accuracy);
        c->x_min = fmin(c->x_min, point_x(t));
        c->x_max = fmax(c->x_max, point_x(t));
    }
    if (baseline)
        c->x_max = fmax(c->x_max, log2((double)baseline->peak_bytes));
    c->x_min = floor(c->x_min) - 0.3;
    c->x_max = fmax(ceil(c->x_max), c->x_min + 2) + 0.3;
    pad = fmax(0.01, 0.15 * (high - low));
    c->y_min = fmax(0, low - pad);
    c->y_max = fmin(1, high + pad);
}

/* Beside a letter that is there already. */
static int free_column(struct area area, int row, int col, int width)
{
    for (int step = 0; step < 8; step++) {
        int at = col + step * (width + 1);
        bool taken = false;
        for (int c = at; c < at + width && c < area.cols; c++) {
            const struct cell *cell =
                &area.cells->cell[(area.row + row) * area.cells->cols +
                                  area.col + c];
            taken |= cell->text[0] >= 'A' && cell->text[0] <= 'Z';
        }
        if (!taken && at + width <= area.cols)
            return at;
    }
    return col;
}

static void draw_letter(struct screen *s, const struct runs_page *p,
                        const struct chart *c, struct area area, int place,
                        int trial)
{
    const struct session *session = s->session;
    const struct trial *t = &session->trials[trial];
    int row, col, width;
    unsigned style = on_front(session, t) ? ROLE_GOOD | STYLE_BOLD
                                          : ROLE_TEXT | STYLE_BOLD;
    char label[LABEL_SIZE];

    width = cells_width(trial_label(t, label));
    chart_cell(c, area, point_x(t), t->best_accuracy, &row, &col);
    if (row < 0 || row >= area.rows || col < 0 || col >= area.cols)
        return;
    col = free_column(area, row, col, width);
    if (trial == chosen(session, p))
        style |= STYLE_REVERSE;
    area_text(area, row, col, style, label);
    screen_target(s, area, row, col, 1, width, ACTION_ROW, place);
}

/* The chosen one keeps its place: what is drawn first does. */
static void draw_letters(struct screen *s, struct runs_page *p,
                         const struct chart *c, struct area area)
{
    const struct session *session = s->session;
    int *order = order_rows(session, p);

    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < session->trial_count; i++)
            if ((i == p->view.chosen) == (pass == 0) &&
                trial_has_point(&session->trials[order[i]]))
                draw_letter(s, p, c, area, i, order[i]);
    free(order);
}

/* "B  fp16, microbatch 10  3.09 MiB  77.82%  on the front" */
static void draw_chosen(const struct session *s, const struct runs_page *p,
                        struct area area)
{
    int trial = chosen(s, p);
    const struct trial *t = &s->trials[trial];
    char label[LABEL_SIZE], bytes[BYTES_TEXT_SIZE], what[DIFF_TEXT_SIZE];
    char number[NUMBER_SIZE];
    int beaten = session_beaten_by(s, t), col;

    trial_label(t, label);
    col = area_text(area, 0, 1, ROLE_TITLE | STYLE_REVERSE, label);
    if (!trial_has_point(t)) {
        area_text(area, 0, col + 2, ROLE_DIM,
                  "has no point until an epoch of it ends");
        return;
    }
    col = area_print(area, 0, col + 2, ROLE_TEXT | STYLE_BOLD,
                     "%s  %s",
                     bytes_format(bytes, sizeof(bytes), t->peak_bytes),
                     number_percent(number, t->best_accuracy, 2));
    if (beaten < 0)
        col = area_text(area, 0, col + 2, ROLE_GOOD, "on the front");
    else
        col = area_print(area, 0, col + 2, ROLE_DIM, "%s is better",
                         trial_label(&s->trials[beaten], label));
    describe(s, t, what, sizeof(what));
    area_fit(area, 0, col + 2, area.cols - col - 3, ROLE_TEXT, what);
}

static bool any_point(const struct session *s)
{
    for (int i = 0; i < s->trial_count; i++)
        if (trial_has_point(&s->trials[i]))
            return true;
    return false;
}

static void name_baseline(const struct chart *c, struct area area)
{
    static const char name[] = "baseline";
    int col = chart_column(c, area, c->marks[0].x);
    int before = col - 1 - cells_width(name);

    area_text(area, area.rows - 3, before > CHART_MARGIN ? before : col + 2,
              ROLE_PINNED, name);
}

static void draw_plot(struct screen *s, struct runs_page *p, struct area area)
{
    const struct session *session = s->session;
    const struct forecast *baseline;
    struct chart chart = { .label = chart_label_percent, .x_label = label_bytes,
                           .x_unit = "peak", .line_count = 1 };
    struct chart_line stairs = { .stride = 2, .style = ROLE_GOOD,
                                 .letter = '.' };
    struct chart_mark mark = { 0, ROLE_PINNED, NULL };
    double *xy;

    screen_note(s, area, ROLE_DIM, "Pareto front: most accuracy for the memory");
    if (!any_point(session)) {
        area_text(area, 1, 1, ROLE_DIM,
                  "Points come with the accuracy, when an epoch ends.");
        return;
    }
    baseline = session->trials[session->trial_count - 1].baseline;
    fit_chart(session, &chart, baseline);
    if (baseline) {
        mark.x = log2((double)baseline->peak_bytes);
        chart.marks = &mark;
        chart.mark_count = 1;
    }
    xy = make_stairs(session, &chart, &stairs.count);
    stairs.x = xy;
    stairs.y = xy + 1;
    chart.lines = &stairs;
    draw_chosen(session, p, area);
    area = area_sub(area, 1, 0, area.rows - 1, area.cols);
    if (area.rows >= 5 && area.cols >= CHART_MARGIN + 8) {
        chart_draw(&chart, area);
        if (baseline)
            name_baseline(&chart, area);
        draw_letters(s, p, &chart, area);
    }
    free(xy);
}

static void draw(struct screen *s, void *state, int pane, struct area area)
{
    if (pane == PANE_TABLE)
        draw_table(s, state, area);
    else
        draw_plot(s, state, area);
}

/* To the next trial with more memory, or less. */
static void go_along(const struct session *s, struct runs_page *p, int step)
{
    int count;
    const struct trial **sorted = sort_points(s, &count);
    int at = step > 0 ? -1 : count;

    for (int i = 0; i < count; i++)
        if (sorted[i] == &s->trials[chosen(s, p)])
            at = i;
    at += step;
    if (at >= 0 && at < count)
        choose(s, p, (int)(sorted[at] - s->trials));
    free(sorted);
}

static void show_results(struct text_block *text, const struct session *s,
                         const struct trial *t)
{
    char bytes[BYTES_TEXT_SIZE], more[BYTES_TEXT_SIZE], label[LABEL_SIZE];
    char number[NUMBER_SIZE], last[NUMBER_SIZE];
    int beaten = session_beaten_by(s, t);

    text_block_add(text, ROLE_TEXT,
                   "Run %d, preset %s: epoch %.4g to %.4g, %s seconds.",
                   t->run + 1, t->preset, t->begin[UNIT_EPOCHS],
                   t->end[UNIT_EPOCHS],
                   number_format(number, seconds_in(t), 1, SECONDS_CELLS));
    bytes_format(bytes, sizeof(bytes), t->peak_bytes);
    text_block_add(text, ROLE_TEXT, "Peak %s.", bytes);
    if (t->baseline)
        text_block_add(text, ROLE_TEXT,
                       "Its baseline, which saves nothing: %s. Reduction "
                       "%.2fx, FLOPs ×%.2f.",
                       bytes_format(more, sizeof(more),
                                    t->baseline->peak_bytes), reduction(t),
                       flops_ratio(t));
    if (t->seconds_per_step > 0)
        text_block_add(text, ROLE_TEXT, "A step takes %.3g seconds.",
                       t->seconds_per_step);
    if (!trial_has_point(t)) {
        text_block_add(text, ROLE_DIM, "No epoch of it has ended yet.");
        return;
    }
    text_block_add(text, ROLE_TEXT,
                   "Validation accuracy: %s at best, %s last, after %d "
                   "epoch%s.", number_percent(number, t->best_accuracy, 2),
                   number_percent(last, t->valid_accuracy, 2), t->epochs,
                   t->epochs == 1 ? "" : "s");
    if (beaten < 0)
        text_block_add(text, ROLE_GOOD, "On the front: nothing tried so far "
                       "has this accuracy in less memory.");
    else
        text_block_add(text, ROLE_TEXT, "Not on the front: %s has %s in "
                       "%s.", trial_label(&s->trials[beaten], label),
                       number_percent(number, s->trials[beaten].best_accuracy,
                                      2),
                       bytes_format(bytes, sizeof(bytes),
                                    s->trials[beaten].peak_bytes));
}

static void show_changes(struct text_block *text, const struct session *s,
                         const struct trial *t)
{
    char was[SETTINGS_TEXT_SIZE], is[SETTINGS_TEXT_SIZE];

    text_block_add(text, ROLE_TEXT, " ");
    if (settings_same(&s->wanted, &t->settings)) {
        text_block_add(text, ROLE_TITLE, "These are the current settings.");
        return;
    }
    text_block_add(text, ROLE_TITLE, "Key b goes back to them%s:",
                   settings_can_follow(&s->in_force, &t->settings, NULL) ?
                   "" : " in a new run");
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (!settings_differ(&s->wanted, &t->settings, row))
            continue;
        diff_value(&s->wanted, row, was, sizeof(was));
        diff_value(&t->settings, row, is, sizeof(is));
        text_block_add(text, ROLE_PENDING, "  %-15s %s → %s", row->name, was,
                       is);
    }
}

static void show_settings(struct text_block *text, const struct trial *t)
{
    char value[SETTINGS_TEXT_SIZE];

    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TITLE, "All settings%s", t->baseline ?
                   "; * saves memory" : "");
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        bool saves =
            t->baseline &&
            settings_differ(&t->baseline->settings, &t->settings, row);
        diff_value(&t->settings, row, value, sizeof(value));
        text_block_add(text, saves ? ROLE_GOOD : ROLE_TEXT,
                       "%s %-15s %s", saves ? "*" : " ", row->name, value);
    }
}

static void show(struct screen *s, const struct runs_page *p)
{
    int trial = chosen(s->session, p);
    const struct trial *t = &s->session->trials[trial];
    char title[32], label[LABEL_SIZE];

    snprintf(title, sizeof(title), "Settings %s", trial_label(t, label));
    screen_popup(s, title);
    show_results(&s->popup_text, s->session, t);
    show_changes(&s->popup_text, s->session, t);
    show_settings(&s->popup_text, t);
}

static void go_back(struct screen *s, struct runs_page *p)
{
    int trial = chosen(s->session, p);
    const struct trial *t = &s->session->trials[trial];
    char name[32], label[LABEL_SIZE];

    snprintf(name, sizeof(name), "settings %s", trial_label(t, label));
    new_run_go(s, name, t->preset, &t->settings);
}

/* Actions of the table; the trial that was chosen stays so when the order
 * changes. */
static void act_on_table(struct screen *s, struct runs_page *p,
                         enum action action, int argument)
{
    const struct session *session = s->session;
    int *order = order_rows(session, p);
    bool again = action == ACTION_ROW && argument == p->view.chosen;

    if (table_act(&p->view, session->trial_count, p->column_count, action,
                  argument) && action != ACTION_SORT &&
        action != ACTION_REVERSE)
        choose(session, p, order[p->view.chosen]);
    free(order);
    if (again)
        show(s, p);
}

static void act(struct screen *s, void *state, enum action action,
                int argument)
{
    struct runs_page *p = state;
    struct session *session = s->session;

    if (session->trial_count == 0)
        return;
    switch (action) {
    case ACTION_LEFT:
    case ACTION_RIGHT:
        go_along(session, p, action == ACTION_LEFT ? -1 : 1);
        break;
    case ACTION_ENTER:
        show(s, p);
        break;
    case ACTION_BACK:
        go_back(s, p);
        break;
    case ACTION_PIN_ROW:
        session_pin_trial(session, chosen(session, p));
        break;
    default:
        act_on_table(s, p, action, argument);
        break;
    }
}

const struct page page_runs = { .name = "Runs",
                                .state_size = sizeof(struct runs_page),
                                .init = init,
                                .draw = draw,
                                .act = act };
