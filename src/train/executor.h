/*
 * Runs a plan on a device: one allocation of exactly plan->arena_bytes, then a
 * loop over steps. The plan decides the steps, the places of their operands and
 * the repetitions of the body; the executor binds addresses and calls kernels.
 * It allocates nothing after executor_new().
 */
#ifndef MEMDIAL_EXECUTOR_H
#define MEMDIAL_EXECUTOR_H

#include "base/error.h"
#include "plan/plan.h"

/* Called around each step of the schedule; for tests and profiles. */
struct observer {
    void (*after)(void *arg, int step);
    void *arg;
    void (*before)(void *arg, int step); /* may be NULL */
};

struct executor {
    const struct plan *plan;         /* borrowed */
    struct device *device;           /* borrowed */
    char *arena;                     /* owned, plan->arena_bytes */
    struct call *calls;              /* owned, [schedule->step_count] */
    struct extents bound[PROGRAM_COUNT]; /* that its body is bound for */
    struct part part;                /* that is worked on */
    struct observer observer;        /* if .after is not NULL */
};

/* Allocates the arena. The device must be of the plan's backend. */
bool executor_new(struct executor **, const struct plan *, struct device *,
                  struct error *);
void executor_free(struct executor *);

/* Runs one program over a batch, part by part as its loader gives them, none
 * larger than the plan's most. A batch that is translated is one part. */
void executor_run(struct executor *, enum program, const struct batch *);

/* The extents that the call of a step is bound for. */
struct extents executor_extents(const struct executor *, int step);

/* Whether the device still works. If not, its results since the last check must
 * not be used. */
bool executor_check(const struct executor *, struct error *);

/* Copies the persistent instance of a value from or to the host. */
void executor_read(const struct executor *, int instance, void *host);
void executor_write(const struct executor *, int instance, const void *host);

/* Copies some bytes of it, from an offset on. */
void executor_write_bytes(const struct executor *, int instance, size_t offset,
                          const void *host, size_t bytes);

size_t executor_elements(const struct executor *, int instance);

/* Copies values that are stored in any floating-point type, or in 8 bits, as
 * floats. The scales of 8 bits follow the index of a pool, which is written
 * first. */
void executor_read_floats(const struct executor *, int instance,
                          float *host);
void executor_write_floats(const struct executor *, int instance,
                           const float *host);

struct device_memory executor_memory(const struct executor *);

#endif
