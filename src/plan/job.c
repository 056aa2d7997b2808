#include "plan/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "graph/fuse.h"
#include "models/model.h"
#include "plan/optimal.h"

static bool pick_backend(struct job *job, const char *name, struct error *e)
{
    char known[128] = "auto";

    for (int i = 0; backends[i]; i++) {
        if (strcmp(name, backends[i]->name) == 0) {
            job->backend = backends[i];
            strcpy(job->machine.backend, name);
            return true;
        }
        strncat(known, ", ", sizeof(known) - strlen(known) - 1);
        strncat(known, backends[i]->name, sizeof(known) - strlen(known) - 1);
    }
    return error_set(e, EXIT_INPUT, "backend: '%s' is not one of %s", name,
                     known);
}

static struct route *choose_route(const struct job *job)
{
    switch (job->settings.checkpoint) {
    case CHECKPOINT_BLOCK:
        return route_blocks(job->graph);
    case CHECKPOINT_SQRT:
        return route_sqrt(job->graph);
    case CHECKPOINT_RECURSIVE:
        return route_recursive(job->graph);
    default:
        return route_straight(job->graph);
    }
}

static bool make_plan(struct job *job, struct error *e)
{
    struct policy policy = policy_from(&job->settings);
    struct route *route;

    job->graph = model_build(&job->settings,
                             dataset_classes_of(job->settings.data));
    if (job->backend->sums_tiles)
        fuse_tile_sums(job->graph);
    if (!policy_check(job->graph, policy, e))
        return false;
    if (job->settings.checkpoint == CHECKPOINT_OPTIMAL)
        return optimal_find(job->graph, policy, job->backend, job->threads,
                            job->settings.memory_budget, &job->schedule,
                            &job->plan, e);
    route = choose_route(job);
    job->schedule = schedule_build(job->graph, policy, route);
    job->plan = plan_build(job->schedule, job->backend, job->threads);
    route_free(route);
    return true;
}

bool job_new(struct job **out, const struct settings *s, struct error *e)
{
    struct machine here;

    machine_init(&here);
    if (strcmp(s->backend, "auto") == 0 && !machine_find_backend(&here, e))
        return false;
    return job_new_on(out, s, &here, e);
}

bool job_new_on(struct job **out, const struct settings *s,
                const struct machine *machine, struct error *e)
{
    struct settings settled = machine_settle(machine, s);
    struct job *job = xcalloc(1, sizeof(*job));

    job->settings = *s;
    job->machine = *machine;
    job->threads = settled.threads;
    if (!pick_backend(job, settled.backend, e) || !make_plan(job, e)) {
        job_free(job);
        return false;
    }
    *out = job;
    return true;
}

struct job *job_baseline(const struct job *job)
{
    struct job *baseline = xcalloc(1, sizeof(*baseline));

    baseline->settings = job->settings;
    settings_save_nothing(&baseline->settings);
    baseline->machine = job->machine;
    baseline->backend = job->backend;
    baseline->threads = job->threads;
    make_plan(baseline, NULL);
    return baseline;
}

/* Makes a plan with one setting changed; whether its arena fits. */
static bool fits(struct settings *s, const struct machine *machine,
                 const char *assignment, size_t bytes)
{
    struct settings with = *s;
    struct job *job;
    bool fit;

    if (!settings_assign(&with, "savings", assignment, NULL) ||
        !settings_check(&with, "savings", NULL) ||
        !job_new_on(&job, &with, machine, NULL))
        return false;
    *s = with;
    fit = job->plan->arena_bytes <= bytes;
    job_free(job);
    return fit;
}

bool job_savings(const struct job *job, size_t bytes, char *text, size_t size)
{
    static const char *const ways[] = {
        "recompute=bn-relu", "microbatch", "checkpoint=optimal",
        "precision=fp16"
    };
    struct settings s = job->settings;
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        char way[64];
        int batch = s.microbatch ? s.microbatch : s.batch;
        bool fit;

        snprintf(way, sizeof(way), "%s", ways[i]);
        if (strcmp(way, "microbatch") == 0)
            snprintf(way, sizeof(way), "microbatch=%d", (batch + 9) / 10);
        fit = fits(&s, &job->machine, way, bytes);
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 used ? " " : "", way);
        if (fit || used >= size)
            return fit;
    }
    return false;
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
