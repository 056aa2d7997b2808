#include "plan/job.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "models/model.h"
#include "settings/idle.h"

/* Reads the number after a backend's name, "cuda:1"; false: this is another
 * name. */
static bool read_device(const char *name, size_t length, int *device)
{
    char rest;

    *device = DEVICE_ANY;
    if (name[length] == '\0')
        return true;
    return name[length] == ':' && isdigit((unsigned char)name[length + 1]) &&
           sscanf(name + length, ":%3d%c", device, &rest) == 1;
}

static bool pick_backend(struct job *job, const char *name, struct error *e)
{
    char known[128] = "auto";

    job->backend = backend_named(name);
    if (job->backend &&
        read_device(name, strlen(job->backend->name), &job->device)) {
        strcpy(job->machine.backend, name);
        return true;
    }
    for (int i = 0; backends[i]; i++) {
        strncat(known, ", ", sizeof(known) - strlen(known) - 1);
        strncat(known, backends[i]->name, sizeof(known) - strlen(known) - 1);
    }
    return error_set(e, EXIT_INPUT, "backend: '%s' is not one of %s, or such a "
                     "name and a device's number, as memdial backends lists "
                     "them: cuda:1", name, known);
}

/* What a job is made on. */
static bool find_machine(struct job *job, const struct settings *s,
                         const struct machine *machine, struct error *e)
{
    job->settings = *s;
    job->machine = *machine;
    job->settled = machine_settle(machine, s);
    job->threads = job->settled.threads;
    return pick_backend(job, job->settled.backend, e);
}

/* What a job is made with. */
struct making {
    bool addresses;              /* its plan needs them */
    struct job_cache *cache;     /* NULL: one of its own */
    const struct worth *worth;   /* NULL: anything is worth it */
};

static struct alternatives alternatives_of(const struct job *job,
                                           struct job_cache *cache)
{
    return (struct alternatives){
        .routes = route_cache_find(&cache->routes, &job->settled,
                                   job->backend, job->threads),
        .graph = job->graph,
        .policy = policy_from(&job->settings),
        .backend = job->backend,
        .threads = job->threads,
    };
}

static bool is_worth(const struct job *job, const struct worth *worth)
{
    struct work *work = work_new(job->graph);
    bool is = choice_is_worth(worth, work, job->schedule, job->backend,
                              job->threads);

    work_free(work);
    return is;
}

/* Optimal checkpoints are found by the addresses of their plans. */
static bool plan_with(struct job *job, struct making how, struct error *e)
{
    const struct settings *s = &job->settled;

    job->graph = graph_cache_find(&how.cache->graphs, s, job->backend);
    if (!policy_check(job->graph, s, e))
        return false;
    if (s->checkpoint == CHECKPOINT_OPTIMAL) {
        struct alternatives all = alternatives_of(job, how.cache);
        return choice_find(&all, s->memory_budget, how.worth,
                           &job->schedule, &job->plan, e);
    }
    job->schedule = graph_cache_schedule(&how.cache->graphs, s, job->backend);
    if (how.worth && how.worth->pace && !is_worth(job, how.worth))
        return false;
    job->plan = plan_outline(job->schedule, job->backend, job->threads);
    if (how.addresses)
        plan_place(job->plan);
    return true;
}

static bool make_plan(struct job *job, struct making how, struct error *e)
{
    struct job_cache own = { .graphs.oldest = 0 };
    bool made;

    if (!how.cache)
        how.cache = &own;
    made = plan_with(job, how, e);
    job_cache_done(&own);
    return made;
}

bool job_new(struct job **out, const struct settings *s, struct error *e)
{
    struct machine here;

    machine_init(&here);
    if (strcmp(s->backend, "auto") == 0 && !machine_find_backend(&here, e))
        return false;
    return job_new_on(out, s, &here, e);
}

static bool make_job(struct job **out, const struct settings *s,
                     const struct machine *machine, struct making how,
                     struct error *e)
{
    struct job *job = xcalloc(1, sizeof(*job));

    if (!model_check(s, "settings", e) ||
        !find_machine(job, s, machine, e) ||
        !dataset_epoch_check(s, e) || !make_plan(job, how, e)) {
        job_free(job);
        *out = NULL;
        return false;
    }
    *out = job;
    return true;
}

bool job_new_on(struct job **out, const struct settings *s,
                const struct machine *machine, struct error *e)
{
    return make_job(out, s, machine, (struct making){ .addresses = true }, e);
}

bool job_outline_on(struct job **out, const struct settings *s,
                    const struct machine *machine, struct job_cache *cache,
                    const struct worth *worth, struct error *e)
{
    return make_job(out, s, machine, (struct making){ false, cache, worth },
                    e);
}

void job_cache_done(struct job_cache *c)
{
    graph_cache_done(&c->graphs);
    route_cache_done(&c->routes);
}

size_t job_least_bytes(const struct settings *s, const struct machine *machine,
                       struct job_cache *cache)
{
    struct job job = { .graph = NULL };

    return find_machine(&job, s, machine, NULL)
               ? graph_cache_throughout(&cache->graphs, &job.settled,
                                        job.backend) : 0;
}

bool job_may_fit(const struct settings *s, const struct machine *machine,
                 struct job_cache *cache, size_t persisting, size_t budget)
{
    struct job job = { .graph = NULL };
    struct alternatives all;
    bool may;

    if (!find_machine(&job, s, machine, NULL))
        return false;
    job.graph = graph_cache_find(&cache->graphs, &job.settled, job.backend);
    all = alternatives_of(&job, cache);
    may = choice_may_fit(&all, persisting, budget);
    graph_free(job.graph);
    return may;
}

struct job *job_baseline(const struct job *job)
{
    struct job *baseline = xcalloc(1, sizeof(*baseline));

    baseline->settings = job->settings;
    settings_save_nothing(&baseline->settings);
    baseline->machine = job->machine;
    baseline->settled = machine_settle(&job->machine, &baseline->settings);
    baseline->backend = job->backend;
    baseline->device = job->device;
    baseline->threads = job->threads;
    make_plan(baseline, (struct making){ .addresses = true }, NULL);
    return baseline;
}

/* Whether a number that is no dial has to do with the size of the run, and the
 * data do not say it. */
static bool is_for_size(const struct setting *row, const struct job *job)
{
    char why[IDLE_WHY_SIZE];

    return row->type == SETTING_INT && row->shrinks && !row->live &&
           strcmp(row->section, "data") != 0 &&
           !idle_now(row, &job->settings, &job->machine, why);
}

/* Whether the run gets smaller as it falls; of others 0 turns something off. */
static bool is_size(const struct setting *row, const void *job)
{
    return row->min > 0 && is_for_size(row, job);
}

void job_sizes(const struct job *job, char *text, size_t size)
{
    settings_names(text, size, is_size, job, " or ");
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        size_t used = strlen(text);

        if (row->min <= 0 && is_for_size(row, job) &&
            settings_number(&job->settings, row) > 0)
            snprintf(text + used, size - used, ", or set %s=0", row->name);
    }
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

void job_settle(struct job *job, const struct settings *s)
{
    job->settings = *s;
    job->settled = machine_settle(&job->machine, s);
}

bool job_kinds(const struct settings *s, const struct machine *machine,
               size_t bytes[KIND_COUNT])
{
    struct job *job;

    if (!job_outline_on(&job, s, machine, NULL, NULL, NULL))
        return false;
    memcpy(bytes, job->plan->live[job->plan->peak_step],
           KIND_COUNT * sizeof(bytes[0]));
    job_free(job);
    return true;
}

/* Whether the backend lists a device of the job's number; if not, names those
 * that it lists. */
static bool check_device(const struct job *job, struct error *e)
{
    struct device_info devices[BACKEND_DEVICES_MAX];
    int count = job->backend->list(devices, BACKEND_DEVICES_MAX);
    const char *name = job->backend->name;
    char text[256] = "";

    if (job->device < count)
        return true;
    for (int i = 0; i < count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, "%s%s:%d (%s)",
                 i ? ", " : "", name, i, devices[i].line);
    }
    return error_set(e, EXIT_RUN, "backend %s:%d: there is no such device, "
                     "only %s", name, job->device, text);
}

bool job_open_device(const struct job *job, struct device **device,
                     struct error *e)
{
    char why[WHY_SIZE];

    if (!check_device(job, e))
        return false;
    if (job->backend->open(device, job->device, job->threads, why))
        return true;
    return error_set(e, EXIT_RUN, "backend %s: %s", job->backend->name, why);
}

bool job_device_is_timed(const struct job *job)
{
    struct device_info devices[BACKEND_DEVICES_MAX];
    int count = job->backend->list(devices, BACKEND_DEVICES_MAX);
    char timed[WHY_SIZE];
    const char *own;

    if (job->device <= 0 || job->device >= count)
        return true;
    own = devices[job->device].line;
    job->backend->hardware(timed);
    return strncmp(timed, own, strlen(own)) == 0;
}

struct device_memory job_device_memory(const struct settings *s,
                                       const struct machine *m)
{
    struct device_memory memory = { .limit = "" };
    struct device *device;
    struct job *job;

    if (!job_outline_on(&job, s, m, NULL, NULL, NULL))
        return memory;
    if (job_open_device(job, &device, NULL)) {
        job->backend->memory(device, NULL, 0, &memory);
        job->backend->close(device);
    }
    job_free(job);
    return memory;
}

size_t job_available_bytes(const struct settings *s, const struct machine *m)
{
    return job_device_memory(s, m).available;
}
