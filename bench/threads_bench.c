/*
 * A training step on more threads than there are processors, by counting. The
 * step is planned for 1, 2, 4, ... 64 threads, so that kernels cut their work
 * for them, but every piece of it runs and is timed on its own, on one
 * processor (thread_trace.h). From these times follow those of each operation
 * on its threads: a piece that belongs to a thread waits for it, a chunk that
 * may go to any thread goes to the first that is free, and everything waits at
 * barriers. Prints a Markdown page; bench/results/ keeps such pages. Columns:
 *
 *     work        of all threads together, relative to that of one
 *     busy        the share of the threads' time in which they work
 *     lost        the share of a step that an even division of the work saves
 *     one alone   the share of a step in which one thread works
 *     longest     the longest stretch of that
 *
 *     threads_bench [-r REPEATS] PRESET [SETTING=VALUE]...
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/thread_trace.h"
#include "settings/preset.h"
#include "train/profile.h"
#include "train/trainer.h"

enum { DIVISIONS = 7, THREADS_MAX = 1 << (DIVISIONS - 1),
       ASSIGNMENTS_MAX = 64, WORST = 6 };

/* Threads that every operation is judged with, and the status that says that
 * there is nothing to measure. */
enum { JUDGED = 16, SKIPPED = 77 };

/* The most of a step that one thread may work alone in an operation. */
static const double ALONE_MOST = 0.02;

/* Times of some work, in seconds. */
struct count {
    double work;         /* of all threads together */
    double time;         /* until the last thread is done */
    double alone;        /* in which only one thread works */
    double longest;      /* the longest stretch of that */
    long waits;          /* barriers */
};

/* Calls that differ in their addresses alone. */
struct row {
    struct profile_row like;
    struct count count;
};

/* A step on some threads. */
struct division {
    int threads;
    struct trainer *trainer; /* owned */
    struct trace trace;  /* owned */
    struct row *rows;    /* owned, [row_count]; 0: the work between calls */
    int row_count;
    int *row;            /* owned, [step_count]; each step's row */
    struct count count;
};

static void add_count(struct count *to, const struct count *c)
{
    to->work += c->work;
    to->time += c->time;
    to->alone += c->alone;
    to->longest = c->longest > to->longest ? c->longest : to->longest;
    to->waits += c->waits;
}

static int first_free(const double *busy, int threads)
{
    int first = 0;

    for (int i = 1; i < threads; i++)
        if (busy[i] < busy[first])
            first = i;
    return first;
}

/* The span's times, from how long each thread is busy. */
static struct count count_busy(const double *busy, int threads)
{
    struct count c = { .waits = threads > 1 };
    double second = 0;

    for (int i = 0; i < threads; i++) {
        c.work += busy[i];
        if (busy[i] > c.time) {
            second = c.time;
            c.time = busy[i];
        } else if (busy[i] > second) {
            second = busy[i];
        }
    }
    c.alone = c.longest = c.time - second;
    return c;
}

static struct count count_span(const struct trace *t, const struct span *p)
{
    double busy[THREADS_MAX];
    int threads = p->threads > 0 ? p->threads : 1;

    for (int i = 0; i < threads; i++)
        busy[i] = trace_seconds(t, p->first + (size_t)i);
    for (size_t k = (size_t)threads; k < span_pieces(p); k++)
        busy[first_free(busy, threads)] += trace_seconds(t, p->first + k);
    return count_busy(busy, threads);
}

/* The row of calls like this one, which may be new. */
static int find_row(struct division *d, const struct profile_row *like)
{
    for (int i = 1; i < d->row_count; i++)
        if (profile_alike(&d->rows[i].like, like))
            return i;
    d->rows[d->row_count].like = *like;
    return d->row_count++;
}

static void begin_call(void *arg, int step)
{
    const struct division *d = arg;

    trace_label(d->row[step]);
}

static void end_call(void *arg, int step)
{
    (void)arg;
    (void)step;
    trace_label(0);
}

static void division_init(struct division *d, int threads, int repeats,
                          struct trainer *t)
{
    size_t steps = (size_t)t->job->schedule->step_count;

    *d = (struct division){ .threads = threads, .trainer = t, .row_count = 1 };
    trace_init(&d->trace, repeats);
    d->rows = xcalloc(steps + 1, sizeof(*d->rows));
    d->row = xcalloc(steps, sizeof(*d->row));
    for (size_t i = 0; i < steps; i++) {
        struct profile_row like = profile_describe(t->executor, (int)i);

        d->row[i] = find_row(d, &like);
    }
    t->executor->observer = (struct observer){ end_call, d, begin_call };
}

static void division_done(struct division *d)
{
    trainer_free(d->trainer);
    trace_done(&d->trace);
    free(d->rows);
    free(d->row);
}

/* Sums up the trace, whose labels are rows. */
static void count_trace(struct division *d)
{
    const struct trace *t = &d->trace;

    for (size_t i = 0; i < t->span_count; i++) {
        struct count c = count_span(t, &t->spans[i]);

        add_count(&d->rows[t->spans[i].label].count, &c);
        add_count(&d->count, &c);
    }
}

/* A run of a preset; the images that are drawn need no file. */
static struct trainer *open_trainer(int threads, const char *preset, int count,
                                    char **assignments)
{
    static char backend[] = "backend=cpu", data[] = "data=shapes";
    char number[32];
    struct assignment all[ASSIGNMENTS_MAX + 3] = {
        { "threads_bench", data }
    };
    struct settings settings;
    struct trainer *t;
    struct error e;

    if (count > ASSIGNMENTS_MAX)
        die("too many settings");
    for (int i = 0; i < count; i++)
        all[1 + i] = (struct assignment){ "threads_bench", assignments[i] };
    snprintf(number, sizeof(number), "threads=%d", threads);
    all[1 + count] = (struct assignment){ "threads_bench", backend };
    all[2 + count] = (struct assignment){ "threads_bench", number };
    if (!preset_open(preset, all, 3 + count, &settings, &e)
        || !trainer_new(&t, &settings, &e))
        die(e.text);
    return t;
}

/* One step, as repeat number r; the first step, number -1, warms up. */
static void trace_step(struct division *d, int r)
{
    if (r >= 0)
        trace_begin(&d->trace, r);
    trainer_step(d->trainer);
    if (r >= 0 && !trace_end())
        die("a step was not cut like the step before it");
}

/* Numbers of threads take turns, so that a processor that is slow for a while
 * is slow for all of them. */
static void measure(struct division d[DIVISIONS], int repeats)
{
    for (int r = -1; r < repeats; r++)
        for (int i = 0; i < DIVISIONS; i++)
            trace_step(&d[i], r);
    for (int i = 0; i < DIVISIONS; i++)
        count_trace(&d[i]);
    if (d[1].count.waits > 0)
        return;
    fprintf(stderr, "threads_bench: this program was not compiled with GCC's "
            "OpenMP\n");
    exit(SKIPPED);
}

static const char *row_name(const struct division *d, int row)
{
    return row == 0 ? "between calls" : op_name(d->rows[row].like.op);
}

/* The seconds that an even division of a row's work would save. */
static double lost(const struct division *d, int row)
{
    const struct count *c = &d->rows[row].count;

    return c->time - c->work / d->threads;
}

/* The row that loses most, of those that were not taken. */
static int worst_row(const struct division *d, const bool *taken)
{
    int worst = -1;

    for (int i = 0; i < d->row_count; i++)
        if (!taken[i] && (worst < 0 || lost(d, i) > lost(d, worst)))
            worst = i;
    return worst;
}

static double busy_share(const struct division *d, const struct count *c)
{
    return c->work / (d->threads * c->time);
}

/* A row of the table of the worst balanced operations. */
static void print_worst(const struct division *d, int row)
{
    const struct count *c = &d->rows[row].count;
    double all = d->count.time;

    printf("| %d | %s | %s | %.1f%% | %.0f%% | %.2f%% | %.2f%% | %.3f%% |\n",
           d->threads, row_name(d, row), d->rows[row].like.shapes,
           100 * c->time / all, 100 * busy_share(d, c),
           100 * lost(d, row) / all, 100 * c->alone / all,
           100 * c->longest / all);
}

static void print_worst_rows(const struct division *d)
{
    bool *taken = xcalloc((size_t)d->row_count, sizeof(*taken));

    for (int i = 0; i < WORST && i < d->row_count; i++) {
        int row = worst_row(d, taken);

        taken[row] = true;
        print_worst(d, row);
    }
    free(taken);
}

static void print_division(const struct division *d,
                           const struct division *one)
{
    const struct count *c = &d->count;

    printf("| %d | %.3f | %.2f | %.3f | %.1f%% | %.2f%% | %ld |\n",
           d->threads, 1e3 * c->time, one->count.time / c->time,
           c->work / one->count.work, 100 * busy_share(d, c),
           100 * c->alone / c->time, c->waits);
}

/* Seconds in which one thread works alone in an operation, in all its rows. */
static double alone_in(const struct division *d, const char *name)
{
    double sum = 0;

    for (int i = 0; i < d->row_count; i++)
        if (strcmp(row_name(d, i), name) == 0)
            sum += d->rows[i].count.alone;
    return sum;
}

/* Whether no row before it is of the same operation. */
static bool is_first(const struct division *d, int row)
{
    for (int i = 0; i < row; i++)
        if (strcmp(row_name(d, i), row_name(d, row)) == 0)
            return false;
    return true;
}

/* Says of every operation how much of a step it leaves to one thread. */
static void judge(const struct division *d)
{
    int over = 0;

    printf("\nOf a step on %d threads one thread works alone in:\n\n"
           "| operation | of the step | |\n|---|---|---|\n", d->threads);
    for (int i = 0; i < d->row_count; i++) {
        double share = alone_in(d, row_name(d, i)) / d->count.time;

        if (!is_first(d, i) || share == 0)
            continue;
        printf("| %s | %.2f%% | %s |\n", row_name(d, i), 100 * share,
               share > ALONE_MOST ? "too much" : "");
        over += share > ALONE_MOST;
    }
    printf("\nOperations that leave more than %.0f%% of the step to one "
           "thread: %d\n", 100 * ALONE_MOST, over);
}

static void print_head(int repeats, const char *preset, int count,
                       char **assignments)
{
    struct device_info info;

    cpu_backend.list(&info, 1);
    printf("# Threads, counted\n\n- %s\n- %s", info.line, preset);
    for (int i = 0; i < count; i++)
        printf(", `%s`", assignments[i]);
    printf("\n- %d repeats\n\n"
           "Every piece of a step ran alone, on one processor, and the times "
           "on threads\nfollow from the times of the pieces. Not counted: the "
           "caches that each processor\nhas to fill, the bandwidth of memory "
           "that they share, and the time to wake threads\nat barriers.\n\n",
           repeats);
}

static void print_page(const struct division d[DIVISIONS])
{
    puts("| threads | ms | speed-up | work | busy | one alone | barriers |\n"
         "|---|---|---|---|---|---|---|");
    for (int i = 0; i < DIVISIONS; i++)
        print_division(&d[i], &d[0]);
    puts("\nThe worst balanced operations:\n\n"
         "| threads | operation | shapes | of the step | busy | lost "
         "| one alone | longest |\n|---|---|---|---|---|---|---|---|");
    for (int i = 1; i < DIVISIONS; i++)
        print_worst_rows(&d[i]);
    for (int i = 0; i < DIVISIONS; i++)
        if (d[i].threads == JUDGED)
            judge(&d[i]);
}

int main(int argc, char **argv)
{
    struct division divisions[DIVISIONS];
    int repeats = 5, option;
    const char *preset;

    while ((option = getopt(argc, argv, "r:")) != -1)
        switch (option) {
        case 'r':
            repeats = number(optarg);
            break;
        default:
            optind = argc;
        }
    if (optind >= argc)
        die("usage: threads_bench [-r REPEATS] PRESET [SETTING=VALUE]...");
    preset = argv[optind++];
    for (int i = 0; i < DIVISIONS; i++)
        division_init(&divisions[i], 1 << i, repeats,
                      open_trainer(1 << i, preset, argc - optind,
                                   argv + optind));
    measure(divisions, repeats);
    print_head(repeats, preset, argc - optind, argv + optind);
    print_page(divisions);
    for (int i = 0; i < DIVISIONS; i++)
        division_done(&divisions[i]);
    return 0;
}
