#include "ui/pages/pane_front.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/number.h"
#include "ui/pages/byte_plot.h"
#include "ui/pages/trial_text.h"
#include "ui/pages/score_axis.h"
#include "ui/session/diff.h"
#include "ui/term/chart.h"

/* Whether a point is to the right of another. Of two that take as much memory
 * the better one comes last. */
static bool is_right_of(const struct attempt *a, const struct attempt *b,
                        const struct contest *c)
{
    return a->peak_bytes != b->peak_bytes ? a->peak_bytes > b->peak_bytes
                                          : attempt_is_better(a, b, c);
}

/* Trials that have a point, by memory; the caller frees. */
static const struct attempt **sort_points(const struct session *s, int *count)
{
    const struct attempt **sorted = xcalloc((unsigned long)s->tried.count + 1,
                                          sizeof(*sorted));
    struct contest c = attempts_contest(&s->tried);
    int n = 0;

    for (int i = 0; i < s->tried.count; i++) {
        const struct attempt *t = &s->tried.list[i];
        int at = n;
        if (!trial_has_point(s, t))
            continue;
        for (n++; at > 0 && is_right_of(sorted[at - 1], t, &c); at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = t;
    }
    *count = n;
    return sorted;
}

static double point_x(const struct attempt *t)
{
    return log2((double)t->peak_bytes);
}

/* The line of the front, as contest_line() has it; the caller frees. */
static double *make_stairs(const struct session *s, const struct chart *c,
                           int *count)
{
    int tried, n = 0;
    const struct attempt **sorted = sort_points(s, &tried);
    double *points = xcalloc(2 * (unsigned long)tried, sizeof(*points));
    double *line = xcalloc(4 * (unsigned long)tried + 2, sizeof(*line));
    struct score score = attempts_contest(&s->tried).score;

    for (int i = 0; i < tried; i++) {
        if (!trial_on_front(s, sorted[i]))
            continue;
        points[2 * n] = point_x(sorted[i]);
        points[2 * n++ + 1] = trial_score(s, sorted[i]);
    }
    *count = contest_line(line, points, n,
                          score.higher_is_better ? c->y_min : c->y_max,
                          c->x_max);
    free(points);
    free(sorted);
    return line;
}

/* Makes room for all points and the baseline, between two powers of two that
 * have room for their labels. */
static void fit_chart(const struct session *s, struct chart *c,
                      const struct forecast *baseline)
{
    struct score score = attempts_contest(&s->tried).score;
    double low = INFINITY, high = -INFINITY, pad;

    c->x_min = 1e300;
    c->x_max = 0;
    for (int i = 0; i < s->tried.count; i++) {
        const struct attempt *t = &s->tried.list[i];
        if (!trial_has_point(s, t))
            continue;
        low = fmin(low, trial_score(s, t));
        high = fmax(high, trial_score(s, t));
        c->x_min = fmin(c->x_min, point_x(t));
        c->x_max = fmax(c->x_max, point_x(t));
    }
    if (baseline)
        c->x_max = fmax(c->x_max, log2((double)baseline->peak_bytes));
    c->x_min = floor(c->x_min) - 0.3;
    c->x_max = fmax(ceil(c->x_max), c->x_min + 2) + 0.3;
    pad = fmax(score.percent ? 0.01 : fmax(1e-6, 0.02 * fabs(high)),
               0.15 * (high - low));
    score_axis(c, score, low - pad, high + pad);
}

static void draw_letter(struct screen *s, const struct chart *c,
                        struct area area, int place, const struct attempt *t,
                        bool chosen)
{
    const struct session *session = s->session;
    int row, col, width;
    unsigned style = trial_label_style(session, t);
    char label[TRIAL_LABEL_SIZE];

    width = cells_width(trial_label(t, label));
    chart_cell(c, area, point_x(t), trial_score(session, t), &row, &col);
    if (row < 0 || row >= area.rows || col < 0 || col >= area.cols)
        return;
    col = byte_plot_column(area, row, col, width);
    if (chosen)
        style |= STYLE_REVERSE;
    area_text(area, row, col, style, label);
    screen_target(s, area, row, col, 1, width, ACTION_ROW, place);
}

/* The first letter keeps its place, so the chosen trial is drawn first. */
static void draw_letters(struct screen *s, const struct trial_rows *rows,
                         const struct chart *c, struct area area)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < rows->count; i++) {
            const struct attempt *t = rows->list[i];
            bool chosen = t == rows->chosen;
            if (chosen == (pass == 0) && trial_has_point(s->session, t))
                draw_letter(s, c, area, i, t, chosen);
        }
}

/* Why the chosen trial is not in the plot. */
static void tell_absence(const struct session *s, const struct attempt *t,
                         struct area area, int col)
{
    char text[TRIAL_EPOCHS_SIZE];
    struct contest c = attempts_contest(&s->tried);
    struct score score = facts_of(&t->trial.settings).score;
    int epochs = t->trial.epochs;

    if (past_of(t))
        area_text(area, 0, col, ROLE_DIM, "is a run of an earlier session: N "
                  "runs it afresh, o draws its curves");
    else if (trial_continues(&t->trial))
        area_print(area, 0, col, ROLE_DIM, "goes on with others' weights, "
                   "%s: N runs it afresh", trial_epochs(s, t, text));
    else if (t->trial.scored == 0)
        area_print(area, 0, col, ROLE_DIM, "has no point until its first %s",
                   score.name);
    else if (epochs >= c.epochs)
        area_print(area, 0, col, ROLE_DIM, "has no %s after %d epoch%s",
                   c.score.name, c.epochs, c.epochs == 1 ? "" : "s");
    else
        area_print(area, 0, col, ROLE_DIM, "had %d epoch%s, fewer than %d",
                   epochs, epochs == 1 ? "" : "s", c.epochs);
}

/* "B  fp16, microbatch 10  3.09 MiB  77.82%  on the front" */
static void draw_chosen(const struct session *s, const struct attempt *t,
                        struct area area)
{
    char label[TRIAL_LABEL_SIZE], bytes[BYTES_TEXT_SIZE], what[DIFF_TEXT_SIZE];
    struct score score = facts_of(&t->trial.settings).score;
    char number[NUMBER_SIZE];
    int beaten = attempts_beaten_by(&s->tried, t), col;

    trial_label(t, label);
    col = area_text(area, 0, 1, ROLE_TITLE | STYLE_REVERSE, label);
    if (!trial_has_point(s, t)) {
        tell_absence(s, t, area, col + 2);
        return;
    }
    col = area_print(area, 0, col + 2, ROLE_TEXT | STYLE_BOLD,
                     "%s  %s",
                     bytes_format(bytes, sizeof(bytes), t->peak_bytes),
                     score_format(&score, trial_score(s, t), 2, number));
    if (beaten < 0)
        col = area_text(area, 0, col + 2, ROLE_GOOD, "on the front");
    else
        col = area_print(area, 0, col + 2, ROLE_DIM, "%s is better",
                         trial_label(&s->tried.list[beaten], label));
    trial_describe(s, t, what, sizeof(what));
    area_fit(area, 0, col + 2, area.cols - col - 3, ROLE_TEXT, what);
}

static void tell_no_points(const struct session *s, struct area area)
{
    struct facts facts = facts_of(&session_run(s)->settings);

    if (facts.score_every == 1)
        area_print(area, 1, 1, ROLE_DIM,
                   "Points come with the %s, when an epoch ends.",
                   facts.score.name);
    else
        area_print(area, 1, 1, ROLE_DIM,
                   "Points come with the %s, every %d epochs.",
                   facts.score.name, facts.score_every);
}

static void name_baseline(const struct chart *c, struct area area)
{
    static const char name[] = "baseline";
    int col = chart_column(c, area, c->marks[0].x);
    int before = col - 1 - cells_width(name);

    area_text(area, area.rows - 3, before > CHART_MARGIN ? before : col + 2,
              ROLE_PINNED, name);
}

void pane_front_draw(struct screen *s, struct pane_trials *p,
                     struct area area)
{
    const struct session *session = s->session;
    const struct forecast *baseline;
    struct chart chart = { .x_label = byte_plot_label, .x_unit = "peak",
                           .line_count = 1 };
    struct chart_line stairs = { .stride = 2, .style = ROLE_GOOD,
                                 .letter = '.' };
    struct chart_mark mark = { 0, ROLE_PINNED, NULL };
    struct contest c = attempts_contest(&session->tried);
    struct trial_rows rows;
    char title[64];
    double *xy;

    if (c.epochs == 0) {
        tell_no_points(session, area);
        return;
    }
    snprintf(title, sizeof(title), "Pareto front: %s %.14s for the memory, "
             "epoch %d", c.score.higher_is_better ? "most" : "least",
             c.score.name, c.epochs);
    screen_note(s, area, ROLE_DIM, title);
    baseline = session->tried.list[session->tried.count - 1].baseline;
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
    pane_trials_rows(session, p, &rows);
    if (rows.chosen)
        draw_chosen(session, rows.chosen, area);
    area = area_sub(area, 1, 0, area.rows - 1, area.cols);
    if (area.rows >= 5 && area.cols >= CHART_MARGIN + 8) {
        chart_draw(&chart, area);
        if (baseline)
            name_baseline(&chart, area);
        draw_letters(s, &rows, &chart, area);
    }
    trial_rows_done(&rows);
    free(xy);
}

const struct attempt *pane_front_next(const struct session *s,
                                      const struct attempt *trial, int step)
{
    int count;
    const struct attempt **sorted = sort_points(s, &count);
    int at = step > 0 ? -1 : count;

    for (int i = 0; i < count; i++)
        if (sorted[i] == trial)
            at = i;
    at += step;
    if (at >= 0 && at < count)
        trial = sorted[at];
    free(sorted);
    return trial;
}
