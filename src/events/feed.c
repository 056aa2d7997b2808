#include "events/feed.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_print.h"
#include "base/text.h"
#include "settings/settings_json.h"

void feed_init(struct feed *f)
{
    memset(f, 0, sizeof(*f));
    settings_init(&f->settings);
}

static bool refuse(const json_t *line, const char *member, const char *wanted,
                   struct error *e)
{
    const char *type = json_string_value(json_object_get(line, "type"));

    return error_set(e, EXIT_INPUT, "event '%.40s': member %s is %s", type,
                     member, json_object_get(line, member) ? wanted :
                                                             "missing");
}

static bool read_count(const json_t *line, const char *member, int64_t *count,
                       struct error *e)
{
    const json_t *value = json_object_get(line, member);

    *count = json_integer_value(value);
    return (json_is_integer(value) && *count >= 0) ||
           refuse(line, member, "not a whole number from 0 up", e);
}

static bool read_bytes(const json_t *line, const char *member, uint64_t *bytes,
                       struct error *e)
{
    int64_t count;

    if (!read_count(line, member, &count, e))
        return false;
    *bytes = (uint64_t)count;
    return true;
}

static bool read_int(const json_t *line, const char *member, int max,
                     int *number, struct error *e)
{
    int64_t count;

    if (!read_count(line, member, &count, e))
        return false;
    if (count > max)
        return refuse(line, member, "too large", e);
    *number = (int)count;
    return true;
}

/* null stands for what is not finite. */
static bool read_number(const json_t *line, const char *member, double *number,
                        struct error *e)
{
    const json_t *value = json_object_get(line, member);

    *number = json_is_number(value) ? json_number_value(value) : NAN;
    return json_is_number(value) || json_is_null(value) ||
           refuse(line, member, "not a number", e);
}

static bool read_text(const json_t *line, const char *member,
                      char text[FEED_TEXT_SIZE], struct error *e)
{
    const json_t *value = json_object_get(line, member);

    if (!json_is_string(value))
        return refuse(line, member, "not text", e);
    text_clean(text, FEED_TEXT_SIZE, json_string_value(value),
               json_string_length(value));
    return true;
}

/* As it is, for it is compared and may be opened. */
static bool read_path(const json_t *line, const char *member,
                      char path[FEED_TEXT_SIZE], struct error *e)
{
    const char *value = json_string_value(json_object_get(line, member));

    if (!value)
        return refuse(line, member, "not text", e);
    snprintf(path, FEED_TEXT_SIZE, "%s", value);
    return true;
}

/* A worker may have settings that this version has not. */
static bool read_settings(const json_t *line, struct settings *s,
                          struct error *e)
{
    json_t *all = json_object_get(line, "settings");
    json_t *known = json_object(), *value;
    const char *name;
    bool ok;

    if (!json_is_object(all)) {
        json_decref(known);
        return refuse(line, "settings", "not an object", e);
    }
    json_object_foreach(all, name, value)
        if (settings_find(name))
            json_put(known, name, json_incref(value));
    ok = settings_json_read(known, s, "settings of the worker", e);
    json_decref(known);
    return ok;
}

/* It can have no more processors than the setting `threads` can ask for. */
static bool read_machine(const json_t *line, struct machine *m,
                         struct error *e)
{
    char backend[FEED_TEXT_SIZE];

    if (!read_text(line, "backend", backend, e) ||
        !read_int(line, "processors", (int)settings_find("threads")->max,
                  &m->processors, e))
        return false;
    if (m->processors == 0)
        return refuse(line, "processors", "0", e);
    if (strlen(backend) >= sizeof(m->backend))
        return refuse(line, "backend", "too long", e);
    strcpy(m->backend, backend);
    return true;
}

static bool read_start(struct feed *f, const json_t *line,
                       struct event *event, struct error *e)
{
    struct settings s;

    settings_init(&s);
    if (!read_text(line, "preset", f->name, e) ||
        !read_settings(line, &s, e) ||
        !read_machine(line, &event->start.machine, e) ||
        !read_count(line, "step", &event->start.step, e) ||
        !read_count(line, "steps", &event->start.steps, e))
        return false;
    f->settings = s;
    event->start.preset = f->name;
    event->start.settings = &f->settings;
    return true;
}

static bool read_memory(struct feed *f, const json_t *line,
                        struct event *event, struct error *e)
{
    (void)f;
    return read_bytes(line, "planned", &event->memory.planned, e) &&
           read_bytes(line, "arena", &event->memory.arena, e) &&
           read_bytes(line, "touched", &event->memory.touched, e) &&
           read_bytes(line, "os", &event->memory.os, e) &&
           (!json_object_get(line, "os_peak") ||
            read_bytes(line, "os_peak", &event->memory.os_peak, e));
}

static bool read_step(struct feed *f, const json_t *line,
                      struct event *event, struct error *e)
{
    (void)f;
    return read_count(line, "step", &event->step.step, e) &&
           read_count(line, "steps", &event->step.steps, e) &&
           read_int(line, "epoch", INT_MAX, &event->step.epoch, e) &&
           read_number(line, "loss", &event->step.loss, e) &&
           read_number(line, "accuracy", &event->step.accuracy, e) &&
           read_number(line, "samples_per_second",
                       &event->step.samples_per_second, e) &&
           read_number(line, "seconds", &event->step.seconds, e);
}

static bool read_epoch(struct feed *f, const json_t *line,
                       struct event *event, struct error *e)
{
    (void)f;
    return read_int(line, "epoch", INT_MAX, &event->epoch.epoch, e) &&
           read_number(line, "train_loss", &event->epoch.train_loss, e) &&
           read_number(line, "train_accuracy", &event->epoch.train_accuracy,
                       e) &&
           read_number(line, "valid_loss", &event->epoch.valid_loss, e) &&
           read_number(line, "valid_accuracy", &event->epoch.valid_accuracy,
                       e) &&
           read_number(line, "seconds", &event->epoch.seconds, e);
}

static bool read_applied(struct feed *f, const json_t *line,
                         struct event *event, struct error *e)
{
    struct settings after = f->settings;

    if (!read_count(line, "step", &event->applied.step, e) ||
        !read_settings(line, &after, e) ||
        !read_bytes(line, "planned", &event->applied.planned, e) ||
        !read_bytes(line, "arena", &event->applied.arena, e) ||
        !read_count(line, "sets", &event->applied.sets, e))
        return false;
    f->before = f->settings;
    f->settings = after;
    event->applied.before = &f->before;
    event->applied.after = &f->settings;
    return true;
}

static bool read_refused(struct feed *f, const json_t *line,
                         struct event *event, struct error *e)
{
    event->refused.command = f->name;
    event->refused.message = f->text;
    return read_text(line, "command", f->name, e) &&
           read_text(line, "message", f->text, e) &&
           read_count(line, "sets", &event->refused.sets, e);
}

static bool read_stopped(struct feed *f, const json_t *line,
                         struct event *event, struct error *e)
{
    (void)f;
    return read_count(line, "step", &event->stopped_at, e);
}

static bool read_saved(struct feed *f, const json_t *line,
                       struct event *event, struct error *e)
{
    event->saved.path = f->text;
    return read_count(line, "step", &event->saved.step, e) &&
           read_path(line, "path", f->text, e);
}

static bool read_message(struct feed *f, const json_t *line,
                         struct event *event, struct error *e)
{
    event->message = f->text;
    return read_text(line, "message", f->text, e);
}

/* What the members of each type are read by; `done` has none. */
static bool (*const readers[EVENT_COUNT])(struct feed *, const json_t *,
                                          struct event *, struct error *) = {
    [EVENT_START] = read_start,     [EVENT_MEMORY] = read_memory,
    [EVENT_STEP] = read_step,       [EVENT_EPOCH] = read_epoch,
    [EVENT_APPLIED] = read_applied, [EVENT_REFUSED] = read_refused,
    [EVENT_PAUSED] = read_stopped,  [EVENT_RESUMED] = read_stopped,
    [EVENT_SAVED] = read_saved,     [EVENT_WARNING] = read_message,
    [EVENT_ERROR] = read_message,
};

/* EVENT_COUNT: of no type that is known. */
static enum event_type type_named(const char *name)
{
    int type = 0;

    while (type < EVENT_COUNT &&
           strcmp(event_name((enum event_type)type), name) != 0)
        type++;
    return (enum event_type)type;
}

static bool has_other_schema(const json_t *line, struct error *e)
{
    const json_t *schema = json_object_get(line, "schema");

    if (!json_is_integer(schema) || json_integer_value(schema) == EVENT_SCHEMA)
        return false;
    error_set(e, EXIT_INPUT, "the worker speaks schema %lld of the events, "
              "this program schema %d: the same version of memdial is needed "
              "on both ends", (long long)json_integer_value(schema),
              EVENT_SCHEMA);
    return true;
}

static enum feed_result read_object(struct feed *f, const json_t *line,
                                    struct error *e)
{
    const char *name = json_string_value(json_object_get(line, "type"));
    struct event event = { .type = EVENT_COUNT };
    int64_t schema;

    if (!name) {
        error_set(e, EXIT_INPUT, "not an event: no member type");
        return FEED_BAD;
    }
    event.type = type_named(name);
    if (event.type == EVENT_COUNT)
        return FEED_UNKNOWN;
    if (event.type == EVENT_START && has_other_schema(line, e))
        return FEED_OTHER_SCHEMA;
    if ((event.type == EVENT_START &&
         !read_count(line, "schema", &schema, e)) ||
        (readers[event.type] && !readers[event.type](f, line, &event, e)))
        return FEED_BAD;
    f->event = event;
    return FEED_EVENT;
}

enum feed_result feed_read(struct feed *f, const char *text, size_t length,
                           struct error *e)
{
    json_error_t why;
    json_t *line = json_read(text, length, &why);
    enum feed_result result;

    if (!line) {
        char shown[160];

        text_clean(shown, sizeof(shown), text, length);
        error_set(e, EXIT_INPUT, "not an event: '%s'", shown);
        return FEED_BAD;
    }
    result = read_object(f, line, e);
    json_decref(line);
    return result;
}
