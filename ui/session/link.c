#include "ui/session/link.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/json_print.h"
#include "base/lines.h"
#include "base/text.h"
#include "events/feed.h"
#include "events/record.h"
#include "settings/settings_json.h"
#include "ui/session/snapshot_path.h"

enum { SENTENCE_SIZE = ERROR_TEXT_SIZE, WORDS_SIZE = 1024,
       GARBAGE_MAX = 1 << 20 /* bytes without an event between */ };

/* Seconds without an event before the silence is told; seconds for a worker to
 * end when it is asked to, and when its output has ended. */
static const double patience_seconds = 30;
static const double farewell_seconds = 0.5;
static const double reap_seconds = 0.1;

/* The last snapshot of a run, to restart it from. A run that was begun but has
 * not said `start` has that which it begins with. */
struct kept {
    char folder[FEED_TEXT_SIZE]; /* that the worker keeps the run in, with its
                                    snapshots; "": it does not */
    bool has_snapshot;
    int64_t step;
    struct settings settings;    /* in force there */
};

/* The run that goes on if another is refused. */
struct former {
    char *name;                  /* owned; "": there was none */
    struct settings wanted, in_force;
    int64_t sets;
    enum link_state state;       /* LINK_FAILED or LINK_DEAD: no run */
    struct kept kept;
};

struct link {
    char *command;               /* owned; NULL: this program's worker */
    struct child child;          /* the worker */
    struct lines lines;
    bool drained;                /* no whole line is left in `lines` */
    struct feed feed;
    struct event warning;        /* of the link's own */
    char warning_text[SENTENCE_SIZE];
    enum link_state state;
    enum error_reason reason;    /* of LINK_FAILED */
    char sentence[SENTENCE_SIZE];
    double heard;                /* when the last event came */
    double patience;             /* for the next, seconds */
    bool silent;
    bool garbled;                /* since the last event; warned of */
    char words[WORDS_SIZE];      /* the last line that was no event */
    size_t unread;               /* bytes since the last event */
    char *name;                  /* owned; of the run */
    struct settings in_force, wanted;
    int64_t sets;                /* commands `set` to the run */
    int starts;                  /* commands `start` without an answer */
    struct former former;        /* while there are any */
    int pauses;                  /* commands `pause` and `resume` without an
                                    answer ... */
    bool pausing;                /* ... and whether the last was `pause` */
    struct snapshot_path save;   /* where the snapshots of a run are that is
                                    kept in no folder */
    struct kept kept;
};

const char *link_state_name(enum link_state state)
{
    static const char *const names[] = {
        [LINK_STARTING] = "starting", [LINK_RUNNING] = "running",
        [LINK_PAUSED] = "paused",     [LINK_DONE] = "done",
        [LINK_FAILED] = "failed",     [LINK_DEAD] = "no worker",
    };

    return names[state];
}

static void say(struct link *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct link *l, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(l->sentence, sizeof(l->sentence), format, args);
    va_end(args);
}

struct link *link_new(const char *worker)
{
    struct link *l = xcalloc(1, sizeof(*l));

    l->command = worker ? xstrdup(worker) : NULL;
    child_init(&l->child);
    l->state = LINK_DEAD;
    l->patience = patience_seconds;
    l->name = xstrdup("");
    l->former.name = xstrdup("");
    feed_init(&l->feed);
    l->wanted = l->in_force = l->feed.settings;
    snapshot_path_init(&l->save, !worker);
    return l;
}

static bool has_worker(const struct link *l)
{
    return l->child.pid != 0;
}

static void lose_worker(struct link *l)
{
    l->state = l->former.state = LINK_DEAD;
    l->starts = l->pauses = 0;
}

/* False if no worker could be started. */
static bool start_worker(struct link *l)
{
    lines_init(&l->lines);
    l->drained = true;
    l->garbled = false;
    l->words[0] = '\0';
    l->unread = 0;
    if (child_start(&l->child, l->command
                                   ? (const char *[]){ "/bin/sh", "-c",
                                                       l->command, NULL }
                                   : (const char *[]){ CHILD_SELF, "worker",
                                                       NULL }))
        return true;
    say(l, "no worker can be started: %s", strerror(errno));
    lose_worker(l);
    return false;
}

static void kill_worker(struct link *l)
{
    if (!has_worker(l))
        return;
    child_kill(&l->child);
    lose_worker(l);
}

/* Sends a command and frees it. */
static void send_command(struct link *l, json_t *command)
{
    char *line = json_line(command);

    if (!child_send(&l->child, line)) {
        say(l, "the worker does not read its commands and was ended");
        kill_worker(l);
    }
    free(line);
}

static void send_word(struct link *l, const char *command)
{
    if (has_worker(l))
        send_command(l, json_pack("{ss}", "command", command));
}

/* Says how the worker ended, with its last words if they were no event. */
static void say_how_ended(struct link *l)
{
    const char *colon = l->words[0] ? ": " : "";
    int number = l->child.signal, status = l->child.status;

    if (child_starved(&l->child))
        say(l, "memory ran out and the system ended the worker: let a dial "
            "take less");
    else if (number)
        say(l, "the worker was ended by signal %d, %s%s%s", number,
            strsignal(number), colon, l->words);
    else if (status != 0)
        say(l, "the worker ended with status %d%s%s", status, colon, l->words);
    else
        say(l, "the worker ended%s%s", colon, l->words);
}

/* The worker has ended, or its output has. */
static void bury(struct link *l, bool closed)
{
    if (l->child.ended || (closed && child_reap(&l->child, reap_seconds)))
        say_how_ended(l);
    else
        say(l, "the worker closed its output and was ended");
    kill_worker(l); /* processes that it may have left in its group */
}

static void check_silence(struct link *l)
{
    double seconds = clock_seconds() - l->heard;

    l->silent = seconds > l->patience &&
                (l->state == LINK_STARTING || l->state == LINK_RUNNING);
    if (l->silent)
        say(l, "the worker has said nothing for %.0f seconds", seconds);
}

void link_update(struct link *l)
{
    ssize_t n;

    child_flush(&l->child);
    if (!has_worker(l) || !l->drained)
        return;
    n = lines_fill(&l->lines, l->child.from);
    if (n > 0 || (n == 0 && lines_end(&l->lines))) {
        l->unread += (size_t)n;
        l->drained = false;
    } else if (n == 0 || l->child.ended) {
        bury(l, n == 0);
    } else if (!child_reap(&l->child, 0)) {
        check_silence(l); /* else the next look finds its last words */
    }
}

/* The settings asked for are those in force once no answer to a `set` is
 * outstanding. */
static void settle_wanted(struct link *l, int64_t sets)
{
    if (l->state != LINK_STARTING && sets == l->sets)
        l->wanted = l->in_force;
}

static void fail_link(struct link *l, const char *message)
{
    l->state = LINK_FAILED;
    say(l, "%s", message);
}

/* Remembers the run before another is asked for, unless it was only asked for
 * itself and has not begun. */
static void remember_run(struct link *l)
{
    struct former *f = &l->former;

    if (l->starts > 0)
        return;
    xreplace(&f->name, l->name);
    f->wanted = l->wanted;
    f->in_force = l->in_force;
    f->sets = l->sets;
    f->state = l->state;
    f->kept = l->kept;
}

/* A `set` that was sent meanwhile counts for the run that goes on. */
static void recall_run(struct link *l)
{
    const struct former *f = &l->former;

    xreplace(&l->name, f->name);
    l->wanted = f->wanted;
    l->in_force = f->in_force;
    l->sets += f->sets;
    l->state = f->state;
    l->kept = f->kept;
}

static void take_refused_start(struct link *l, const struct event *event)
{
    if (l->starts > 0 && --l->starts > 0)
        return;
    if (*l->former.name)
        recall_run(l);
    if (l->former.state == LINK_FAILED || l->former.state == LINK_DEAD)
        fail_link(l, event->refused.message);
}

static bool is_pause(const char *command)
{
    return strcmp(command, "pause") == 0 || strcmp(command, "resume") == 0;
}

static void take_refusal(struct link *l, const struct event *event)
{
    if (strcmp(event->refused.command, "start") == 0)
        take_refused_start(l, event);
    else if (is_pause(event->refused.command))
        l->pauses -= l->pauses > 0;
    else
        settle_wanted(l, event->refused.sets);
}

/* If several runs were asked for the last one counts. Until it answers, the run
 * of this `start` is the former one. */
static void take_start(struct link *l, const struct event *event)
{
    const char *folder = event->start.folder ? event->start.folder : "";

    l->starts -= l->starts > 0;
    if (l->starts > 0) {
        xreplace(&l->former.name, event->start.preset);
        l->former.wanted = l->former.in_force = *event->start.settings;
        l->former.sets = 0;
        l->former.state = LINK_RUNNING;
        l->former.kept.has_snapshot = false;
        snprintf(l->former.kept.folder, sizeof(l->former.kept.folder), "%s",
                 folder);
        return;
    }
    l->state = LINK_RUNNING;
    l->in_force = *event->start.settings;
    l->sentence[0] = '\0';
    l->kept.has_snapshot &= event->start.step > 0;
    snprintf(l->kept.folder, sizeof(l->kept.folder), "%s", folder);
}

static void take_change(struct link *l, const struct event *event)
{
    if (l->state == LINK_STARTING) {
        l->former.in_force = l->former.wanted = *event->applied.after;
        return;
    }
    l->in_force = *event->applied.after;
    settle_wanted(l, event->applied.sets);
}

/* Whether a run's snapshot is one to restart it from. */
static bool is_own_snapshot(const struct link *l, const char *folder,
                            const char *path)
{
    char kept[RECORD_PATH_SIZE];

    record_path(folder, RECORD_SNAPSHOT, kept);
    return strcmp(path, *folder ? kept : l->save.text) == 0;
}

static void take_snapshot(struct link *l, const struct event *event)
{
    bool of_former = l->state == LINK_STARTING;
    struct kept *kept = of_former ? &l->former.kept : &l->kept;

    if (!is_own_snapshot(l, kept->folder, event->saved.path))
        return;
    kept->has_snapshot = true;
    kept->step = event->saved.step;
    kept->settings = of_former ? l->former.in_force : l->in_force;
}

static void change_state(struct link *l, enum link_state state)
{
    if (l->state == LINK_STARTING) /* the event is the former run's */
        l->former.state = state;
    else
        l->state = state;
}

static void take_pause(struct link *l, enum link_state state)
{
    l->pauses -= l->pauses > 0;
    change_state(l, state);
}

static void take_event(struct link *l, const struct event *event)
{
    switch (event->type) {
    case EVENT_START:
        take_start(l, event);
        break;
    case EVENT_APPLIED:
        take_change(l, event);
        break;
    case EVENT_REFUSED:
        take_refusal(l, event);
        break;
    case EVENT_PAUSED:
        take_pause(l, LINK_PAUSED);
        break;
    case EVENT_RESUMED:
        take_pause(l, LINK_RUNNING);
        break;
    case EVENT_SAVED:
        take_snapshot(l, event);
        break;
    case EVENT_ERROR: /* a snapshot would lead there again */
        l->starts -= l->starts > 0;
        l->former.state = LINK_FAILED;
        l->kept.has_snapshot = l->former.kept.has_snapshot = false;
        fail_link(l, event->message);
        break;
    case EVENT_DONE:
        change_state(l, LINK_DONE);
        break;
    case EVENT_LEARNING:
    case EVENT_TIMINGS:
    case EVENT_MEMORY:
    case EVENT_STEP:
    case EVENT_EPOCH:
    case EVENT_TEST:
    case EVENT_LABEL:
    case EVENT_WARNING:
    case EVENT_COUNT:
        break;
    }
}

/* Warns of the first of several lines that are no events. Before the worker
 * begins they may be a login's banner, or say why there is no worker. */
static const struct event *take_garbage(struct link *l,
                                        const struct line *line,
                                        const char *why)
{
    text_clean(l->words, sizeof(l->words), line->text, line->length);
    if (l->garbled)
        return NULL;
    l->garbled = true;
    if (l->state == LINK_STARTING && !line->too_long)
        snprintf(l->warning_text, sizeof(l->warning_text),
                 "the worker's command says: %s", l->words);
    else
        snprintf(l->warning_text, sizeof(l->warning_text),
                 "output of the worker: %.*s", text_cut(why, 400), why);
    l->warning = (struct event){ .type = EVENT_WARNING,
                                 .message = l->warning_text };
    return &l->warning;
}

static void hear(struct link *l)
{
    if (l->silent)
        l->sentence[0] = '\0';
    l->silent = l->garbled = false;
    l->heard = clock_seconds();
    l->unread = 0;
    l->words[0] = '\0';
}

/* The event that a line is or causes, if any. */
static const struct event *take_worker_line(struct link *l,
                                            const struct line *line)
{
    struct error e;

    if (line->too_long)
        return take_garbage(l, line, "a line without an end");
    switch (feed_read(&l->feed, line->text, line->length, &e)) {
    case FEED_EVENT:
        hear(l);
        take_event(l, &l->feed.event);
        return &l->feed.event;
    case FEED_UNKNOWN:
        hear(l);
        return NULL;
    case FEED_OTHER_SCHEMA:
        say(l, "%s", e.text);
        kill_worker(l);
        return NULL;
    case FEED_BAD:
        break;
    }
    return take_garbage(l, line, e.text);
}

const struct event *link_next(struct link *l)
{
    const struct event *event = NULL;
    struct line line;

    while (!event && has_worker(l) && lines_next(&l->lines, &line))
        event = take_worker_line(l, &line);
    if (event)
        return event;
    l->drained = true;
    if (has_worker(l) && l->unread > GARBAGE_MAX) {
        say(l, "the worker printed no events but other things, as '%s', and "
            "was ended", l->words);
        kill_worker(l);
    }
    return NULL;
}

/* Adds what a run is to begin with: its folder, which it then goes on in, or a
 * snapshot that is in no folder. */
static void add_snapshot(const struct link *l, json_t *command)
{
    if (*l->kept.folder)
        json_put(command, "resume", json_text(l->kept.folder));
    else
        json_put(command, "load", json_text(l->save.text));
}

/* Begins a run: a command adds what it begins with, which this releases. */
static void start_run(struct link *l, json_t *command)
{
    if (l->silent)
        kill_worker(l);
    l->silent = false;
    l->sentence[0] = '\0';
    l->sets = 0;
    l->heard = clock_seconds();
    l->in_force = l->wanted;
    if (!has_worker(l) && !start_worker(l)) {
        json_decref(command);
        return;
    }
    l->state = LINK_STARTING;
    l->starts++;
    send_command(l, command);
}

/* The command that begins a run. */
static json_t *start_command(const struct link *l)
{
    return json_pack("{ss so so sb}", "command", "start", "name",
                     json_text(l->name), "save", json_text(l->save.text),
                     "keep", 0);
}

static void name_next_run(struct link *l, const char *name,
                          const struct settings *s)
{
    remember_run(l);
    xreplace(&l->name, name);
    l->wanted = *s;
    l->kept = (struct kept){ .settings = *s };
}

void link_begin(struct link *l, const char *name, const struct settings *s)
{
    json_t *command;

    name_next_run(l, name, s);
    command = start_command(l);
    json_put(command, "settings", settings_json(&l->wanted));
    start_run(l, command);
}

/* The settings are those that the folder has: a person wants no others. */
void link_continue(struct link *l, const char *name, const struct settings *s,
                   const char *folder, int64_t step)
{
    json_t *command;

    name_next_run(l, name, s);
    snprintf(l->kept.folder, sizeof(l->kept.folder), "%s", folder);
    l->kept.has_snapshot = true;
    l->kept.step = step;
    command = start_command(l);
    add_snapshot(l, command);
    start_run(l, command);
}

void link_restart(struct link *l)
{
    json_t *command;

    assert(l->kept.has_snapshot);
    remember_run(l);
    l->wanted = l->kept.settings;
    command = start_command(l);
    json_put(command, "settings", settings_json(&l->wanted));
    add_snapshot(l, command);
    start_run(l, command);
}

bool link_has_snapshot(const struct link *l, int64_t *step)
{
    if (l->kept.has_snapshot && step)
        *step = l->kept.step;
    return l->kept.has_snapshot;
}

void link_set(struct link *l, const struct settings *s)
{
    json_t *changes = settings_json_changes(&l->wanted, s);

    l->wanted = *s;
    if (json_object_size(changes) == 0 || !has_worker(l) ||
        l->state == LINK_FAILED) {
        json_decref(changes);
        return;
    }
    l->sets++;
    send_command(l, json_pack("{ss so}", "command", "set", "settings",
                              changes));
}

void link_pause(struct link *l, bool pause)
{
    if (!has_worker(l))
        return;
    l->pauses++;
    l->pausing = pause;
    send_word(l, pause ? "pause" : "resume");
}

bool link_pauses(const struct link *l)
{
    return l->pauses > 0 ? l->pausing : l->state == LINK_PAUSED;
}

void link_save(struct link *l, const char *path)
{
    if (has_worker(l))
        send_command(l, json_pack("{ss so}", "command", "save", "path",
                                  json_text(path)));
}

void link_stop(struct link *l)
{
    send_word(l, "stop");
}

void link_free(struct link *l)
{
    if (!l)
        return;
    link_stop(l);
    child_hang_up(&l->child);
    if (has_worker(l))
        child_reap(&l->child, farewell_seconds);
    child_done(&l->child);
    snapshot_path_done(&l->save);
    free(l->command);
    free(l->name);
    free(l->former.name);
    free(l);
}

void link_patience(struct link *l, double seconds)
{
    l->patience = seconds;
}

int link_fd(const struct link *l)
{
    return l->child.from;
}

int link_starts(const struct link *l)
{
    return l->starts;
}

enum link_state link_state(const struct link *l)
{
    return l->state;
}

bool link_silent(const struct link *l)
{
    return l->silent;
}

const char *link_sentence(const struct link *l)
{
    return l->sentence;
}

const char *link_name(const struct link *l)
{
    return l->name;
}

const struct settings *link_settings(const struct link *l)
{
    return &l->in_force;
}

const struct settings *link_wanted(const struct link *l)
{
    return &l->wanted;
}
