/*
 * checkpoint=optimal: of all routes tried, the one with the least arithmetic
 * whose arena fits a budget, by a dynamic programme over the chain of stages
 * (Beaumont, Herrmann, Pallez and Shilova 2019, "rotor") and the exact plan of
 * each candidate it proposes.
 */
#ifndef MEMDIAL_OPTIMAL_H
#define MEMDIAL_OPTIMAL_H

#include "base/error.h"
#include "plan/plan.h"

/*
 * The best schedule for a budget in bytes, or for the smallest arena if it is
 * 0, and its plan; the caller owns both. If none fits, false with EXIT_BUDGET,
 * naming the smallest arena. Candidates do not depend on the budget, so a lower
 * budget never gives a larger arena.
 */
bool optimal_find(const struct graph *, struct policy, const struct backend *,
                  int threads, size_t budget, struct schedule **,
                  struct plan **, struct error *);

#endif
