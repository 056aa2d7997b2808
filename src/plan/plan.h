/*
 * A plan: when each instance of a schedule is alive, its place in the one
 * arena, and the bytes alive per kind at every step. It needs no memory of that
 * size and no device. The executor allocates exactly the arena of the plan.
 *
 * An instance is alive from the step that defines it to its last use; state
 * is always alive, and a value that enters a body from outside is alive
 * throughout it. Where an operation allows it and an input dies, the output
 * takes over the input's storage. Workspace belongs to a step and is alive in
 * it alone.
 *
 * As many sentences are translated at once as keep the bytes alive below those
 * of the other programs; at least one.
 */
#ifndef MEMDIAL_PLAN_H
#define MEMDIAL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/kernels.h"
#include "plan/schedule.h"

struct plan_instance {
    size_t bytes, offset;    /* in the arena */
    enum kind kind;
    int first, last;         /* steps; last < first: never used */
    int taken_by;            /* instance that takes the storage over in step
                                `last`, or -1 */
};

struct plan {
    const struct schedule *schedule; /* borrowed */
    const struct backend *backend;
    int threads;
    struct extents most[PROGRAM_COUNT]; /* of a part, in each program */
    struct plan_instance *instances; /* [schedule->instance_count] */
    size_t *scratch_bytes;           /* [schedule->step_count] */
    size_t *scratch_offset;
    size_t (*live)[KIND_COUNT];      /* [step_count] bytes alive in it */
    int peak_step;
    size_t peak_bytes;               /* the most alive in any step */
    size_t arena_bytes;              /* peak, padding and gaps included */
};

struct plan *plan_build(const struct schedule *, const struct backend *,
                        int threads);

/* A plan without addresses, in which a single sentence is translated: lifetimes
 * and bytes alive, arena_bytes 0. */
struct plan *plan_outline(const struct schedule *, const struct backend *,
                          int threads);

/* A plan for the sake of training's calls and their time alone: it knows no
 * instances and no bytes. */
struct plan *plan_calls(const struct schedule *, const struct backend *,
                        int threads);

/* Gives an outline its addresses, and fills its translation with sentences,
 * which leaves peak_bytes as they are. */
void plan_place(struct plan *);
void plan_free(struct plan *);

/* The extents of a step's calls in the largest part. */
const struct extents *plan_most(const struct plan *, int step);

/* The call of a step as it is on average: of a step of the body at the mean
 * extents of a part. Of addresses, only whether `through` is NULL holds. */
struct call plan_mean_call(const struct plan *, int step);

/* The times that a step of training runs for one optimizer step. */
int plan_repetitions(const struct plan *, int step);

/* Bytes alive in a step, all kinds. */
size_t plan_live_bytes(const struct plan *, int step);

/* The call of a step at these extents: shapes, attributes and the threads that
 * it is worth, no addresses. */
struct call plan_call(const struct plan *, int step, const struct extents *);

/*
 * Proves the plan by running it without data. It walks every program twice, its
 * body twice each time, and notes which instance each write destroys. False,
 * with the fault, if a step reads an instance that was destroyed or never
 * written, if operands of one step overlap otherwise than by a takeover, or if
 * anything lies outside the arena.
 */
bool plan_check(const struct plan *, char *why, size_t size);

#endif
