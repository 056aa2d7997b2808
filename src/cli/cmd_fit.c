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
#include "base/quote.h"
#include "base/spelling.h"
#include "base/text.h"
#include "cli/request.h"
#include "cli/told_time.h"
#include "models/model.h"
#include "plan/fit.h"
#include "plan/job.h"
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

/* Adds "memdial train PRESET --set a=1 --set b=2", for a shell. */
static void add_command(struct buffer *b, const char *preset,
                        const struct settings *from, const struct settings *to)
{
    buffer_text(b, "memdial train ");
    quote_shell(b, preset);
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        char value[SETTINGS_TEXT_SIZE], word[SETTINGS_TEXT_SIZE + 64];
        if (!settings_differ(from, to, row))
            continue;
        settings_format(to, row, value, sizeof(value));
        snprintf(word, sizeof(word), "%s=%s", row->name, value);
        buffer_text(b, " --set ");
        quote_shell(b, word);
    }
}

/* Without timings the seconds are guessed: only their ratio is told. */
static void print_row(const struct fit_row *row, const struct fit *fit,
                      const struct settings *preset, const char *name,
                      int width)
{
    char seconds[32] = "";
    char change[CHANGE_TEXT_SIZE], arena[BYTES_TEXT_SIZE];
    char less[TEXT_RATIO_SIZE];
    struct buffer command = { NULL, 0, 0 };

    if (!fit->guessed)
        snprintf(seconds, sizeof(seconds), "%6.3g s  ", row->seconds);
    change_text(&row->change, change);
    add_command(&command, name, preset, &row->settings);
    print("%-*s %10s  %sx%.2f  %s the baseline\n", width, change,
          bytes_format(arena, sizeof(arena), row->arena_bytes), seconds,
          row->seconds / fit->baseline.seconds,
          text_ratio(less, (double)fit->baseline.arena_bytes /
                               (double)row->arena_bytes));
    print("    %s\n", command.bytes);
    buffer_done(&command);
}

/* Cells of the widest change. */
static int change_width(const struct fit *fit)
{
    char change[CHANGE_TEXT_SIZE];
    size_t width = 0;

    for (int i = 0; i < fit->count; i++) {
        size_t n = strlen(change_text(&fit->rows[i].change, change));
        width = n > width ? n : width;
    }
    return (int)width;
}

/* Says what the columns are, above them. `width` is that of the changes. */
static void print_row_heads(bool known, int width)
{
    print("%-*s %10s  %s%-5s  %s\n", width, "change", "allocated",
          known ? "    step  " : "", "time", "memory");
}

/* Says what a time and the words of a change stand for, below the rows. */
static void print_words(const struct fit *fit)
{
    print("\nTime is that of a step as a multiple of the baseline's%s.\n",
          fit->guessed ? ", guessed" :
          fit->known < 0.5 ? ", mostly guessed" : "");
    print("free: the same results; rounding: sums in another order; "
          "statistics: norms see\nfewer samples; storage: fewer bits; "
          "capacity: fewer weights.\n");
}

static void print_rows(const struct fit *fit, const struct fit_query *q,
                       const struct settings *preset, const char *name)
{
    char budget[BYTES_TEXT_SIZE], baseline[BYTES_TEXT_SIZE];
    int width = change_width(fit);

    print("%s in %s; without any saving, the baseline, it takes %s\n\n", name,
          bytes_format(budget, sizeof(budget), q->budget),
          bytes_format(baseline, sizeof(baseline), fit->baseline.arena_bytes));
    print_row_heads(!fit->guessed, width);
    for (int i = 0; i < fit->count; i++)
        print_row(&fit->rows[i], fit, preset, name, width);
    print_words(fit);
}

static json_t *row_json(const struct fit_row *row,
                        const struct settings *preset, bool known)
{
    return json_pack("{so sI sI so so ss sf si si si}", "settings",
                     settings_json_changes(preset, &row->settings),
                     "peak_bytes", (json_int_t)row->peak_bytes, "arena_bytes",
                     (json_int_t)row->arena_bytes, "seconds",
                     json_number(known ? row->seconds : NAN),
                     "flops", json_count(row->flops), "class",
                     settings_price_name(row->change.price), "sparsity",
                     row->change.sparsity, "bits", row->change.bits,
                     "state_bits", row->change.state_bits,
                     "saved_bits", row->change.saved_bits);
}

static void print_json(const struct fit *fit, const struct settings *preset)
{
    json_t *rows = json_array();

    for (int i = 0; i < fit->count; i++)
        json_push(rows, row_json(&fit->rows[i], preset, !fit->guessed));
    json_print(rows);
}

/* Names the smallest arena and the tensors that are in the way. */
static bool refuse_budget(const struct fit_query *q, const struct asked *a,
                          struct error *e)
{
    char wanted[BYTES_TEXT_SIZE], least[BYTES_EXACT_SIZE], held[128];
    struct fit_obstacle o;

    if (!fit_find_obstacle(&o, q, e))
        return false;
    settings_names(held, sizeof(held), is_held_by, a, " and ");
    return error_set(e, EXIT_BUDGET,
                     "--budget: %s is not enough: the least that the dials "
                     "reach is %s, above all %s at %s; raise it"
                     "%s%s, or lower %s",
                     bytes_format(wanted, sizeof(wanted), q->budget),
                     bytes_exact(least, o.least.arena_bytes), o.largest,
                     o.step,
                     *held ? ", let go of " : "", held, o.sizes);
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
static void warn_of_machine(const struct fit_query *q,
                            const struct settings *settled)
{
    char budget[BYTES_TEXT_SIZE], there[BYTES_TEXT_SIZE];
    size_t available = job_available_bytes(q->settings, q->machine);

    if (available > 0 && q->budget > available)
        print_error("memdial: warning: --budget: %s, but backend %s has %s "
                    "available\n",
                    bytes_format(budget, sizeof(budget), q->budget),
                    settled->backend,
                    bytes_format(there, sizeof(there), available));
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
    struct settings preset, settings, settled;
    struct machine machine;
    struct timings *timings;
    char why[TOLD_TIME_SIZE];
    bool ok;
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
    settled = machine_settle(&machine, &settings);
    warn_of_machine(&q, &settled);
    timings = told_timings(&settings, settled.backend, request->preset, why);
    q.timings = timings;
    ok = report_fit(&q, a, &preset, request->preset, e);
    if (ok && !timings && !a->json)
        print("\n%s\n", why);
    timings_free(timings);
    return ok;
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
