/*
 * A job: all that follows from settings without memory or device, from the
 * graph to the plan. Cheap enough to make anew at every key press.
 */
#ifndef MEMDIAL_JOB_H
#define MEMDIAL_JOB_H

#include "base/error.h"
#include "plan/choice.h"
#include "plan/graph_cache.h"
#include "plan/plan.h"
#include "plan/route_cache.h"
#include "settings/machine.h"
#include "settings/settings.h"

struct job {
    struct settings settings;
    struct machine machine;      /* that it can run on; the backend by name */
    struct settings settled;     /* with nothing left to the machine */
    const struct backend *backend;
    int device;                  /* its number; DEVICE_ANY: the first */
    int threads;
    struct graph *graph;         /* owned, as are schedule and plan */
    struct schedule *schedule;
    struct plan *plan;
};

/* Plans for this machine, and for backend=auto looks for its devices. False if
 * the named backend is unknown, if `auto` can open none, if an epoch is
 * shorter than a batch, if the model cannot be trained in microbatches of that
 * size, or if memory_budget cannot be met (EXIT_BUDGET). */
bool job_new(struct job **, const struct settings *, struct error *);

/* Plans for the given machine, without a look at this one. */
bool job_new_on(struct job **, const struct settings *, const struct machine *,
                struct error *);

/* What jobs for one machine share, all 0 at first. */
struct job_cache {
    struct graph_cache graphs;
    struct route_cache routes;
};

void job_cache_done(struct job_cache *);

/* Like job_new_on() but without addresses, in a fraction of the time:
 * arena_bytes is 0 but for checkpoint=optimal, which needs addresses. False
 * without an error if it is not worth it (choice.h). NULL: nothing is shared,
 * and anything is worth it. */
bool job_outline_on(struct job **, const struct settings *,
                    const struct machine *, struct job_cache *,
                    const struct worth *, struct error *);
void job_free(struct job *);

/* Gives a job other settings, on which its plan does not depend. */
void job_settle(struct job *, const struct settings *);

/* The bytes alive at the peak, by kind; false if it cannot be planned. */
bool job_kinds(const struct settings *, const struct machine *,
               size_t bytes[KIND_COUNT]);

/* Bytes that every plan of a job takes at least, told without a plan. */
size_t job_least_bytes(const struct settings *, const struct machine *,
                       struct job_cache *);

/* Whether any checkpoints may bring a job within a budget, if `persisting`
 * bytes are alive throughout its body of training; see choice_may_fit(). */
bool job_may_fit(const struct settings *, const struct machine *,
                 struct job_cache *, size_t persisting, size_t budget);

/* The job with every way of saving memory turned off: settings_save_nothing().
 */
struct job *job_baseline(const struct job *);

/* Lists the settings whose lower numbers make the job smaller, dials aside, and
 * those that do so at 0: "features or batch, or set bleu_every=0". */
void job_sizes(const struct job *, char *text, size_t size);

/* Opens the job's device. */
bool job_open_device(const struct job *, struct device **, struct error *);

/* Whether timings, which a backend has of its first device, are right for the
 * job's. */
bool job_device_is_timed(const struct job *);

/* The memory of the device of these settings, which is opened for it; available
 * 0: not known. */
struct device_memory job_device_memory(const struct settings *,
                                       const struct machine *);
size_t job_available_bytes(const struct settings *, const struct machine *);

#endif
