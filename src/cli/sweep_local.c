#define _GNU_SOURCE

#include "cli/sweep_local.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/ending.h"
#include "base/lines.h"
#include "base/text.h"
#include "cli/sweep_plan.h"
#include "events/feed.h"
#include "plan/job.h"

enum { COMPLAINT_SIZE = 512, TICK_MS = 250 };

/* What a process takes beside its arena where none was measured. */
#define GAP_GUESSED (64ull << 20)

/* Seconds for a process to end after the sweep was asked to, and after it has
 * closed its output. */
static const double patience_seconds = 60, reap_seconds = 5;

/* A run under way. */
struct labourer {
    struct sweep_run *run;       /* NULL: none */
    struct child child;
    struct lines *lines;         /* owned */
    struct feed *feed;           /* owned */
    char complaint[COMPLAINT_SIZE]; /* its last line that is no event */
    bool asked;                  /* to end */
};

struct crew {
    struct sweep *sweep;
    struct sweep_tell *tell;
    struct labourer *list;       /* owned, [count] */
    int count;
    size_t available;            /* bytes, before any run began; 0: not known */
    uint64_t gap;                /* bytes of a process beside its arena */
    double asked_at;             /* to end; 0: not yet */
};

static void make_crew(struct crew *c, int jobs)
{
    int measured;

    c->gap = sweep_gap(c->sweep, &measured);
    if (measured == 0)
        c->gap = GAP_GUESSED;
    c->count = jobs < c->sweep->count ? jobs : c->sweep->count;
    c->list = xcalloc((unsigned long)c->count, sizeof(*c->list));
    for (int i = 0; i < c->count; i++) {
        c->list[i].lines = xcalloc(1, sizeof(struct lines));
        c->list[i].feed = xcalloc(1, sizeof(struct feed));
        child_init(&c->list[i].child);
    }
}

static void free_crew(struct crew *c)
{
    for (int i = 0; i < c->count; i++) {
        free(c->list[i].lines);
        free(c->list[i].feed);
        child_done(&c->list[i].child);
    }
    free(c->list);
}

static int crew_at_work(const struct crew *c)
{
    int busy = 0;

    for (int i = 0; i < c->count; i++)
        busy += c->list[i].run != NULL;
    return busy;
}

/* Whether a run fits beside those under way. Alone any may try. */
static bool fits_beside(const struct crew *c, const struct sweep_run *run)
{
    uint64_t bytes = run->arena_bytes + c->gap;
    int threads = run->settled.threads, busy = 0;

    for (int i = 0; i < c->count; i++) {
        const struct sweep_run *other = c->list[i].run;
        if (!other)
            continue;
        busy++;
        threads += other->settled.threads;
        if (other->backend == run->backend)
            bytes += other->arena_bytes + c->gap;
    }
    return busy == 0 || (threads <= c->sweep->machine.processors &&
                         (c->available == 0 || bytes <= c->available));
}

static struct sweep_run *next_run(const struct crew *c)
{
    for (int i = 0; i < c->sweep->count; i++)
        if (c->sweep->runs[i].state == SWEEP_WAITS)
            return &c->sweep->runs[i];
    return NULL;
}

static void tell_begin(const struct crew *c, const struct sweep_run *run)
{
    char what[64] = "begins";

    if (run->step > 0)
        snprintf(what, sizeof(what), "goes on from step %lld",
                 (long long)run->step);
    sweep_tell_run(c->tell, run, what);
}

static void start_labour(struct crew *c, struct labourer *l, struct sweep_run *run)
{
    char folder[RECORD_PATH_SIZE], why[128];
    const char *words[] = { CHILD_SELF, "train", "--resume", folder, "--json",
                            NULL };

    sweep_run_folder(c->sweep, run, folder);
    lines_init(l->lines);
    feed_init(l->feed);
    l->complaint[0] = '\0';
    l->asked = false;
    if (child_start(&l->child, words)) {
        l->run = run;
        run->state = SWEEP_RUNS;
        tell_begin(c, run);
        return;
    }
    snprintf(why, sizeof(why), "no process can be started: %s",
             strerror(errno));
    sweep_fail(run, SWEEP_STOPPED, why);
    sweep_tell_run(c->tell, run, NULL);
}

/* Starts as many as fit, in their order. */
static void start_runs(struct crew *c)
{
    struct sweep_run *run;

    for (int i = 0; i < c->count; i++) {
        if (c->list[i].run)
            continue;
        run = next_run(c);
        if (!run || !fits_beside(c, run))
            return;
        if (crew_at_work(c) == 0)
            c->available = job_available_bytes(&run->settled,
                                               &c->sweep->machine);
        start_labour(c, &c->list[i], run);
    }
}

static void take_progress(struct sweep_run *run, const struct event *e)
{
    if (e->type == EVENT_START) {
        run->step = e->start.step;
        run->steps = e->start.steps;
    } else if (e->type == EVENT_STEP) {
        run->step = e->step.step;
        run->epoch = e->step.epoch;
    }
}

static void take_line_of_run(struct labourer *l, const struct line *line)
{
    if (feed_read(l->feed, line->text, line->length, NULL) == FEED_EVENT)
        take_progress(l->run, &l->feed->event);
    else if (line->length > 0 && line->text[0] != '{')
        text_clean(l->complaint, sizeof(l->complaint), line->text,
                   line->length);
}

/* How a process has ended that left no word of it in its folder. */
static void explain_end(const struct labourer *l, char why[COMPLAINT_SIZE + 160])
{
    if (child_starved(&l->child))
        snprintf(why, COMPLAINT_SIZE + 160, "the system has ended its process, "
                 "for there was no memory left; ask for fewer --jobs, or for "
                 "settings that take less");
    else if (l->child.signal)
        snprintf(why, COMPLAINT_SIZE + 160, "its process was ended by signal "
                 "%d (%s)", l->child.signal, strsignal(l->child.signal));
    else
        snprintf(why, COMPLAINT_SIZE + 160, "its process ended with status %d%s"
                 "%s", l->child.status, *l->complaint ? ": " : "",
                 l->complaint);
}

/* Reads in the folder how a run has ended. */
static void settle_end(struct crew *c, struct labourer *l)
{
    struct sweep_run *run = l->run;
    char why[COMPLAINT_SIZE + 160];

    sweep_look_at(c->sweep, run);
    if (run->state == SWEEP_DONE || run->state == SWEEP_FAILED)
        return;
    if (l->asked || (l->child.status == EXIT_OK && !l->child.signal)) {
        run->state = SWEEP_STOPPED;
        return;
    }
    explain_end(l, why);
    sweep_note_failure(c->sweep, run, why);
}

static void end_labour(struct crew *c, struct labourer *l)
{
    if (!child_reap(&l->child, reap_seconds))
        child_kill(&l->child);
    child_hang_up(&l->child);
    settle_end(c, l);
    l->child.pid = 0;
    sweep_tell_run(c->tell, l->run, NULL);
    l->run = NULL;
}

/* Reads what a run says; false when it has ended. */
static bool hear_run(struct labourer *l)
{
    struct line line;
    ssize_t n;

    while ((n = lines_fill(l->lines, l->child.from)) > 0)
        while (lines_next(l->lines, &line))
            take_line_of_run(l, &line);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (lines_end(l->lines) && lines_next(l->lines, &line))
        take_line_of_run(l, &line);
    return false;
}

static void wait_for_word(const struct crew *c)
{
    struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
    struct pollfd *fds = xcalloc((unsigned long)c->count, sizeof(*fds));

    for (int i = 0; i < c->count; i++)
        fds[i] = (struct pollfd){ .fd = c->list[i].run ? c->list[i].child.from
                                                       : -1,
                                  .events = POLLIN };
    ppoll(fds, (nfds_t)c->count, &tick, ending_let_in());
    free(fds);
}

/* Asks the runs to end, and after a while makes them. */
static void end_runs(struct crew *c)
{
    bool late = c->asked_at > 0 &&
                clock_seconds() - c->asked_at > patience_seconds;

    if (c->asked_at == 0)
        c->asked_at = clock_seconds();
    for (int i = 0; i < c->count; i++) {
        struct labourer *l = &c->list[i];
        if (l->run && !l->asked)
            child_ask_to_end(&l->child);
        if (l->run && late)
            child_kill(&l->child);
        l->asked = true;
    }
}

/* Waits until something happens, and sees to it. */
static void work_on(struct crew *c)
{
    wait_for_word(c);
    if (ending_signal())
        end_runs(c);
    for (int i = 0; i < c->count; i++)
        if (c->list[i].run && (c->list[i].child.from < 0 ||
                               !hear_run(&c->list[i])))
            end_labour(c, &c->list[i]);
    sweep_tell_progress(c->tell);
}

bool sweep_local_run(struct sweep *s, struct sweep_tell *tell, int jobs)
{
    struct crew c = { .sweep = s, .tell = tell };

    make_crew(&c, jobs);
    ending_hold();
    do {
        if (!ending_signal())
            start_runs(&c);
        if (crew_at_work(&c) > 0)
            work_on(&c);
    } while (crew_at_work(&c) > 0 || (next_run(&c) && !ending_signal()));
    free_crew(&c);
    return !ending_signal();
}
