/*
 * A run, put together from its events, as a worker says them or a file has
 * them. It holds how far the run is and how it ended, its curves, the moments
 * at which something changed, and its trials: each setting that a part of the
 * run was trained with.
 *
 * A trial proper has its settings from the beginning of its run. Any other is a
 * continuation: it goes on with the weights of the trial before it.
 *
 * A run begins with `start`. A run that goes on from a snapshot says `start`
 * again, with the steps done by then: later steps are forgotten.
 */
#ifndef MEMDIAL_RUN_H
#define MEMDIAL_RUN_H

#include "events/event.h"
#include "events/series.h"
#include "settings/facts.h"
#include "settings/preset.h"

enum {
    RUN_PRESET_SIZE = PRESET_NAME_SIZE, /* a name, or the path of a file */
    RUN_MARKS = 256,                 /* at most; then the oldest mark ... */
    RUN_TRIALS = 512,                /* ... or trial makes room */
    TRIAL_BESTS = 96                 /* at most; then every other one goes */
};

/* One point per step, or per epoch. */
enum curve { CURVE_LOSS, CURVE_TRAIN_SCORE, CURVE_VALID_LOSS,
             CURVE_VALID_ACCURACY, CURVE_VALID_SCORE, CURVE_COUNT };

/* A moment at which something changed. */
struct mark {
    double at[AXIS_COUNT];
    char text[64];                   /* "precision=fp16" */
};

/* A score that was better than all before it. */
struct best {
    int epoch;                       /* of its trial, the first is 1 */
    double score;
};

/* Settings that a part of a run was trained with. */
struct trial {
    int number;                      /* in its run, the first is 0 */
    struct settings settings;
    double begin[AXIS_COUNT], end[AXIS_COUNT]; /* of its part of the run */
    uint64_t planned, arena;         /* bytes; 0: not known yet */
    double seconds_per_step;         /* mean; 0: not known yet */
    double last_step_seconds;        /* of its last step; 0: likewise */
    int epochs;                      /* that ended in it ... */
    int scored;                      /* ... by its last score; 0: it has none */
    double valid_score;              /* the last; NAN here and below: none */
    double best_score;
    struct best best[TRIAL_BESTS];   /* the first and every best_each-th after
                                        it */
    int best_count, best_each, best_seen;
    double test_score;               /* at the end of its run */
};

/* How a run ended, if it has. */
enum run_end { RUN_OPEN, RUN_DONE, RUN_DIVERGED, RUN_FAILED, RUN_STOPPED };

struct run {
    int number;                      /* for whoever has several */
    enum run_end end;
    bool paused;
    char preset[RUN_PRESET_SIZE];
    struct machine machine;
    struct settings settings;        /* in force */
    int64_t step, steps;             /* done; of the whole run */
    int epoch;                       /* counted from 1; 0: none yet */
    double samples_per_second;       /* of the last step */
    double at[AXIS_COUNT];           /* how far it is */

    bool has_memory;                 /* since it began or went on ... */
    bool has_stepped;                /* ... with the plan that is in force */
    uint64_t planned, arena, touched; /* bytes */
    uint64_t os, os_peak;            /* bytes now; at most, 0: not known */

    struct series curve[CURVE_COUNT];
    struct mark *marks;              /* owned, [mark_count] */
    int mark_count;
    struct trial *trials;            /* owned, [trial_count]; last: now */
    int trial_count;
};

/* A run that has not begun. */
void run_init(struct run *);
void run_done(struct run *);

/* Takes an event. Events before the first `start` belong to no run. */
void run_take(struct run *, const struct event *);

/* Keeps at most `points` points of every curve. */
void run_shrink(struct run *, int points);

/* The trial that goes on; NULL before the run begins. */
const struct trial *run_trial(const struct run *);

/* Whether the trial goes on with the weights of another. */
bool trial_continues(const struct trial *);

/* The best score of the first `epochs` epochs that ended in a trial; NAN: none.
 * Of a trial that got better more than TRIAL_BESTS times, an earlier one may
 * stand for it, less than best_each before it. */
double trial_best_by(const struct trial *, int epochs);

/* The latest value of a curve; NAN if there is none. */
double run_latest(const struct run *, enum curve);

/* The score that the run's data are judged by. */
struct score run_score(const struct run *);

/* "epochs", "seconds", "samples": the name of an axis in the units of the data.
 */
const char *run_axis(const struct run *, enum axis);

/* The best point of the validation's score; NULL if there is none. */
const struct point *run_best(const struct run *);

#endif
