#include "train/stopwatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "plan/roofline.h"

/* Of one call the last measurements; of a step of the schedule, shapes, for the
 * parts of text differ. */
enum { SECONDS_KEPT = 15, SHAPES_PER_STEP = 4 };

struct watched {
    uint64_t hash;       /* of the call; 0: the place is free */
    struct timing timing;
    int count;           /* calls */
    double seconds[SECONDS_KEPT]; /* of the last ones, in a ring */
};

struct stopwatch {
    struct executor *executor;   /* borrowed */
    struct watched *list;        /* [room], open addressing */
    unsigned long room, count;
    double began;
    double seconds;      /* of all calls */
};

/* The place of a call, or the free one where it belongs. */
static struct watched *watched_place(struct stopwatch *w, uint64_t hash)
{
    unsigned long i = hash % w->room;

    while (w->list[i].hash && w->list[i].hash != hash)
        i = (i + 1) % w->room;
    return &w->list[i];
}

static void begin_watching(void *arg, int step)
{
    struct stopwatch *w = arg;

    (void)step;
    w->began = clock_seconds();
}

static void count_seconds(struct stopwatch *w, enum op_code op,
                          const struct call *c, double seconds)
{
    struct timed_call call = timed_call_of(op, c);
    uint64_t hash = timed_call_hash(&call) | 1;
    struct watched *it = watched_place(w, hash);

    w->seconds += seconds;
    if (!it->hash && 2 * ++w->count > w->room)
        return;
    if (!it->hash) {
        it->hash = hash;
        it->timing = (struct timing){ call, roofline_call(op, c), 0, 1 };
    }
    it->seconds[it->count++ % SECONDS_KEPT] = seconds;
}

static void end_watching(void *arg, int step)
{
    struct stopwatch *w = arg;
    const struct executor *ex = w->executor;
    const struct schedule *s = ex->plan->schedule;
    const struct backend *backend = ex->plan->backend;
    double seconds = backend->seconds ? backend->seconds(ex->device)
                                      : clock_seconds() - w->began;

    if (schedule_program(s, step) == PROGRAM_TRAIN)
        count_seconds(w, schedule_op(s, step)->code, &ex->calls[step],
                      seconds);
}

struct stopwatch *stopwatch_new(struct executor *ex)
{
    struct stopwatch *w = xcalloc(1, sizeof(*w));

    w->executor = ex;
    w->room = 2 * SHAPES_PER_STEP *
              (unsigned long)ex->plan->schedule->step_count;
    w->list = xcalloc(w->room, sizeof(*w->list));
    ex->observer = (struct observer){ end_watching, w, begin_watching };
    return w;
}

void stopwatch_free(struct stopwatch *w)
{
    if (!w)
        return;
    w->executor->observer = (struct observer){ 0 };
    free(w->list);
    free(w);
}

static int smaller_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The lower quartile. */
static double typical(const struct watched *it)
{
    double sorted[SECONDS_KEPT];
    int n = it->count < SECONDS_KEPT ? it->count : SECONDS_KEPT;

    memcpy(sorted, it->seconds, sizeof(sorted));
    qsort(sorted, (size_t)n, sizeof(*sorted), smaller_first);
    return sorted[n / 4];
}

struct stopwatch_sum stopwatch_sum(const struct stopwatch *w)
{
    struct stopwatch_sum sum = { .all = w->seconds };

    for (unsigned long i = 0; i < w->room; i++) {
        const struct watched *it = &w->list[i];
        if (!it->hash)
            continue;
        sum.calls += it->count;
        sum.typical += it->count * typical(it);
    }
    return sum;
}

void stopwatch_note(const struct stopwatch *w, struct timings *t, bool loads)
{
    for (unsigned long i = 0; i < w->room; i++) {
        struct timing timing = w->list[i].timing;
        if (!w->list[i].hash ||
            (!loads && timed_call_op(&timing.call) == OP_load))
            continue;
        timing.seconds = typical(&w->list[i]);
        timings_put(t, &timing);
    }
}
