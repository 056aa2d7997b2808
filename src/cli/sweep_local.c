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
#include "cli/sweep_start.h"
#include "events/feed.h"
#include "plan/job.h"
#include "sweep/sweep_plan.h"

enum { COMPLAINT_SIZE = 512, END_SIZE = COMPLAINT_SIZE + 160, TICK_MS = 250 };

/* What a process takes beside its arena where none could be measured; and at
 * most of a device, for CUDA's context and the code of the kernels. */
#define GAP_GUESSED (64ull << 20)
#define GAP_OF_DEVICE (1024ull << 20)

/* Seconds for a process to end after the sweep was asked to, and after it has
 * closed its output. */
static const double patience_seconds = 60, reap_seconds = 5;

/* A job slot: room for one run at a time, in a process of its own. */
struct slot {
    struct sweep_run *run;       /* under way; NULL: the slot is free */
    struct child child;
    struct lines *lines;         /* owned */
    struct feed *feed;           /* owned */
    char complaint[COMPLAINT_SIZE]; /* its last line that is no event */
    bool asked;                  /* to end */
    size_t available;            /* bytes, before any run on the device began;
                                    0: not known */
    uint64_t gap;                /* bytes of a process there beside its arena */
};

struct slots {
    struct sweep *sweep;
    struct sweep_tell *tell;
    struct slot *list;           /* owned, [count] */
    int count;
    uint64_t gap;                /* bytes of a process beside its arena, on the
                                    host */
    double asked_at;             /* to end; 0: not yet */
};

static void make_slots(struct slots *slots, int jobs)
{
    int measured;

    slots->gap = sweep_gap(slots->sweep, &measured);
    slots->count = jobs < slots->sweep->count ? jobs : slots->sweep->count;
    if (measured == 0 && slots->count > 1)
        sweep_start_measure(slots->sweep);
    if (measured == 0)
        slots->gap = slots->sweep->start_gap ? slots->sweep->start_gap
                                             : GAP_GUESSED;
    slots->list = xcalloc((unsigned long)slots->count, sizeof(*slots->list));
    for (int i = 0; i < slots->count; i++) {
        slots->list[i].lines = xcalloc(1, sizeof(struct lines));
        slots->list[i].feed = xcalloc(1, sizeof(struct feed));
        child_init(&slots->list[i].child);
    }
}

static void discard_slots(struct slots *slots)
{
    for (int i = 0; i < slots->count; i++) {
        free(slots->list[i].lines);
        free(slots->list[i].feed);
        child_done(&slots->list[i].child);
    }
    free(slots->list);
}

static int slots_in_use(const struct slots *slots)
{
    int busy = 0;

    for (int i = 0; i < slots->count; i++)
        busy += slots->list[i].run != NULL;
    return busy;
}

/* The number of a run's device, which the first needs not have. */
static int device_of_run(const struct sweep_run *run)
{
    const char *colon = strchr(run->settled.backend, ':');

    return colon ? atoi(colon + 1) : 0;
}

static bool on_one_device(const struct sweep_run *a, const struct sweep_run *b)
{
    return a->backend == b->backend && device_of_run(a) == device_of_run(b);
}

/* A slot whose run is on the device of another; NULL: there is none. */
static const struct slot *slot_beside(const struct slots *slots,
                                      const struct sweep_run *run)
{
    for (int i = 0; i < slots->count; i++)
        if (slots->list[i].run && on_one_device(slots->list[i].run, run))
            return &slots->list[i];
    return NULL;
}

/* Whether a run's arena fits beside those on its device. */
static bool arena_fits(const struct slots *slots, const struct sweep_run *run)
{
    const struct slot *beside = slot_beside(slots, run);
    uint64_t bytes = run->arena_bytes;

    if (!beside || beside->available == 0)
        return true;
    bytes += beside->gap;
    for (int i = 0; i < slots->count; i++) {
        const struct slot *other = &slots->list[i];
        if (other->run && on_one_device(other->run, run))
            bytes += other->run->arena_bytes + other->gap;
    }
    return bytes <= beside->available;
}

/* Whether a run fits beside those under way. Alone any may try. */
static bool fits_beside(const struct slots *slots, const struct sweep_run *run)
{
    int threads = run->settled.threads;

    if (slots_in_use(slots) == 0)
        return true;
    for (int i = 0; i < slots->count; i++)
        if (slots->list[i].run)
            threads += slots->list[i].run->settled.threads;
    return threads <= slots->sweep->machine.processors &&
           arena_fits(slots, run);
}

/* Notes the room on a device for the run that is about to begin there. All that
 * is in use on an idle device is of this process, and a run's takes as much. */
static void look_at_device(const struct slots *slots, struct slot *slot,
                           const struct sweep_run *run)
{
    const struct slot *beside = slot_beside(slots, run);
    struct device_memory memory;

    if (beside) {
        slot->available = beside->available;
        slot->gap = beside->gap;
        return;
    }
    memory = job_device_memory(&run->settled, &slots->sweep->machine);
    slot->gap = slots->gap;
    slot->available = memory.available;
    if (run->backend == &cpu_backend)
        return;
    slot->gap = memory.os < GAP_OF_DEVICE ? memory.os : GAP_OF_DEVICE;
    if (memory.available > 0)
        slot->available += slot->gap; /* it is given back by now */
}

static struct sweep_run *next_run(const struct slots *slots)
{
    for (int i = 0; i < slots->sweep->count; i++)
        if (slots->sweep->runs[i].state == SWEEP_WAITS)
            return &slots->sweep->runs[i];
    return NULL;
}

static void tell_begin(const struct slots *slots, const struct sweep_run *run)
{
    char what[64] = "begins";

    if (run->step > 0)
        snprintf(what, sizeof(what), "goes on from step %lld",
                 (long long)run->step);
    sweep_tell_run(slots->tell, run, what);
}

static void start_in_slot(struct slots *slots, struct slot *slot,
                          struct sweep_run *run)
{
    char folder[RECORD_PATH_SIZE], why[128];
    const char *words[] = { CHILD_SELF, "train", "--resume", folder, "--runs",
                            slots->sweep->root, "--json", NULL };

    sweep_run_folder(slots->sweep, run, folder);
    lines_init(slot->lines);
    feed_init(slot->feed);
    slot->complaint[0] = '\0';
    slot->asked = false;
    if (child_start(&slot->child, words)) {
        slot->run = run;
        run->state = SWEEP_RUNS;
        tell_begin(slots, run);
        return;
    }
    snprintf(why, sizeof(why), "no process can be started: %s",
             strerror(errno));
    sweep_fail(run, SWEEP_STOPPED, why);
    sweep_tell_run(slots->tell, run, NULL);
}

/* Starts as many runs as fit, in their order. */
static void start_runs(struct slots *slots)
{
    for (int i = 0; i < slots->count; i++) {
        struct slot *slot = &slots->list[i];
        struct sweep_run *run;

        if (slot->run)
            continue;
        run = next_run(slots);
        if (!run || !fits_beside(slots, run))
            return;
        look_at_device(slots, slot, run);
        start_in_slot(slots, slot, run);
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

/* "seed=1: no space left" */
static void tell_warning(struct sweep_tell *tell, const struct sweep_run *run,
                         const char *message)
{
    char text[ERROR_TEXT_SIZE + ARCHIVE_NAME_MAX + 32];

    snprintf(text, sizeof(text), tell->json ? "%s: %s" : "%s: warning: %s",
             run->name, message);
    sweep_tell_line(tell, "warning", text);
}

static void take_event_of_run(struct sweep_tell *tell, struct slot *slot)
{
    const struct event *e = &slot->feed->event;

    take_progress(slot->run, e);
    if (e->type == EVENT_WARNING)
        tell_warning(tell, slot->run, e->message);
}

static void take_line_of_run(struct sweep_tell *tell, struct slot *slot,
                             const struct line *line)
{
    if (feed_read(slot->feed, line->text, line->length, NULL) == FEED_EVENT)
        take_event_of_run(tell, slot);
    else if (line->length > 0 && line->text[0] != '{')
        text_clean(slot->complaint, sizeof(slot->complaint), line->text,
                   line->length);
}

/* How a process has ended that left no word of it in its folder. */
static void explain_end(const struct slot *slot, char why[END_SIZE])
{
    if (child_starved(&slot->child))
        snprintf(why, END_SIZE, "the system has ended its process, for there "
                 "was no memory left; ask for fewer --jobs, or for settings "
                 "that take less");
    else if (slot->child.signal)
        snprintf(why, END_SIZE, "its process was ended by signal %d (%s)",
                 slot->child.signal, strsignal(slot->child.signal));
    else
        snprintf(why, END_SIZE, "its process ended with status %d%s%s",
                 slot->child.status, *slot->complaint ? ": " : "",
                 slot->complaint);
}

/* Reads in the folder how a run has ended. */
static void settle_end(struct slots *slots, struct slot *slot)
{
    struct sweep_run *run = slot->run;
    char why[END_SIZE];

    sweep_look_at(slots->sweep, run);
    if (run->state == SWEEP_DONE || run->state == SWEEP_FAILED)
        return;
    if (slot->asked || (slot->child.status == EXIT_OK && !slot->child.signal)) {
        run->state = SWEEP_STOPPED;
        return;
    }
    explain_end(slot, why);
    sweep_note_failure(slots->sweep, run, why);
}

static void end_in_slot(struct slots *slots, struct slot *slot)
{
    if (!child_reap(&slot->child, reap_seconds))
        child_kill(&slot->child);
    child_hang_up(&slot->child);
    settle_end(slots, slot);
    slot->child.pid = 0;
    sweep_tell_run(slots->tell, slot->run, NULL);
    slot->run = NULL;
}

/* Reads what a run says; false when it has ended. */
static bool hear_run(struct sweep_tell *tell, struct slot *slot)
{
    struct line line;
    ssize_t n;

    while ((n = lines_fill(slot->lines, slot->child.from)) > 0)
        while (lines_next(slot->lines, &line))
            take_line_of_run(tell, slot, &line);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (lines_end(slot->lines) && lines_next(slot->lines, &line))
        take_line_of_run(tell, slot, &line);
    return false;
}

static void wait_for_word(const struct slots *slots)
{
    struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
    struct pollfd *fds = xcalloc((unsigned long)slots->count, sizeof(*fds));

    for (int i = 0; i < slots->count; i++)
        fds[i] = (struct pollfd){
            .fd = slots->list[i].run ? slots->list[i].child.from : -1,
            .events = POLLIN
        };
    ppoll(fds, (nfds_t)slots->count, &tick, ending_let_in());
    free(fds);
}

/* Asks the runs to end, and after a while makes them. */
static void end_runs(struct slots *slots)
{
    bool late = slots->asked_at > 0 &&
                clock_seconds() - slots->asked_at > patience_seconds;

    if (slots->asked_at == 0)
        slots->asked_at = clock_seconds();
    for (int i = 0; i < slots->count; i++) {
        struct slot *slot = &slots->list[i];
        if (slot->run && !slot->asked)
            child_ask_to_end(&slot->child);
        if (slot->run && late)
            child_kill(&slot->child);
        slot->asked = true;
    }
}

/* Waits until something happens, and sees to it. */
static void work_on(struct slots *slots)
{
    wait_for_word(slots);
    if (ending_signal())
        end_runs(slots);
    for (int i = 0; i < slots->count; i++) {
        struct slot *slot = &slots->list[i];
        if (slot->run && (slot->child.from < 0 || !hear_run(slots->tell, slot)))
            end_in_slot(slots, slot);
    }
    sweep_tell_progress(slots->tell);
}

bool sweep_local_run(struct sweep *s, struct sweep_tell *tell, int jobs)
{
    struct slots slots = { .sweep = s, .tell = tell };

    make_slots(&slots, jobs);
    ending_hold();
    do {
        if (!ending_signal())
            start_runs(&slots);
        if (slots_in_use(&slots) > 0)
            work_on(&slots);
    } while (slots_in_use(&slots) > 0 ||
             (next_run(&slots) && !ending_signal()));
    discard_slots(&slots);
    return !ending_signal();
}
