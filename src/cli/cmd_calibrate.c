/*
 * `memdial calibrate`: measures how long this machine takes for the operations
 * of a network and of others like it.
 */
#include "cli/cmd_calibrate.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/ending.h"
#include "base/json_print.h"
#include "base/print.h"
#include "cli/request.h"
#include "models/model.h"
#include "plan/job.h"
#include "plan/timings_file.h"
#include "train/calibrate.h"

struct asked {
    bool json;
    const char *seconds;     /* NULL: not given */
};

static const char usage[] =
    "calibrate [PRESET] [--seconds SECONDS] [--set NAME=VALUE]... [--json]";

static const struct option options[] = {
    { "seconds", required_argument, NULL, 't' },
    { "set", required_argument, NULL, 's' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* If the option is not given. */
static const double enough_seconds = 10, most_seconds = 86400;

static void cmd_calibrate_choose(void *arg, int which, const char *value)
{
    struct asked *a = arg;

    a->json |= which == 'j';
    if (which == 't')
        a->seconds = value;
}

static bool parse_seconds(const char *text, double *seconds, struct error *e)
{
    char *end;

    *seconds = enough_seconds;
    if (!text)
        return true;
    *seconds = strtod(text, &end);
    return (end > text && !*end && *seconds >= 0 &&
            *seconds <= most_seconds) ||
           error_set(e, EXIT_INPUT, "--seconds: '%.32s' is no number of "
                     "seconds from 0 to %g", text, most_seconds);
}

struct progress {
    double began;
    int trainings;
    bool shows;
};

static bool tell_progress(void *arg, int trainings, int calls)
{
    struct progress *p = arg;

    p->trainings = trainings;
    if (p->shows)
        print_error("\r\033[Kcalibrating: %d trainings, %d calls, %.0f s",
                    trainings, calls, clock_seconds() - p->began);
    return !ending_signal();
}

static void print_result(const struct timings *t, const struct progress *p,
                         bool json)
{
    double seconds = clock_seconds() - p->began;

    if (json)
        json_print(json_pack("{ss sf si si}", "backend", t->backend->name,
                             "seconds", seconds, "trainings", p->trainings,
                             "calls", timings_count(t)));
    else
        print("%s: %d calls measured in %d trainings of one step, %.1f s; "
              "`memdial plan` and `memdial fit` now tell seconds\n",
              t->backend->name, timings_count(t), p->trainings, seconds);
}

/* Puts the new timings in place of old ones of the same calls. */
static bool keep_timings(struct timings *t, struct error *e)
{
    struct timings *old;

    if (timings_load(&old, t->backend, NULL))
        timings_fill(t, old);
    timings_free(old);
    return timings_save(t, e);
}

static bool measure_and_keep(const struct calibration *c,
                             const struct backend *backend,
                             struct progress *p, bool json, struct error *e)
{
    struct timings *t = timings_new(backend);
    bool ok = calibrate(t, c, e);

    if (p->shows)
        print_error("\r\033[K");
    ok = ok && keep_timings(t, e);
    if (ok)
        print_result(t, p, json);
    timings_free(t);
    return ok;
}

static bool check_timed(const struct job *job, struct error *e)
{
    return job_device_is_timed(job) ||
           error_set(e, EXIT_INPUT, "backend %s:%d: timings are kept of the "
                     "first device, and this is another one; name it as the "
                     "only one in CUDA_VISIBLE_DEVICES", job->backend->name,
                     job->device);
}

/* The device is held, for trainings that open it one after the other would each
 * wait until it is ready. */
static bool measure_on_device(const struct calibration *c,
                              const struct job *job, struct progress *p,
                              bool json, struct error *e)
{
    struct device *device;
    bool ok;

    if (!job_open_device(job, &device, e))
        return false;
    ok = measure_and_keep(c, job->backend, p, json, e);
    job->backend->close(device);
    return ok;
}

static bool ask_calibration(const struct request *request,
                            const struct asked *a, struct error *e)
{
    struct settings settings;
    struct progress p = { .began = clock_seconds(),
                          .shows = print_error_shows() && !a->json };
    struct calibration c = { .settings = &settings, .told = tell_progress,
                             .told_arg = &p };
    struct job *job;
    bool ok;

    if (!parse_seconds(a->seconds, &c.seconds, e) ||
        !request_settings(request, &settings, e) ||
        !job_new(&job, &settings, e))
        return false;
    c.machine = &job->machine;
    ending_catch();
    ok = check_timed(job, e) && timings_check_place(job->backend, e) &&
         measure_on_device(&c, job, &p, a->json, e);
    job_free(job);
    return ok;
}

int cmd_calibrate(int argc, char **argv)
{
    struct request request;
    struct asked asked = { .seconds = NULL };
    struct error e = { .code = EXIT_OK };
    int code;

    if (request_parse(&request, argc, argv, options, usage,
                      cmd_calibrate_choose, &asked, &code) &&
        !ask_calibration(&request, &asked, &e))
        code = report_error(&e);
    request_done(&request);
    return code;
}
