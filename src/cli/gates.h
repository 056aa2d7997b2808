/*
 * Gates: what a plan or a run must not fall short of, for a continuous
 * integration of somebody else. A bound that was named is an assertion
 * (EXIT_ASSERTION); a run that was kept is a budget of bytes, and a standard of
 * scores (EXIT_BUDGET). The message names the kind of memory or the measure.
 *
 * Bytes are planned ones, which are the same on every run. Seconds are not
 * compared, for they are not.
 */
#ifndef MEMDIAL_GATES_H
#define MEMDIAL_GATES_H

#include <getopt.h>

#include "events/record.h"
#include "plan/job.h"

/* The values of getopt_long() for the options. */
enum { GATE_PEAK = 0x100, GATE_ACCURACY, GATE_BASELINE, GATE_TOLERANCE };

/* Entries of a table of options. */
#define GATES_OPTIONS_OF_PLAN \
    { "assert-peak", required_argument, NULL, GATE_PEAK }, \
    { "baseline", required_argument, NULL, GATE_BASELINE }, \
    { "tolerance", required_argument, NULL, GATE_TOLERANCE }
#define GATES_OPTIONS_OF_RUN \
    GATES_OPTIONS_OF_PLAN, \
    { "assert-accuracy", required_argument, NULL, GATE_ACCURACY }

struct gates {
    const char *peak, *accuracy, *baseline, *tolerance; /* as given; or NULL */
    uint64_t most;               /* bytes of the peak */
    double least;                /* accuracy, a fraction of 1 */
    double slack;                /* likewise, of a figure of the baseline */
    bool compares;               /* with: */
    struct record base;
    double seen_accuracy, seen_score; /* of the run so far; NAN: none ... */
    bool tested;                 /* ... on the test split */
};

void gates_init(struct gates *);
void gates_done(struct gates *);

/* Whether anything is asked of the plan or the run. */
bool gates_ask(const struct gates *);

/* Takes an option; false if it is another's. */
bool gates_option(struct gates *, int which, const char *value);

/* Reads the values, and the baseline, whose name is looked up in the archive
 * that `runs` (or NULL) names. */
bool gates_open(struct gates *, const char *runs, struct error *);

/* Whether a run of these settings can be compared with the baseline: it is
 * judged by the same score, and the baseline has one. */
bool gates_check_score(const struct gates *, const struct settings *,
                       struct error *);

/* Takes what a run has scored that goes on. */
void gates_go_on(struct gates *, const struct record *);

/* Whether the planned bytes hold. */
bool gates_check_plan(const struct gates *, const struct job *,
                      struct error *);

/* Takes an event of the run. */
void gates_take(struct gates *, const struct settings *, const struct event *);

/* Whether the scores of the run hold. */
bool gates_check_run(const struct gates *, const struct settings *,
                     struct error *);

#endif
