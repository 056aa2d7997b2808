/*
 * A job: everything that follows from settings without memory or device, from
 * the graph to the plan. Cheap enough to make anew at every key press.
 */
#ifndef MEMDIAL_JOB_H
#define MEMDIAL_JOB_H

#include "base/error.h"
#include "plan/plan.h"
#include "settings/machine.h"
#include "settings/settings.h"

struct job {
    struct settings settings;
    struct machine machine;      /* where it can run; the backend by name */
    const struct backend *backend;
    int threads;
    struct graph *graph;         /* owned, like the two that follow */
    struct schedule *schedule;
    struct plan *plan;
};

/* Plans for this machine, on which backend=auto looks for devices. False if
 * the settings name a backend that is unknown or, with `auto`, if none can be
 * opened, if the model cannot be trained in such microbatches, and if
 * memory_budget cannot be met (EXIT_BUDGET). */
bool job_new(struct job **, const struct settings *, struct error *);

/* The same for another machine, and without a look at this one. */
bool job_new_on(struct job **, const struct settings *, const struct machine *,
                struct error *);
void job_free(struct job *);

/* The same job with every way of saving memory turned off:
 * settings_save_nothing(). */
struct job *job_baseline(const struct job *);

/*
 * Lists ways of saving memory that would let the job fit into so many bytes, as
 * assignments: "microbatch=50 recompute=bn-relu". They are of the cheapest
 * price that is enough, and each goes no further than it must. False if all of
 * them together are not enough.
 */
bool job_savings(const struct job *, size_t bytes, char *text, size_t size);

/* Opens the job's device. */
bool job_open_device(const struct job *, struct device **, struct error *);

#endif
