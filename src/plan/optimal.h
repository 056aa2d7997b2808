/*
 * Routes for checkpoint=optimal, by a dynamic programme over the chain of
 * stages (Beaumont, Herrmann, Pallez and Shilova 2019, "rotor").
 */
#ifndef MEMDIAL_OPTIMAL_H
#define MEMDIAL_OPTIMAL_H

#include "plan/plan.h"

/* Memory for the tables of costs, all 0 at first: megabytes, which a search
 * that wants many sets of routes has from the system once. */
struct optimal_room {
    float *floats;       /* owned, [count] */
    size_t count;
};

void optimal_room_done(struct optimal_room *);

/*
 * Adds routes to the set. Each has, as far as the chain can tell, the least
 * arithmetic for some amount of memory. They do not depend on a budget.
 */
void optimal_add_routes(struct routes *, const struct graph *, struct policy,
                        const struct backend *, int threads,
                        struct optimal_room *);

#endif
