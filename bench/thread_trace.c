/*
 * A region's coroutines take turns by swapcontext(): each runs until it waits
 * at a barrier or returns, and when all have, the span is over. The clock runs
 * neither while coroutines change nor while a piece is chosen; the time that
 * the clock itself takes is subtracted.
 */
#include "bench/thread_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "base/clock.h"
#include "bench/median.h"

enum { STACK_BYTES = 1 << 20, CLOCK_LOOKS = 1001 };

struct coroutine {
    ucontext_t context;
    char *stack;         /* owned, [STACK_BYTES] */
    bool ended;
};

/* A dynamic loop or a `single` block of the span. */
struct shared {
    bool begun;
    long next, end, step;
    size_t chunks;       /* pieces that were taken */
};

/* The region that runs. */
static struct {
    void (*run)(void *);
    void *data;
    int threads;         /* 0: none does */
    int self;            /* the thread that runs */
    struct shared shared;
    ucontext_t home;
    struct coroutine *each; /* owned, [most]; they are kept */
    int most;
} region;

/* The repeat that is recorded. */
static struct {
    struct trace *trace; /* NULL: nothing is */
    int repeat, label;
    size_t span;        /* spans that were opened */
    bool alike;
    double clock;        /* seconds that it takes to look at it */
    size_t piece;
    double began;
} recorded;

static void die(const char *why)
{
    fprintf(stderr, "thread_trace: %s\n", why);
    exit(1);
}

static void *grown(void *array, size_t *room, size_t needed, size_t size)
{
    if (needed <= *room)
        return array;
    *room = 2 * needed;
    array = realloc(array, *room * size);
    if (!array)
        die("out of memory");
    return array;
}

static double clock_cost(void)
{
    double seconds[CLOCK_LOOKS];

    for (int i = 0; i < CLOCK_LOOKS; i++) {
        double began = clock_seconds();

        seconds[i] = clock_seconds() - began;
    }
    return median(seconds, CLOCK_LOOKS);
}

/* Appends pieces without time. */
static void add_pieces(struct trace *t, size_t n)
{
    size_t all = t->piece_count + n, r = (size_t)t->repeats;

    t->seconds = grown(t->seconds, &t->piece_room, all, r * sizeof(double));
    for (size_t i = t->piece_count * r; i < all * r; i++)
        t->seconds[i] = 0;
    t->piece_count = all;
}

/* The span that is open. */
static struct span *open_span(void)
{
    return &recorded.trace->spans[recorded.span - 1];
}

static void begin_piece(size_t piece)
{
    if (!recorded.trace || !recorded.alike)
        return;
    recorded.piece = open_span()->first + piece;
    recorded.began = clock_seconds();
}

static void end_piece(void)
{
    double end = clock_seconds(), took = end - recorded.began - recorded.clock;
    struct trace *t = recorded.trace;

    if (t && recorded.alike && took > 0)
        t->seconds[recorded.piece * (size_t)t->repeats
                   + (size_t)recorded.repeat] += took;
}

/* The first repeat makes the spans; in the others they must be the same. */
static void begin_span(int threads)
{
    struct span new = { .label = recorded.label, .threads = threads };
    struct trace *t = recorded.trace;

    region.shared = (struct shared){ .begun = false };
    if (!t || !recorded.alike)
        return;
    if (recorded.repeat == 0) {
        new.first = t->piece_count;
        t->spans = grown(t->spans, &t->span_room, t->span_count + 1,
                          sizeof(*t->spans));
        t->spans[t->span_count++] = new;
        add_pieces(t, span_pieces(&new));
    } else if (recorded.span >= t->span_count
               || t->spans[recorded.span].threads != threads
               || t->spans[recorded.span].label != recorded.label) {
        recorded.alike = false;
        return;
    }
    recorded.span++;
}

static void end_span(void)
{
    if (recorded.trace && recorded.alike)
        recorded.alike = open_span()->chunks == region.shared.chunks;
}

/* Begins a piece that any thread may take. */
static void begin_chunk(void)
{
    size_t chunk = region.shared.chunks++;

    if (!recorded.trace || !recorded.alike)
        return;
    if (recorded.repeat == 0) {
        open_span()->chunks++;
        add_pieces(recorded.trace, 1);
    }
    recorded.alike = chunk < open_span()->chunks;
    begin_piece((size_t)region.threads + chunk);
}

/* The work outside of regions. */
static void begin_alone(void)
{
    begin_span(0);
    begin_piece(0);
}

static void end_alone(void)
{
    end_piece();
    end_span();
}

void trace_init(struct trace *t, int repeats)
{
    *t = (struct trace){ .repeats = repeats };
}

void trace_done(struct trace *t)
{
    free(t->spans);
    free(t->seconds);
}

void trace_begin(struct trace *t, int repeat)
{
    recorded.trace = t;
    recorded.repeat = repeat;
    recorded.label = 0;
    recorded.span = 0;
    recorded.alike = true;
    recorded.clock = clock_cost();
    begin_alone();
}

bool trace_end(void)
{
    bool all;

    end_alone();
    all = recorded.span == recorded.trace->span_count;
    recorded.trace = NULL;
    return all && recorded.alike;
}

void trace_label(int label)
{
    end_alone();
    recorded.label = label;
    begin_alone();
}

double trace_seconds(const struct trace *t, size_t piece)
{
    double *seconds = t->seconds + piece * (size_t)t->repeats;

    median(seconds, t->repeats); /* sorts */
    return seconds[t->repeats / 4];
}

/* Lets the others run; returns after the barrier. */
static void wait_for_others(void)
{
    int self = region.self;

    end_piece();
    if (swapcontext(&region.each[self].context, &region.home) != 0)
        die("no coroutine");
    begin_piece((size_t)self);
}

static void run_thread(void)
{
    begin_piece((size_t)region.self);
    region.run(region.data);
    end_piece();
    region.each[region.self].ended = true;
}

static void start_thread(int i)
{
    struct coroutine *c = &region.each[i];

    if (!c->stack)
        c->stack = malloc(STACK_BYTES);
    if (!c->stack || getcontext(&c->context) != 0)
        die("no coroutine");
    c->context.uc_stack.ss_sp = c->stack;
    c->context.uc_stack.ss_size = STACK_BYTES;
    c->context.uc_link = &region.home;
    c->ended = false;
    makecontext(&c->context, run_thread, 0);
}

/* Every thread runs to its next barrier, or to its end. Returns whether there
 * is one. */
static bool run_span(void)
{
    int ended = 0;

    begin_span(region.threads);
    for (int i = 0; i < region.threads; i++) {
        region.self = (i + recorded.repeat) % region.threads;
        if (swapcontext(&region.home, &region.each[region.self].context) != 0)
            die("no coroutine");
        ended += region.each[region.self].ended;
    }
    end_span();
    if (ended > 0 && ended < region.threads)
        die("some threads wait at a barrier, and others have ended");
    return ended == 0;
}

static void reserve_threads(int n)
{
    size_t room = (size_t)region.most;

    region.each = grown(region.each, &room, (size_t)n, sizeof(*region.each));
    for (; region.most < (int)room; region.most++)
        region.each[region.most].stack = NULL;
}

/* The functions of the OpenMP library that compiled programs call. */

void GOMP_parallel(void (*run)(void *), void *data, unsigned threads,
                   unsigned flags);
void GOMP_barrier(void);
bool GOMP_single_start(void);
bool GOMP_loop_nonmonotonic_dynamic_start(long start, long end, long step,
                                          long chunk, long *from, long *to);
bool GOMP_loop_nonmonotonic_dynamic_next(long *from, long *to);
void GOMP_loop_end(void);
void GOMP_loop_end_nowait(void);
void GOMP_critical_start(void);
void GOMP_critical_end(void);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

void GOMP_parallel(void (*run)(void *), void *data, unsigned threads,
                   unsigned flags)
{
    (void)flags;
    if (region.threads > 0 || threads == 0)
        die("a region in a region, or without a number of threads");
    end_alone();
    reserve_threads((int)threads);
    region.run = run;
    region.data = data;
    region.threads = (int)threads;
    for (int i = 0; i < region.threads; i++)
        start_thread(i);
    while (run_span())
        ;
    region.threads = region.self = 0;
    begin_alone();
}

void GOMP_barrier(void)
{
    wait_for_others();
}

/* The first thread that comes has the block. */
bool GOMP_single_start(void)
{
    if (region.shared.begun)
        return false;
    region.shared.begun = true;
    end_piece();
    begin_chunk();
    return true;
}

bool GOMP_loop_nonmonotonic_dynamic_start(long start, long end, long step,
                                          long chunk, long *from, long *to)
{
    struct shared *s = &region.shared;

    if (!s->begun) {
        s->begun = true;
        s->next = start;
        s->end = end;
        s->step = step * chunk;
    }
    return GOMP_loop_nonmonotonic_dynamic_next(from, to);
}

bool GOMP_loop_nonmonotonic_dynamic_next(long *from, long *to)
{
    struct shared *s = &region.shared;

    end_piece();
    if (s->next >= s->end) {
        begin_piece((size_t)region.self);
        return false;
    }
    *from = s->next;
    *to = s->next + s->step < s->end ? s->next + s->step : s->end;
    s->next = *to;
    begin_chunk();
    return true;
}

void GOMP_loop_end(void)
{
    wait_for_others();
}

void GOMP_loop_end_nowait(void)
{
}

/* Only one thread runs at a time. */
void GOMP_critical_start(void)
{
}

void GOMP_critical_end(void)
{
}

int omp_get_thread_num(void)
{
    return region.self;
}

int omp_get_num_threads(void)
{
    return region.threads > 0 ? region.threads : 1;
}
