#define _GNU_SOURCE

#include "events/record.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/journal.h"
#include "base/json_print.h"
#include "base/lines.h"
#include "events/feed.h"
#include "settings/preset.h"

/* Bytes at the beginning that mostly hold the first line, and at the end that
 * hold the last epoch and all that is said again at the end of a run. */
enum { HEAD_BYTES = 1 << 12, TAIL_BYTES = 1 << 11, TAIL_GROWTH = 8 };

/* Points that a chart can show of a curve; the usual bytes of a step's line. */
enum { CURVE_STEPS = 1 << 12, STEP_BYTES = 170 };

static const char *const files[] = { RECORD_SETTINGS, RECORD_EVENTS,
                                     RECORD_SNAPSHOT };

enum { FILE_COUNT = sizeof(files) / sizeof(files[0]) };

const char *record_state_name(enum record_state state)
{
    static const char *const names[RECORD_STATES] = {
        [RECORD_EMPTY] = "empty",       [RECORD_RUNNING] = "running",
        [RECORD_PAUSED] = "paused",     [RECORD_DONE] = "done",
        [RECORD_STOPPED] = "stopped",   [RECORD_DIVERGED] = "diverged",
        [RECORD_FAILED] = "failed",     [RECORD_ABORTED] = "aborted",
        [RECORD_UNREADABLE] = "unreadable",
    };

    return names[state];
}

const char *record_path(const char *folder, const char *file,
                        char path[RECORD_PATH_SIZE])
{
    snprintf(path, RECORD_PATH_SIZE, "%.*s/%.*s",
             RECORD_PATH_SIZE - RECORD_NAME_SIZE - 1, folder,
             RECORD_NAME_SIZE - 1, file);
    return path;
}

static bool has_file(const char *folder, const char *file)
{
    char path[RECORD_PATH_SIZE];

    return access(record_path(folder, file, path), F_OK) == 0;
}

bool record_is(const char *folder)
{
    return has_file(folder, RECORD_EVENTS) || has_file(folder, RECORD_SETTINGS);
}

struct record_stamp record_stamp(const char *folder)
{
    char path[RECORD_PATH_SIZE];
    struct stat status;

    if (stat(record_path(folder, RECORD_EVENTS, path), &status) != 0)
        return (struct record_stamp){ .is_record = record_is(folder) };
    return (struct record_stamp){ true, (uint64_t)status.st_size,
                                  status.st_mtim.tv_sec,
                                  status.st_mtim.tv_nsec };
}

bool record_stamp_same(const struct record_stamp *a,
                       const struct record_stamp *b)
{
    return a->is_record == b->is_record && a->bytes == b->bytes &&
           a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

/* A record that is being read. */
struct reading {
    struct record *record;
    enum record_part part;
    struct feed feed;
    struct line step;            /* the last that was passed over; text NULL:
                                    none */
    uint64_t each;               /* of RECORD_CURVES: every `each`th step ... */
    uint64_t steps;              /* ... of these is read */
    bool has_head;               /* the first line is a `start` */
    bool has_start, has_memory, has_step, has_epoch, has_end; /* were read */
};

/* Adds a name to those that are unknown, once. */
static void add_unknown(struct record *r, const char *text)
{
    size_t used = strlen(r->unknown);

    if (*text && !strstr(r->unknown, text) &&
        used + strlen(text) + 3 < sizeof(r->unknown))
        snprintf(r->unknown + used, sizeof(r->unknown) - used, "%s%s",
                 used ? ", " : "", text);
}

static void take_origin(struct record *r, const struct event *e)
{
    struct origin *o = &r->origin;

    snprintf(o->host, sizeof(o->host), "%s", e->start.host ? e->start.host :
             "");
    snprintf(o->boot, sizeof(o->boot), "%s", e->start.boot ? e->start.boot :
             "");
    o->pid = e->start.pid;
    o->began = e->start.began;
    snprintf(r->version, sizeof(r->version), "%s",
             e->start.version ? e->start.version : "");
}

static void take_recorded_start(struct reading *g, const struct event *e)
{
    struct record *r = g->record;

    if (!g->has_start) {
        r->time = e->start.time;
        r->has_settings = true;
        r->began_with = *e->start.settings;
    }
    g->has_start = true;
    g->has_step = false;
    r->lost_settings[0] = '\0';
    take_origin(r, e);
    r->turned = 0;
    r->epoch_began = e->start.step > 0 ? r->saved_epoch_began : 0;
    r->seconds = e->start.step > 0 ? r->saved_seconds : 0;
    if (e->start.step == r->saved_step) /* it has the snapshot with these */
        r->saved_settings = *e->start.settings;
    r->trouble[0] = '\0';
}

static void take_epoch(struct record *r, const struct event *e)
{
    struct score score = run_score(&r->run);
    double value = event_score(e, &score);

    r->epoch_began += e->epoch.seconds;
    r->seconds = fmax(r->seconds, r->epoch_began);
    r->train_loss = e->epoch.train_loss;
    r->train_accuracy = e->epoch.train_accuracy;
    r->valid_loss = e->epoch.valid_loss;
    r->valid_accuracy = e->epoch.valid_accuracy;
    if (!isnan(value))
        r->valid_score = value;
    if (!isnan(e->epoch.bleu))
        r->bleu = e->epoch.bleu;
}

/* The path in the event may be one that the folder had before. */
static void take_saved(struct record *r, const struct event *e)
{
    const char *slash = strrchr(e->saved.path, '/');

    if (!slash || strcmp(slash + 1, RECORD_SNAPSHOT) != 0 ||
        !run_trial(&r->run))
        return;
    r->saved_step = e->saved.step;
    r->saved_settings = r->run.settings;
    r->saved_seconds = r->seconds;
    r->saved_epoch_began = r->epoch_began;
}

static void take_last_figures(struct reading *g, const struct event *e)
{
    struct record *r = g->record;

    switch (e->type) {
    case EVENT_START:
        take_recorded_start(g, e);
        break;
    case EVENT_STEP:
        r->seconds = e->step.seconds;
        r->loss = e->step.loss;
        r->turned = e->step.turned;
        break;
    case EVENT_EPOCH:
        take_epoch(r, e);
        break;
    case EVENT_TEST:
        r->test_loss = e->test.loss;
        r->test_accuracy = e->test.accuracy;
        r->test_score = e->test.score;
        r->test_bleu = e->test.bleu;
        break;
    case EVENT_SAVED:
        take_saved(r, e);
        break;
    case EVENT_WARNING:
        r->warnings++;
        snprintf(r->warning, sizeof(r->warning), "%s", e->message);
        break;
    case EVENT_ERROR:
        snprintf(r->trouble, sizeof(r->trouble), "%s", e->message);
        break;
    default:
        break;
    }
}

/* The trials tell turns too, as far as they were read. */
static void count_turns(struct record *r)
{
    const struct trial *t = run_trial(&r->run);

    if (t && t->number > r->turned)
        r->turned = t->number;
}

static void take_recorded(struct reading *g, const struct event *e)
{
    g->has_memory |= e->type == EVENT_MEMORY;
    g->has_step |= e->type == EVENT_STEP;
    g->has_epoch |= e->type == EVENT_EPOCH;
    g->has_end = e->type == EVENT_DONE || e->type == EVENT_ERROR ||
                 (g->has_end && (e->type == EVENT_LABEL ||
                                 e->type == EVENT_SAVED));
    run_take(&g->record->run, e);
    labels_take(&g->record->labels, e);
    take_last_figures(g, e);
    count_turns(g->record);
}

static void read_event_line(struct reading *g, const char *text, size_t length)
{
    struct record *r = g->record;
    struct error e;

    switch (feed_read(&g->feed, text, length, &e)) {
    case FEED_EVENT:
        add_unknown(r, g->feed.unknown);
        take_recorded(g, &g->feed.event);
        break;
    case FEED_UNKNOWN:
        add_unknown(r, g->feed.unknown);
        break;
    case FEED_BAD:
        r->bad++;
        if (g->feed.lost_settings)
            snprintf(r->lost_settings, sizeof(r->lost_settings), "%.500s",
                     e.text);
        break;
    case FEED_OTHER_SCHEMA:
        r->error = e;
        break;
    }
}

/* Whether a line is of a step, as this program writes it. */
static bool is_step(const char *text, size_t length)
{
    static const char begin[] = "{\"type\":\"step\",";

    return length > sizeof(begin) - 1 &&
           memcmp(text, begin, sizeof(begin) - 1) == 0;
}

/* Reads the last step that was passed over. */
static void read_last_step(struct reading *g)
{
    if (g->step.text)
        read_event_line(g, g->step.text, g->step.length);
    g->step.text = NULL;
}

/* Whether a line is read at once. Of several steps only the last is, or every
 * `each`th, or all are. */
static bool is_read(struct reading *g, bool step)
{
    return !step || g->part == RECORD_WHOLE ||
           (g->part == RECORD_CURVES && g->steps++ % g->each == 0);
}

static void take_line(struct reading *g, const struct line *line)
{
    bool step = is_step(line->text, line->length);

    if (line->too_long) {
        g->record->bad++;
    } else if (!is_read(g, step)) {
        g->step = *line;
    } else {
        if (step)
            g->step.text = NULL;
        read_last_step(g);
        if (line->length > 0)
            read_event_line(g, line->text, line->length);
    }
}

/* Calls `take` with each line of a text; a last one without an end counts only
 * if it is whole, which only its reader can tell. */
static void split_lines(struct reading *g, const char *text, size_t length)
{
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        size_t n = end ? (size_t)(end - text) : length;

        take_line(g, &(struct line){ text, n, n >= LINES_MAX });
        n += end != NULL;
        text += n;
        length -= n;
    }
    read_last_step(g);
}

static char *read_window(int fd, uint64_t from, size_t bytes)
{
    char *text = xcalloc(bytes, 1);

    if (file_read_at(fd, text, bytes, from))
        return text;
    free(text);
    return NULL;
}

/* Reads the first line, which is the `start` of most runs. */
static void read_head(struct reading *g, int fd, uint64_t size)
{
    size_t bytes = size < LINES_MAX ? (size_t)size : LINES_MAX;
    size_t most = bytes < HEAD_BYTES ? bytes : HEAD_BYTES;
    char *text = read_window(fd, 0, most), *end;

    end = text ? memchr(text, '\n', most) : NULL;
    if (!end && most < bytes) {
        free(text);
        most = bytes;
        text = read_window(fd, 0, most);
        end = text ? memchr(text, '\n', most) : NULL;
    }
    if (end)
        read_event_line(g, text, (size_t)(end - text));
    g->has_head = g->has_start;
    free(text);
}

/* Forgets what was read, but for what a later reading sets. */
static void begin_again(struct reading *g)
{
    struct record *r = g->record;

    run_done(&r->run);
    r->trouble[0] = r->lost_settings[0] = '\0';
    r->labels = (struct labels){ .count = 0 };
    r->warnings = r->bad = 0;
    r->seconds = r->epoch_began = 0;
    g->has_head = g->has_start = g->has_memory = g->has_step = false;
    g->has_epoch = g->has_end = false;
}

/* Whether the first and the last lines tell all that more of them would: the
 * start, how the run ended, the memory, the last step and the score that it
 * had. Labels are said again before its end, after its memory. A run that went
 * on last has these if it made a step since. A record that was labelled, or
 * failed, before it began has its start later. */
static bool knows_enough(const struct reading *g)
{
    const struct run *r = &g->record->run;

    return g->has_head && g->has_end && g->has_memory &&
           (g->has_step || r->step == 0) && (g->has_epoch || r->epoch <= 1);
}

/* Reads the first line and those that begin in the last `bytes` bytes. */
static void read_tail(struct reading *g, int fd, uint64_t size, uint64_t bytes)
{
    char *text = read_window(fd, size - bytes, (size_t)bytes);
    char *line = text ? memchr(text, '\n', (size_t)bytes) : NULL;

    begin_again(g);
    read_head(g, fd, size);
    if (line)
        split_lines(g, line + 1, (size_t)(bytes - (size_t)(line + 1 - text)));
    free(text);
}

static bool fill_lines(struct lines *l, int fd)
{
    ssize_t n = TEMP_FAILURE_RETRY(lines_fill(l, fd));

    return n > 0 || lines_end(l);
}

static void read_all_lines(struct reading *g, int fd)
{
    struct lines *l = xcalloc(1, sizeof(*l));
    struct line line;

    lines_init(l);
    while (fill_lines(l, fd)) {
        while (lines_next(l, &line))
            take_line(g, &line);
        read_last_step(g); /* before its bytes make room */
    }
    free(l);
}

static void read_ends(struct reading *g, int fd, uint64_t size)
{
    for (uint64_t bytes = TAIL_BYTES; bytes < size; bytes *= TAIL_GROWTH) {
        read_tail(g, fd, size, bytes);
        if (knows_enough(g))
            return;
    }
    begin_again(g);
    read_all_lines(g, fd);
}

bool record_lines(const char *folder,
                  bool (*take)(void *arg, const char *line, size_t length),
                  void *arg, struct error *e)
{
    char path[RECORD_PATH_SIZE];
    struct lines *l;
    struct line line;
    uint64_t size;
    int fd = file_open(record_path(folder, RECORD_EVENTS, path), UINT64_MAX,
                       &size, e);
    bool on = fd >= 0;

    if (fd < 0)
        return false;
    l = xcalloc(1, sizeof(*l));
    lines_init(l);
    while (on && fill_lines(l, fd))
        while (on && lines_next(l, &line))
            on = line.too_long || take(arg, line.text, line.length);
    free(l);
    close(fd);
    return true;
}

/* The state of a run that has not said how it ended. */
static enum record_state state_of_open(struct record *r)
{
    struct origin here;
    enum origin_life life;

    origin_of_this(&here);
    life = origin_life(&r->origin, &here);
    r->guessed = life == ORIGIN_ELSEWHERE;
    if (r->guessed)
        life = time(NULL) - r->written < RECORD_SILENCE ? ORIGIN_LIVES
                                                        : ORIGIN_ENDED;
    return life != ORIGIN_LIVES ? RECORD_ABORTED
           : r->run.paused      ? RECORD_PAUSED
                                : RECORD_RUNNING;
}

static enum record_state state_of(struct record *r)
{
    static const enum record_state of[] = {
        [RUN_DONE] = RECORD_DONE,         [RUN_STOPPED] = RECORD_STOPPED,
        [RUN_DIVERGED] = RECORD_DIVERGED, [RUN_FAILED] = RECORD_FAILED,
    };

    if (r->error.code != EXIT_OK)
        return RECORD_UNREADABLE;
    if (!run_trial(&r->run))
        return *r->trouble ? RECORD_FAILED : RECORD_EMPTY;
    return r->run.end == RUN_OPEN ? state_of_open(r) : of[r->run.end];
}

/* Notes the files that are there, and when the events were written. */
static void look_at_files(struct record *r)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        char path[RECORD_PATH_SIZE];
        struct stat status;
        if (stat(record_path(r->folder, files[i], path), &status) != 0)
            continue;
        r->bytes += (uint64_t)status.st_size;
        if (strcmp(files[i], RECORD_EVENTS) == 0 || !r->written)
            r->written = status.st_mtim.tv_sec;
        if (strcmp(files[i], RECORD_SNAPSHOT) == 0) {
            r->has_snapshot = true;
            r->snapshot_bytes = (uint64_t)status.st_size;
        }
    }
    if (!r->time)
        r->time = r->written;
}

static void read_events(struct record *r, enum record_part part)
{
    struct reading g = { .record = r, .part = part };
    char path[RECORD_PATH_SIZE];
    uint64_t size;
    int fd;

    if (!has_file(r->folder, RECORD_EVENTS))
        return;
    fd = file_open(record_path(r->folder, RECORD_EVENTS, path), UINT64_MAX,
                   &size, &r->error);
    if (fd < 0)
        return;
    feed_init(&g.feed);
    g.each = 1 + size / STEP_BYTES / CURVE_STEPS;
    g.feed.notes_unknown = part != RECORD_ENDS;
    if (part == RECORD_ENDS)
        read_ends(&g, fd, size);
    else
        read_all_lines(&g, fd);
    close(fd);
}

/* The settings of a run that has not begun. */
static void read_first_settings(struct record *r)
{
    char path[RECORD_PATH_SIZE];
    struct preset preset;

    if (run_trial(&r->run) ||
        !preset_load(&preset, record_path(r->folder, RECORD_SETTINGS, path),
                     NULL))
        return;
    r->has_settings = true;
    r->began_with = preset.settings;
    snprintf(r->run.preset, sizeof(r->run.preset), "%s", preset.of);
}

/* The name of a folder: the last part of its path. */
static void name_record(struct record *r, const char *folder)
{
    const char *slash;

    snprintf(r->folder, sizeof(r->folder), "%s", folder);
    for (size_t n = strlen(r->folder); n > 1 && r->folder[n - 1] == '/'; n--)
        r->folder[n - 1] = '\0';
    slash = strrchr(r->folder, '/');
    snprintf(r->name, sizeof(r->name), "%.*s", RECORD_NAME_SIZE - 1,
             slash ? slash + 1 : r->folder);
}

static void record_init(struct record *r)
{
    memset(r, 0, sizeof(*r));
    run_init(&r->run);
    settings_init(&r->began_with);
    r->saved_step = -1;
    r->seconds = r->loss = r->train_loss = r->train_accuracy = NAN;
    r->valid_loss = r->valid_accuracy = r->valid_score = r->bleu = NAN;
    r->test_loss = r->test_accuracy = r->test_score = r->test_bleu = NAN;
}

bool record_read(struct record *r, const char *folder, enum record_part part,
                 struct error *e)
{
    record_init(r);
    name_record(r, folder);
    if (!record_is(r->folder))
        return error_set(e, EXIT_INPUT, "%s: not the folder of a run: neither "
                         RECORD_EVENTS " nor " RECORD_SETTINGS " is there",
                         folder);
    read_events(r, part);
    read_first_settings(r);
    look_at_files(r);
    r->state = state_of(r);
    return true;
}

void record_done(struct record *r)
{
    run_done(&r->run);
}

double record_score(const struct record *r)
{
    return isnan(r->test_score) ? r->valid_score : r->test_score;
}

bool record_check_ended(const struct record *r, const char *what,
                        struct error *e)
{
    if (r->state != RECORD_RUNNING && r->state != RECORD_PAUSED)
        return true;
    if (r->guessed)
        return error_set(e, EXIT_INPUT, "%s: not %s: it is under way on host "
                         "'%s', for its last line is less than %d minutes old",
                         r->name, what, r->origin.host, RECORD_SILENCE / 60);
    return error_set(e, EXIT_INPUT, "%s: not %s: it is under way in process "
                     "%lld; end that first", r->name, what,
                     (long long)r->origin.pid);
}

static bool add_to_record(const struct record *r, const struct event *event,
                          struct error *e)
{
    char path[RECORD_PATH_SIZE], *line;
    struct journal *j;
    bool ok;

    if (!journal_open(&j, record_path(r->folder, RECORD_EVENTS, path), e))
        return false;
    line = json_line(event_json(event));
    ok = journal_add(j, line, e);
    free(line);
    journal_close(j);
    return ok;
}

static void repeat_label(void *record, const struct event *label)
{
    add_to_record(record, label, NULL);
}

/* Labels are said again before an end: knows_enough(). */
bool record_add_error(const struct record *r, const char *message,
                      struct error *e)
{
    labels_emit(&r->labels,
                (struct event_sink){ repeat_label, (struct record *)r });
    return add_to_record(r, &(struct event){ .type = EVENT_ERROR,
                                             .message = message }, e);
}

/* Several hosts that add to one file at once can lose each other's lines. */
bool record_label(const struct record *r, const struct event *label,
                  struct error *e)
{
    return (!r->guessed || record_check_ended(r, "labelled", e)) &&
           add_to_record(r, label, e);
}

static bool remove_file(const struct record *r, const char *name,
                        struct error *e)
{
    char path[RECORD_PATH_SIZE];

    return remove(record_path(r->folder, name, path)) == 0 ||
           errno == ENOENT ||
           error_set(e, EXIT_RUN, "%s: %s", path, strerror(errno));
}

bool record_remove_snapshot(const struct record *r, struct error *e)
{
    return remove_file(r, RECORD_SNAPSHOT, e);
}

/* Whether a name in the folder is of the record: one of its files, or a draft
 * of one, left by a process that was killed. */
static bool is_of_record(const char *name)
{
    for (int i = 0; i < FILE_COUNT; i++)
        if (strcmp(name, files[i]) == 0 || draft_is_of(name, files[i]))
            return true;
    return false;
}

/* Calls `see` with the name of each file in a folder, until that says false. */
static bool see_files(const struct record *r,
                      bool (*see)(const struct record *, const char *name,
                                  struct error *), struct error *e)
{
    DIR *d = opendir(r->folder);
    struct dirent *entry;
    bool ok = d || error_set(e, EXIT_RUN, "%s: %s", r->folder,
                             strerror(errno));

    while (ok && (entry = readdir(d)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = see(r, entry->d_name, e);
    if (d)
        closedir(d);
    return ok;
}

static bool refuse_stranger(const struct record *r, const char *name,
                            struct error *e)
{
    return is_of_record(name) ||
           error_set(e, EXIT_INPUT, "%s: not removed: '%s' in it is not of the "
                     "run; remove that first", r->folder, name);
}

static bool remove_but_events(const struct record *r, const char *name,
                              struct error *e)
{
    return strcmp(name, RECORD_EVENTS) == 0 || remove_file(r, name, e);
}

bool record_check_no_link(const char *folder, struct error *e)
{
    return !file_is_link(folder) ||
           error_set(e, EXIT_INPUT, "%s: a link, and not the folder of a run; "
                     "remove the link itself, or the run where it is", folder);
}

bool record_check_removable(const struct record *r, struct error *e)
{
    return record_check_no_link(r->folder, e) &&
           see_files(r, refuse_stranger, e);
}

/* The events go last: until then the record is one. */
bool record_remove(const struct record *r, struct error *e)
{
    return record_check_removable(r, e) &&
           see_files(r, remove_but_events, e) &&
           remove_file(r, RECORD_EVENTS, e) &&
           (remove(r->folder) == 0 ||
            error_set(e, EXIT_RUN, "%s: %s", r->folder, strerror(errno)));
}
