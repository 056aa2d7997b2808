#include "cli/runs_columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json_print.h"
#include "base/number.h"
#include "base/print.h"
#include "base/spelling.h"
#include "base/text.h"
#include "settings/preset.h"
#include "settings/setting_meets.h"
#include "settings/settings_json.h"

static json_t *known_text(const char *text)
{
    return *text ? json_text(text) : json_null();
}

static json_t *known_count(uint64_t count)
{
    return count ? json_integer((json_int_t)count) : json_null();
}

static bool has_begun(const struct record *r)
{
    return run_trial(&r->run) != NULL;
}

/* A preset that was looked up last, for lists have many runs of few. */
static const struct settings *settings_of_preset(const char *name)
{
    static char last[RUN_PRESET_SIZE];
    static struct preset preset;
    static bool known;

    if (strcmp(name, last) != 0) {
        snprintf(last, sizeof(last), "%s", name);
        known = *name && preset_load(&preset, name, NULL);
    }
    return known ? &preset.settings : NULL;
}

const char *runs_changes(const struct record *r, char text[RUNS_CHANGES_SIZE])
{
    const struct settings *base = settings_of_preset(r->run.preset);

    text[0] = '\0';
    if (base && r->has_settings)
        settings_changes(base, &r->began_with, text, RUNS_CHANGES_SIZE);
    return text;
}

static json_t *value_record_name(const struct record *r)
{
    return json_text(r->name);
}

static json_t *value_label(const struct record *r)
{
    return known_text(r->labels.name);
}

static json_t *value_tags(const struct record *r)
{
    json_t *tags = json_array();

    for (int i = 0; i < r->labels.count; i++)
        json_push(tags, json_text(r->labels.tags[i]));
    return tags;
}

static json_t *value_state(const struct record *r)
{
    return json_text(record_state_name(r->state));
}

static json_t *value_preset(const struct record *r)
{
    return known_text(r->run.preset);
}

static json_t *value_date(const struct record *r)
{
    return known_count((uint64_t)r->time);
}

static json_t *value_written(const struct record *r)
{
    return known_count((uint64_t)r->written);
}

static json_t *value_step(const struct record *r)
{
    return has_begun(r) ? json_integer(r->run.step) : json_null();
}

static json_t *value_turned(const struct record *r)
{
    return has_begun(r) ? json_integer(r->turned) : json_null();
}

static json_t *value_steps(const struct record *r)
{
    return known_count((uint64_t)r->run.steps);
}

static json_t *value_epoch(const struct record *r)
{
    return has_begun(r) ? json_integer(r->run.epoch) : json_null();
}

static json_t *value_peak(const struct record *r)
{
    return known_count(r->run.planned);
}

static json_t *value_arena(const struct record *r)
{
    return known_count(r->run.arena);
}

static json_t *value_touched(const struct record *r)
{
    return known_count(r->run.touched);
}

static json_t *value_os_peak(const struct record *r)
{
    return known_count(r->run.os_peak);
}

static json_t *value_seconds(const struct record *r)
{
    return json_number(has_begun(r) ? r->run.at[AXIS_SECONDS] : NAN);
}

static json_t *value_step_seconds(const struct record *r)
{
    const struct trial *t = run_trial(&r->run);

    return json_number(t && t->last_step_seconds > 0 ? t->last_step_seconds
                                                      : NAN);
}

static json_t *value_loss(const struct record *r)
{
    return json_number(r->loss);
}

static json_t *value_train_loss(const struct record *r)
{
    return json_number(r->train_loss);
}

static json_t *value_train_accuracy(const struct record *r)
{
    return json_number(r->train_accuracy);
}

static json_t *value_valid_loss(const struct record *r)
{
    return json_number(r->valid_loss);
}

static json_t *value_valid_accuracy(const struct record *r)
{
    return json_number(r->valid_accuracy);
}

static json_t *value_test_accuracy(const struct record *r)
{
    return json_number(r->test_accuracy);
}

static json_t *value_bleu(const struct record *r)
{
    return json_number(r->bleu);
}

static json_t *value_test_bleu(const struct record *r)
{
    return json_number(r->test_bleu);
}

static json_t *value_measure(const struct record *r)
{
    return has_begun(r) ? json_text(run_score(&r->run).name) : json_null();
}

static json_t *value_score(const struct record *r)
{
    return json_number(record_score(r));
}

static json_t *value_host(const struct record *r)
{
    return known_text(r->origin.host);
}

/* A process that ended its run tells nothing any more; the ends of a record may
 * not tell of it either. */
static json_t *value_pid(const struct record *r)
{
    bool ended = r->state != RECORD_RUNNING && r->state != RECORD_PAUSED &&
                 r->state != RECORD_ABORTED;

    return ended ? json_null() : known_count((uint64_t)r->origin.pid);
}

static json_t *value_guessed(const struct record *r)
{
    return json_boolean(r->guessed);
}

static json_t *value_backend(const struct record *r)
{
    return known_text(r->run.machine.backend);
}

static json_t *value_version(const struct record *r)
{
    return known_text(r->version);
}

static json_t *value_snapshot(const struct record *r)
{
    return json_boolean(r->has_snapshot);
}

static json_t *value_folder_bytes(const struct record *r)
{
    return json_integer((json_int_t)r->bytes);
}

static json_t *value_changes(const struct record *r)
{
    char text[RUNS_CHANGES_SIZE];

    return json_text(runs_changes(r, text));
}

static json_t *value_folder(const struct record *r)
{
    return json_text(r->folder);
}

static json_t *value_trouble(const struct record *r)
{
    return known_text(r->error.code != EXIT_OK ? r->error.text : r->trouble);
}

const struct runs_column runs_columns[] = {
    { "name", COLUMN_PLAIN, -24, value_record_name, "of the folder" },
    { "state", COLUMN_PLAIN, -9, value_state,
      "empty, running, paused, done, stopped, diverged, failed, aborted (its "
      "process ended without a word) or unreadable" },
    { "guessed", COLUMN_PLAIN, 0, value_guessed,
      "whether the state was told from the age of the last line, for the run "
      "is on another host" },
    { "label", COLUMN_PLAIN, 0, value_label, "the name that a person gave it" },
    { "tags", COLUMN_PLAIN, 0, value_tags, "the tags that people gave it" },
    { "preset", COLUMN_PLAIN, 0, value_preset, "that it began from" },
    { "began", COLUMN_DATE, 0, value_date, "when it began, Unix seconds" },
    { "written", COLUMN_DATE, 0, value_written,
      "when its last event was written" },
    { "step", COLUMN_NUMBER, 7, value_step, "how many steps are done" },
    { "steps", COLUMN_NUMBER, 0, value_steps, "how many the whole run has" },
    { "epoch", COLUMN_NUMBER, 0, value_epoch, "of the last step, from 1" },
    { "turned", COLUMN_TURNS, 0, value_turned,
      "how often its settings were changed in its middle; then the score is "
      "not that of the last ones alone" },
    { "score", COLUMN_SCORE, 7, value_score,
      "what its data are judged by: of the test split, else of the last "
      "validation" },
    { "measure", COLUMN_PLAIN, 0, value_measure, "what score that is" },
    { "peak", COLUMN_BYTES, 10, value_peak,
      "bytes planned with the settings in force last; "
      "those of the beginning are in changes, and show says the turns" },
    { "arena", COLUMN_BYTES, 0, value_arena, "bytes allocated" },
    { "touched", COLUMN_BYTES, 0, value_touched, "bytes used of these" },
    { "os_peak", COLUMN_BYTES, 0, value_os_peak,
      "bytes that the process had at most" },
    { "seconds", COLUMN_DURATION, 8, value_seconds,
      "from the beginning to the last step, with the validations between" },
    { "step_seconds", COLUMN_TIME, 0, value_step_seconds,
      "of the last step alone" },
    { "loss", COLUMN_LOSS, 0, value_loss, "of the last step" },
    { "train_loss", COLUMN_LOSS, 0, value_train_loss, "of the last epoch" },
    { "train_accuracy", COLUMN_PERCENT, 0, value_train_accuracy,
      "of the last epoch" },
    { "valid_loss", COLUMN_LOSS, 0, value_valid_loss,
      "of the last validation" },
    { "valid_accuracy", COLUMN_PERCENT, 0, value_valid_accuracy,
      "of the last validation" },
    { "bleu", COLUMN_BLEU, 0, value_bleu, "of the last validation with one" },
    { "test_accuracy", COLUMN_PERCENT, 0, value_test_accuracy,
      "of the test split" },
    { "test_bleu", COLUMN_BLEU, 0, value_test_bleu, "of the test split" },
    { "backend", COLUMN_PLAIN, 0, value_backend, "that it is on" },
    { "host", COLUMN_PLAIN, 0, value_host, "that it was on last" },
    { "pid", COLUMN_NUMBER, 0, value_pid,
      "of the process there, unless it ended the run" },
    { "version", COLUMN_PLAIN, 0, value_version, "of memdial there" },
    { "snapshot", COLUMN_PLAIN, 0, value_snapshot,
      "whether it has one to go on from" },
    { "bytes", COLUMN_BYTES, 0, value_folder_bytes, "of its files" },
    { "trouble", COLUMN_PLAIN, 0, value_trouble,
      "why it failed, or cannot be read" },
    { "folder", COLUMN_PLAIN, 0, value_folder, "its path" },
    { "changes", COLUMN_PLAIN, -40, value_changes,
      "the settings that differ from its preset's" },
};

const int runs_column_count = sizeof(runs_columns) / sizeof(runs_columns[0]);

const struct runs_column *runs_column_find(const char *name)
{
    for (int i = 0; i < runs_column_count; i++)
        if (strcmp(runs_columns[i].name, name) == 0)
            return &runs_columns[i];
    return NULL;
}

static void show_number(const struct runs_column *c, const struct record *r,
                        double value, char text[RUNS_TEXT_SIZE])
{
    struct score score = run_score(&r->run);
    char part[64];

    switch (c->manner) {
    case COLUMN_BYTES:
        bytes_format(text, RUNS_TEXT_SIZE, (uint64_t)value);
        break;
    case COLUMN_DURATION:
        snprintf(text, RUNS_TEXT_SIZE, "%s", text_duration(part, value));
        break;
    case COLUMN_DATE:
        text_date(text, (int64_t)value);
        break;
    case COLUMN_SCORE:
        snprintf(text, RUNS_TEXT_SIZE, "%s",
                 score_format(&score, value, 2, part));
        break;
    case COLUMN_TIME:
        snprintf(text, RUNS_TEXT_SIZE, "%s", text_time(part, value));
        break;
    case COLUMN_LOSS:
        snprintf(text, RUNS_TEXT_SIZE, "%s",
                 number_format(part, value, 4, NUMBER_CELLS_MAX));
        break;
    case COLUMN_PERCENT:
        snprintf(text, RUNS_TEXT_SIZE, "%s", number_percent(part, value, 2));
        break;
    case COLUMN_BLEU:
        snprintf(text, RUNS_TEXT_SIZE, "%.2f", value);
        break;
    case COLUMN_TURNS:
        snprintf(text, RUNS_TEXT_SIZE, value > 0 ? "%.0fx" : "-", value);
        break;
    case COLUMN_NUMBER:
    case COLUMN_PLAIN:
        snprintf(text, RUNS_TEXT_SIZE, "%.10g", value);
        break;
    }
}

static void show_list(const json_t *list, char text[RUNS_TEXT_SIZE])
{
    const json_t *item;
    size_t i, used = 0;

    text[0] = '\0';
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
        if (used < RUNS_TEXT_SIZE)
            used += (size_t)snprintf(text + used, RUNS_TEXT_SIZE - used,
                                     "%s%s", i ? " " : "",
                                     json_string_value(item));
}

const char *runs_column_text(const struct runs_column *c,
                             const struct record *r, char text[RUNS_TEXT_SIZE])
{
    json_t *value = c->value(r);

    if (json_is_string(value))
        snprintf(text, RUNS_TEXT_SIZE, "%s", json_string_value(value));
    else if (json_is_number(value))
        show_number(c, r, json_number_value(value), text);
    else if (json_is_array(value))
        show_list(value, text);
    else if (json_is_boolean(value))
        snprintf(text, RUNS_TEXT_SIZE, "%s",
                 json_is_true(value) ? "yes" : "no");
    else
        strcpy(text, "-");
    json_decref(value);
    return text;
}

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

int runs_column_compare(const struct runs_column *c, int sign,
                        const struct record *a, const struct record *b)
{
    json_t *one = c->value(a), *other = c->value(b);
    char first[RUNS_TEXT_SIZE], second[RUNS_TEXT_SIZE];
    int order;

    if (json_is_null(one) || json_is_null(other))
        order = json_is_null(one) - json_is_null(other);
    else if (json_is_number(one))
        order = sign * compare_numbers(json_number_value(one),
                                       json_number_value(other));
    else
        order = sign * strcmp(runs_column_text(c, a, first),
                              runs_column_text(c, b, second));
    json_decref(one);
    json_decref(other);
    return order;
}

static bool refuse_column(const char *name, struct error *e)
{
    struct spelling spelling;

    spelling_init(&spelling, name);
    for (int i = 0; i < runs_column_count; i++)
        spelling_offer(&spelling, runs_columns[i].name);
    for (int i = 0; i < settings_count; i++)
        spelling_offer(&spelling, settings_table[i].name);
    return spelling_refuse(&spelling, "column or setting",
                           "see memdial-runs(5)", e);
}

bool runs_filter_parse(struct runs_filter *f, const char *text,
                       struct error *e)
{
    const char *name = f->condition.name;

    if (!condition_parse(&f->condition, text) || !*f->condition.value)
        return error_set(e, EXIT_INPUT, "--filter: '%.80s' is not a condition, "
                         "as state=done or 'peak<20MiB'", text);
    f->column = runs_column_find(name);
    f->setting = f->column ? NULL : settings_find(name);
    if (!f->column)
        return f->setting || refuse_column(name, e);
    return f->column->manner == COLUMN_PLAIN ||
           f->column->manner == COLUMN_DATE || /* a text, too */
           condition_has_number(&f->condition) ||
           error_set(e, EXIT_INPUT, "--filter: %s: '%.80s' is not a number, as "
                     "20, 5%% or 20MiB", name, f->condition.value);
}

static bool list_has(const json_t *list, const char *text)
{
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)list, i, item)
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    return false;
}

/* A value that is not known meets no condition. */
static bool value_meets(const struct condition *c, const json_t *value,
                        const char *text)
{
    if (json_is_null(value))
        return false;
    if (json_is_array(value))
        return condition_meets_any(c, list_has(value, c->value));
    if (json_is_number(value))
        return condition_meets_number(c, json_number_value(value), text);
    return condition_meets_text(c, text);
}

static bool word_meets(const struct runs_filter *f, const struct record *r)
{
    static const char *const places[] = { "name", "label", "tags", "preset",
                                          "state", "changes" };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char text[RUNS_TEXT_SIZE];
        if (strstr(runs_column_text(runs_column_find(places[i]), r, text),
                   f->word))
            return true;
    }
    return false;
}

bool runs_filter_meets(const struct runs_filter *f, const struct record *r)
{
    char text[RUNS_TEXT_SIZE];
    json_t *value;
    bool meets;

    if (f->setting)
        return r->has_settings &&
               setting_meets(&r->began_with, f->setting, &f->condition);
    if (!f->column)
        return word_meets(f, r);
    value = f->column->value(r);
    meets = value_meets(&f->condition, value,
                        runs_column_text(f->column, r, text));
    json_decref(value);
    return meets;
}

json_t *runs_columns_json(const struct record *r)
{
    json_t *object = json_object();

    for (int i = 0; i < runs_column_count; i++)
        json_put(object, runs_columns[i].name, runs_columns[i].value(r));
    json_put(object, "settings", r->has_settings
                                     ? settings_json(&r->began_with)
                                     : json_null());
    return object;
}

/* Text of a value, without the quotes of JSON; the caller frees. */
static char *field_text(const json_t *value)
{
    char text[RUNS_TEXT_SIZE] = "";

    if (json_is_string(value))
        return xstrdup(json_string_value(value));
    if (json_is_integer(value))
        snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
                 json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, sizeof(text), "%.17g", json_real_value(value));
    else if (json_is_boolean(value))
        strcpy(text, json_is_true(value) ? "true" : "false");
    else if (json_is_array(value))
        show_list(value, text);
    return xstrdup(text);
}

/* In quotes, a quote is doubled. */
static void print_quoted_field(const char *text)
{
    char *quoted = xcalloc(2 * strlen(text) + 1, 1), *to = quoted;

    for (; *text; *to++ = *text++)
        if (*text == '"')
            *to++ = '"';
    print("\"%s\"", quoted);
    free(quoted);
}

void runs_print_csv(json_t *value, bool last)
{
    char *text = field_text(value);

    if (strpbrk(text, ",\"\r\n") || *text == ' ')
        print_quoted_field(text);
    else
        print("%s", text);
    print(last ? "\n" : ",");
    free(text);
    json_decref(value);
}
