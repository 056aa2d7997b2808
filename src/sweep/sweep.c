#include "sweep/sweep.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/quote.h"
#include "settings/preset.h"

void sweep_done(struct sweep *s)
{
    for (int i = 0; i < s->count; i++) {
        free(s->runs[i].text);
        free(s->runs[i].why);
    }
    buffer_done(&s->front);
    free(s->others);
    free(s->runs);
    s->runs = NULL;
    s->count = 0;
}

void sweep_add(struct sweep *s, const struct settings *settings,
               const char *text)
{
    struct sweep_run *run;

    s->runs = xgrow(s->runs, s->count, sizeof(*s->runs));
    run = &s->runs[s->count++];
    *run = (struct sweep_run){ .text = xstrdup(text), .settings = *settings,
                               .seconds = NAN, .score = NAN };
}

void sweep_extend_name(struct sweep_run *run, const char *name)
{
    char value[SETTINGS_TEXT_SIZE];
    size_t size;
    char *text;

    settings_format(&run->settings, settings_find(name), value, sizeof(value));
    size = strlen(run->text) + strlen(name) + strlen(value) + 3;
    text = xcalloc(size, 1);
    snprintf(text, size, "%s%s%s=%s", run->text, *run->text ? "+" : "", name,
             value);
    free(run->text);
    run->text = text;
}

void sweep_clean_name(const char *text, char name[ARCHIVE_NAME_MAX + 1])
{
    enum { SUM_SHOWN = 8 };
    char digits[CHECKSUM_DIGITS + 1];
    size_t most = ARCHIVE_NAME_MAX - SUM_SHOWN - 1;

    snprintf(name, ARCHIVE_NAME_MAX + 1, "%s", text);
    for (char *c = name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789_-+=.", *c) ||
            (c == name && strchr(".-", *c)))
            *c = '_';
    if (strcmp(name, text) == 0)
        return;
    if (strlen(name) > most)
        name[most] = '\0';
    checksum_write(checksum_add(CHECKSUM_START, text, strlen(text)), digits);
    snprintf(name + strlen(name), SUM_SHOWN + 2, "-%.*s", SUM_SHOWN, digits);
}

bool sweep_is_file(const char *name)
{
    static const char *const patterns[] = { ARCHIVE_FRONT, ARCHIVE_SCRIPT,
                                            "slurm-*.log", RECORD_SETTINGS,
                                            RECORD_EVENTS };

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        if (fnmatch(patterns[i], name, 0) == 0)
            return true;
    return false;
}

/* Refuses a folder in the place of a file. */
static bool check_place_of_file(const char *folder, const char *file,
                                struct error *e)
{
    char path[RECORD_PATH_SIZE];
    struct stat status;

    return stat(record_path(folder, file, path), &status) != 0 ||
           !S_ISDIR(status.st_mode) ||
           error_set(e, EXIT_INPUT, "%s: a folder is in the place of a file of "
                     "the sweep; move it, or give another --name", path);
}

static bool check_sweep_folder(const char *folder, struct error *e)
{
    if (strlen(folder) >= RECORD_ROOT_SIZE)
        return error_set(e, EXIT_INPUT, "%s: the path is too long: at most %d "
                         "bytes", folder, RECORD_ROOT_SIZE - 1);
    if (record_is(folder))
        return error_set(e, EXIT_INPUT, "%s: is the folder of a run; give "
                         "another --name", folder);
    return check_place_of_file(folder, ARCHIVE_FRONT, e) &&
           check_place_of_file(folder, ARCHIVE_SCRIPT, e);
}

bool sweep_find_folder(struct sweep *s, struct error *e)
{
    if (!archive_root(s->root, s->request->runs, e) ||
        !archive_check_root(s->root, s->request->runs, e))
        return false;
    record_path(s->root, s->name, s->folder);
    return check_sweep_folder(s->folder, e);
}

const char *sweep_run_folder(const struct sweep *s, const struct sweep_run *run,
                             char path[RECORD_PATH_SIZE])
{
    return record_path(s->folder, run->name, path);
}

static bool has_events(const char *folder)
{
    char path[RECORD_PATH_SIZE];

    return access(record_path(folder, RECORD_EVENTS, path), F_OK) == 0;
}

/* Settings are written anew until the run begins. */
static bool make_run_folder(const struct sweep *s, const struct sweep_run *run,
                            struct error *e)
{
    char folder[RECORD_PATH_SIZE], path[RECORD_PATH_SIZE];
    struct preset preset = { .settings = run->settled };

    sweep_run_folder(s, run, folder);
    record_path(folder, RECORD_SETTINGS, path);
    if (run->kept || (has_events(folder) && access(path, F_OK) == 0))
        return true;
    snprintf(preset.description, sizeof(preset.description), "a run of %.100s",
             s->name);
    snprintf(preset.of, sizeof(preset.of), "%.*s", PRESET_NAME_SIZE - 1,
             s->request->preset);
    return preset_write(&preset, path, true, e);
}

bool sweep_make_folders(const struct sweep *s, struct error *e)
{
    for (int i = 0; i < s->count; i++)
        if (s->runs[i].state != SWEEP_REFUSED &&
            !make_run_folder(s, &s->runs[i], e))
            return false;
    return true;
}

/* Whether a setting of a run that is there is the one asked for. What was left
 * to the machine may have been settled elsewhere. */
static bool is_as_asked(const struct sweep_run *run,
                        const struct settings *there,
                        const struct setting *row)
{
    if ((strcmp(row->name, "threads") == 0 && run->settings.threads == 0) ||
        (strcmp(row->name, "backend") == 0 &&
         strcmp(run->settings.backend, "auto") == 0) ||
        (strcmp(row->name, "keep_images") == 0 && run->settings.keep_images))
        return true;
    return !settings_differ(&run->settled, there, row);
}

static bool check_as_asked(const struct sweep *s,
                           const struct sweep_run *run, const char *folder,
                           const struct settings *there, struct error *e)
{
    const struct setting *row = settings_table;
    char one[SETTINGS_TEXT_SIZE], other[SETTINGS_TEXT_SIZE];
    struct buffer quoted = { NULL, 0, 0 };

    while (row < settings_table + settings_count &&
           is_as_asked(run, there, row))
        row++;
    if (row == settings_table + settings_count)
        return true;
    settings_format(there, row, one, sizeof(one));
    settings_format(&run->settled, row, other, sizeof(other));
    quote_shell(&quoted, s->folder);
    error_set(e, EXIT_INPUT, "%s: a run with %s=%.100s is there, and this "
              "sweep has %s=%.100s; give the sweep another --name, or remove "
              "the sweep that is there: memdial runs rm %s", folder, row->name,
              one, row->name, other, quoted.bytes);
    buffer_done(&quoted);
    return false;
}

void sweep_fail(struct sweep_run *run, enum sweep_state state, const char *why)
{
    run->state = state;
    xreplace(&run->why, why);
}

/* The state of a run that is not under way in this sweep. */
static void take_state(struct sweep_run *run, const struct record *r,
                       bool retry)
{
    char text[160];

    run->state = SWEEP_WAITS;
    switch (r->state) {
    case RECORD_DONE:
        run->state = SWEEP_DONE;
        break;
    case RECORD_RUNNING:
    case RECORD_PAUSED:
        snprintf(text, sizeof(text), "process %lld on host '%.80s' is at it",
                 (long long)r->origin.pid, r->origin.host);
        sweep_fail(run, SWEEP_ELSEWHERE, text);
        break;
    case RECORD_UNREADABLE:
        sweep_fail(run, SWEEP_FAILED, r->error.text);
        break;
    case RECORD_DIVERGED:
    case RECORD_FAILED:
        if (!retry)
            sweep_fail(run, SWEEP_FAILED, r->trouble);
        break;
    default:
        break;
    }
}

static void take_figures_of_run(struct sweep_run *run, const struct record *r)
{
    run->epoch = r->run.epoch;
    run->step = r->run.step;
    run->steps = r->run.steps ? r->run.steps : run->steps;
    run->score = record_score(r);
}

/* Reads a run that may be there. */
static bool look_for_run(const struct sweep *s, struct sweep_run *run,
                         bool retry, struct error *e)
{
    char folder[RECORD_PATH_SIZE];
    struct record r;
    bool ok;

    if (!record_is(sweep_run_folder(s, run, folder)) ||
        !record_read(&r, folder, RECORD_ENDS, NULL))
        return true;
    run->kept = r.has_settings &&
                check_as_asked(s, run, folder, &r.began_with, e);
    run->differs = !run->kept && r.has_settings && !has_events(folder);
    ok = run->kept || run->differs || !r.has_settings;
    take_figures_of_run(run, &r);
    take_state(run, &r, retry);
    record_done(&r);
    return ok;
}

bool sweep_look(struct sweep *s, struct error *e)
{
    for (int i = 0; i < s->count; i++)
        if (s->runs[i].state != SWEEP_REFUSED &&
            !look_for_run(s, &s->runs[i], s->request->retry, e))
            return false;
    return true;
}

void sweep_look_at(const struct sweep *s, struct sweep_run *run)
{
    look_for_run(s, run, false, NULL);
}

void sweep_follow(const struct sweep *s, struct sweep_run *run)
{
    char folder[RECORD_PATH_SIZE];
    struct record r;

    if (record_read(&r, sweep_run_folder(s, run, folder), RECORD_ENDS, NULL)) {
        take_figures_of_run(run, &r);
        record_done(&r);
    }
}

void sweep_note_failure(const struct sweep *s, struct sweep_run *run,
                        const char *why)
{
    char folder[RECORD_PATH_SIZE];
    struct record r;

    if (record_read(&r, sweep_run_folder(s, run, folder), RECORD_ENDS, NULL)) {
        record_add_error(&r, why, NULL);
        record_done(&r);
    }
    sweep_fail(run, SWEEP_FAILED, why);
}

const char *sweep_state_name(enum sweep_state state)
{
    static const char *const names[SWEEP_STATES] = {
        [SWEEP_WAITS] = "waiting",   [SWEEP_RUNS] = "running",
        [SWEEP_DONE] = "done",       [SWEEP_STOPPED] = "stopped",
        [SWEEP_FAILED] = "failed",   [SWEEP_REFUSED] = "refused",
        [SWEEP_ELSEWHERE] = "under way elsewhere",
    };

    return names[state];
}

int sweep_count(const struct sweep *s, enum sweep_state state)
{
    int count = 0;

    for (int i = 0; i < s->count; i++)
        count += s->runs[i].state == state;
    return count;
}
