/*
 * A training run: a job, its data and its device, advanced one optimizer step
 * at a time. Everything random is a function of the seed and of the steps done,
 * so a run that is saved and loaded goes on as if it had never stopped.
 */
#ifndef MEMDIAL_TRAINER_H
#define MEMDIAL_TRAINER_H

#include "data/dataset.h"
#include "events/event.h"
#include "plan/job.h"
#include "train/average_state.h"
#include "train/executor.h"
#include "train/stopwatch.h"

/* Sums over the predictions of a step, or of the epoch so far. */
struct tally {
    double loss, hits;
    int64_t terms;       /* that these are sums over */
    /* After a step with a loss scale, else zeros: whether its gradients were
     * not finite and the update was skipped, and the scale they had. */
    bool skipped;
    double loss_scale;
};

struct trainer {
    struct job *job;                 /* owned, like the rest */
    struct dataset *data;
    struct device *device;
    struct executor *executor;
    int64_t steps_per_epoch;
    int64_t step;                    /* optimizer steps done */
    struct tally epoch;
    double seconds;                  /* spent on steps and evaluations */
    double epoch_began;              /* `seconds` when this epoch began */
    struct average_state average;    /* that its last snapshot has */
    bool measured;                   /* memory was reported after a step */
    int watched;                     /* steps of this executor, to a few */
    struct stopwatch *watch;         /* or NULL, as is: */
    struct timings *seen;            /* what it has measured; or NULL */
};

/*
 * A run from the beginning. It takes two calls to replace a run under way that
 * must go on if the new one is refused. trainer_prepare() checks everything
 * that needs no arena, and takes little memory. trainer_allocate() can then
 * only fail if there is no memory for the arena; it leaves images that should
 * be kept where they do not fit.
 */
bool trainer_new(struct trainer **, const struct settings *, struct error *);
bool trainer_prepare(struct trainer **, const struct settings *,
                     struct error *);
bool trainer_allocate(struct trainer *, struct error *);

/* Whether the arena of a prepared run fits into the memory that is free, if
 * need be without images that it would keep; if not, which settings would.
 * `instead`, if not NULL, is counted as freed. */
bool trainer_fits(struct trainer *, const struct trainer *instead,
                  struct error *);
void trainer_free(struct trainer *);

/* Optimizer steps of the whole run. */
int64_t trainer_steps(const struct trainer *);

/* One optimizer step on the next batch; returns its share of the epoch. */
struct tally trainer_step(struct trainer *);

/*
 * Goes on with other settings, between two steps: plans anew, allocates the
 * new arena, carries weights, statistics and optimizer state over, and says
 * `applied`. Where only the course of the learning rate differs, plan and arena
 * stay. An average of other weights than the new ones is lost, which a
 * warning says. False if that cannot be done; then the run is as it was.
 */
bool trainer_change(struct trainer *, const struct settings *,
                    struct event_sink, struct error *);

/* Says `start`, under the name of the preset, and `memory`. */
void trainer_begin(const struct trainer *, const char *preset,
                   struct event_sink);

/*
 * One step of a run that is not at its end, and after the last step of an epoch
 * the evaluation, with their events. False if the results are of no use: a loss
 * in training or validation is not finite, gradients are not finite at the
 * smallest loss scale, or data have changed.
 */
bool trainer_advance(struct trainer *, struct event_sink, struct error *);

/* Whether all steps done so far make up whole epochs. */
bool trainer_ends_epoch(const struct trainer *);

/* What calls took in a few of the run's steps, once for each plan; the caller
 * frees. NULL: nothing has been measured since the last call. */
struct timings *trainer_take_timings(struct trainer *);

/* The bytes planned, allocated and used, as a `memory` event. */
struct event trainer_memory(const struct trainer *);

#endif
