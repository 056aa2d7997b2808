/*
 * A route: the order in which the forward and backward passes go through the
 * stages that the forward operations are cut into. A stage whose forward pass
 * the route takes again is recomputed. A route does not name the values that
 * are kept. A value is alive as long as something reads it, and a recomputed
 * stage reads the value that it began from.
 */
#ifndef MEMDIAL_ROUTE_H
#define MEMDIAL_ROUTE_H

#include "graph/graph.h"

struct leg {
    int stage;
    bool backward;
};

struct route {
    int *cuts;           /* [stage_count + 1] forward operations; stage i is
                            [cuts[i], cuts[i + 1]) */
    int stage_count;
    struct leg *legs;
    int leg_count;
};

/* One stage per block of the graph. Functions below that make routes take cuts
 * like these: [count + 1], ascending, from 0 to the end of the forward
 * operations. The caller frees. */
int *route_block_cuts(const struct graph *, int *count);

/* A route without legs; takes over the cuts. */
struct route *route_new(int *cuts, int stage_count);
void route_free(struct route *);
void route_add(struct route *, int stage, bool backward);

/* All stages forward, then all backward: everything is kept. */
struct route *route_straight(const struct graph *);

/* Keeps the input of each block, and runs each block again before its backward
 * pass; the last block needs no second run. */
struct route *route_blocks(const struct graph *);

/* Cuts the n blocks into segments of about sqrt(n). Each segment runs again,
 * then backward as a whole (Chen, Xu, Zhang and Guestrin, 2016). */
struct route *route_sqrt(const struct graph *);

/* Binomial checkpointing of the blocks (Griewank and Walther, 2000,
 * "revolve"), with the fewest slots c for which no block is run more than c
 * times. */
struct route *route_recursive(const struct graph *);

/* The kinds of memory that a route decides about. */
enum { ROUTED_KINDS = 1 << KIND_ACTIVATIONS | 1 << KIND_TRANSIENT |
                      1 << KIND_INPUT };

/*
 * A set of routes, all of the same graph. For parts of some extents it knows
 * the most bytes of these kinds that are alive in a route's body.
 */
struct routes {
    struct route_known {
        struct route *route;         /* owned */
        struct body {
            struct extents most;     /* of a part */
            size_t bytes;
        } *bodies;                   /* owned, [body_count] */
        int body_count;
    } *list;             /* owned, [count] */
    int count;
};

/* Takes a route over; frees it if the set has the same. */
void routes_add(struct routes *, struct route *);
void routes_done(struct routes *);

/* Notes the bytes of a route's body. */
void routes_learn(struct routes *, int route, const struct extents *most,
                  size_t bytes);

/* Whether they are known. */
bool routes_know(const struct routes *, int route, const struct extents *most);

/* The bytes, or if they are not known the most that are known of smaller parts:
 * a body takes no fewer for larger ones. */
size_t routes_least(const struct routes *, int route,
                    const struct extents *most);

#endif
