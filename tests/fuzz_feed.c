#include "tests/fuzz_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "events/feed.h"
#include "events/run.h"

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static char *event_text(const struct event *event)
{
    json_t *json = event_json(event);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));

    json_decref(json);
    return text;
}

/* The line printed for an event must read as that event; for a change, from the
 * settings before it. */
static void check_event(const struct feed *f)
{
    char *text = event_text(&f->event), *again;
    struct feed other = *f;
    struct error e;

    if (f->event.type == EVENT_APPLIED)
        other.settings = f->before;
    require(text != NULL, "an event can be printed");
    require(feed_read(&other, text, strlen(text), &e) == FEED_EVENT,
            "and read again");
    again = event_text(&other.event);
    require(strcmp(text, again) == 0, "with all that it said");
    free(text);
    free(again);
}

/* A run must accept any event. */
static void check_run(struct run *run, const struct feed *f)
{
    run_take(run, &f->event);
    require(run->mark_count <= RUN_MARKS && run->trial_count <= RUN_TRIALS,
            "a run is bounded");
    require(run->trial_count == 0 ||
            settings_same(&run->settings, &f->settings),
            "a run has the settings that are in force");
}

static void check_line(struct feed *f, struct run *run,
                       const struct line *line)
{
    struct settings before = f->settings;
    struct error e = { .text = "" };

    require(line->length <= LINES_MAX, "a line is bounded");
    switch (feed_read(f, line->text, line->length, &e)) {
    case FEED_EVENT:
        check_event(f);
        check_run(run, f);
        break;
    case FEED_UNKNOWN:
        require(memcmp(&before, &f->settings, sizeof(before)) == 0,
                "what is passed over changes nothing");
        break;
    case FEED_BAD:
    case FEED_OTHER_SCHEMA:
        require(e.text[0] != '\0', "what is refused is refused with a reason");
        require(memcmp(&before, &f->settings, sizeof(before)) == 0,
                "what is refused changes nothing");
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lines lines;
    struct feed feed;
    struct run run;
    struct line line;
    size_t piece = size ? 1u << (data[0] % 17) : 1;

    lines_init(&lines);
    feed_init(&feed);
    run_init(&run);
    for (size_t at = 1; at < size;) {
        size_t left = size - at;

        at += lines_put(&lines, data + at, left < piece ? left : piece);
        while (lines_next(&lines, &line))
            check_line(&feed, &run, &line);
    }
    run_done(&run);
    return 0;
}
