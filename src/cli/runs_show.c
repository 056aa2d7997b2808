/*
 * `memdial runs show` and `memdial runs diff`: one run in full, and two beside
 * each other. Bytes by kind are planned again from the run's settings, for its
 * machine.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json_print.h"
#include "base/print.h"
#include "base/quote.h"
#include "base/text.h"
#include "cli/request.h"
#include "cli/runs_choices.h"
#include "cli/runs_columns.h"
#include "events/archive.h"
#include "plan/job.h"
#include "settings/settings_json.h"

/* The bytes alive at the peak, by kind, with the run's settings of now; false
 * if they cannot be planned any more. */
static bool plan_kinds(const struct record *r, size_t bytes[KIND_COUNT])
{
    return run_trial(&r->run) &&
           job_kinds(&r->run.settings, &r->run.machine, bytes);
}

static json_t *planned_json(const struct record *r)
{
    size_t bytes[KIND_COUNT];
    json_t *kinds;

    if (!plan_kinds(r, bytes))
        return json_null();
    kinds = json_object();
    for (int k = 0; k < KIND_COUNT; k++)
        json_put(kinds, kind_name((enum kind)k),
                 json_integer((json_int_t)bytes[k]));
    return kinds;
}

static json_t *trial_json(const struct trial *t)
{
    json_t *object = json_object();

    json_put(object, "begin_epoch", json_number(t->begin[AXIS_EPOCHS]));
    json_put(object, "end_epoch", json_number(t->end[AXIS_EPOCHS]));
    json_put(object, "continues", json_boolean(trial_continues(t)));
    json_put(object, "epochs", json_integer(t->epochs));
    json_put(object, "peak", json_integer((json_int_t)t->planned));
    json_put(object, "arena", json_integer((json_int_t)t->arena));
    json_put(object, "step_seconds",
             json_number(t->last_step_seconds > 0 ? t->last_step_seconds
                                                  : NAN));
    json_put(object, "score", json_number(t->valid_score));
    json_put(object, "best_score", json_number(t->best_score));
    json_put(object, "test_score", json_number(t->test_score));
    json_put(object, "settings", settings_json(&t->settings));
    return object;
}

static json_t *trials_json(const struct run *run)
{
    json_t *list = json_array();

    for (int i = 0; i < run->trial_count; i++)
        json_push(list, trial_json(&run->trials[i]));
    return list;
}

/* A point of a curve per epoch. */
static json_t *points_json(const struct series *s)
{
    json_t *list = json_array();

    for (int i = 0; i < s->count; i++) {
        json_t *point = json_object();
        json_put(point, "epoch", json_number(s->points[i].at[AXIS_EPOCHS]));
        json_put(point, "seconds", json_number(s->points[i].at[AXIS_SECONDS]));
        json_put(point, "value", json_number(s->points[i].value));
        json_push(list, point);
    }
    return list;
}

static json_t *record_json(const struct record *r)
{
    const struct point *best = run_best(&r->run);
    json_t *object = runs_columns_json(r);

    json_put(object, "kinds", planned_json(r));
    json_put(object, "best_score", json_number(best ? best->value : NAN));
    json_put(object, "best_epoch",
             json_number(best ? best->at[AXIS_EPOCHS] : NAN));
    json_put(object, "trials", trials_json(&r->run));
    json_put(object, "valid_scores",
             points_json(&r->run.curve[CURVE_VALID_SCORE]));
    json_put(object, "valid_losses",
             points_json(&r->run.curve[CURVE_VALID_LOSS]));
    json_put(object, "warnings", json_integer(r->warnings));
    json_put(object, "bad_lines", json_integer(r->bad));
    json_put(object, "unknown", json_text(r->unknown));
    return object;
}

enum { LABEL_CELLS = 16 };

static void print_column(const struct record *r, const char *name)
{
    char text[RUNS_TEXT_SIZE];

    runs_column_text(runs_column_find(name), r, text);
    if (*text && strcmp(text, "-") != 0)
        print("%-*s%s\n", LABEL_CELLS, name, text);
}

static void print_head_of_run(const struct record *r)
{
    static const char *const names[] = { "label", "tags", "preset", "changes",
                                         "began", "written", "backend", "host",
                                         "version", "bytes", "trouble" };

    print("%s: %s%s\n\n", r->name, record_state_name(r->state),
          r->guessed ? ", judging by the age of its last line, for it is on "
                       "another host" : "");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        print_column(r, names[i]);
}

static void print_figures(const struct record *r)
{
    static const char *const names[] = { "peak", "arena", "touched", "os_peak",
                                         "seconds", "step_seconds", "loss",
                                         "valid_loss", "valid_accuracy", "bleu",
                                         "test_accuracy", "test_bleu" };
    struct score score = run_score(&r->run);
    const struct point *best = run_best(&r->run);
    char figure[NUMBER_SIZE];

    print("%-*s%" PRId64 " of %" PRId64 ", epoch %d of %d\n", LABEL_CELLS,
          "step", r->run.step, r->run.steps, r->run.epoch,
          r->run.settings.epochs);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        print_column(r, names[i]);
    if (best)
        print("%-*s%s, %s, in epoch %.0f\n", LABEL_CELLS, "best validation",
              score_format(&score, best->value, 2, figure), score.name,
              best->at[AXIS_EPOCHS]);
}

static void print_kind_bytes(const struct record *r)
{
    size_t bytes[KIND_COUNT];
    char text[BYTES_TEXT_SIZE];

    if (!plan_kinds(r, bytes))
        return;
    print("\nat the peak\n");
    for (int k = 0; k < KIND_COUNT; k++)
        if (bytes[k])
            print("  %-*s%10s\n", LABEL_CELLS - 2, kind_name((enum kind)k),
                  bytes_format(text, sizeof(text), bytes[k]));
}

/* The settings that were turned in the middle. */
static void print_trials(const struct run *run)
{
    if (run->trial_count > 1)
        print("\nturned\n");
    for (int i = 1; i < run->trial_count; i++) {
        const struct trial *t = &run->trials[i];
        char changes[RUNS_CHANGES_SIZE];

        settings_changes(&run->trials[i - 1].settings, &t->settings, changes,
                         sizeof(changes));
        print("  from epoch %g on: %s\n",
              round(100 * t->begin[AXIS_EPOCHS]) / 100, changes);
    }
}

static void print_remarks_on(const struct record *r)
{
    if (r->warnings)
        print("\n%d warning%s, the last: %s\n", r->warnings,
              r->warnings == 1 ? "" : "s", r->warning);
    if (r->bad)
        print("\n%d line%s of " RECORD_EVENTS " cannot be read, and %s passed "
              "over\n", r->bad, r->bad == 1 ? "" : "s",
              r->bad == 1 ? "is" : "are");
    if (*r->unknown)
        print("\nunknown to this version, and left as it is: %s\n",
              r->unknown);
}

/* Says how to go on, and how to begin again. */
static void print_commands(const struct record *r)
{
    struct buffer resume = { NULL, 0, 0 }, settings = { NULL, 0, 0 };
    char usual[RECORD_PATH_SIZE], path[RECORD_PATH_SIZE];

    quote_shell(&settings, record_path(r->folder, RECORD_SETTINGS, path));
    print("\nmemdial train %s\n    repeats it\n", settings.bytes);
    buffer_done(&settings);
    if (!r->has_snapshot || r->run.step >= r->run.steps)
        return;
    archive_root(usual, NULL, NULL);
    archive_add_resume(&resume, r->folder, usual);
    print("%s\n    goes on from step %" PRId64 "\n", resume.bytes,
          r->saved_step >= 0 ? r->saved_step : r->run.step);
    buffer_done(&resume);
}

static void print_record(const struct record *r)
{
    print_head_of_run(r);
    if (run_trial(&r->run)) {
        print_figures(r);
        print_kind_bytes(r);
        print_trials(&r->run);
    }
    print_remarks_on(r);
    print_commands(r);
}

static int show_run(const struct runs_choices *c)
{
    struct record record;
    struct error e;
    bool ok = runs_read(c, c->words[0], RECORD_EPOCHS, &record, &e);

    if (ok && c->format == RUNS_JSON)
        json_print(record_json(&record));
    else if (ok)
        print_record(&record);
    record_done(&record);
    return ok ? EXIT_OK : report_error(&e);
}

int runs_show(const struct runs_choices *c)
{
    return c->sweep ? runs_list(c) : show_run(c);
}

/* What a diff compares, beside settings and kinds. */
static const char *const compared[] = { "state", "step", "peak", "arena",
                                        "os_peak", "step_seconds", "seconds",
                                        "loss", "valid_loss", "valid_accuracy",
                                        "bleu", "test_accuracy", "test_bleu",
                                        "score" };

enum { COMPARED_COUNT = sizeof(compared) / sizeof(compared[0]),
       DIFF_CELLS = 24, CHANGE_SIZE = 32 };

/* How far a number is from another: "+3.2%"; "" if that says nothing. */
static const char *difference(const json_t *from, const json_t *to,
                              char text[CHANGE_SIZE])
{
    double a = json_number_value(from), b = json_number_value(to);

    text[0] = '\0';
    if (json_is_number(from) && json_is_number(to) && a != 0 && a != b)
        snprintf(text, CHANGE_SIZE, "%+.1f%%", 100 * (b / a - 1));
    return text;
}

/* The cells of a run's column: its name has room. */
static int diff_cells(const struct record *r)
{
    int cells = text_columns(r->name, strlen(r->name));

    return cells > DIFF_CELLS ? cells : DIFF_CELLS;
}

/* A line of a diff: what it tells of, the values of two runs, their change. */
static void print_three(const struct record *one, const struct record *other,
                        const char *name, const char *first,
                        const char *second, const char *change)
{
    print("%-*s  %*s  %*s%s%s\n", LABEL_CELLS, name, diff_cells(one), first,
          diff_cells(other), second, *change ? "  " : "", change);
}

static void print_compared(const struct record *one,
                           const struct record *other, const char *name)
{
    const struct runs_column *column = runs_column_find(name);
    json_t *from = column->value(one), *to = column->value(other);
    char first[RUNS_TEXT_SIZE], second[RUNS_TEXT_SIZE], change[CHANGE_SIZE];

    if (!json_is_null(from) || !json_is_null(to))
        print_three(one, other, name, runs_column_text(column, one, first),
                    runs_column_text(column, other, second),
                    difference(from, to, change));
    json_decref(from);
    json_decref(to);
}

static void print_compared_kinds(const struct record *one,
                                 const struct record *other)
{
    size_t a[KIND_COUNT], b[KIND_COUNT];

    if (!plan_kinds(one, a) || !plan_kinds(other, b))
        return;
    print("\nbytes alive at the peak\n");
    for (int k = 0; k < KIND_COUNT; k++) {
        char first[BYTES_TEXT_SIZE], second[BYTES_TEXT_SIZE];
        char change[CHANGE_SIZE];
        json_t *from = json_integer((json_int_t)a[k]);
        json_t *to = json_integer((json_int_t)b[k]);
        if (a[k] || b[k])
            print_three(one, other, kind_name((enum kind)k),
                        bytes_format(first, sizeof(first), a[k]),
                        bytes_format(second, sizeof(second), b[k]),
                        difference(from, to, change));
        json_decref(from);
        json_decref(to);
    }
}

/* A run's settings with what its machine has chosen: a run that left that to
 * the machine has the settings of one that asked for it. One that has not begun
 * has those that it is to begin with. */
static struct settings settled_of(const struct record *r)
{
    return run_trial(&r->run) ? machine_settle(&r->run.machine,
                                               &r->run.settings)
                              : r->began_with;
}

static void print_compared_settings(const struct record *one,
                                    const struct record *other)
{
    struct settings first_of = settled_of(one), second_of = settled_of(other);
    const struct settings *a = &first_of, *b = &second_of;

    for (int i = 0; i < settings_count; i++) {
        char first[SETTINGS_TEXT_SIZE], second[SETTINGS_TEXT_SIZE];
        if (!settings_differ(a, b, &settings_table[i]))
            continue;
        settings_format(a, &settings_table[i], first, sizeof(first));
        settings_format(b, &settings_table[i], second, sizeof(second));
        print_three(one, other, settings_table[i].name, first, second, "");
    }
    if (settings_same(a, b))
        print("the same settings\n");
}

static void print_diff(const struct record *one, const struct record *other)
{
    print_three(one, other, "", one->name, other->name, "");
    print_compared_settings(one, other);
    print("\n");
    for (int i = 0; i < COMPARED_COUNT; i++)
        print_compared(one, other, compared[i]);
    print_compared_kinds(one, other);
}

static json_t *pair_json(json_t *one, json_t *other)
{
    json_t *pair = json_array();

    json_push(pair, one);
    json_push(pair, other);
    return pair;
}

static json_t *diff_json(const struct record *one, const struct record *other)
{
    struct settings first = settled_of(one), second = settled_of(other);
    const struct settings *a = &first, *b = &second;
    json_t *object = json_object(), *settings = json_object();

    for (int i = 0; i < settings_count; i++)
        if (settings_differ(a, b, &settings_table[i]))
            json_put(settings, settings_table[i].name,
                     pair_json(settings_json_value(a, &settings_table[i]),
                               settings_json_value(b, &settings_table[i])));
    json_put(object, "runs", pair_json(json_text(one->name),
                                       json_text(other->name)));
    json_put(object, "settings", settings);
    for (int i = 0; i < COMPARED_COUNT; i++) {
        const struct runs_column *column = runs_column_find(compared[i]);
        json_put(object, column->name, pair_json(column->value(one),
                                                 column->value(other)));
    }
    json_put(object, "kinds",
             pair_json(planned_json(one), planned_json(other)));
    return object;
}

int runs_diff(const struct runs_choices *c)
{
    struct record one = { .written = 0 }, other = { .written = 0 };
    struct error e;
    bool ok = runs_read(c, c->words[0], RECORD_EPOCHS, &one, &e) &&
              runs_read(c, c->words[1], RECORD_EPOCHS, &other, &e);

    if (ok && c->format == RUNS_JSON)
        json_print(diff_json(&one, &other));
    else if (ok)
        print_diff(&one, &other);
    record_done(&one);
    record_done(&other);
    return ok ? EXIT_OK : report_error(&e);
}
