/*
 * The choice among routes: of those in a set, the one with the least arithmetic
 * whose arena fits a budget. The exact plan of each route decides. So a lower
 * budget never gives a larger arena.
 */
#ifndef MEMDIAL_CHOICE_H
#define MEMDIAL_CHOICE_H

#include "base/error.h"
#include "plan/plan.h"

/*
 * The best schedule for a budget in bytes, or for the smallest arena if it is
 * 0, and its plan; the caller owns both. If none fits, false with EXIT_BUDGET,
 * naming the smallest arena. Learns the bytes of the routes' bodies, which tell
 * for other graphs that these routes fit that some routes are too large.
 */
bool choice_find(struct routes *, const struct graph *, struct policy,
                 const struct backend *, int threads, size_t budget,
                 struct schedule **, struct plan **, struct error *);

#endif
