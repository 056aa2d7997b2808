#include "sweep/sweep_axes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/folder.h"
#include "models/model.h"
#include "sweep/sweep_front.h"
#include "sweep/sweep_list.h"

enum { VALUES_MAX = 1 << 14 /* bytes of an axis */ };

/* An axis: a setting and the values that it is given. */
struct axis_of_values {
    const char *name;            /* in `text` */
    char *text;                  /* owned: "name\0a\0b" */
    const char **values;         /* owned, [count], in `text` */
    int count;
};

static void free_axis(struct axis_of_values *a)
{
    free(a->text);
    free(a->values);
}

static bool check_values(const struct axis_of_values *a,
                         const struct settings *base, struct error *e)
{
    struct settings tried = *base;

    for (int i = 0; i < a->count; i++) {
        if (!*a->values[i])
            return error_set(e, EXIT_INPUT, "--over: %s: a value is empty; "
                             "give some, as %s=%s", a->name, a->name,
                             settings_find(a->name)->initial);
        if (!settings_set(&tried, "--over", a->name, a->values[i], e))
            return false;
    }
    return true;
}

static void split_values(struct axis_of_values *a, char *rest)
{
    for (char *value = rest; value;) {
        char *comma = strchr(value, ',');

        if (comma)
            *comma++ = '\0';
        a->values = xgrow(a->values, a->count, sizeof(*a->values));
        a->values[a->count++] = value;
        value = comma;
    }
}

static bool read_axis(struct axis_of_values *a, const char *text,
                      const struct settings *base, struct error *e)
{
    char *equals;
    struct settings unknown = *base;

    *a = (struct axis_of_values){ .text = xstrdup(text) };
    equals = strchr(a->text, '=');
    if (!equals || strlen(text) > VALUES_MAX)
        return error_set(e, EXIT_INPUT, "--over needs NAME=VALUE,VALUE..., not "
                         "'%.80s'", text);
    *equals = '\0';
    a->name = a->text;
    if (!settings_find(a->name))
        return settings_set(&unknown, "--over", a->name, "", e);
    split_values(a, equals + 1);
    return check_values(a, base, e);
}

static bool refuse_many(const struct sweep *s, double count, struct error *e)
{
    return error_set(e, EXIT_INPUT, "%.0f runs or more are too many: at most "
                     "%d; --most %.0f allows as many", count, s->request->most,
                     count);
}

/* Takes each run with each value. */
static bool multiply_runs(struct sweep *s, const struct axis_of_values *a,
                          struct error *e)
{
    struct sweep_run *before = s->runs;
    int count = s->count;

    if ((double)count * a->count > s->request->most)
        return refuse_many(s, (double)count * a->count, e);
    s->runs = NULL;
    s->count = 0;
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < a->count; k++) {
            sweep_add(s, &before[i].settings, before[i].text);
            settings_set(&s->runs[s->count - 1].settings, "--over", a->name,
                         a->values[k], NULL);
            sweep_extend_name(&s->runs[s->count - 1], a->name);
        }
        free(before[i].text);
    }
    free(before);
    return true;
}

static bool check_axis_once(const struct sweep_request *r, int i,
                            struct error *e)
{
    size_t length = strcspn(r->over[i], "=");

    for (int k = 0; k < i; k++)
        if (strcspn(r->over[k], "=") == length &&
            strncmp(r->over[k], r->over[i], length) == 0)
            return error_set(e, EXIT_INPUT, "--over: %.*s is there twice; give "
                             "all its values at once", (int)length,
                             r->over[i]);
    return true;
}

static bool take_axes(struct sweep *s, struct error *e)
{
    const struct sweep_request *r = s->request;
    struct axis_of_values axis;
    bool ok = true;

    for (int i = 0; ok && i < r->over_count; i++) {
        if (!check_axis_once(r, i, e))
            return false;
        ok = read_axis(&axis, r->over[i], &s->base, e) &&
             multiply_runs(s, &axis, e);
        free_axis(&axis);
    }
    return ok;
}

static bool some_row_has(const struct sweep *s, const struct setting *row)
{
    for (int i = 0; row && i < s->count; i++)
        if (settings_differ(&s->base, &s->runs[i].settings, row))
            return true;
    return false;
}

/* Rows of fit would lose what --over gives other values. */
static bool check_front(const struct sweep *s, struct error *e)
{
    const struct sweep_request *r = s->request;
    char name[64];

    for (int i = 0; i < r->over_count; i++) {
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(r->over[i], "="),
                 r->over[i]);
        if (some_row_has(s, settings_find(name)))
            return error_set(e, EXIT_INPUT, "--over: rows of --front give %s "
                             "values of their own, within the budgets; leave "
                             "%s out of --over, or give rows of yours by "
                             "--list in place of --front", name, name);
    }
    return true;
}

/* The runs before any values are combined with them. */
static bool take_rows(struct sweep *s, struct error *e)
{
    const struct sweep_request *r = s->request;

    if (r->list && r->front)
        return error_set(e, EXIT_INPUT, "--list and --front: one of them is "
                         "enough; a line of a list can say what fit found");
    if (r->list)
        return file_check_path("--list", r->list, e) &&
               sweep_list_read(s, r->list, e);
    if (r->front)
        return sweep_front_find(s, e) && check_front(s, e);
    if (r->over_count == 0)
        return error_set(e, EXIT_INPUT, "sweep: what do the runs differ in? "
                         "give --over NAME=VALUE,VALUE..., --seeds, --list "
                         "FILE or --front BUDGETS");
    sweep_add(s, &s->base, "");
    return true;
}

/* What the runs differ in, for the name of the sweep: "sparsity-seed". */
static void name_difference(const struct sweep_request *r, char *text,
                            size_t size)
{
    const char *slash = r->list ? strrchr(r->list, '/') : NULL;

    text[0] = '\0';
    if (r->list)
        snprintf(text, size, "%s", slash ? slash + 1 : r->list);
    if (strrchr(text, '.') > text)
        *strrchr(text, '.') = '\0';
    if (r->front)
        snprintf(text, size, "front-%s", r->front);
    for (int i = 0; i < r->over_count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%.*s", used ? "-" : "",
                 (int)strcspn(r->over[i], "="), r->over[i]);
    }
}

/* "quick-sparsity-seed" */
static void name_sweep(struct sweep *s)
{
    const char *preset = s->request->preset;
    const char *slash = strrchr(preset, '/');
    char difference[1024], whole[1280];

    name_difference(s->request, difference, sizeof(difference));
    preset = slash ? slash + 1 : preset;
    snprintf(whole, sizeof(whole), "%.*s-%s",
             (int)(strstr(preset, ".y") ? strcspn(preset, ".")
                                        : strlen(preset)),
             preset, difference);
    sweep_clean_name(whole, s->name);
}

static bool find_sweep_place(struct sweep *s, struct error *e)
{
    const struct sweep_request *r = s->request;

    if (r->name && !archive_check_name("--name", r->name, e))
        return false;
    if (r->name)
        snprintf(s->name, sizeof(s->name), "%s", r->name);
    else
        name_sweep(s);
    return sweep_find_folder(s, e);
}

/* Settings that hold wherever a run is, and of one way to write them. */
static void settle_run(struct sweep *s, struct sweep_run *run)
{
    struct settings *settings = &run->settings;
    struct error e;

    if (*settings->data_path)
        folder_make_absolute(settings->data_path,
                             sizeof(settings->data_path));
    run->settled = machine_settle(&s->machine, settings);
    if (!settings_check(settings, s->request->preset, &e) ||
        !model_check(settings, s->request->preset, &e))
        sweep_fail(run, SWEEP_REFUSED, e.text);
}

/* A sum that settings have alone, but for accidents. */
static uint64_t sum_settings(const struct settings *s)
{
    uint64_t sum = CHECKSUM_START;

    for (int i = 0; i < settings_count; i++) {
        char text[SETTINGS_TEXT_SIZE];
        settings_format(s, &settings_table[i], text, sizeof(text));
        sum = checksum_add(sum, text, strlen(text) + 1);
    }
    return sum;
}

static bool is_there_already(const struct sweep *s, int kept,
                             const uint64_t *sums, uint64_t sum,
                             const struct settings *settled)
{
    for (int k = 0; k < kept; k++)
        if (sums[k] == sum && settings_same(&s->runs[k].settled, settled))
            return true;
    return false;
}

/* Leaves out runs that are like another in all settings. */
static void leave_out_twins(struct sweep *s)
{
    uint64_t *sums = xcalloc((unsigned long)s->count, sizeof(*sums));
    int kept = 0;

    for (int i = 0; i < s->count; i++) {
        struct sweep_run *run = &s->runs[i];
        uint64_t sum = sum_settings(&run->settled);

        if (is_there_already(s, kept, sums, sum, &run->settled)) {
            free(run->text);
            free(run->why);
            s->twice++;
        } else {
            sums[kept] = sum;
            s->runs[kept++] = *run;
        }
    }
    s->count = kept;
    free(sums);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct sweep_run *const *)a)->name,
                  (*(const struct sweep_run *const *)b)->name);
}

/* A name is a folder: two runs with one would share it. */
static bool check_run_names(const struct sweep *s, struct error *e)
{
    const struct sweep_run **list = xcalloc((unsigned long)s->count + 1,
                                            sizeof(*list));
    bool ok = true;

    for (int i = 0; i < s->count; i++)
        list[i] = &s->runs[i];
    qsort(list, (size_t)s->count, sizeof(*list), by_name);
    for (int i = 1; ok && i < s->count; i++)
        ok = strcmp(list[i - 1]->name, list[i]->name) != 0 ||
             error_set(e, EXIT_INPUT, "two runs with different settings are "
                       "called '%.100s'; give their lines other names",
                       list[i]->name);
    free(list);
    return ok;
}

static bool find_sweep_machine(struct sweep *s, struct error *e)
{
    const struct machine *known = s->request->machine;
    bool automatic = strcmp(s->base.backend, "auto") == 0;

    if (known) {
        s->machine = *known;
        return true;
    }
    machine_init(&s->machine);
    return !automatic || machine_find_backend(&s->machine, e);
}

/* The settings that all runs begin from. */
static bool find_base(struct sweep *s, struct error *e)
{
    const struct sweep_request *r = s->request;

    return preset_open(r->preset, r->assignments, r->assignment_count,
                       &s->base, e) &&
           model_check(&s->base, r->preset, e);
}

bool sweep_axes_expand(struct sweep *s, struct error *e)
{
    if (!find_base(s, e) ||
        !find_sweep_machine(s, e) || !find_sweep_place(s, e) ||
        !take_rows(s, e) || !take_axes(s, e))
        return false;
    if (s->count > s->request->most)
        return refuse_many(s, s->count, e);
    for (int i = 0; i < s->count; i++) {
        settle_run(s, &s->runs[i]);
        sweep_clean_name(s->runs[i].text, s->runs[i].name);
    }
    leave_out_twins(s);
    return check_run_names(s, e);
}
