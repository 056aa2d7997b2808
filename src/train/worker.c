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
#include "events/archive.h"
#include "events/ledger.h"
#include "events/news.h"
#include "events/recorder.h"
#include "models/model.h"
#include "plan/timings_file.h"
#include "settings/preset.h"
#include "settings/settings_json.h"
#include "train/command.h"
#include "train/resume.h"
#include "train/saver.h"
#include "train/snapshot.h"
#include "train/trainer.h"

/* Seconds between looks at the memory. */
static const double memory_interval = 0.5;

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
    struct saver saver;          /* to it */
    char *wrote;                 /* owned; a snapshot that is not to be kept,
                                    or NULL ... */
    struct stat written;         /* ... with this stat() */
    struct recorder *recorder;   /* owned; NULL: the run is not kept */
    struct saver guard;          /* to its snapshot */
    char *runs;                  /* owned; the archive that the latest `start`
                                    names, or NULL */
    double next_memory;          /* when, monotonic seconds */
    struct news news;            /* as last told */
    bool stopped;                /* by command */
    bool quit;                   /* nobody commands or listens any more */
    bool deaf;                   /* commands could not be read */
};

/* Leaves out steps that come too soon, and memory that has not changed. */
static void tell_listener(void *arg, const struct event *event)
{
    struct worker *w = arg;
    const struct event *step = news_before(&w->news, event);

    if (step && !event_print(step))
        w->quit = true;
    if (event->type == EVENT_START || event->type == EVENT_APPLIED)
        w->next_memory = 0;
    if (news_are(&w->news, event) && !event_print(event))
        w->quit = true;
}

static void emit_news(void *arg, const struct event *event)
{
    struct worker *w = arg;
    struct event said = *event;

    if (said.type == EVENT_APPLIED)
        said.applied.sets = w->sets;
    if (w->recorder)
        recorder_sink(w->recorder).emit(w->recorder, &said);
    else
        tell_listener(w, &said);
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

/* Tells what the run has just measured, and keeps it for the next one. The time
 * that this takes is not the run's, and brings no step nearer. */
static void pass_on_timings(struct worker *w)
{
    struct timings *seen = trainer_take_timings(w->trainer);
    double began = clock_seconds();

    if (!seen)
        return;
    ledger_tell(seen->backend, seen, NULL, sink(w));
    timings_refresh(seen);
    timings_free(seen);
    w->news.next_step += clock_seconds() - began;
}

static void end_run(struct worker *w, const struct error *why)
{
    emit_news(w, &(struct event){ .type = EVENT_ERROR, .message = why->text });
    trainer_free(w->trainer);
    w->trainer = NULL;
    recorder_close(w->recorder);
    w->recorder = NULL;
}

static void warn_of(struct worker *w, const struct error *why)
{
    emit_news(w, &(struct event){ .type = EVENT_WARNING,
                                  .message = why->text });
}

static void save_guard(struct worker *w, struct event_sink to)
{
    struct error e;

    if (w->recorder && !saver_save(&w->guard, w->trainer, to, &e))
        recorder_warn(w->recorder, &e);
}

/* A full disk is no reason to end the run. */
static void save_run(struct worker *w)
{
    struct error e;

    if (!saver_save(&w->saver, w->trainer, sink(w), &e))
        warn_of(w, &e);
    else if (w->save && !w->keep && stat(w->save, &w->written) == 0)
        xreplace(&w->wrote, w->save);
}

/* Saves where it is due, or at the end of a run. */
static void save_if_due(struct worker *w, bool ends)
{
    if (ends || saver_is_due(&w->saver, w->trainer))
        save_run(w);
    if (ends || saver_is_due(&w->guard, w->trainer))
        save_guard(w, sink(w));
}

/* Removes a snapshot that is not to be kept, unless it is somebody else's. */
static void forget_snapshot(struct worker *w)
{
    if (w->wrote)
        draft_remove(w->wrote, &w->written);
    xreplace(&w->wrote, NULL);
}

/* A run that a command asks for. */
struct order {
    const char *name;
    struct settings settings;
    const char *save, *load;     /* or NULL */
    bool keep;
    const char *runs;            /* the archive; NULL: as usual */
    struct resume *resume;       /* that it goes on from, or NULL */
    struct error unsaved;        /* why it goes without `save`; EXIT_OK: it does
                                    not */
};

/* A snapshot that cannot be kept is reported before the run. A snapshot that
 * only guards against accidents may be done without. */
static bool check_snapshot(struct order *o, struct error *e)
{
    if (!o->save || snapshot_check(o->save, e))
        return true;
    if (o->keep)
        return false;
    o->unsaved = *e;
    o->save = NULL;
    return true;
}

/* The snapshot that the run begins with; or NULL. */
static const char *snapshot_of(const struct order *o)
{
    return !o->resume ? o->load : o->resume->loads ? o->resume->snapshot : NULL;
}

/* Makes every check on the new run while another is under way, and allocates no
 * arena: two may not fit. */
static bool prepare_run(struct worker *w, struct order *o,
                        struct trainer **next, struct error *e)
{
    if (!trainer_prepare(next, &o->settings, e))
        return false;
    if (trainer_fits(*next, w->trainer, e) &&
        (!snapshot_of(o) || snapshot_matches(*next, snapshot_of(o), e)) &&
        check_snapshot(o, e))
        return true;
    trainer_free(*next);
    return false;
}

/* Opens the record of a run: its own, or a new one if runs are kept. */
static bool open_record(struct worker *w, const struct order *o,
                        struct error *e)
{
    char root[RECORD_PATH_SIZE], folder[RECORD_PATH_SIZE];

    if (o->resume)
        return recorder_open(&w->recorder, o->resume->record.folder,
                             (struct event_sink){ tell_listener, w }, e);
    return archive_root(root, o->runs, e) &&
           (!*root ||
            (archive_make(root, NULL, o->name, folder, e) &&
             recorder_open(&w->recorder, folder,
                           (struct event_sink){ tell_listener, w }, e)));
}

/* The snapshot of a record does for one that only guards against accidents. */
static void keep_run(struct worker *w, const struct order *o)
{
    struct error why, e;

    if (!open_record(w, o, &why)) {
        error_set(&e, EXIT_RUN, "the run is not kept: %s", why.text);
        warn_of(w, &e);
    }
    if (!w->recorder && o->unsaved.code != EXIT_OK)
        warn_of(w, &o->unsaved);
    if (w->recorder && !w->keep) {
        forget_snapshot(w);
        xreplace(&w->save, NULL);
    }
    saver_init(&w->saver, w->save);
    saver_init(&w->guard, w->recorder ? recorder_snapshot(w->recorder) : NULL);
}

/* Ends the record of a run that another replaces: nobody else is told. */
static void leave_run(struct worker *w)
{
    if (w->recorder && w->trainer && !w->done) {
        struct event_sink alone = recorder_alone(w->recorder);
        save_guard(w, alone);
        alone.emit(alone.arg, &(struct event){ .type = EVENT_DONE });
    }
    recorder_close(w->recorder);
    w->recorder = NULL;
}

/* Allocates the new run, and puts it where it begins. */
static bool begin_state(struct worker *w, const struct order *o,
                        struct error *e)
{
    if (!trainer_allocate(w->trainer, e))
        return false;
    if (o->resume)
        return resume_load(o->resume, w->trainer, e);
    return !o->load || snapshot_load(w->trainer, o->load, e);
}

/* The new run may go on from the old run's snapshot, so that is removed last.
 */
static void take_over(struct worker *w, const struct order *o)
{
    struct error e;
    bool ok;

    xreplace(&w->save, o->save);
    w->keep = o->keep;
    w->wanted = o->settings;
    w->changed = w->paused = w->done = false;
    w->sets = 0;
    w->next_memory = 0;
    w->news = (struct news){ .next_step = 0 };
    xreplace(&w->runs, o->runs);
    ok = begin_state(w, o, &e);
    if (w->wrote && (!w->save || strcmp(w->wrote, w->save) != 0))
        forget_snapshot(w);
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
    leave_run(w);
    trainer_free(w->trainer);
    w->trainer = next;
    xreplace(&w->name, o->name);
    take_over(w, o);
    if (!w->trainer)
        return true;
    keep_run(w, o);
    trainer_begin(w->trainer, w->name, sink(w));
    tell_timings(w);
    if (is_over(w)) {
        save_if_due(w, true);
        say_done(w);
    }
    return true;
}

static bool require_run(const struct worker *w, struct error *e)
{
    return w->trainer || error_set(e, EXIT_INPUT, "no run is under way; begin "
                                   "one with start or restart");
}

/* The settings that a run goes on with, and its name. */
static bool open_resume(struct order *o, const char *folder, struct resume *r,
                        struct error *e)
{
    o->resume = r;
    if (!resume_open(r, folder, false, e))
        return false;
    o->settings = r->settings;
    if (!o->name)
        o->name = r->preset;
    return true;
}

static bool preset_of_order(struct order *o, const char *name,
                            struct error *e)
{
    struct preset base;

    settings_init(&base.settings);
    if (name && !preset_load(&base, name, e))
        return false;
    o->settings = base.settings;
    if (!o->name)
        o->name = name ? name : "defaults";
    return true;
}

/* A run that goes on has what it begins with. */
static bool check_alone(const char *folder, const char *member,
                        const char *value, struct error *e)
{
    return !folder || !value ||
           error_set(e, EXIT_INPUT, "%s: not with resume, which goes on with "
                     "what the run has", member);
}

static bool obey_start(struct worker *w, json_t *command, struct error *e)
{
    struct order o = { 0 };
    const char *preset = NULL, *folder = NULL;
    json_t *changes = NULL;
    struct resume resume = { .loads = false };
    int keep = true;
    bool ok;

    if (!command_unpack(command, e, "{s?s s?s s?o s?s s?b s?s s?s s?s}",
                        "preset", &preset, "name", &o.name, "settings",
                        &changes, "save", &o.save, "keep", &keep, "load",
                        &o.load, "runs", &o.runs, "resume", &folder) ||
        !file_check_path("save", o.save, e) ||
        !file_check_path("load", o.load, e) ||
        !check_alone(folder, "preset", preset, e) ||
        !check_alone(folder, "load", o.load, e))
        return false;
    o.keep = keep;
    ok = (folder ? open_resume(&o, folder, &resume, e)
                 : preset_of_order(&o, preset, e)) &&
         (!changes || settings_json_read(changes, &o.settings, "start", e)) &&
         (!folder || resume_check_more(&resume, &o.settings, e)) &&
         model_check(&o.settings, "start", e) && replace_run(w, &o, e);
    resume_done(&resume);
    return ok;
}

static bool obey_restart(struct worker *w, json_t *command, struct error *e)
{
    struct order o = { .name = w->name, .settings = w->wanted,
                       .save = w->save, .keep = w->keep,
                       .runs = w->runs };
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

static bool write_snapshot(struct worker *w, const char *path, struct error *e)
{
    if (!snapshot_save(w->trainer, path, e))
        return false;
    emit_news(w, &(struct event){ .type = EVENT_SAVED,
                                  .saved = { w->trainer->step, path } });
    return true;
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
    struct error e;

    w->changed = false;
    if (!w->trainer)
        return;
    if (!trainer_change(w->trainer, &w->wanted, sink(w), &e)) {
        refuse_changes(w, &e);
        return;
    }
    w->saver.saved_step = w->guard.saved_step = -1;
    if (is_over(w))
        save_if_due(w, true);
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
    save_if_due(w, is_over(w));
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
        forget_snapshot(w);
    else if (w->trainer)
        save_run(w);
    if (w->trainer)
        say_done(w);
    if (w->trainer) /* last, for a front end may not wait for it */
        save_guard(w, sink(w));
    recorder_close(w->recorder);
    trainer_free(w->trainer);
    free(w->name);
    free(w->save);
    free(w->wrote);
    free(w->runs);
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
