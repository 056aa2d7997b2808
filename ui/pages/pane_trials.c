#include "ui/pages/pane_trials.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "ui/pages/trial_text.h"

/* The columns in their order, cut where there is no more room. */
enum { COLUMN_LABEL, COLUMN_SETTINGS, COLUMN_PEAK, COLUMN_STEP, COLUMN_BEST,
       COLUMN_STATE, COLUMN_SECONDS, COLUMN_EPOCHS, COLUMN_LAST,
       COLUMN_REDUCTION, COLUMN_FLOPS, COLUMN_COUNT };

void pane_trials_init(struct pane_trials *p)
{
    p->column_count = COLUMN_COUNT;
}

/* The latest trial stands in for one that was forgotten. */
int pane_trials_chosen(const struct session *s, const struct pane_trials *p)
{
    int trial = s->tried.count - 1;

    for (int i = 0; p->stays && i < s->tried.count; i++)
        if (s->tried.list[i].number == p->trial)
            trial = i;
    return trial;
}

void pane_trials_choose(const struct session *s, struct pane_trials *p,
                        int trial)
{
    p->trial = s->tried.list[trial].number;
    p->stays = trial != s->tried.count - 1;
}

static bool is_now(const struct session *s, const struct attempt *t)
{
    return t == &s->tried.list[s->tried.count - 1];
}

static bool is_pinned(const struct session *s, const struct attempt *t)
{
    return t->number == s->tried.pinned;
}

static void write_label(const struct session *s, const struct attempt *t,
                        char *text, size_t size, unsigned *style)
{
    char label[TRIAL_LABEL_SIZE];

    snprintf(text, size, "%s%s%s%s%s", trial_label(t, label),
             trial_on_front(s, t) ? "*" : "", is_now(s, t) ? "▸" : "",
             is_pinned(s, t) ? "p" : "", t->marked ? "+" : "");
    *style = trial_label_style(s, t);
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
    char epochs[TRIAL_EPOCHS_SIZE];
    size_t used = 0;

    if (trial_continues(&t->trial)) {
        used = (size_t)snprintf(text, size, "%s: ", trial_epochs(s, t, epochs));
        *style = ROLE_DIM;
    }
    trial_describe(s, t, text + used, size - used);
}

/* Measured, or else predicted; INFINITY: neither. */
static double step_seconds(const struct attempt *t)
{
    return t->trial.seconds_per_step > 0 ? t->trial.seconds_per_step
           : t->plan && !t->plan->guessed ? t->plan->seconds : INFINITY;
}

/* "91.2 ms", as measured; a prediction is dim. */
static void write_step(const struct attempt *t, char *text, size_t size,
                       unsigned *style)
{
    char time[TEXT_TIME_SIZE];

    if (isfinite(step_seconds(t)))
        snprintf(text, size, "%s", text_time(time, step_seconds(t)));
    if (!(t->trial.seconds_per_step > 0))
        *style = ROLE_DIM;
}

static void write_cell(const void *arg, int row, int column, char *text,
                       size_t size, unsigned *style)
{
    const struct session *s = arg;
    const struct attempt *t = &s->tried.list[row];
    struct score score = facts_of(&t->trial.settings).score;
    char number[NUMBER_SIZE];

    switch (column) {
    case COLUMN_LABEL:
        write_label(s, t, text, size, style);
        break;
    case COLUMN_SETTINGS:
        write_settings(s, t, text, size, style);
        break;
    case COLUMN_PEAK:
        if (t->peak_bytes)
            bytes_format(text, size, t->peak_bytes);
        break;
    case COLUMN_STEP:
        write_step(t, text, size, style);
        break;
    case COLUMN_FLOPS:
        if (trial_flops_ratio(t) > 0)
            snprintf(text, size, "×%s",
                     number_format(number, trial_flops_ratio(t), 2,
                                   FLOPS_CELLS));
        break;
    case COLUMN_BEST:
        *style = trial_on_front(s, t)         ? ROLE_GOOD
                 : trial_continues(&t->trial) ? ROLE_DIM : ROLE_TEXT;
        if (t->trial.scored)
            snprintf(text, size, "%s",
                     score_format(&score, t->trial.best_score, 2, number));
        break;
    case COLUMN_STATE:
        write_state(s, t, text, size, style);
        break;
    case COLUMN_LAST:
        if (t->trial.scored)
            snprintf(text, size, "%s",
                     score_format(&score, t->trial.valid_score, 2, number));
        break;
    case COLUMN_EPOCHS:
        snprintf(text, size, "%d", t->trial.epochs);
        *style = trial_continues(&t->trial) ? ROLE_DIM : ROLE_TEXT;
        break;
    case COLUMN_SECONDS:
        snprintf(text, size, "%s",
                 number_format(number, trial_seconds(t), 1,
                               TRIAL_SECONDS_CELLS));
        break;
    case COLUMN_REDUCTION:
        if (trial_reduction(t) > 0)
            snprintf(text, size, "%sx",
                     number_format(number, trial_reduction(t), 2,
                                   NUMBER_CELLS_MIN));
        break;
    }
    if (!*text)
        snprintf(text, size, "…");
}

/* Scores in their order, no score at the worse end. */
static double score_key(const struct attempt *t, double value)
{
    struct score score = facts_of(&t->trial.settings).score;

    if (isfinite(value))
        return value;
    return score.higher_is_better ? -INFINITY : INFINITY;
}

static double sort_key(const void *arg, int row, int column)
{
    const struct session *s = arg;
    const struct attempt *t = &s->tried.list[row];

    switch (column) {
    case COLUMN_SETTINGS: /* sorted by the memory that they save */
    case COLUMN_REDUCTION:
        return trial_reduction(t);
    case COLUMN_PEAK:
        return (double)t->peak_bytes;
    case COLUMN_STEP:
        return step_seconds(t);
    case COLUMN_FLOPS:
        return trial_flops_ratio(t);
    case COLUMN_BEST:
        return score_key(t, t->trial.best_score);
    case COLUMN_LAST:
        return score_key(t, t->trial.valid_score);
    case COLUMN_EPOCHS:
        return t->trial.epochs;
    case COLUMN_SECONDS:
        return trial_seconds(t);
    default:
        return row;
    }
}

int *pane_trials_order(const struct session *s, struct pane_trials *p)
{
    int *order = table_order(&p->view, s->tried.count, sort_key, s);

    for (int i = 0; i < s->tried.count; i++)
        if (order[i] == pane_trials_chosen(s, p))
            p->view.chosen = i;
    return order;
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

/* The queue, or else the meaning of the marks beside labels. */
static void draw_queue(struct screen *s, struct area area)
{
    const struct session *session = s->session;
    double left = session_seconds_left(session);
    char text[64], time[TEXT_DURATION_SIZE];
    int n = session->queue.count;

    if (n == 0) {
        screen_note(s, area, ROLE_DIM,
                    "* on the front  ▸ now  p pinned  + marked");
        return;
    }
    snprintf(text, sizeof(text), "queue: %d run%s after this one%s%s", n,
             n == 1 ? "" : "s", left > 0 ? ", left " : "",
             left > 0 ? text_duration(time, left) : "");
    screen_note(s, area, ROLE_TITLE, text);
}

void pane_trials_draw(struct screen *s, struct pane_trials *p,
                      struct area area, bool keys)
{
    struct table_column columns[COLUMN_COUNT] = {
        [COLUMN_LABEL] = { "id", 5, false },
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
    const struct session *session = s->session;
    int *order = pane_trials_order(session, p);
    struct table table = { columns, 0, session->tried.count, order,
                           write_cell, session };

    p->column_count = fit_trial_columns(columns, area.cols);
    table.column_count = p->column_count;
    table_draw(s, &table, &p->view, area, keys);
    if (session->tried.count == 0)
        area_text(area, 1, 1, ROLE_DIM,
                  "Nothing was tried yet; the run is about to begin.");
    draw_queue(s, area);
    free(order);
}

/* The chosen trial stays chosen when the order changes. */
bool pane_trials_act(const struct session *s, struct pane_trials *p,
                     enum action action, int argument)
{
    int *order = pane_trials_order(s, p);
    bool again = action == ACTION_ROW && argument == p->view.chosen;

    if (table_act(&p->view, s->tried.count, p->column_count, action,
                  argument) && action != ACTION_SORT &&
        action != ACTION_REVERSE)
        pane_trials_choose(s, p, order[p->view.chosen]);
    free(order);
    return again;
}
