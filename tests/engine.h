/*
 * Helpers for tests of the engine: a job with its executor, fed with made-up
 * samples, and functions that look into the arena, on whatever device it is.
 */
#ifndef MEMDIAL_TESTS_ENGINE_H
#define MEMDIAL_TESTS_ENGINE_H

#include "plan/job.h"
#include "train/executor.h"

struct engine {
    struct job *job;
    struct device *device;
    struct executor *executor;
    void (*sample)(void *arg, int index, float *x, int32_t *label);
    int64_t step;
};

/* Opens the default settings with assignments "name=value", ended by NULL;
 * fails the test if that fails. State is initialised, `sample` made up. */
struct engine engine_open(const char *const assignments[]);

/* Opens a job, which then belongs to the engine. */
struct engine engine_of(struct job *);
void engine_close(struct engine *);

/* Has backend=cuda mean the emulated device; skips the test where there is
 * none.
 */
void engine_emulate(void);

/* A graph without an engine. */
struct graph *wrn_28_2(void);

/* Runs one program; metrics[METRIC_COUNT] gets the metrics it reports. */
void engine_run(struct engine *, enum program, int samples,
                double *metrics);

/* The instance of the training program that holds a value, by the value's
 * full name; -1 if there is none. */
int engine_instance(const struct engine *, const char *name);

/* An instance's data in the arena, which must be in the host's memory. */
float *engine_data(const struct engine *, int instance);
size_t engine_elements(const struct engine *, int instance);

/* FNV-1a of all state: weights, statistics, optimizer. */
uint64_t engine_state_hash(const struct engine *);

/* Makes the engine as if just opened, in an arena filled with a byte. */
void engine_fill(struct engine *, int byte);

/* For an observer whose arg is an engine: after a step, fills all bytes that
 * are dead in the plan with NaNs. */
void engine_fill_dead(void *arg, int step);

/* The results of some steps of training and an evaluation. */
struct outcome {
    double first[METRIC_COUNT], last[METRIC_COUNT], eval[METRIC_COUNT];
    uint64_t state;
};

struct outcome engine_outcome(struct engine *, int steps);
bool outcome_same(const struct outcome *, const struct outcome *);

/* Bytes that a step and an evaluation do not write. They are found by running
 * again with other fillings: a byte that is never written keeps the filling. */
struct untouched {
    size_t values;       /* of values that the schedule uses */
    size_t all;          /* of the arena: also gaps between values, and parts
                            of scratch that kernels leave */
};

struct untouched engine_untouched(struct engine *);

#endif
