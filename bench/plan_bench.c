/*
 * How long planning takes: everything from settings to addresses, as at a key
 * press. Prints a table of medians.
 *
 *   usage: plan_bench [REPEATS]
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bench/median.h"
#include "plan/job.h"

enum { MAX_REPEATS = 1001 };

static void fail(const struct error *e)
{
    fprintf(stderr, "plan_bench: %s\n", e->text);
    exit(e->code);
}

enum { MAX_ASSIGNMENTS = 6 };

/* Depth and width, then what differs from the defaults. */
static const struct row {
    int depth, width;
    const char *assignments[MAX_ASSIGNMENTS];
} rows[] = {
    { 10, 1, { NULL } },
    { 28, 2, { NULL } },
    { 28, 2, { "recompute=norms" } },
    { 28, 2, { "microbatch=10" } },
    { 28, 2, { "microbatch=1", "recompute=norms" } },
    { 28, 2, { "checkpoint=block" } },
    { 28, 2, { "checkpoint=sqrt" } },
    { 28, 2, { "checkpoint=recursive" } },
    { 28, 2, { "sparsity=0.9", "precision=fp16" } },
    { 28, 2, { "checkpoint=optimal" } },
    { 28, 2, { "checkpoint=optimal", "memory_budget=150MiB" } },
    { 28, 2, { "checkpoint=optimal", "microbatch=10", "precision=fp16",
               "recompute=norms", "sparsity=0.7" } },
    { 1000, 1, { NULL } },
    { 1000, 1, { "recompute=norms" } },
    { 1000, 1, { "checkpoint=optimal" } },
    { 1000, 1, { "checkpoint=optimal", "microbatch=10",
                 "recompute=norms" } },
};

static void measure(const struct row *row, int repeats)
{
    struct settings s;
    double times[MAX_REPEATS], middle, waste = 0;
    struct error e;

    settings_init(&s);
    s.depth = row->depth;
    s.width = row->width;
    s.threads = 2;
    printf("| wrn-%d-%d |", row->depth, row->width);
    for (int i = 0; i < MAX_ASSIGNMENTS && row->assignments[i]; i++) {
        printf(" %s", row->assignments[i]);
        if (!settings_assign(&s, "plan_bench", row->assignments[i], &e))
            fail(&e);
    }
    for (int i = 0; i < repeats; i++) {
        double started = clock_seconds();
        struct job *job;
        if (!job_new(&job, &s, &e))
            fail(&e);
        times[i] = 1e3 * (clock_seconds() - started);
        waste = (double)job->plan->arena_bytes /
                (double)job->plan->peak_bytes;
        job_free(job);
    }
    middle = median(times, repeats);
    printf(" | %.2f | %.2f | %.4f |\n", middle, times[repeats - 1], waste);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int repeats = argc > 1 ? atoi(argv[1]) : 21;

    if (repeats < 1 || repeats > MAX_REPEATS) {
        fprintf(stderr, "plan_bench: repeats must be 1 to %d\n", MAX_REPEATS);
        return EXIT_INPUT;
    }
    puts("| model | settings | median ms | worst ms | arena / peak |\n"
         "|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        measure(&rows[i], repeats);
    return 0;
}
