/*
 * The choice among routes: of those in a set, the one with the least arithmetic
 * whose arena fits a budget. The exact plan of each route decides. So a lower
 * budget never gives a larger arena.
 */
#ifndef MEMDIAL_CHOICE_H
#define MEMDIAL_CHOICE_H

#include "base/error.h"
#include "plan/plan.h"
#include "plan/work.h"

/* What there is to choose from, all borrowed; learns the bytes of the routes'
 * bodies, which rule out routes for other graphs that have the same ones. */
struct alternatives {
    struct routes *routes;
    const struct graph *graph;
    struct policy policy;
    const struct backend *backend;
    int threads;
};

/* What a search, which knows a good plan already, wants of another. Of all that
 * is 0 it wants nothing. */
struct worth {
    const struct pace *pace; /* NULL: a plan may take any time; else */
    double seconds;      /* that the best plan within a budget must beat, */
    bool (*goes_on)(void *arg); /* as long as the search goes on; */
    void *arg;
    size_t below;        /* bytes of the smallest arena */
    size_t persisting;   /* which are known: choice_persisting() */
};

/* Whether a search goes on and a schedule takes less than its seconds. Only
 * with a pace. */
bool choice_is_worth(const struct worth *, struct work *,
                     const struct schedule *, const struct backend *,
                     int threads);

/*
 * The best schedule for a budget in bytes, or for the smallest arena if it is
 * 0, and its plan; the caller owns both. If none fits, false with EXIT_BUDGET,
 * naming the smallest arena. False without an error if none is worth it (NULL:
 * any is).
 */
bool choice_find(const struct alternatives *, size_t budget,
                 const struct worth *, struct schedule **, struct plan **,
                 struct error *);

/* Bytes that are alive throughout the body of training, whatever the route, by
 * the outline of any. */
size_t choice_persisting(const struct plan *);

/* Whether the peak of some route may be within the budget, if `persisting`
 * bytes are alive throughout the body. False is proved. */
bool choice_may_fit(const struct alternatives *, size_t persisting,
                    size_t budget);

#endif
