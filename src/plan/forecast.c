#include "plan/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/model.h"
#include "plan/roofline.h"

static bool plan_settings(const struct settings *s,
                          const struct machine *machine, bool baseline,
                          struct job **job, struct error *e)
{
    struct settings wanted = *s;

    if (baseline)
        settings_save_nothing(&wanted);
    return model_check(&wanted, "settings", e) &&
           job_new_on(job, &wanted, machine, e);
}

static void take_figures(struct forecast *f, const struct job *job)
{
    const struct plan *plan = job->plan;
    double seconds = timings_step_seconds(f->timings, plan);

    f->peak_bytes = plan->peak_bytes;
    f->arena_bytes = plan->arena_bytes;
    memcpy(f->bytes, plan->live[plan->peak_step], sizeof(f->bytes));
    f->flops = schedule_flops(job->schedule);
    f->guessed = isnan(seconds);
    f->seconds = f->guessed ? roofline_seconds(plan) : seconds;
}

struct forecast *forecast_new(const struct settings *s,
                              const struct machine *machine,
                              struct timings *timings, bool whole,
                              bool baseline)
{
    struct forecast *f = xcalloc(1, sizeof(*f));
    struct job *job;

    f->holders = 1;
    f->settings = *s;
    f->machine = *machine;
    f->timings = timings_hold(timings);
    f->refused = !plan_settings(s, machine, baseline, &job, &f->error);
    if (f->refused)
        return f;
    take_figures(f, job);
    f->settings = job->settings;
    if (whole)
        f->job = job;
    else
        job_free(job);
    return f;
}

struct forecast *forecast_promise(const struct settings *s,
                                  const struct machine *machine,
                                  size_t peak_bytes, size_t arena_bytes)
{
    struct forecast *f = xcalloc(1, sizeof(*f));

    f->holders = 1;
    f->settings = *s;
    f->machine = *machine;
    f->peak_bytes = peak_bytes;
    f->arena_bytes = arena_bytes;
    return f;
}

struct forecast *forecast_figures(const struct forecast *whole)
{
    struct forecast *f = xcalloc(1, sizeof(*f));

    *f = *whole;
    f->holders = 1;
    f->job = NULL;
    f->timings = NULL;
    return f;
}

bool forecast_is_of(const struct forecast *f, const struct settings *s,
                    const struct machine *machine)
{
    return f && settings_same(&f->settings, s) &&
           machine_same(&f->machine, machine);
}

struct forecast *forecast_hold(struct forecast *f)
{
    if (f)
        f->holders++;
    return f;
}

void forecast_release(struct forecast *f)
{
    if (!f || --f->holders > 0)
        return;
    job_free(f->job);
    timings_free(f->timings);
    free(f);
}

void forecast_replace(struct forecast **place, struct forecast *next)
{
    struct forecast *old = *place;

    *place = next;
    forecast_release(old);
}
