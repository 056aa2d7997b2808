#define _GNU_SOURCE

#include "train/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/draft.h"
#include "base/ending.h"
#include "base/file.h"
#include "base/lines.h"
#include "base/spelling.h"
#include "events/ledger.h"
#include "models/model.h"
#include "plan/timings_file.h"
#include "settings/preset.h"
#include "settings/settings_json.h"
#include "train/command.h"
#include "train/snapshot.h"
#include "train/trainer.h"

/* Seconds. */
static const double step_interval = 0.05;  /* between `step` events, at least */
static const double memory_interval = 0.5; /* between looks at the memory */
static const double save_interval = 1;     /* between snapshots, at least */
static const double save_retry = 60;       /* after a failure to save */

/* Snapshots take at most 1 / SAVE_SHARE of the time. */
enum { SAVE_SHARE = 50 };

struct worker {
    struct lines lines;
    struct trainer *trainer;     /* owned; NULL: no run */
    char *name;                  /* owned; NULL: there never was a run */
    struct settings wanted;      /* of the run, changes included ... */
    bool changed;                /* ... that are not applied yet */
    int64_t sets;                /* commands `set` to this run */
    bool paused, done;           /* and the event was emitted */
    char *save;                  /* owned; file of the snapshots, or NULL */
    bool keep;                   /* leave it there on `stop` */
    int64_t saved_step;          /* of the run's latest snapshot; -1: none of
                                    the run as it is now */
    bool wrote;                  /* a snapshot not to be kept is there ... */
    struct stat written;         /* ... with this stat() */
    double next_save, next_memory, next_step; /* when, monotonic seconds */
    struct event memory;         /* as last emitted */
    bool stopped;                /* by command */
    bool quit;                   /* nobody commands or listens any more */
    bool deaf;                   /* commands could not be read */
};

/* Leaves out steps that come too soon, and memory that has not changed. */
static bool is_news(struct worker *w, const struct event *event)
{
    double now = clock_seconds();

    switch (event->type) {
    case EVENT_STEP:
        if (now < w->next_step && event->step.step < event->step.steps)
            return false;
        w->next_step = now + step_interval;
        return true;
    case EVENT_MEMORY:
        if (memcmp(&w->memory.memory, &event->memory,
                   sizeof(event->memory)) == 0)
            return false;
        w->memory = *event;
        return true;
    case EVENT_START:
    case EVENT_APPLIED: /* a plan's first step and its memory are emitted */
        w->memory = (struct event){ .type = EVENT_MEMORY };
        w->next_memory = w->next_step = 0;
        return true;
    default:
        return true;
    }
}

static void emit_news(void *arg, const struct event *event)
{
    struct worker *w = arg;
    struct event said = *event;

    if (said.type == EVENT_APPLIED)
        said.applied.sets = w->sets;
    if (is_news(w, &said) && !event_print(&said))
        w->quit = true;
}

static struct event_sink sink(struct worker *w)
{
    return (struct event_sink){ emit_news, w };
}

static void say_refused(struct worker *w, const char *command,
                        const struct error *why)
{
    emit_news(w, &(struct event){ .type = EVENT_REFUSED,
                                  .refused = { command, why->text, w->sets,
                                               why->reason } });
}

static bool is_over(const struct worker *w)
{
    return w->trainer->step >= trainer_steps(w->trainer);
}

static bool is_training(const struct worker *w)
{
    return w->trainer && !w->paused && !is_over(w);
}

/* Says `done` once, at the end of the run or of the worker. */
static void say_done(struct worker *w)
{
    if (!w->done)
        emit_news(w, &(struct event){ .type = EVENT_DONE });
    w->done = true;
}

/* Tells the timings of this machine for the run's backend. */
static void tell_timings(struct worker *w)
{
    const struct backend *backend = w->trainer->job->backend;
    struct timings *timings;
    struct error e = { .code = EXIT_OK };
    bool refused = !timings_load(&timings, backend, &e) &&
                   e.code == EXIT_INPUT;

    ledger_tell(backend, timings, refused ? e.text : NULL, sink(w));
    timings_free(timings);
}

/* Tells what the run has just measured, and keeps it for the next one. */
static void pass_on_timings(struct worker *w)
{
    struct timings *seen = trainer_take_timings(w->trainer);

    if (!seen)
        return;
    ledger_tell(seen->backend, seen, NULL, sink(w));
    timings_refresh(seen);
    timings_free(seen);
}

static void end_run(struct worker *w, const struct error *why)
{
    emit_news(w, &(struct event){ .type = EVENT_ERROR, .message = why->text });
    trainer_free(w->trainer);
    w->trainer = NULL;
}

static bool write_snapshot(struct worker *w, const char *path, struct error *e)
{
    if (!snapshot_save(w->trainer, path, e))
        return false;
    emit_news(w, &(struct event){ .type = EVENT_SAVED,
                                  .saved = { w->trainer->step, path } });
    return true;
}

/* A full disk is no reason to end the run. */
static void save_run(struct worker *w)
{
    double began = clock_seconds(), cost;
    struct error e;

    if (!w->save || w->saved_step == w->trainer->step)
        return;
    if (!write_snapshot(w, w->save, &e)) {
        emit_news(w, &(struct event){ .type = EVENT_WARNING,
                                      .message = e.text });
        w->next_save = clock_seconds() + save_retry;
        return;
    }
    cost = SAVE_SHARE * (clock_seconds() - began);
    w->saved_step = w->trainer->step;
    w->wrote = !w->keep && stat(w->save, &w->written) == 0;
    w->next_save = clock_seconds() +
                   (cost > save_interval ? cost : save_interval);
}

/* Removes a snapshot that is not to be kept, unless it is somebody else's. */
static void forget_snapshot(struct worker *w, const char *path)
{
    if (w->wrote)
        draft_remove(path, &w->written);
    w->wrote = false;
}

/* A run that a command asks for. */
struct order {
    const char *name;
    struct settings settings;
    const char *save, *load;     /* or NULL */
    bool keep;
};

/* A snapshot that cannot be kept is reported before the run. A snapshot that
 * only guards against accidents may be done without. */
static bool check_snapshot(struct worker *w, struct order *o, struct error *e)
{
    if (!o->save || snapshot_check(o->save, e))
        return true;
    if (o->keep)
        return false;
    emit_news(w, &(struct event){ .type = EVENT_WARNING, .message = e->text });
    o->save = NULL;
    return true;
}

/* Makes every check on the new run while another is under way, and allocates no
 * arena: two may not fit. */
static bool prepare_run(struct worker *w, struct order *o,
                        struct trainer **next, struct error *e)
{
    if (!trainer_prepare(next, &o->settings, e))
        return false;
    if (trainer_fits(*next, w->trainer, e) &&
        (!o->load || snapshot_matches(*next, o->load, e)) &&
        check_snapshot(w, o, e))
        return true;
    trainer_free(*next);
    return false;
}

/* The new run may go on from the old run's snapshot, so that is removed last.
 */
static void take_over(struct worker *w, const struct order *o)
{
    struct error e;
    char *before = w->save;
    bool ok;

    w->save = o->save ? xstrdup(o->save) : NULL;
    w->keep = o->keep;
    w->wanted = o->settings;
    w->changed = w->paused = w->done = false;
    w->sets = 0;
    w->saved_step = -1;
    w->next_save = clock_seconds() + save_interval;
    w->next_memory = w->next_step = 0;
    ok = trainer_allocate(w->trainer, &e) &&
         (!o->load || snapshot_load(w->trainer, o->load, &e));
    if (!before || !w->save || strcmp(before, w->save) != 0)
        forget_snapshot(w, before);
    free(before);
    if (!ok)
        end_run(w, &e);
}

/* Begins a run in place of the old one, which goes on if the new one is
 * refused. Later failures are an `error`, for the old run is gone. */
static bool replace_run(struct worker *w, struct order *o, struct error *e)
{
    struct trainer *next;

    if (!prepare_run(w, o, &next, e))
        return false;
    trainer_free(w->trainer);
    w->trainer = next;
    xreplace(&w->name, o->name);
    take_over(w, o);
    if (!w->trainer)
        return true;
    trainer_begin(w->trainer, w->name, sink(w));
    tell_timings(w);
    if (is_over(w)) {
        save_run(w);
        say_done(w);
    }
    return true;
}

static bool require_run(const struct worker *w, struct error *e)
{
    return w->trainer || error_set(e, EXIT_INPUT, "no run is under way; begin "
                                   "one with start or restart");
}

static bool obey_start(struct worker *w, json_t *command, struct error *e)
{
    struct order o = { 0 };
    const char *preset = NULL;
    json_t *changes = NULL;
    struct preset base;
    int keep = true;

    settings_init(&base.settings);
    if (!command_unpack(command, e, "{s?s s?s s?o s?s s?b s?s}", "preset",
                        &preset, "name", &o.name, "settings", &changes,
                        "save", &o.save, "keep", &keep, "load", &o.load) ||
        !file_check_path("save", o.save, e) ||
        !file_check_path("load", o.load, e) ||
        (preset && !preset_load(&base, preset, e)) ||
        (changes && !settings_json_read(changes, &base.settings, "start", e)) ||
        !model_check(&base.settings, "start", e))
        return false;
    if (!o.name)
        o.name = preset ? preset : "defaults";
    o.keep = keep;
    o.settings = base.settings;
    return replace_run(w, &o, e);
}

static bool obey_restart(struct worker *w, json_t *command, struct error *e)
{
    struct order o = { .name = w->name, .settings = w->wanted,
                       .save = w->save, .keep = w->keep };
    json_t *changes = NULL;

    if (!w->name)
        return error_set(e, EXIT_INPUT, "there was no run before; begin one "
                         "with start");
    if (!command_unpack(command, e, "{s?o s?s}", "settings", &changes,
                        "load", &o.load) ||
        !file_check_path("load", o.load, e) ||
        (changes &&
         !settings_json_read(changes, &o.settings, "restart", e)) ||
        !model_check(&o.settings, "restart", e))
        return false;
    return replace_run(w, &o, e);
}

static void add_words(struct error *e, const char *words)
{
    size_t used = strlen(e->text);

    snprintf(e->text + used, sizeof(e->text) - used, "; %s", words);
}

/* Wants other settings: all of a command, or none. */
static bool want_settings(struct worker *w, json_t *changes, struct error *e)
{
    struct settings settings = w->wanted;

    if (!settings_json_read(changes, &settings, "set", e) ||
        !settings_can_follow(&w->trainer->job->settings, &settings, e) ||
        !model_check(&settings, "set", e))
        return false;
    w->wanted = settings;
    w->changed = true;
    return true;
}

static bool obey_set(struct worker *w, json_t *command, struct error *e)
{
    json_t *changes;

    w->sets++;
    if (!command_unpack(command, e, "{s:o}", "settings", &changes) ||
        !require_run(w, e))
        return false;
    if (want_settings(w, changes, e))
        return true;
    if (json_object_size(changes) > 1)
        add_words(e, "no setting of this command is changed");
    return false;
}

static bool set_paused(struct worker *w, json_t *command, bool paused,
                       struct error *e)
{
    if (!command_unpack(command, e, "{}") || !require_run(w, e))
        return false;
    if (w->done)
        return error_set(e, EXIT_INPUT, "the run is at its end; restart begins "
                         "it again");
    w->paused = paused;
    emit_news(w, &(struct event){ .type = paused ? EVENT_PAUSED : EVENT_RESUMED,
                                  .stopped_at = w->trainer->step });
    return true;
}

static bool obey_pause(struct worker *w, json_t *command, struct error *e)
{
    return set_paused(w, command, true, e);
}

static bool obey_resume(struct worker *w, json_t *command, struct error *e)
{
    return set_paused(w, command, false, e);
}

static bool obey_save(struct worker *w, json_t *command, struct error *e)
{
    const char *path;

    return command_unpack(command, e, "{s:s}", "path", &path) &&
           file_check_path("path", path, e) && require_run(w, e) &&
           snapshot_check(path, e) && write_snapshot(w, path, e);
}

static bool obey_stop(struct worker *w, json_t *command, struct error *e)
{
    if (!command_unpack(command, e, "{}"))
        return false;
    w->stopped = w->quit = true;
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct worker *, json_t *command, struct error *);
} commands[] = {
    { "start", obey_start },
    { "set", obey_set },
    { "pause", obey_pause },
    { "resume", obey_resume },
    { "restart", obey_restart },
    { "save", obey_save },
    { "stop", obey_stop },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static bool refuse_command_name(const char *name, struct error *e)
{
    struct spelling spelling;

    spelling_init(&spelling, name);
    for (int i = 0; i < COMMAND_COUNT; i++)
        spelling_offer(&spelling, commands[i].name);
    return spelling_refuse(&spelling, "command", "see memdial-events(5)", e);
}

static bool obey_command(struct worker *w, const char *name, json_t *members,
                         struct error *e)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(w, members, e);
    return refuse_command_name(name, e);
}

static void obey_object(struct worker *w, json_t *object)
{
    json_t *word = json_incref(json_object_get(object, "command"));
    const char *name = json_string_value(word);
    struct error e;

    json_object_del(object, "command");
    if (!(name ? obey_command(w, name, object, &e)
               : error_set(&e, EXIT_INPUT, "not a command: an object with the "
                           "member command is one")))
        say_refused(w, name ? name : "", &e);
    json_decref(word);
}

static void obey_line(struct worker *w, const struct line *line)
{
    struct error e;
    json_t *object = command_read(line, &e);

    if (object)
        obey_object(w, object);
    else
        say_refused(w, "", &e);
    json_decref(object);
}

/* Warns that commands cannot be read, although more may have been sent. */
static void warn_unread(struct worker *w, int code)
{
    char message[128];

    w->deaf = true;
    snprintf(message, sizeof(message), "commands cannot be read: %s",
             strerror(code));
    emit_news(w, &(struct event){ .type = EVENT_WARNING, .message = message });
}

static void obey_input(struct worker *w, int fd)
{
    ssize_t n = lines_fill(&w->lines, fd);
    bool failed = n < 0 && errno != EAGAIN && errno != EINTR;
    bool over = n == 0 || failed;
    struct line line;

    if (failed)
        warn_unread(w, errno);
    if (over)
        lines_end(&w->lines);
    while (!w->quit && lines_next(&w->lines, &line))
        obey_line(w, &line);
    w->quit |= over;
}

/* Refuses all settings asked for since the last step, and names them, for the
 * reason may have to do with one alone. */
static void refuse_changes(struct worker *w, struct error *e)
{
    char words[1024] = "not done: ", *changes = words + strlen(words);

    settings_changes(&w->trainer->job->settings, &w->wanted, changes,
                     sizeof(words) - (size_t)(changes - words));
    if (strchr(changes, ' '))
        add_words(e, words);
    w->wanted = w->trainer->job->settings;
    w->changed = false;
    say_refused(w, "set", e);
}

/* All settings asked for since the last step are one change. Once a run is at
 * its end nothing else writes its snapshot. */
static void apply_changes(struct worker *w)
{
    const struct backend *before;
    struct error e;

    w->changed = false;
    if (!w->trainer)
        return;
    before = w->trainer->job->backend;
    if (!trainer_change(w->trainer, &w->wanted, sink(w), &e)) {
        refuse_changes(w, &e);
        return;
    }
    w->saved_step = -1;
    if (w->trainer->job->backend != before)
        tell_timings(w);
    if (is_over(w))
        save_run(w);
}

static void advance_run(struct worker *w)
{
    struct error e;

    if (!trainer_advance(w->trainer, sink(w), &e)) {
        end_run(w, &e);
        return;
    }
    pass_on_timings(w);
    if (clock_seconds() >= w->next_memory) {
        struct event memory = trainer_memory(w->trainer);

        emit_news(w, &memory);
        w->next_memory = clock_seconds() + memory_interval;
    }
    if (clock_seconds() >= w->next_save || is_over(w))
        save_run(w);
    if (is_over(w))
        say_done(w);
}

/* Waits only if there is nothing else to do. A descriptor that poll() fails on
 * counts as readable: the read then reports the fault. */
static bool has_commands(const struct worker *w, int fd)
{
    const struct timespec now = { 0, 0 };
    bool busy = w->changed || is_training(w);
    struct pollfd input = { fd, POLLIN, 0 };
    int ready = ppoll(&input, 1, busy ? &now : NULL, ending_let_in());

    return ready > 0 || (ready < 0 && errno != EINTR);
}

static void finish_work(struct worker *w)
{
    struct error e;

    if (w->trainer && w->changed) {
        error_set(&e, EXIT_RUN, "the worker ends before the run could change");
        refuse_changes(w, &e);
    }
    if (w->stopped && !w->keep)
        forget_snapshot(w, w->save);
    else if (w->trainer)
        save_run(w);
    if (w->trainer)
        say_done(w);
    trainer_free(w->trainer);
    free(w->name);
    free(w->save);
}

bool worker_run(int fd)
{
    struct worker *w = xcalloc(1, sizeof(*w));
    bool deaf;

    lines_init(&w->lines);
    while (!w->quit && !ending_signal()) {
        if (has_commands(w, fd))
            obey_input(w, fd);
        else if (w->changed)
            apply_changes(w);
        else if (is_training(w))
            advance_run(w);
    }
    finish_work(w);
    deaf = w->deaf;
    free(w);
    return !deaf;
}
