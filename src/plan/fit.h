/*
 * Fit: which settings of the dials train a network within a budget of bytes,
 * and what each of them changes.
 *
 * Settings are compared by class and degree of their change (change.h), then by
 * time. The result has a row for each class and degree in which some settings
 * are faster than all settings of less change.
 *
 * Settings are those on the dials' ladders. Every plan is the exact plan of a
 * job, whose arena is compared with the budget. Neither the settings nor their
 * time depend on the budget: a larger budget never gives a worse first row.
 */
#ifndef MEMDIAL_FIT_H
#define MEMDIAL_FIT_H

#include "plan/change.h"
#include "plan/job.h"
#include "plan/living.h"
#include "plan/timings.h"

struct fit_query {
    const struct settings *settings;     /* that dials are turned from */
    const struct machine *machine;
    size_t budget;                       /* bytes */
    bool (*held)(const struct setting *, const void *arg); /* or NULL: none */
    const void *held_arg;
    const struct timings *timings; /* NULL: a roofline guesses */
    double most_time;    /* of the baseline's time; 0: any */
    int most_rows;       /* 0: any number */
    /* Whether the search goes on; asked before each plan, or more often.
     * NULL: to its end. */
    bool (*goes_on)(void *arg);
    void *goes_on_arg;
};

struct fit_row {
    struct settings settings;
    struct change change;
    size_t peak_bytes, arena_bytes;
    double seconds;      /* of an optimizer step; guessed, without timings */
    double flops;        /* of an optimizer step */
};

struct fit {
    struct fit_row *rows; /* owned, [count]; the least change first */
    int count;
    struct fit_row baseline; /* nothing is saved */
    bool guessed;        /* seconds are a roofline's */
    double known;        /* the share of the baseline's that timings know */
    bool complete;       /* the search went to its end */
    int plans;           /* that were made */
};

/* False, and nothing to free, if the settings cannot be planned even without
 * any saving. No row: nothing fits, or the search was stopped before. */
bool fit_find(struct fit *, const struct fit_query *, struct error *);
void fit_done(struct fit *);

/*
 * The settings with the smallest arena that the dials allow, whatever the
 * query's budget. False if the search is stopped before it knows any, or if
 * the held dials leave none.
 */
bool fit_least(struct fit_row *, const struct fit_query *);

/*
 * Lists what the first row for `bytes` bytes changes in the job's settings, as
 * assignments: "microbatch=50 recompute=norms". False if there is no row.
 * Without timings (NULL) a roofline guesses. After `seconds` the search begins
 * no other plan: the row then may be another than the best, or there is none.
 */
bool fit_savings(const struct job *, size_t bytes, const struct timings *,
                 double seconds, char *text, size_t size);

/* Whether a search turns this dial. */
bool fit_turns(const struct setting *);

/* Gives the dials that a search turns, and the budget of their checkpoints, the
 * values that they have in `from`. */
void fit_copy_dials(struct settings *, const struct settings *from);

/* Where nothing fits: the least arena there is, and the tensors in the way. */
struct fit_obstacle {
    struct fit_row least;
    char largest[LIVING_TEXT_SIZE]; /* tensors at its peak */
    char step[96];                  /* of its peak: "conv_fwd g1.b1.conv1" */
    char sizes[128];                /* settings to lower, as job_sizes() says */
};

/* Finds it, whatever the budget. False if the search was stopped, or if the
 * held dials leave no settings. */
bool fit_find_obstacle(struct fit_obstacle *, const struct fit_query *,
                       struct error *);

#endif
