#include "sweep/sweep_plan.h"

#include <math.h>
#include <string.h>

#include "plan/forecast.h"
#include "plan/timings_file.h"
#include "settings/facts.h"

/* Steps of a run as far as settings tell; 0: the data do. */
static int64_t planned_steps(const struct settings *s)
{
    int64_t units = s->epoch_samples ? s->epoch_samples
                                     : facts_of(s).image.training;

    return facts_batches(s, units) * s->epochs;
}

/* The timings of the backend that was asked for last, for most runs of a sweep
 * are on one. */
struct last_timings {
    char backend[MACHINE_BACKEND_SIZE];
    struct timings *timings;     /* held; NULL: none hold */
};

static struct timings *timings_for(struct last_timings *last, const char *name)
{
    const struct backend *backend = backend_named(name);

    if (strcmp(last->backend, name) == 0)
        return last->timings;
    timings_free(last->timings);
    memcpy(last->backend, name, strlen(name) + 1);
    if (!backend || !timings_load(&last->timings, backend, NULL))
        last->timings = NULL;
    return last->timings;
}

static void take_forecast(struct sweep *s, struct sweep_run *run,
                          const struct forecast *f)
{
    int64_t steps = planned_steps(&run->settled);

    if (f->refused) {
        sweep_fail(run, SWEEP_REFUSED, f->error.text);
        return;
    }
    run->backend = backend_named(run->settled.backend);
    run->peak_bytes = f->peak_bytes;
    run->arena_bytes = f->arena_bytes;
    run->seconds = steps ? f->seconds * (double)steps : NAN;
    run->steps = steps;
    run->guessed = f->guessed;
    s->guessed |= f->guessed;
}

static void plan_run(struct sweep *s, struct sweep_run *run,
                     struct last_timings *last)
{
    struct forecast *f = forecast_new(&run->settled, &s->machine,
                                      timings_for(last, run->settled.backend),
                                      false, false);

    take_forecast(s, run, f);
    forecast_release(f);
}

bool sweep_plan(struct sweep *s, bool (*goes_on)(void *arg), void *arg)
{
    struct last_timings last = { .timings = NULL };
    bool on = true;

    for (int i = 0; on && i < s->count; i++) {
        if (s->runs[i].state != SWEEP_REFUSED)
            plan_run(s, &s->runs[i], &last);
        on = !goes_on || goes_on(arg);
    }
    timings_free(last.timings);
    return on;
}

double sweep_seconds_left(const struct sweep *s, int *unknown)
{
    double sum = 0;

    *unknown = 0;
    for (int i = 0; i < s->count; i++) {
        const struct sweep_run *run = &s->runs[i];
        double done = run->steps ? (double)run->step / (double)run->steps : 0;

        if (run->state != SWEEP_WAITS && run->state != SWEEP_RUNS)
            continue;
        if (isnan(run->seconds))
            ++*unknown;
        else
            sum += run->seconds * (1 - done);
    }
    return sum;
}

/* What a process took beside its arena; 0: its record does not tell. The
 * figures of a device are not those of its process. */
static uint64_t record_gap(const struct record *r, const struct settings *s)
{
    const struct run *run = &r->run;

    if (!r->has_settings || r->began_with.data != s->data ||
        strcmp(run->machine.backend, cpu_backend.name) != 0 ||
        run->os_peak <= run->touched)
        return 0;
    return run->os_peak - run->touched;
}

static uint64_t largest_gap(const char *root, const struct settings *s,
                            int *runs)
{
    struct archive a;
    uint64_t most = 0;

    if (!archive_read(&a, root, RECORD_ENDS, NULL))
        return 0;
    for (int i = 0; i < a.count; i++) {
        uint64_t gap = record_gap(&a.list[i], s);
        *runs += gap > 0;
        most = gap > most ? gap : most;
    }
    archive_done(&a);
    return most;
}

uint64_t sweep_gap(const struct sweep *s, int *runs)
{
    uint64_t one, other;

    *runs = 0;
    one = largest_gap(s->root, &s->base, runs);
    other = largest_gap(s->folder, &s->base, runs);
    return one > other ? one : other;
}
