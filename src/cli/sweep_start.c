#define _GNU_SOURCE

#include "cli/sweep_start.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/ending.h"
#include "base/json_print.h"
#include "base/lines.h"
#include "events/feed.h"
#include "settings/settings_json.h"

/* Seconds that data may take to be read, and the first step. */
static const double start_seconds = 120;

struct start {
    struct child child;
    struct lines lines;
    struct feed feed;
    bool stepped, over;
    uint64_t gap;                /* bytes */
};

static const struct sweep_run *smallest_run(const struct sweep *s)
{
    const struct sweep_run *smallest = NULL;

    for (int i = 0; i < s->count; i++) {
        const struct sweep_run *run = &s->runs[i];
        if (run->state == SWEEP_WAITS && run->backend == &cpu_backend &&
            (!smallest || run->arena_bytes < smallest->arena_bytes))
            smallest = run;
    }
    return smallest;
}

static void send_start(struct start *t, const struct sweep_run *run)
{
    json_t *command = json_pack("{ss ss ss}", "command", "start", "name",
                                "start", "runs", ARCHIVE_NONE);
    char *line;

    json_put(command, "settings", settings_json(&run->settled));
    line = json_line(command);
    child_send(&t->child, line);
    free(line);
}

static void take_event_of_start(struct start *t, const struct event *e)
{
    t->over = e->type == EVENT_REFUSED || e->type == EVENT_ERROR;
    t->stepped |= e->type == EVENT_STEP;
    if (e->type != EVENT_MEMORY || !t->stepped)
        return;
    t->over = true;
    if (e->memory.os_peak > e->memory.touched)
        t->gap = e->memory.os_peak - e->memory.touched;
}

/* Reads what has come; the end of the process is the end of the start. */
static void hear_start(struct start *t)
{
    struct line line;
    ssize_t n = 0;

    while (!t->over && (n = lines_fill(&t->lines, t->child.from)) > 0)
        while (!t->over && lines_next(&t->lines, &line))
            if (feed_read(&t->feed, line.text, line.length, NULL) ==
                FEED_EVENT)
                take_event_of_start(t, &t->feed.event);
    if (!t->over && n <= 0)
        t->over = n == 0 || (errno != EAGAIN && errno != EINTR);
}

static void follow_start(struct start *t)
{
    double deadline = clock_seconds() + start_seconds;
    struct timespec tick = { .tv_nsec = 100000000L };

    while (!t->over && clock_seconds() < deadline && !ending_signal()) {
        struct pollfd fd = { .fd = t->child.from, .events = POLLIN };
        child_flush(&t->child);
        ppoll(&fd, 1, &tick, ending_let_in());
        hear_start(t);
    }
}

void sweep_start_measure(struct sweep *s)
{
    const char *words[] = { CHILD_SELF, "worker", NULL };
    const struct sweep_run *run = smallest_run(s);
    struct start *t;

    if (!run)
        return;
    t = xcalloc(1, sizeof(*t));
    child_init(&t->child);
    lines_init(&t->lines);
    feed_init(&t->feed);
    ending_hold();
    if (child_start(&t->child, words)) {
        send_start(t, run);
        follow_start(t);
        child_kill(&t->child);
    }
    s->start_gap = t->gap;
    child_done(&t->child);
    free(t);
}
