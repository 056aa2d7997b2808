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
#include "train/executor.h"

/* What predictions of a step, or of the epoch so far, came to. */
struct tally {
    double loss, hits;
    int64_t terms;       /* that these are sums over */
    /* Of a step with a loss scale, else zeros: whether its gradients were not
     * finite and the update was skipped, and the scale they had. */
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
    bool measured;                   /* memory was told after a step */
};

/*
 * A run from the beginning. That is done in two steps where a run is under way
 * that ends if the new one can begin: all that can be known without the arena
 * is asked by trainer_prepare(), which takes little memory; what remains for
 * trainer_allocate() to refuse is that the arena cannot be had.
 */
bool trainer_new(struct trainer **, const struct settings *, struct error *);
bool trainer_prepare(struct trainer **, const struct settings *,
                     struct error *);
bool trainer_allocate(struct trainer *, struct error *);

/* Whether the arena of a run that is prepared fits into the memory that there
 * is, and what would fit if not; `instead`, if not NULL, gives its own back
 * first. */
bool trainer_fits(const struct trainer *, const struct trainer *instead,
                  struct error *);
void trainer_free(struct trainer *);

/* Optimizer steps of the whole run. */
int64_t trainer_steps(const struct trainer *);

/* One optimizer step on the next batch; returns what it adds to the epoch. */
struct tally trainer_step(struct trainer *);

/* Loss and correct predictions on the validation split. */
struct tally trainer_evaluate(struct trainer *);

/*
 * Goes on with other settings, between two steps: plans anew, allocates the
 * new arena, carries weights, statistics and optimizer state over, and says
 * `applied`. False if that cannot be done; then the run is as it was.
 */
bool trainer_change(struct trainer *, const struct settings *,
                    struct event_sink, struct error *);

/* Says `start`, under the name of the preset, and `memory`. */
void trainer_begin(const struct trainer *, const char *preset,
                   struct event_sink);

/*
 * One step of a run that is not at its end, and after the last of an epoch the
 * evaluation, with their events. False on a loss that is not finite, in
 * training or validation, on gradients that are not with the least loss scale
 * there is, and on data that changed: then what was computed is of no use.
 */
bool trainer_advance(struct trainer *, struct event_sink, struct error *);

/* Whether all steps done so far make up whole epochs. */
bool trainer_ends_epoch(const struct trainer *);

/* The bytes planned, allocated and used, as a `memory` event. */
struct event trainer_memory(const struct trainer *);

#endif
