#include "events/feed.h"

#include <assert.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_print.h"
#include "base/text.h"
#include "plan/timings_file.h"
#include "settings/facts.h"
#include "settings/settings_json.h"

void feed_init(struct feed *f)
{
    memset(f, 0, sizeof(*f));
    settings_init(&f->settings);
}

/* An event that is being read. The feed's settings change only when the whole
 * line has been read. */
struct reading {
    struct feed *feed;
    const json_t *line;
    struct event event;
    struct settings settings;
    int texts;                   /* used so far */
    struct error *error;
};

/* A member of the event, its value in the line (NULL if absent), and its place
 * in struct event. */
struct item {
    const struct member *member;
    json_t *value;
    void *place;
};

static bool feed_refuse(const struct reading *r, const struct item *i,
                        const char *trouble)
{
    return error_set(r->error, EXIT_INPUT, "event '%.40s': member %s is %s",
                     event_name(r->event.type), i->member->name,
                     i->value ? trouble : "missing");
}

static bool feed_count(const struct reading *r, const struct item *i,
                       int64_t *count)
{
    *count = json_integer_value(i->value);
    return (json_is_integer(i->value) && *count >= 0) ||
           feed_refuse(r, i, "not a whole number from 0 up");
}

static bool feed_bytes(const struct reading *r, const struct item *i)
{
    int64_t count;

    if (!feed_count(r, i, &count))
        return false;
    *(uint64_t *)i->place = (uint64_t)count;
    return true;
}

static bool feed_int(const struct reading *r, const struct item *i, int most)
{
    int64_t count;

    if (!feed_count(r, i, &count))
        return false;
    if (count > most)
        return feed_refuse(r, i, "too large");
    *(int *)i->place = (int)count;
    return true;
}

/* A machine can have no more processors than `threads` can ask for. */
static bool feed_processors(const struct reading *r, const struct item *i)
{
    return feed_int(r, i, (int)settings_find("threads")->max) &&
           (*(const int *)i->place > 0 || feed_refuse(r, i, "0"));
}

/* null stands for a number that is not finite. */
static bool feed_real(const struct reading *r, const struct item *i)
{
    *(double *)i->place = json_is_number(i->value) ? json_number_value(i->value)
                                                   : NAN;
    return json_is_number(i->value) || json_is_null(i->value) ||
           feed_refuse(r, i, "not a number");
}

/* Text is made safe to show. A path stays as it is, for it is compared and may
 * be opened. */
static bool feed_text(struct reading *r, const struct item *i)
{
    const char *text = json_string_value(i->value);
    char *to = r->feed->text[r->texts];

    if (!text)
        return feed_refuse(r, i, "not text");
    assert(r->texts < EVENT_TEXTS_MAX);
    if (i->member->type == MEMBER_PATH)
        snprintf(to, FEED_TEXT_SIZE, "%s", text);
    else
        text_clean(to, FEED_TEXT_SIZE, text, json_string_length(i->value));
    *(const char **)i->place = to;
    r->texts++;
    return true;
}

static bool feed_name(const struct reading *r, const struct item *i)
{
    const char *name = json_string_value(i->value);

    if (!name)
        return feed_refuse(r, i, "not text");
    if (strlen(name) >= i->member->size)
        return feed_refuse(r, i, "too long");
    text_clean(i->place, i->member->size, name, strlen(name));
    return true;
}

/* A newer worker may know more reasons. */
static bool feed_reason(const struct reading *r, const struct item *i)
{
    const char *name = json_string_value(i->value);
    int reason = REASON_COUNT;

    if (!name)
        return feed_refuse(r, i, "not text");
    while (--reason > REASON_OTHER &&
           strcmp(event_reason_name((enum error_reason)reason), name) != 0)
        ;
    *(enum error_reason *)i->place = (enum error_reason)reason;
    return true;
}

static void note_unknown(struct feed *f, const char *what, const char *name)
{
    char clean[FEED_NAME_SIZE];

    text_clean(clean, sizeof(clean), name, strlen(name));
    snprintf(f->unknown, sizeof(f->unknown), "%s %.48s", what, clean);
}

static bool feed_calls(struct reading *r, const struct item *i)
{
    struct event_calls *calls = i->place;
    size_t count = json_array_size(i->value);

    if (!json_is_array(i->value) || count > EVENT_CALLS_MAX)
        return feed_refuse(r, i, "not an array of few calls");
    *calls = (struct event_calls){ r->feed->calls, (int)count };
    for (size_t k = 0; k < count; k++)
        if (!timing_read(&r->feed->calls[k], json_array_get(i->value, k)))
            return feed_refuse(r, i, "not of calls that were measured");
    return true;
}

/* A worker may have settings that this version lacks. */
static bool feed_known(struct reading *r, const struct item *i)
{
    json_t *known = json_object(), *value;
    const char *name;
    bool ok;

    if (!json_is_object(i->value)) {
        json_decref(known);
        return feed_refuse(r, i, "not an object");
    }
    json_object_foreach(i->value, name, value)
        if (settings_find(name))
            json_put(known, name, json_incref(value));
        else
            note_unknown(r->feed, "setting", name);
    ok = settings_json_read(known, &r->settings, "settings of the worker",
                            r->error);
    json_decref(known);
    return ok;
}

static bool feed_settings(struct reading *r, const struct item *i)
{
    settings_init(&r->settings);
    *(const struct settings **)i->place = &r->feed->settings;
    return feed_known(r, i);
}

static bool feed_changes(struct reading *r, const struct item *i)
{
    r->event.applied.before = &r->feed->before;
    r->event.applied.after = &r->feed->settings;
    return feed_known(r, i);
}

static bool feed_value(struct reading *r, const struct item *i)
{
    int64_t schema;

    switch (i->member->type) {
    case MEMBER_SCHEMA:
        return feed_count(r, i, &schema);
    case MEMBER_INT:
        return feed_int(r, i, INT_MAX);
    case MEMBER_PROCESSORS:
        return feed_processors(r, i);
    case MEMBER_COUNT:
        return feed_count(r, i, i->place);
    case MEMBER_BYTES:
        return feed_bytes(r, i);
    case MEMBER_REAL:
        return feed_real(r, i);
    case MEMBER_TEXT:
    case MEMBER_PATH:
        return feed_text(r, i);
    case MEMBER_NAME:
        return feed_name(r, i);
    case MEMBER_REASON:
        return feed_reason(r, i);
    case MEMBER_CALLS:
        return feed_calls(r, i);
    case MEMBER_SETTINGS:
        return feed_settings(r, i);
    case MEMBER_CHANGES:
        return feed_changes(r, i);
    }
    return false;
}

static bool feed_member(struct reading *r, const struct member *m)
{
    struct item item = { m, json_object_get(r->line, m->name),
                         (char *)&r->event + m->offset };

    if (item.value || !m->optional)
        return feed_value(r, &item);
    memset(item.place, 0, m->size);
    if (m->type == MEMBER_REAL)
        *(double *)item.place = NAN;
    return true;
}

static bool is_member(enum event_type type, const char *name)
{
    for (int i = 0; i < event_member_count; i++)
        if (event_members[i].event == type &&
            strcmp(event_members[i].name, name) == 0)
            return true;
    return strcmp(name, "type") == 0;
}

static void note_unknown_members(const struct reading *r)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)r->line, name, value)
        if (!is_member(r->event.type, name))
            note_unknown(r->feed, "member", name);
}

/* A loss of 32 bits; NAN: it cannot be one. */
static double possible_loss(double loss)
{
    return fabs(loss) <= FLT_MAX ? loss : NAN;
}

/* Figures that cannot be are missing. */
static void forget_impossible(struct event *e, const struct settings *s)
{
    static const struct score accuracy = { .most = 1 }, bleu = { .most = 100 };
    struct score score = facts_of(s).score;

    if (e->type == EVENT_STEP) {
        e->step.loss = possible_loss(e->step.loss);
        e->step.accuracy = score_possible(&accuracy, e->step.accuracy);
    } else if (e->type == EVENT_EPOCH) {
        e->epoch.train_loss = possible_loss(e->epoch.train_loss);
        e->epoch.valid_loss = possible_loss(e->epoch.valid_loss);
        e->epoch.train_accuracy = score_possible(&accuracy,
                                                 e->epoch.train_accuracy);
        e->epoch.valid_accuracy = score_possible(&accuracy,
                                                 e->epoch.valid_accuracy);
        e->epoch.train_score = score_possible(&score, e->epoch.train_score);
        e->epoch.score = score_possible(&score, e->epoch.score);
        e->epoch.bleu = score_possible(&bleu, e->epoch.bleu);
    } else if (e->type == EVENT_TEST) {
        e->test.loss = possible_loss(e->test.loss);
        e->test.accuracy = score_possible(&accuracy, e->test.accuracy);
        e->test.score = score_possible(&score, e->test.score);
        e->test.bleu = score_possible(&bleu, e->test.bleu);
    }
}

static bool feed_members(struct reading *r)
{
    if (r->feed->notes_unknown)
        note_unknown_members(r);
    for (int i = 0; i < event_member_count; i++)
        if (event_members[i].event == r->event.type &&
            !feed_member(r, &event_members[i]))
            return false;
    return true;
}

/* Puts the settings of a line in force, after all of it has been read. */
static void take(const struct reading *r)
{
    struct feed *f = r->feed;

    if (r->event.type == EVENT_APPLIED)
        f->before = f->settings;
    f->settings = r->settings;
    f->event = r->event;
}

/* EVENT_COUNT: a type that is not known. */
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

static enum feed_result feed_object(struct feed *f, const json_t *line,
                                    struct error *e)
{
    const char *name = json_string_value(json_object_get(line, "type"));
    struct reading r = { .feed = f, .line = line, .settings = f->settings,
                         .error = e };

    if (!name) {
        error_set(e, EXIT_INPUT, "not an event: no member type");
        return FEED_BAD;
    }
    r.event.type = type_named(name);
    f->unknown[0] = '\0';
    if (r.event.type == EVENT_COUNT) {
        note_unknown(f, "event", name);
        return FEED_UNKNOWN;
    }
    if (r.event.type == EVENT_START && has_other_schema(line, e))
        return FEED_OTHER_SCHEMA;
    if (!feed_members(&r)) {
        f->lost_settings = r.event.type == EVENT_START ||
                           r.event.type == EVENT_APPLIED;
        return FEED_BAD;
    }
    forget_impossible(&r.event, &r.settings);
    take(&r);
    return FEED_EVENT;
}

enum feed_result feed_read(struct feed *f, const char *text, size_t length,
                           struct error *e)
{
    json_error_t why;
    json_t *line = json_read(text, length, &why);
    enum feed_result result;

    f->lost_settings = false;
    if (!line) {
        char shown[160];

        text_clean(shown, sizeof(shown), text, length);
        error_set(e, EXIT_INPUT, "not an event: '%s'", shown);
        return FEED_BAD;
    }
    result = feed_object(f, line, e);
    json_decref(line);
    return result;
}
