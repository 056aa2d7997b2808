#include "ui/pages/pane_trials.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "ui/pages/past_text.h"
#include "ui/pages/trial_text.h"

/* The columns in their order, cut where there is no more room. */
enum { COLUMN_LABEL, COLUMN_SETTINGS, COLUMN_PEAK, COLUMN_STEP, COLUMN_BEST,
       COLUMN_STATE, COLUMN_SECONDS, COLUMN_EPOCHS, COLUMN_LAST,
       COLUMN_REDUCTION, COLUMN_FLOPS, COLUMN_COUNT };

void pane_trials_init(struct pane_trials *p)
{
    p->column_count = COLUMN_COUNT;
}

void trial_rows_done(struct trial_rows *rows)
{
    free(rows->list);
    *rows = (struct trial_rows){ .count = 0 };
}

static bool is_now(const struct session *s, const struct attempt *t)
{
    return s->tried.count && t == &s->tried.list[s->tried.count - 1];
}

void pane_trials_choose(const struct session *s, struct pane_trials *p,
                        const struct attempt *t)
{
    p->trial = t->number;
    p->stays = !is_now(s, t);
}

static bool is_pinned(const struct session *s, const struct attempt *t)
{
    return t->number == s->tried.pinned;
}

/* The letter of the curves of a past run, if they are drawn. */
static char drawn_letter(const struct attempt *t)
{
    const struct past *past = past_of(t);

    return past ? past->letter : '\0';
}

static void write_label(const struct session *s, const struct attempt *t,
                        char *text, size_t size, unsigned *style)
{
    char label[TRIAL_LABEL_SIZE], drawn[2] = { drawn_letter(t) };

    snprintf(text, size, "%s%s%s%s%s%s", trial_label(t, label),
             trial_on_front(s, t) ? "*" : "", is_now(s, t) ? "▸" : "",
             is_pinned(s, t) ? "p" : "", drawn, t->marked ? "+" : "");
    *style = *drawn ? ROLE_TEXT | STYLE_BOLD : trial_label_style(s, t);
}

static void write_state(const struct session *s, const struct attempt *t,
                        char *text, size_t size, unsigned *style)
{
    const char *state = session_attempt_state(s, t);

    snprintf(text, size, "%s", state);
    *style = strcmp(state, "diverged") == 0 || strcmp(state, "failed") == 0
                 ? ROLE_BAD : is_now(s, t) ? ROLE_TEXT : ROLE_DIM;
}

enum { FLOPS_CELLS = 5 };

/* A continuation begins with whose it is: "15→20 of A: fp16". */
static void write_settings(const struct session *s, const struct attempt *t,
                           char *text, size_t size, unsigned *style)
{
    const struct past *past = past_of(t);
    char epochs[TRIAL_EPOCHS_SIZE];
    size_t used = 0;

    if (past) {
        past_describe(s, past, text, size);
        *style = past->has_settings ? ROLE_TEXT : ROLE_DIM;
        return;
    }
    if (trial_continues(&t->trial)) {
        used = (size_t)snprintf(text, size, "%s: ", trial_epochs(s, t, epochs));
        *style = ROLE_DIM;
    }
    trial_describe(s, t, text + used, size - used);
}

/* The figures of a row, of the session's attempts and of past runs alike;
 * INFINITY: not known. */
struct figures {
    struct score score;
    double peak, step, best, last, epochs, seconds, reduction, flops;
    bool is_best;        /* of a past run, only the last score may be known */
};

/* Measured, or else predicted. */
static double step_seconds(const struct attempt *t)
{
    return t->trial.seconds_per_step > 0 ? t->trial.seconds_per_step
           : t->plan && !t->plan->guessed ? t->plan->seconds : INFINITY;
}

static double known(double value)
{
    return isnan(value) ? INFINITY : value;
}

static struct figures figures_of(const struct attempt *t)
{
    const struct past *past = past_of(t);
    double reduction = trial_reduction(t), flops = trial_flops_ratio(t);
    struct figures f = {
        .score = facts_of(&t->trial.settings).score,
        .peak = t->peak_bytes ? (double)t->peak_bytes : INFINITY,
        .step = step_seconds(t), .best = INFINITY, .last = INFINITY,
        .epochs = t->trial.epochs, .seconds = trial_seconds(t),
        .reduction = reduction > 0 ? reduction : INFINITY,
        .flops = flops > 0 ? flops : INFINITY, .is_best = true
    };

    if (past) {
        f.epochs = past->epochs;
        f.seconds = known(past->seconds);
        f.last = known(past->score);
        f.is_best = past->whole;
    }
    if (past && !f.is_best)
        f.best = f.last;
    else if (t->trial.scored)
        f.best = known(t->trial.best_score);
    if (!past && t->trial.scored)
        f.last = known(t->trial.valid_score);
    return f;
}

/* Writes nothing of a figure that is not known. */
static void write_figure(const struct figures *f, int column, char *text,
                         size_t size)
{
    double value = column == COLUMN_BEST ? f->best : f->last;
    char number[NUMBER_SIZE], time[TEXT_TIME_SIZE];

    if (column == COLUMN_PEAK && isfinite(f->peak))
        bytes_format(text, size, (uint64_t)f->peak);
    else if (column == COLUMN_STEP && isfinite(f->step))
        snprintf(text, size, "%s", text_time(time, f->step));
    else if (column == COLUMN_FLOPS && isfinite(f->flops))
        snprintf(text, size, "×%s",
                 number_format(number, f->flops, 2, FLOPS_CELLS));
    else if ((column == COLUMN_BEST || column == COLUMN_LAST) &&
             isfinite(value))
        snprintf(text, size, "%s", score_format(&f->score, value, 2, number));
    else if (column == COLUMN_EPOCHS)
        snprintf(text, size, "%.0f", f->epochs);
    else if (column == COLUMN_SECONDS && isfinite(f->seconds))
        snprintf(text, size, "%s",
                 number_format(number, f->seconds, 1, TRIAL_SECONDS_CELLS));
    else if (column == COLUMN_REDUCTION && isfinite(f->reduction))
        snprintf(text, size, "%sx",
                 number_format(number, f->reduction, 2, NUMBER_CELLS_MIN));
}

/* Dim: a prediction, a continuation's, or not yet the best. */
static unsigned figure_style(const struct session *s, const struct attempt *t,
                             const struct figures *f, int column)
{
    bool continues = trial_continues(&t->trial);

    switch (column) {
    case COLUMN_STEP:
        return t->trial.seconds_per_step > 0 ? ROLE_TEXT : ROLE_DIM;
    case COLUMN_BEST:
        return trial_on_front(s, t) ? ROLE_GOOD
               : continues || !f->is_best ? ROLE_DIM : ROLE_TEXT;
    case COLUMN_EPOCHS:
        return continues ? ROLE_DIM : ROLE_TEXT;
    default:
        return ROLE_TEXT;
    }
}

/* The rows of a session, for the functions of the table. */
struct shown {
    const struct session *session;
    struct attempt **list;
};

static void write_cell(const void *arg, int row, int column, char *text,
                       size_t size, unsigned *style)
{
    const struct shown *shown = arg;
    const struct session *s = shown->session;
    const struct attempt *t = shown->list[row];
    struct figures f;

    switch (column) {
    case COLUMN_LABEL:
        write_label(s, t, text, size, style);
        break;
    case COLUMN_SETTINGS:
        write_settings(s, t, text, size, style);
        break;
    case COLUMN_STATE:
        write_state(s, t, text, size, style);
        break;
    default:
        f = figures_of(t);
        write_figure(&f, column, text, size);
        *style = figure_style(s, t, &f, column);
        break;
    }
    if (!*text)
        snprintf(text, size, "…");
}

/* Scores in their order, no score at the worse end. */
static double score_key(const struct score *score, double value)
{
    return isfinite(value) || !score->higher_is_better ? value : -INFINITY;
}

static double sort_key(const void *arg, int row, int column)
{
    const struct shown *shown = arg;
    struct figures f;

    if (column == COLUMN_LABEL || column == COLUMN_STATE)
        return row;
    f = figures_of(shown->list[row]);
    switch (column) {
    case COLUMN_SETTINGS: /* sorted by the memory that they save */
    case COLUMN_REDUCTION:
        return f.reduction;
    case COLUMN_PEAK:
        return f.peak;
    case COLUMN_STEP:
        return f.step;
    case COLUMN_FLOPS:
        return f.flops;
    case COLUMN_BEST:
        return score_key(&f.score, f.best);
    case COLUMN_LAST:
        return score_key(&f.score, f.last);
    case COLUMN_EPOCHS:
        return f.epochs;
    default:
        return f.seconds;
    }
}

/* The attempts that are shown, in the order in which they were made, and then
 * past runs, the newest first. */
static void collect_rows(const struct session *s, struct trial_rows *rows)
{
    int most = s->tried.count + s->history.count;

    rows->list = xcalloc((unsigned long)most, sizeof(struct attempt *));
    rows->count = 0;
    for (int i = 0; i < s->tried.count; i++)
        if (session_shows(s, &s->tried.list[i]))
            rows->list[rows->count++] = &s->tried.list[i];
    for (int i = 0; i < s->history.count; i++)
        if (s->history.list[i]->passes && !s->history.list[i]->own)
            rows->list[rows->count++] = &s->history.list[i]->attempt;
}

/* The place of the row that a person has chosen, or that of the latest attempt;
 * the first one stands in for a row that is not shown. */
static int find_chosen(const struct session *s, const struct pane_trials *p,
                       const struct trial_rows *rows)
{
    int latest = s->tried.count
                     ? s->tried.list[s->tried.count - 1].number : -1;
    int place = -1;

    for (int i = 0; i < rows->count; i++) {
        if (p->stays && rows->list[i]->number == p->trial)
            return i;
        if (rows->list[i]->number == latest)
            place = i;
    }
    return place < 0 || (p->stays && session_attempt(s, p->trial)) ? 0 : place;
}

void pane_trials_rows(const struct session *s, struct pane_trials *p,
                      struct trial_rows *rows)
{
    struct attempt **sorted;
    struct shown shown;
    int *order;

    collect_rows(s, rows);
    shown = (struct shown){ s, rows->list };
    order = table_order(&p->view, rows->count, sort_key, &shown);
    sorted = xcalloc((unsigned long)rows->count, sizeof(struct attempt *));
    for (int i = 0; i < rows->count; i++)
        sorted[i] = rows->list[order[i]];
    free(order);
    free(rows->list);
    rows->list = sorted;
    p->view.chosen = find_chosen(s, p, rows);
    rows->chosen = rows->count ? rows->list[p->view.chosen] : NULL;
}

struct attempt *pane_trials_chosen(const struct session *s,
                                   struct pane_trials *p)
{
    struct trial_rows rows;
    struct attempt *chosen;

    pane_trials_rows(s, p, &rows);
    chosen = rows.chosen;
    trial_rows_done(&rows);
    return chosen;
}

/* Cells of a label: past runs have numbers, and marks behind them. */
static int label_cells(const struct session *s)
{
    int most = s->history.count
                   ? s->history.list[0]->attempt.number - PAST_FIRST : 0;

    return most < 1000 ? 5 : most < 10000 ? 6 : 7;
}

/* Returns the number of columns that there is room for. The settings get the
 * room that is left. */
static int fit_trial_columns(struct table_column columns[COLUMN_COUNT],
                             int cols)
{
    int left = cols - 2, count = 0;

    columns[COLUMN_SETTINGS].width = cols >= 90 ? 30 : 19;
    for (; count < COLUMN_COUNT; count++) {
        int width = columns[count].width + (count > 0 ? 2 : 0);
        if (width > left)
            break;
        left -= width;
    }
    columns[COLUMN_SETTINGS].width += left;
    return count;
}

/* The queue, or the sweep, or else the meaning of the marks beside labels. */
static void draw_queue(struct screen *s, struct area area)
{
    const struct session *session = s->session;
    const struct sweep *sweep = sweeping_sweep(&session->sweeping);
    double left = session_seconds_left(session);
    char text[128], time[TEXT_DURATION_SIZE];
    int n = session->queue.count;

    if (n > 0)
        snprintf(text, sizeof(text), "queue: %d run%s after this one", n,
                 n == 1 ? "" : "s");
    else if (sweep)
        snprintf(text, sizeof(text), "sweep: %d of %d done, %d wait",
                 sweep_count(sweep, SWEEP_DONE), sweep->count,
                 sweep_count(sweep, SWEEP_WAITS));
    else
        snprintf(text, sizeof(text), "* on the front  ▸ now  p pinned  + "
                 "marked");
    if ((n > 0 || sweep) && left > 0)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ", left %s",
                 text_duration(time, left));
    screen_note(s, area, n > 0 || sweep ? ROLE_TITLE : ROLE_DIM, text);
}

/* "/fp16  12 of 2,003 rows", or how many past runs are read so far; false if
 * there is nothing to say. */
static bool tell_rows(const struct session *s, int shown, char *text,
                      size_t size)
{
    const struct history *h = &s->history;
    char count[TEXT_COUNT_SIZE], of[TEXT_COUNT_SIZE];
    int all = s->tried.count;

    for (int i = 0; i < h->count; i++)
        all += !h->list[i]->own;
    if (*h->sift.trouble)
        snprintf(text, size, "/%s  %s", h->sift.text, h->sift.trouble);
    else if (*h->sift.text)
        snprintf(text, size, "/%s  %s of %s rows; Esc shows all", h->sift.text,
                 text_count(count, shown), text_count(of, all));
    else if (h->reading < h->folders)
        snprintf(text, size, "reading earlier runs: %s of %s",
                 text_count(count, h->reading), text_count(of, h->folders));
    else
        return false;
    return true;
}

static void tell_no_rows(const struct session *s, struct area area)
{
    if (s->tried.count + s->history.count == 0)
        area_text(area, 1, 1, ROLE_DIM,
                  "Nothing was tried yet; the run is about to begin.");
    else
        area_text(area, 1, 1, ROLE_DIM, "No row passes the filter.");
}

void pane_trials_draw(struct screen *s, struct pane_trials *p,
                      struct area area, bool keys)
{
    const struct session *session = s->session;
    struct table_column columns[COLUMN_COUNT] = {
        [COLUMN_LABEL] = { "id", label_cells(session), false },
        [COLUMN_SETTINGS] = { "saves memory by", 0, false },
        [COLUMN_PEAK] = { "peak", 10, true },
        [COLUMN_STEP] = { "a step", 7, true },
        [COLUMN_BEST] = { "best", 7, true },
        [COLUMN_STATE] = { "state", 8, false },
        [COLUMN_LAST] = { "last", 7, true },
        [COLUMN_EPOCHS] = { "epochs", 6, true },
        [COLUMN_SECONDS] = { "seconds", TRIAL_SECONDS_CELLS, true },
        [COLUMN_REDUCTION] = { "reduction", 9, true },
        [COLUMN_FLOPS] = { "FLOPs", 6, true },
    };
    char line[SIFT_SIZE + 128];
    struct trial_rows rows;
    struct shown shown;
    struct table table;

    pane_trials_rows(session, p, &rows);
    shown = (struct shown){ session, rows.list };
    p->column_count = fit_trial_columns(columns, area.cols);
    table = (struct table){ columns, p->column_count, rows.count, NULL,
                            write_cell, &shown };
    draw_queue(s, area);
    if (tell_rows(session, rows.count, line, sizeof(line)) && area.rows > 2) {
        area_fit(area, area.rows - 1, 1, area.cols - 2, ROLE_TITLE, line);
        area.rows--;
    }
    table_draw(s, &table, &p->view, area, keys);
    if (rows.count == 0)
        tell_no_rows(session, area);
    trial_rows_done(&rows);
}

/* The chosen row stays chosen when the order changes. */
bool pane_trials_act(const struct session *s, struct pane_trials *p,
                     enum action action, int argument)
{
    struct trial_rows rows;
    bool again;

    pane_trials_rows(s, p, &rows);
    again = action == ACTION_ROW && argument == p->view.chosen;
    if (rows.count && table_act(&p->view, rows.count, p->column_count, action,
                                argument) &&
        action != ACTION_SORT && action != ACTION_REVERSE)
        pane_trials_choose(s, p, rows.list[p->view.chosen]);
    trial_rows_done(&rows);
    return again;
}
