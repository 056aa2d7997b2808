#include "events/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/journal.h"
#include "base/json_print.h"
#include "config.h"
#include "events/feed.h"
#include "events/news.h"
#include "settings/preset.h"

struct recorder {
    char folder[RECORD_PATH_SIZE];
    char snapshot[RECORD_PATH_SIZE];
    struct journal *journal;         /* owned */
    struct event_sink next;
    struct news news;
    struct origin origin;
    struct event memory;             /* the latest of the run; and the labels */
    struct labels labels;            /* that it has: said again at its end,
                                        where a reader looks first */
    int64_t turned;                  /* times, with steps between; each step
                                        says so, for readers of the end */
    bool idle;                       /* no step since the last turn */
    bool warned;
};

void recorder_warn(struct recorder *r, const struct error *why)
{
    char text[ERROR_TEXT_SIZE + 128];

    if (r->warned)
        return;
    r->warned = true;
    snprintf(text, sizeof(text), "the run goes on, but its record lacks what "
             "could not be written: %s", why->text);
    r->next.emit(r->next.arg, &(struct event){ .type = EVENT_WARNING,
                                               .message = text });
}

static void record_line(struct recorder *r, const struct event *event)
{
    struct event said = *event;
    struct error e;
    char *line;

    if (said.type == EVENT_STEP)
        said.step.turned = r->turned;
    line = json_line(event_json(&said));

    if (!journal_add(r->journal, line, &e))
        recorder_warn(r, &e);
    free(line);
}

static void add_label(void *arg, const struct event *event)
{
    record_line(arg, event);
}

/* Settings that hold from any working folder. */
static struct settings absolute(const struct settings *s)
{
    struct settings a = *s;

    if (*a.data_path)
        folder_make_absolute(a.data_path, sizeof(a.data_path));
    return a;
}

/* Writes the preset that repeats the run bit for bit: with the backend and the
 * number of threads that this machine has chosen. */
static void record_settings(struct recorder *r, const struct event *event)
{
    char path[RECORD_PATH_SIZE];
    struct settings whole = absolute(event->start.settings);
    struct preset preset = { .settings = machine_settle(&event->start.machine,
                                                        &whole) };
    struct error e;

    record_path(r->folder, RECORD_SETTINGS, path);
    if (access(path, F_OK) == 0)
        return;
    snprintf(preset.description, sizeof(preset.description),
             "a run of %.80s", strrchr(r->folder, '/') + 1);
    snprintf(preset.of, sizeof(preset.of), "%s", event->start.preset);
    if (!preset_write(&preset, path, false, &e) && access(path, F_OK) != 0)
        recorder_warn(r, &e);
}

static void add_start(struct recorder *r, const struct event *event)
{
    struct event start = *event;
    struct settings settings = absolute(event->start.settings);

    start.start.settings = &settings;
    start.start.folder = NULL;
    start.start.host = *r->origin.host ? r->origin.host : NULL;
    start.start.boot = *r->origin.boot ? r->origin.boot : NULL;
    start.start.pid = r->origin.pid;
    start.start.began = r->origin.began;
    start.start.time = (int64_t)time(NULL);
    start.start.version = PACKAGE_VERSION;
    record_line(r, &start);
}

/* A label that somebody has added since the record was opened. */
static bool take_label(void *arg, const char *line, size_t length)
{
    static const char begin[] = "{\"type\":\"label\",";
    struct recorder *r = arg;
    struct feed *feed;
    struct error e;

    if (length < sizeof(begin) || memcmp(line, begin, sizeof(begin) - 1) != 0)
        return true;
    feed = xcalloc(1, sizeof(*feed));
    feed_init(feed);
    if (feed_read(feed, line, length, &e) == FEED_EVENT)
        labels_take(&r->labels, &feed->event);
    free(feed);
    return true;
}

static void repeat_last_words(struct recorder *r)
{
    if (r->memory.type == EVENT_MEMORY)
        record_line(r, &r->memory);
    r->labels = (struct labels){ .count = 0 };
    record_lines(r->folder, take_label, r, NULL);
    labels_emit(&r->labels, (struct event_sink){ add_label, r });
}

/* How often a run was turned that goes on: steps after its snapshot do not
 * count. */
static void find_turns(struct recorder *r, const struct event *start)
{
    struct record before;

    r->turned = 0;
    r->idle = true;
    if (start->start.step == 0 ||
        !record_read(&before, r->folder, RECORD_EPOCHS, NULL))
        return;
    run_take(&before.run, start);
    r->turned = run_trial(&before.run)->number;
    record_done(&before);
}

/* Settings that are changed again before a step are no turn, as in run.c. */
static void count_turn(struct recorder *r, const struct event *applied)
{
    if (settings_same(applied->applied.before, applied->applied.after))
        return;
    r->turned += !r->idle;
    r->idle = true;
}

/* The folder may be moved, so readers know its snapshot by the file's name.
 * Another snapshot of that name is left out. */
static void record_saved(struct recorder *r, const struct event *event)
{
    const char *slash = strrchr(event->saved.path, '/');

    if (!slash || strcmp(slash + 1, RECORD_SNAPSHOT) != 0 ||
        strcmp(event->saved.path, r->snapshot) == 0)
        record_line(r, event);
}

static void record_event(struct recorder *r, const struct event *event)
{
    const struct event *step = news_before(&r->news, event);

    if (step)
        record_line(r, step);
    if (event->type == EVENT_MEMORY)
        r->memory = *event;
    if (event->type == EVENT_STEP)
        r->idle = false;
    if (event->type == EVENT_START)
        find_turns(r, event);
    if (event->type == EVENT_APPLIED)
        count_turn(r, event);
    if (!news_are(&r->news, event))
        return;
    switch (event->type) {
    case EVENT_START:
        record_settings(r, event);
        add_start(r, event);
        break;
    case EVENT_SAVED:
        record_saved(r, event);
        break;
    case EVENT_LEARNING: /* these are of the data, of the machine ... */
    case EVENT_TIMINGS:
    case EVENT_REFUSED:  /* ... and of a command, but no part of the run */
        break;
    case EVENT_DONE:
    case EVENT_ERROR:
        repeat_last_words(r);
        record_line(r, event);
        break;
    default:
        record_line(r, event);
        break;
    }
}

static void take_event_to_record(void *arg, const struct event *event)
{
    struct recorder *r = arg;
    struct event told = *event;

    if (told.type == EVENT_START)
        told.start.folder = r->folder;
    r->next.emit(r->next.arg, &told);
    record_event(r, event);
}

bool recorder_open(struct recorder **out, const char *folder,
                   struct event_sink next, struct error *e)
{
    struct recorder *r = xcalloc(1, sizeof(*r));
    char path[RECORD_PATH_SIZE];

    snprintf(r->folder, sizeof(r->folder), "%s", folder);
    record_path(folder, RECORD_SNAPSHOT, r->snapshot);
    r->next = next;
    origin_of_this(&r->origin);
    if (journal_open(&r->journal, record_path(folder, RECORD_EVENTS, path),
                     e)) {
        *out = r;
        return true;
    }
    free(r);
    return false;
}

void recorder_close(struct recorder *r)
{
    if (!r)
        return;
    journal_close(r->journal);
    free(r);
}

struct event_sink recorder_sink(struct recorder *r)
{
    return (struct event_sink){ take_event_to_record, r };
}

static void record_alone(void *arg, const struct event *event)
{
    record_event(arg, event);
}

struct event_sink recorder_alone(struct recorder *r)
{
    return (struct event_sink){ record_alone, r };
}

const char *recorder_snapshot(const struct recorder *r)
{
    return r->snapshot;
}
