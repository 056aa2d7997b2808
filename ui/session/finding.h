/*
 * A finding: the search for settings within a budget, and its end. It is an
 * errand, for it takes seconds.
 */
#ifndef MEMDIAL_FINDING_H
#define MEMDIAL_FINDING_H

#include "plan/fit.h"
#include "ui/session/errand.h"

struct finding {
    struct settings from;        /* that the dials were turned from */
    struct machine machine;
    struct timings *timings;     /* held, or NULL */
    size_t budget;               /* bytes */
    bool refused;                /* there can be no search */
    struct error error;          /* why */
    struct fit fit;              /* not complete: a person stopped it */
    bool blocked;                /* nothing fits, and this is why: */
    struct fit_obstacle obstacle;
};

/* A search from these settings on; timings may be NULL. */
struct finding *finding_new(const struct settings *, const struct machine *,
                            struct timings *, size_t budget);
void finding_free(struct finding *);

/* Searches; each plan is a step. */
extern const struct errand finding_errand;

/* Rows that a person can choose: those that fit or, if none does, the least
 * that there is. */
int finding_rows(const struct finding *);
const struct fit_row *finding_row(const struct finding *, int row);

/* Whether the figures hold for these settings on that machine, wherever the
 * dials of a search stand. */
bool finding_holds(const struct finding *, const struct settings *,
                   const struct machine *);

#endif
