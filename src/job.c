#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "model.h"

static bool opens(const struct backend *backend, int threads)
{
    char why[WHY_SIZE];
    struct device *device;

    if (!backend->open(&device, threads, why))
        return false;
    backend->close(device);
    return true;
}

static bool pick_backend(struct job *job, struct error *e)
{
    const char *name = job->settings.backend;
    bool any = strcmp(name, "auto") == 0;
    char known[128] = "auto";

    for (int i = 0; backends[i]; i++) {
        const struct backend *b = backends[i];
        if (any ? opens(b, job->threads) : strcmp(name, b->name) == 0) {
            job->backend = b;
            return true;
        }
        strncat(known, ", ", sizeof(known) - strlen(known) - 1);
        strncat(known, b->name, sizeof(known) - strlen(known) - 1);
    }
    if (any)
        return error_set(e, EXIT_RUN, "backend: none can be opened; "
                                      "see `memdial backends`");
    return error_set(e, EXIT_INPUT, "backend: '%s' is not one of %s", name,
                     known);
}

static void make_plan(struct job *job)
{
    job->graph = model_build(&job->settings,
                             dataset_classes_of(job->settings.data));
    job->schedule = schedule_build(job->graph, policy_from(&job->settings));
    job->plan = plan_build(job->schedule, job->backend, job->threads);
}

bool job_new(struct job **out, const struct settings *s, struct error *e)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->settings = *s;
    job->threads = s->threads ? s->threads : backend_default_threads();
    if (!pick_backend(job, e)) {
        free(job);
        return false;
    }
    make_plan(job);
    *out = job;
    return true;
}

struct job *job_baseline(const struct job *job)
{
    struct job *baseline = xcalloc(1, sizeof(*baseline));

    baseline->settings = job->settings;
    baseline->settings.microbatch = 0;
    baseline->settings.recompute = RECOMPUTE_NONE;
    baseline->backend = job->backend;
    baseline->threads = job->threads;
    make_plan(baseline);
    return baseline;
}

void job_free(struct job *job)
{
    if (!job)
        return;
    plan_free(job->plan);
    schedule_free(job->schedule);
    graph_free(job->graph);
    free(job);
}

bool job_open_device(const struct job *job, struct device **device,
                     struct error *e)
{
    char why[WHY_SIZE];

    if (job->backend->open(device, job->threads, why))
        return true;
    return error_set(e, EXIT_RUN, "backend %s: %s", job->backend->name, why);
}
