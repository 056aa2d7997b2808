/*
 * The table of events: every member is printed, read back into its place, and
 * required or not as the table says. Lines that were recorded once are still
 * printed as they were.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/event_lines.h"

/* [0] the initial ones, [1] others. */
static void make_settings(struct settings settings[2])
{
    settings_init(&settings[0]);
    settings[1] = settings[0];
    settings[1].lr = 1.0 / 3;
    settings[1].precision = PRECISION_FP16;
}

/* A value of its own for every member, by the table. */
static void fill_member(struct event *event, int number, const char *text,
                        const struct settings settings[2])
{
    const struct member *m = &event_members[number];
    static const struct timing timing = {
        .call.kind = { OP_relu, 1, [8] = 1 }, .guess = 1, .seconds = 2,
        .count = 3
    };
    void *place = (char *)event + m->offset;

    switch (m->type) {
    case MEMBER_INT:
    case MEMBER_PROCESSORS:
        *(int *)place = 100 + number;
        break;
    case MEMBER_COUNT:
        *(int64_t *)place = 100 + number;
        break;
    case MEMBER_BYTES:
        *(uint64_t *)place = 100 + (uint64_t)number;
        break;
    case MEMBER_REAL:
        *(double *)place = (100 + number) / 999.0; /* any score */
        break;
    case MEMBER_TEXT:
    case MEMBER_PATH:
        *(const char **)place = text;
        break;
    case MEMBER_NAME:
        snprintf(place, m->size, "%s", text);
        break;
    case MEMBER_REASON:
        *(enum error_reason *)place = REASON_DATA;
        break;
    case MEMBER_CALLS:
        *(struct event_calls *)place = (struct event_calls){ &timing, 1 };
        break;
    case MEMBER_SETTINGS:
        *(const struct settings **)place = &settings[1];
        break;
    case MEMBER_CHANGES:
        event->applied.before = &settings[0];
        event->applied.after = &settings[1];
        break;
    case MEMBER_SCHEMA:
        break;
    }
}

static bool same_value(const struct event *a, const struct event *b,
                       const struct member *m)
{
    const void *x = (const char *)a + m->offset;
    const void *y = (const char *)b + m->offset;

    switch (m->type) {
    case MEMBER_TEXT:
    case MEMBER_PATH:
        return strcmp(*(const char *const *)x, *(const char *const *)y) == 0;
    case MEMBER_SETTINGS:
        return settings_same(*(const struct settings *const *)x,
                             *(const struct settings *const *)y);
    case MEMBER_CALLS:
        return a->timings.calls.count == b->timings.calls.count &&
               memcmp(a->timings.calls.list, b->timings.calls.list,
                      sizeof(struct timing)) == 0;
    case MEMBER_CHANGES:
        return settings_same(a->applied.before, b->applied.before) &&
               settings_same(a->applied.after, b->applied.after);
    default:
        return memcmp(x, y, m->size) == 0;
    }
}

/* All of its members, and no others, and each as it was when it is read. */
static void expect_members(const struct event *said)
{
    char *line = line_of(said);
    json_t *json = event_json(said);
    size_t members = 1; /* the type */
    struct feed f;
    struct error e;

    feed_init(&f);
    cr_assert_eq(read_line(&f, line, &e), FEED_EVENT, "%s: %s", line, e.text);
    for (int i = 0; i < event_member_count; i++) {
        const struct member *m = &event_members[i];
        if (m->event != said->type)
            continue;
        members++;
        cr_expect(json_object_get(json, m->name), "%s: no %s", line, m->name);
        cr_expect(same_value(&f.event, said, m),
                  "%s: %s is another when it is read", line, m->name);
    }
    cr_expect_eq(json_object_size(json), members, "%s", line);
    json_decref(json);
    free(line);
}

Test(event, gives_back_every_member)
{
    struct event said[EVENT_COUNT] = { 0 };
    struct settings settings[2];
    char texts[96][32];

    make_settings(settings);
    cr_assert_lt(event_member_count, 96);
    for (int i = 0; i < event_member_count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "text %d", i);
        fill_member(&said[event_members[i].event], i, texts[i], settings);
    }
    for (int type = 0; type < EVENT_COUNT; type++) {
        said[type].type = (enum event_type)type;
        expect_members(&said[type]);
    }
}

/* Without an optional member a line is an event, without another it is none. */
Test(event, misses_what_is_required)
{
    struct settings settings[2];

    make_settings(settings);
    for (int i = 0; i < event_member_count; i++) {
        const struct member *m = &event_members[i];
        struct event event = { .type = m->event };
        json_t *json;
        char *line;
        struct feed f;
        struct error e;

        for (int k = 0; k < event_member_count; k++)
            if (event_members[k].event == m->event)
                fill_member(&event, k, "text", settings);
        json = event_json(&event);
        json_object_del(json, m->name);
        line = json_dumps(json, JSON_COMPACT);
        feed_init(&f);
        cr_expect_eq(read_line(&f, line, &e),
                     m->optional ? FEED_EVENT : FEED_BAD, "%s", line);
        if (m->optional && m->type != MEMBER_REASON)
            cr_expect(event_lacks(&f.event, m), "%s: has %s", line, m->name);
        json_decref(json);
        free(line);
    }
}

static char *read_recorded(void)
{
    const char *folder = getenv("srcdir");
    char path[512], *text = calloc(1, 1 << 15);
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/data/feed/run.jsonl",
             folder ? folder : ".");
    file = fopen(path, "r");
    cr_assert(file, "%s", path);
    cr_assert_gt(fread(text, 1, (1 << 15) - 1, file), 0);
    fclose(file);
    return text;
}

/* The event as it was printed when the line was recorded: without a reason,
 * and with the settings that there were. */
static char *recorded_line_of(const struct event *event, const char *line)
{
    json_t *json = event_json(event);
    json_t *recorded = json_loads(line, 0, NULL);
    char *text;

    if (event->type == EVENT_START)
        json_object_set(json, "settings",
                        json_object_get(recorded, "settings"));
    if (event->type == EVENT_REFUSED)
        json_object_del(json, "reason");
    text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(json);
    json_decref(recorded);
    return text;
}

/* The format is a promise. */
Test(event, prints_what_was_recorded)
{
    char *stream = read_recorded(), *line, *rest;
    int lines = 0;
    struct feed f;
    struct error e;

    feed_init(&f);
    for (line = strtok_r(stream, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *again;

        cr_assert_eq(read_line(&f, line, &e), FEED_EVENT, "%s: %s", line,
                     e.text);
        again = recorded_line_of(&f.event, line);
        cr_expect_str_eq(again, line);
        free(again);
        lines++;
    }
    cr_expect_geq(lines, 25);
    free(stream);
}
