/*
 * How long planning takes: everything from settings to addresses, as at a key
 * press. Prints a table of medians.
 *
 *   usage: plan_bench [REPEATS]
 */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "job.h"

enum { MAX_REPEATS = 1001 };

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void measure(int depth, int width, int microbatch, int recompute,
                    int repeats)
{
    struct settings s;
    double times[MAX_REPEATS], waste = 0;
    struct error e;

    settings_init(&s);
    s.depth = depth;
    s.width = width;
    s.microbatch = microbatch;
    s.recompute = recompute;
    s.threads = 2;
    for (int i = 0; i < repeats; i++) {
        double started = clock_seconds();
        struct job *job;
        if (!job_new(&job, &s, &e)) {
            fprintf(stderr, "plan_bench: %s\n", e.text);
            exit(e.code);
        }
        times[i] = 1e3 * (clock_seconds() - started);
        waste = (double)job->plan->arena_bytes /
                (double)job->plan->peak_bytes;
        job_free(job);
    }
    qsort(times, (size_t)repeats, sizeof(*times), by_value);
    printf("| wrn-%d-%d | %d | %s | %.2f | %.2f | %.4f |\n", depth, width,
           microbatch ? microbatch : s.batch,
           recompute ? "bn-relu" : "none", times[repeats / 2],
           times[repeats - 1], waste);
}

int main(int argc, char **argv)
{
    int repeats = argc > 1 ? atoi(argv[1]) : 21;

    if (repeats < 1 || repeats > MAX_REPEATS) {
        fprintf(stderr, "plan_bench: repeats must be 1 to %d\n", MAX_REPEATS);
        return EXIT_INPUT;
    }
    puts("| model | microbatch | recompute | median ms | worst ms | "
         "arena / peak |\n|---|---|---|---|---|---|");
    for (int recompute = 0; recompute < 2; recompute++) {
        measure(10, 1, 0, recompute, repeats);
        measure(28, 2, 0, recompute, repeats);
        measure(28, 2, 10, recompute, repeats);
        measure(28, 2, 1, recompute, repeats);
        measure(1000, 1, 0, recompute, repeats);
    }
    return 0;
}
