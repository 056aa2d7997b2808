/*
 * `memdial fit`: settings that train a network within a budget of bytes, the
 * least change first.
 */
#include "cli/cmd_fit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json_print.h"
#include "base/print.h"
#include "base/spelling.h"
#include "base/text.h"
#include "cli/request.h"
#include "models/model.h"
#include "plan/fit.h"
#include "plan/living.h"
#include "settings/settings_json.h"

enum { HELD_MAX = 64 };

struct asked {
    bool json;
    const char *budget, *most_time;      /* NULL: not given */
    const char *held[HELD_MAX];
    int held_count;
};

static const char usage[] =
    "fit [PRESET] --budget BYTES [--hold NAME]... [--max-time FACTOR] "
    "[--set NAME=VALUE]... [--json]";

static const struct option options[] = {
    { "budget", required_argument, NULL, 'b' },
    { "hold", required_argument, NULL, 'o' },
    { "max-time", required_argument, NULL, 't' },
    { "set", required_argument, NULL, 's' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void cmd_fit_choose(void *arg, int which, const char *value)
{
    struct asked *a = arg;

    a->json |= which == 'j';
    if (which == 'b')
        a->budget = value;
    if (which == 't')
        a->most_time = value;
    if (which == 'o' && a->held_count < HELD_MAX)
        a->held[a->held_count++] = value;
}

static bool parse_budget(const char *text, size_t *budget, struct error *e)
{
    uint64_t bytes;

    if (!text)
        return error_set(e, EXIT_INPUT, "fit: --budget is missing; say how "
                         "many bytes training may take, as --budget 8MiB");
    if (!bytes_parse(text, &bytes))
        return error_set(e, EXIT_INPUT, "--budget: '%.32s' is not a number of "
                         "bytes, as 8388608 or 8MiB", text);
    *budget = bytes;
    return bytes > 0 || error_set(e, EXIT_INPUT, "--budget: nothing trains in "
                                  "0 bytes; give a number of bytes, as 8MiB");
}

/* "1.5" or "1.5x"; 0 if none is given. */
static bool parse_most_time(const char *text, double *factor, struct error *e)
{
    char *end;

    *factor = 0;
    if (!text)
        return true;
    *factor = strtod(text, &end);
    return (end > text && (!*end || strcmp(end, "x") == 0) &&
            isfinite(*factor) && *factor > 0) ||
           error_set(e, EXIT_INPUT, "--max-time: '%.32s' is no factor above 0, "
                     "as 1.5x: of the time of a step without any saving",
                     text);
}

static bool can_be_held(const struct setting *row)
{
    return fit_turns(row) || strcmp(row->name, "memory_budget") == 0;
}

static bool is_turned(const struct setting *row, const void *arg)
{
    (void)arg;
    return can_be_held(row);
}

static bool check_held(const struct asked *a, struct error *e)
{
    for (int i = 0; i < a->held_count; i++) {
        const struct setting *row = settings_find(a->held[i]);
        struct spelling spelling;
        char names[256], otherwise[300];

        if (row && can_be_held(row))
            continue;
        settings_names(names, sizeof(names), is_turned, NULL, " and ");
        snprintf(otherwise, sizeof(otherwise), "fit turns %s", names);
        if (row)
            return error_set(e, EXIT_INPUT, "--hold: fit does not turn %s; "
                             "it turns %s", a->held[i], names);
        spelling_init(&spelling, a->held[i]);
        for (int k = 0; k < settings_count; k++)
            if (can_be_held(&settings_table[k]))
                spelling_offer(&spelling, settings_table[k].name);
        return spelling_refuse(&spelling, "dial to hold", otherwise, e);
    }
    return true;
}

static bool is_held_by(const struct setting *row, const void *arg)
{
    const struct asked *a = arg;

    for (int i = 0; i < a->held_count; i++)
        if (strcmp(a->held[i], row->name) == 0)
            return true;
    return false;
}

/* "storage, 16 bits", "capacity, 70% zeros, 16 bits, saved in 8" */
enum { CHANGE_TEXT_SIZE = 64, STEP_TEXT_SIZE = 32 };

static void fit_change_text(const struct change *c, char *text)
{
    int used = snprintf(text, CHANGE_TEXT_SIZE, "%s",
                        settings_price_name(c->price));

    if (c->sparsity > 0)
        used += snprintf(text + used, CHANGE_TEXT_SIZE - (size_t)used,
                         ", %g%% zeros", 100 * c->sparsity);
    if (c->bits != 32)
        used += snprintf(text + used, CHANGE_TEXT_SIZE - (size_t)used,
                         ", %d bits", c->bits);
    if (c->saved != c->bits)
        snprintf(text + used, CHANGE_TEXT_SIZE - (size_t)used,
                 ", saved in %d", c->saved);
}

/* "--set a=1 --set b=2", or nothing. */
static void set_options(const struct settings *from, const struct settings *to,
                        char *text, size_t size)
{
    char changes[SETTINGS_TEXT_SIZE], *rest = NULL;
    size_t used = 0;

    settings_changes(from, to, changes, sizeof(changes));
    *text = '\0';
    for (char *word = strtok_r(changes, " ", &rest); word && used < size;
         word = strtok_r(NULL, " ", &rest))
        used += (size_t)snprintf(text + used, size - used, " --set %s", word);
}

static void print_row(const struct fit_row *row, const struct fit *fit,
                      const struct settings *preset, const char *name)
{
    char change[CHANGE_TEXT_SIZE], arena[BYTES_TEXT_SIZE];
    char less[TEXT_RATIO_SIZE], sets[2 * SETTINGS_TEXT_SIZE];

    fit_change_text(&row->change, change);
    set_options(preset, &row->settings, sets, sizeof(sets));
    print("%-40s %10s  x%.2f  %s the baseline\n", change,
          bytes_format(arena, sizeof(arena), row->arena_bytes),
          row->seconds / fit->baseline.seconds,
          text_ratio(less, (double)fit->baseline.arena_bytes /
                               (double)row->arena_bytes));
    print("    memdial train %s%s\n", name, sets);
}

static void print_rows(const struct fit *fit, const struct fit_query *q,
                       const struct settings *preset, const char *name)
{
    char budget[BYTES_TEXT_SIZE], baseline[BYTES_TEXT_SIZE];

    print("%s in %s; without any saving it takes %s\n\n", name,
          bytes_format(budget, sizeof(budget), q->budget),
          bytes_format(baseline, sizeof(baseline), fit->baseline.arena_bytes));
    for (int i = 0; i < fit->count; i++)
        print_row(&fit->rows[i], fit, preset, name);
}

static json_t *row_json(const struct fit_row *row,
                        const struct settings *preset)
{
    return json_pack("{so sI sI so so ss sf si si}", "settings",
                     settings_json_changes(preset, &row->settings),
                     "peak_bytes", (json_int_t)row->peak_bytes, "arena_bytes",
                     (json_int_t)row->arena_bytes, "seconds",
                     json_number(row->seconds),
                     "flops", json_count(row->flops), "class",
                     settings_price_name(row->change.price), "sparsity",
                     row->change.sparsity, "bits", row->change.bits,
                     "saved_bits", row->change.saved);
}

static void print_json(const struct fit *fit, const struct settings *preset)
{
    json_t *rows = json_array();

    for (int i = 0; i < fit->count; i++)
        json_push(rows, row_json(&fit->rows[i], preset));
    json_print(rows);
}

/* Names the smallest arena and the tensors that are in the way. */
static bool refuse_budget(const struct fit_query *q, const struct asked *a,
                          struct error *e)
{
    char wanted[BYTES_TEXT_SIZE], bytes[BYTES_TEXT_SIZE];
    char largest[LIVING_TEXT_SIZE], sizes[128], held[128];
    struct fit_row least;
    const struct op *op;
    struct job *job;

    if (!fit_least(&least, q) ||
        !job_new_on(&job, &least.settings, q->machine, e))
        return false;
    op = schedule_op(job->schedule, job->plan->peak_step);
    living_name_largest(job->plan, largest, sizeof(largest));
    job_sizes(job, sizes, sizeof(sizes));
    settings_names(held, sizeof(held), is_held_by, a, " and ");
    error_set(e, EXIT_BUDGET,
              "--budget: %s is not enough: the least that the dials reach is "
              "%s (%zu bytes), above all %s at %s %s; raise it%s%s, or lower "
              "%s", bytes_format(wanted, sizeof(wanted), q->budget),
              bytes_format(bytes, sizeof(bytes), least.arena_bytes),
              least.arena_bytes, largest, op_name(op->code),
              job->graph->layers[op->layer].name,
              *held ? ", let go of " : "", held, sizes);
    job_free(job);
    return false;
}

/* If time alone rules all settings out, says so; else the budget does. */
static bool refuse_time(const struct fit_query *q, const struct asked *a,
                        struct error *e)
{
    struct fit_query any = *q;
    struct fit fit;
    double fastest = INFINITY, baseline;

    any.most_time = 0;
    if (!fit_find(&fit, &any, e))
        return false;
    baseline = fit.baseline.seconds;
    for (int i = 0; i < fit.count; i++)
        fastest = fmin(fastest, fit.rows[i].seconds / baseline);
    fit_done(&fit);
    return isfinite(fastest)
               ? error_set(e, EXIT_BUDGET, "--max-time: the fastest settings "
                           "in these bytes take %.2fx the baseline's time; "
                           "raise it, or the budget", fastest)
               : refuse_budget(q, a, e);
}

/* Warns of a budget that this machine does not have; a plan may be for another.
 */
static void warn_of_machine(const struct fit_query *q)
{
    char budget[BYTES_TEXT_SIZE], there[BYTES_TEXT_SIZE];
    struct device_memory m = { .limit = "" };
    struct device *device;
    struct job *job;

    if (!job_outline_on(&job, q->settings, q->machine, NULL, NULL))
        return;
    if (job_open_device(job, &device, NULL)) {
        job->backend->memory(device, NULL, 0, &m);
        job->backend->close(device);
    }
    if (m.available > 0 && q->budget > m.available)
        print_error("memdial: warning: --budget: %s, but backend %s has %s "
                    "available\n",
                    bytes_format(budget, sizeof(budget), q->budget),
                    job->backend->name,
                    bytes_format(there, sizeof(there), m.available));
    job_free(job);
}

static bool report_fit(const struct fit_query *q, const struct asked *a,
                       const struct settings *preset, const char *name,
                       struct error *e)
{
    struct fit fit;
    bool found;

    if (!fit_find(&fit, q, e))
        return false;
    found = fit.count > 0;
    if (found && a->json)
        print_json(&fit, preset);
    else if (found)
        print_rows(&fit, q, preset, name);
    fit_done(&fit);
    return found ||
           (q->most_time > 0 ? refuse_time : refuse_budget)(q, a, e);
}

static bool ask(const struct request *request, const struct asked *a,
                struct error *e)
{
    struct settings preset, settings;
    struct machine machine;
    struct fit_query q = { .settings = &settings, .machine = &machine,
                           .held = is_held_by, .held_arg = a };

    machine_init(&machine);
    if (!parse_budget(a->budget, &q.budget, e) ||
        !parse_most_time(a->most_time, &q.most_time, e) ||
        !check_held(a, e) ||
        !preset_open(request->preset, NULL, 0, &preset, e) ||
        !request_settings(request, &settings, e) ||
        (strcmp(settings.backend, "auto") == 0 &&
         !machine_find_backend(&machine, e)))
        return false;
    warn_of_machine(&q);
    return report_fit(&q, a, &preset, request->preset, e);
}

int cmd_fit(int argc, char **argv)
{
    struct request request;
    struct asked asked = { .budget = NULL };
    struct error e = { .code = EXIT_OK };
    int code;

    if (request_parse(&request, argc, argv, options, usage, cmd_fit_choose,
                      &asked, &code) &&
        !ask(&request, &asked, &e))
        code = report_error(&e);
    request_done(&request);
    return code;
}
