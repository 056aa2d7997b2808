#include "ui/pages/pane_curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/pages/score_axis.h"
#include "ui/term/chart.h"

static struct chart_line line_of(const struct series *c, enum axis axis,
                                 unsigned style, char letter)
{
    return (struct chart_line){
        .x = c->points ? &c->points->at[axis] : NULL,
        .y = c->points ? &c->points->value : NULL,
        .stride = sizeof(struct point) / sizeof(double),
        .count = c->count, .style = style, .letter = letter,
        .named = letter != '.'
    };
}

/* An exponential mean over a fiftieth of the points; the caller frees. */
static double *smooth(const struct series *c, enum axis axis)
{
    double *pairs = xcalloc((unsigned long)c->count + 1, 2 * sizeof(double));
    double rate = fmin(1, 50.0 / (c->count + 1)), mean = 0;

    for (int i = 0; i < c->count; i++) {
        mean = i ? mean + rate * (c->points[i].value - mean)
                 : c->points[i].value;
        pairs[2 * i] = c->points[i].at[axis];
        pairs[2 * i + 1] = mean;
    }
    return pairs;
}

enum { MOST_LINES = 24, MOST_MARKS = 64 };

/* The lines and marks that a chart of the pane is drawn from. */
struct drawing {
    struct chart_line lines[MOST_LINES];
    struct chart_mark marks[MOST_MARKS];
    struct chart chart;
};

/* Earlier runs lie under the present one, the pinned run over the others. */
static void add_earlier(const struct session *s, struct drawing *d,
                        enum curve curve, enum axis axis)
{
    const struct run *pinned = session_pinned_run(s);
    int first = s->runs.count - 9 > 0 ? s->runs.count - 9 : 0;
    struct chart *c = &d->chart;

    for (int i = first; i < s->runs.count - 1; i++)
        if (&s->runs.list[i] != pinned)
            d->lines[c->line_count++] = line_of(&s->runs.list[i].curve[curve],
                                                axis, ROLE_EARLIER, '.');
    if (pinned)
        d->lines[c->line_count++] = line_of(&pinned->curve[curve], axis,
                                            ROLE_PINNED, 'p');
}

static const unsigned overlay_styles[HISTORY_DRAWN] = {
    ROLE_KIND + KIND_TRANSIENT, ROLE_KIND + KIND_WORKSPACE,
    ROLE_KIND + KIND_INDEX, ROLE_KIND + KIND_INPUT
};

/* The past run that is drawn with a letter, if it is read, and if its score is
 * that of the run under way; else NULL. */
static const struct run *overlaid(const struct session *s, int index,
                                  bool by_score)
{
    const struct past *past = history_drawn(&s->history, index);
    const struct run *run = past && past->whole ? &past->whole->record.run
                                                : NULL;
    struct score ours = run_score(session_run(s)), its;

    if (!run || !by_score)
        return run;
    its = run_score(run);
    return score_same(&ours, &its) ? run : NULL;
}

static void add_overlays(const struct session *s, struct drawing *d,
                         enum curve curve, enum axis axis)
{
    for (int i = 0; i < HISTORY_DRAWN; i++) {
        const struct run *run = overlaid(s, i, curve == CURVE_VALID_SCORE);
        if (run)
            d->lines[d->chart.line_count++] =
                line_of(&run->curve[curve], axis, overlay_styles[i],
                        (char)('a' + i));
    }
}

static double furthest(const struct session *s, enum axis axis)
{
    const struct run *h = session_run(s);
    double most = axis == AXIS_EPOCHS ? 1 : 10;

    for (int i = 0; i < s->runs.count; i++)
        most = fmax(most, s->runs.list[i].at[axis]);
    for (int i = 0; i < HISTORY_DRAWN; i++)
        if (overlaid(s, i, false))
            most = fmax(most, overlaid(s, i, false)->at[axis]);
    /* The axis shows the whole run once a good part of it is there. */
    if (axis == AXIS_EPOCHS && h->at[axis] > 0.4 * s->in_force.epochs)
        most = fmax(most, s->in_force.epochs);
    return most;
}

static void add_marks(struct screen *s, const struct pane_curves *p,
                      struct drawing *d, enum axis axis)
{
    const struct run *h = session_run(s->session);
    struct chart *c = &d->chart;

    for (int i = 0; i < h->mark_count && i < MOST_MARKS - 1; i++)
        d->marks[c->mark_count++] =
            (struct chart_mark){ h->marks[i].at[axis], ROLE_MARK,
                                 h->marks[i].text };
    if (p->has_cursor)
        d->marks[c->mark_count++] =
            (struct chart_mark){ p->cursor, ROLE_KEY | STYLE_BOLD, NULL };
}

static struct drawing drawing_begin(struct screen *s, struct pane_curves *p)
{
    struct drawing d = { 0 };
    enum axis axis = s->view.axis;

    d.chart.x_max = p->x_max = furthest(s->session, axis);
    d.chart.x_unit = run_axis(session_run(s->session), axis);
    add_marks(s, p, &d, axis);
    return d;
}

/* The value of a curve at the cursor, or its last; NAN if it has none. */
static double value_at(const struct screen *s, const struct pane_curves *p,
                       enum curve curve)
{
    const struct run *h = session_run(s->session);
    const struct series *c = &h->curve[curve];
    int i = 0;

    if (c->count == 0)
        return NAN;
    if (!p->has_cursor)
        return c->points[c->count - 1].value;
    while (i + 1 < c->count && c->points[i + 1].at[s->view.axis] <= p->cursor)
        i++;
    return c->points[i].value;
}

static int draw_legend(struct area area, int col, unsigned style, char letter,
                       const char *name, const char *figure)
{
    col = area_print(area, 0, col, style | STYLE_BOLD, "%c", letter);
    col = area_print(area, 0, col + 1, ROLE_TEXT, "%s ", name);
    return area_text(area, 0, col, style | STYLE_BOLD, figure) + 2;
}

static const char *score_figure(const struct score *score, double value,
                                char text[NUMBER_SIZE])
{
    return isfinite(value) ? score_format(score, value, 2, text) : "";
}

static const char *loss_figure(double value, char text[NUMBER_SIZE])
{
    return isfinite(value) ? number_format(text, value, 4, SCORE_CELLS) : "";
}

/* Draws the score of the test at the end of a run, once there is one. */
static int draw_legend_test(const struct run *r, const struct score *score,
                            struct area area, int col)
{
    double test = run_trial(r) ? run_trial(r)->test_score : NAN;
    char figure[NUMBER_SIZE];

    if (isnan(test))
        return col;
    return area_print(area, 0, col, ROLE_TEXT, "test %s",
                      score_figure(score, test, figure)) + 2;
}

enum { ROWS_FOR_ONE = 4 }; /* of a pane, for each row of its legend */

/* Draws the scores beside that of the chart, in further rows where the legend
 * has no more room and the pane has; returns the rows of the legend. */
static int draw_legend_beside(const struct screen *s,
                              const struct pane_curves *p, struct area area,
                              int *col)
{
    struct facts facts = facts_of(&session_run(s->session)->settings);
    double loss = value_at(s, p, CURVE_VALID_LOSS);
    double accuracy = value_at(s, p, CURVE_VALID_ACCURACY);
    int row = 0;

    for (int i = 0; i < facts.beside_count; i++) {
        const struct score *score = &facts.beside[i];
        double value = score_of(score, loss, accuracy);
        char figure[NUMBER_SIZE], text[2 * NUMBER_SIZE];
        bool full;
        snprintf(text, sizeof(text), "%.24s %s", score->name,
                 score_figure(score, value, figure));
        full = *col + cells_width(text) > area.cols;
        if (isnan(value) || (full && area.rows < ROWS_FOR_ONE * (row + 2)))
            break;
        row += full;
        *col = area_text(area, row, full ? 1 : *col, ROLE_DIM, text) + 2;
    }
    return row + 1;
}

/* Draws the pinned run, the last of a legend, if there is room. */
static void draw_legend_pinned(const struct session *s, struct area area,
                               int col)
{
    static const char name[] = "pinned";

    if (session_pinned_run(s) && col + 2 + cells_width(name) <= area.cols)
        draw_legend(area, col, ROLE_PINNED, 'p', name, "");
}

/* Names the past runs that are drawn, in a row of their own if there is one;
 * returns the rows of the legend. */
static int draw_legend_overlays(const struct session *s, struct area area,
                                int rows)
{
    int count = 0, col = 1, width;

    for (int i = 0; i < HISTORY_DRAWN; i++)
        count += history_drawn(&s->history, i) != NULL;
    if (count == 0 || area.rows < ROWS_FOR_ONE * (rows + 1))
        return rows;
    width = (area.cols - 1) / count - 2;
    for (int i = 0; i < HISTORY_DRAWN; i++) {
        const struct past *past = history_drawn(&s->history, i);
        if (!past)
            continue;
        area_print(area, rows, col, overlay_styles[i] | STYLE_BOLD, "%c",
                   'a' + i);
        area_fit(area, rows, col + 2, width - 2, ROLE_TEXT,
                 *past->label ? past->label : past->name);
        col += width + 2;
    }
    return rows + 1;
}

/* Draws the chart below its legend, or says when there will be something to
 * draw: after the first step, or after epoch 5. */
static void finish_chart(struct drawing *d, struct area area, int legend_rows,
                         const char *what, int when)
{
    int points = 0;

    d->chart.lines = d->lines;
    d->chart.marks = d->marks;
    for (int i = 0; i < d->chart.line_count; i++)
        points += d->lines[i].count;
    chart_draw(&d->chart, area_sub(area, legend_rows, 0,
                                   area.rows - legend_rows, area.cols));
    if (points == 0)
        area_print(area, area.rows / 2, CHART_MARGIN + 2, ROLE_DIM,
                   when > 1 ? "after %s %d" : "after the first %s", what,
                   when);
}

/* The first epoch of a run that has a score. */
static int first_scored(const struct run *r)
{
    int every = facts_of(&r->settings).score_every;

    return every < r->settings.epochs ? every : r->settings.epochs;
}

/* A score that steps do not tell has one curve, which is named by it. */
static void draw_score(struct screen *s, struct pane_curves *p,
                       struct area area)
{
    const struct run *h = session_run(s->session);
    struct drawing d = drawing_begin(s, p);
    struct chart *c = &d.chart;
    enum axis axis = s->view.axis;
    struct score score = run_score(h);
    double low = INFINITY, high = -INFINITY, tick;
    char figure[NUMBER_SIZE];
    int col, rows;

    add_earlier(s->session, &d, CURVE_VALID_SCORE, axis);
    add_overlays(s->session, &d, CURVE_VALID_SCORE, axis);
    d.lines[c->line_count++] = line_of(&h->curve[CURVE_TRAIN_SCORE], axis,
                                       ROLE_TRAIN, 't');
    d.lines[c->line_count++] = line_of(&h->curve[CURVE_VALID_SCORE], axis,
                                       ROLE_VALID, 'v');
    chart_fit(d.lines, c->line_count, false, &low, &high);
    tick = score.percent ? 0.1
           : high > low  ? pow(10, floor(log10(high - low))) : 1;
    low = floor(low / tick) * tick;
    high = ceil(high / tick) * tick;
    score_axis(c, score, low, high > low ? high : low + tick);
    col = draw_legend(area, 1, ROLE_VALID, 'v',
                      score.of ? "valid" : score.name,
                      score_figure(&score, value_at(s, p, CURVE_VALID_SCORE),
                                   figure));
    if (score.of)
        col = draw_legend(area, col, ROLE_TRAIN, 't', "train",
                          score_figure(&score,
                                       value_at(s, p, CURVE_TRAIN_SCORE),
                                       figure));
    col = draw_legend_test(h, &score, area, col);
    rows = draw_legend_beside(s, p, area, &col);
    draw_legend_pinned(s->session, area_sub(area, rows - 1, 0, 1, area.cols),
                       col);
    rows = draw_legend_overlays(s->session, area, rows);
    finish_chart(&d, area, rows, "epoch", first_scored(h));
}

static void draw_loss(struct screen *s, struct pane_curves *p, struct area area)
{
    const struct run *h = session_run(s->session);
    const struct series *loss = &h->curve[CURVE_LOSS];
    struct drawing d = drawing_begin(s, p);
    struct chart *c = &d.chart;
    enum axis axis = s->view.axis;
    double *smoothed = NULL;
    char figure[NUMBER_SIZE];
    int col;

    c->log_y = s->view.log_loss;
    add_earlier(s->session, &d, CURVE_LOSS, axis);
    add_overlays(s->session, &d, CURVE_LOSS, axis);
    d.lines[c->line_count++] = line_of(
        loss, axis, s->view.smooth ? ROLE_RAW : ROLE_LOSS,
        s->view.smooth ? '.' : 'l');
    if (s->view.smooth && loss->count > 0) {
        smoothed = smooth(loss, axis);
        d.lines[c->line_count++] =
            (struct chart_line){ .x = smoothed, .y = smoothed + 1,
                                 .stride = 2, .count = loss->count,
                                 .style = ROLE_LOSS, .letter = 'l',
                                 .named = true };
    }
    d.lines[c->line_count++] = line_of(&h->curve[CURVE_VALID_LOSS], axis,
                                       ROLE_VALID, 'v');
    c->y_min = 1e300;
    chart_fit(d.lines, c->line_count, c->log_y, &c->y_min, &c->y_max);
    col = draw_legend(area, 1, ROLE_LOSS, 'l', "loss",
                      loss_figure(value_at(s, p, CURVE_LOSS), figure));
    col = draw_legend(area, col, ROLE_VALID, 'v', "valid",
                      loss_figure(value_at(s, p, CURVE_VALID_LOSS), figure));
    draw_legend_pinned(s->session, area, col);
    finish_chart(&d, area, draw_legend_overlays(s->session, area, 1), "step",
                 1);
    free(smoothed);
}

/* Draws the last change before the cursor, or the last of the run. */
static void draw_change(struct screen *s, const struct pane_curves *p,
                        struct area area)
{
    const struct run *h = session_run(s->session);
    const struct mark *m = NULL;
    char text[96];

    if (p->has_cursor)
        snprintf(text, sizeof(text), "at %.6g %s", p->cursor,
                 run_axis(h, s->view.axis));
    else
        *text = '\0';
    for (int i = 0; i < h->mark_count; i++)
        if (!p->has_cursor || h->marks[i].at[s->view.axis] <= p->cursor)
            m = &h->marks[i];
    if (m)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s┆ %s",
                 *text ? "  " : "", m->text);
    screen_note(s, area, ROLE_MARK, text);
}

enum { BOTH_COLS = 72 };

/* Where there is room for one chart it shows the score, which moves once an
 * epoch. Until it first does, the chart shows the loss, which moves with every
 * step. */
static bool shows_loss(const struct session *s, enum curves curves,
                       struct area area)
{
    if (curves == CURVES_BOTH && area.cols < BOTH_COLS)
        return isnan(run_latest(session_run(s), CURVE_VALID_SCORE));
    return curves == CURVES_LOSS;
}

void pane_curves_draw(struct screen *s, struct pane_curves *p,
                      struct area area)
{
    int half = area.cols / 2;

    if (shows_loss(s->session, s->view.curves, area)) {
        draw_loss(s, p, area);
    } else if (s->view.curves == CURVES_SCORE || area.cols < BOTH_COLS) {
        draw_score(s, p, area);
    } else {
        draw_score(s, p, area_sub(area, 0, 0, area.rows, half - 1));
        draw_loss(s, p, area_sub(area, 0, half, area.rows, area.cols - half));
    }
    draw_change(s, p, area);
}

/* The cursor goes by hundredths of the chart. */
void pane_curves_act(struct screen *s, struct pane_curves *p,
                     enum action action)
{
    const struct run *h = session_run(s->session);
    double step = p->x_max / 100;

    switch (action) {
    case ACTION_LEFT:
    case ACTION_RIGHT:
        if (!p->has_cursor)
            p->cursor = h->at[s->view.axis];
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
