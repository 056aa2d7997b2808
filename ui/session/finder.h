/*
 * A finder searches for settings within a budget, in a thread of its own, so
 * that the screens go on. The newest question wins: a search that is under way
 * ends for it, and its finding is never seen.
 */
#ifndef MEMDIAL_FINDER_H
#define MEMDIAL_FINDER_H

#include "plan/fit.h"

/* The end of a search. */
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

void finding_free(struct finding *);

/* Rows that a person can choose: those that fit or, if none does, the least
 * that there is. */
int finding_rows(const struct finding *);
const struct fit_row *finding_row(const struct finding *, int row);

/* Whether the figures hold for these settings on that machine, wherever the
 * dials of a search stand. */
bool finding_holds(const struct finding *, const struct settings *,
                   const struct machine *);

struct finder;

struct finder *finder_new(void);
void finder_free(struct finder *);

/* Begins a search in place of one that is under way. Timings may be NULL. */
void finder_ask(struct finder *, const struct settings *,
                const struct machine *, struct timings *, size_t budget);

/* Ends the search with the rows that it has. */
void finder_stop(struct finder *);

/* Readable while there is news. */
int finder_fd(const struct finder *);

/* Takes the news: the finding, for the caller to free, if the search has ended,
 * else NULL; and the plans made so far. Ends the program if the host ran out of
 * memory over it. */
struct finding *finder_take(struct finder *, int *plans);

#endif
