/*
 * A schedule: the order in which a graph's operations run, and the copies of
 * its values that they work on. Policy lives here alone: which values are
 * recomputed while they are loaded, which operations run again, and how the
 * batch is cut.
 *
 * Activations that wait for the backward pass may be saved in fewer bits: a
 * squeeze before the last step that reads the exact value, and an expansion
 * before each backward step that reads it, unless the step's operation can read
 * the saved copy. All that runs forward, again too, reads exact values; so
 * gradients are the same for every route, but for layer norms that are made
 * again (recompute=norms): from saved values within a stage, and else not.
 *
 * A step is one call of one operation. Its operands are instances: a value of
 * the graph as defined by one particular step, so that a recomputed value is a
 * fresh instance, and training and evaluation each have their own. Instances
 * of weights, optimizer state and indices are shared by all programs.
 *
 * Each program is {prologue, body x n, epilogue}: the prologue and epilogue run
 * once per batch, the body once per part of it. A translation's prologue and
 * epilogue run once per part, and its body once per token. The data decide the
 * sizes of the parts. All programs lie on one time line of steps, for they
 * share one arena.
 */
#ifndef MEMDIAL_SCHEDULE_H
#define MEMDIAL_SCHEDULE_H

#include "base/error.h"
#include "data/cut.h"
#include "graph/graph.h"
#include "plan/policy.h"
#include "plan/route.h"
#include "settings/settings.h"

enum phase {
    PHASE_PREPARE,
    PHASE_FORWARD,
    PHASE_RECOMPUTE,
    PHASE_BACKWARD,
    PHASE_UPDATE,
    PHASE_EVALUATE,
    PHASE_TRANSLATE,
    PHASE_COUNT
};

const char *phase_name(enum phase);

/* Places at which a step names instances: from OPERAND on the operands of its
 * slots, from THROUGH on the statistics that they are loaded through, from
 * INDEX on the indices of operands that are views. A step only reads the last
 * two. */
enum { STEP_OPERAND, STEP_THROUGH = CALL_MAX_OPERANDS,
       STEP_INDEX = 2 * CALL_MAX_OPERANDS,
       STEP_INSTANCES = 3 * CALL_MAX_OPERANDS };

struct step {
    int op;                         /* of the graph */
    enum phase phase;
    int instance[STEP_INSTANCES];   /* -1: none */
};

/* Steps [begin, body) once, [body, epilogue) per part, [epilogue, end) once. Of
 * a program with an instance `until`, an int32, all of them are per part, and
 * [body, epilogue) until it is 0. */
struct program_steps {
    int begin, body, epilogue, end;
    int until;           /* -1: none */
};

struct schedule {
    const struct graph *graph;      /* borrowed */
    struct step *steps;
    int step_count;
    int *instances;                 /* [instance_count] value of the graph */
    int instance_count;
    struct program_steps program[PROGRAM_COUNT];
    struct cut cut;                 /* of its batches */
    struct translated translated;     /* of its translations */
};

/* The training body follows the route, which may be freed afterwards. Steps are
 * left out if nothing reads the values that they recompute, and so are results
 * of slots 'o' that nothing reads. */
struct schedule *schedule_build(const struct graph *, struct policy,
                                const struct route *);
void schedule_free(struct schedule *);

/* The same schedule for a batch of the same size that is cut otherwise. */
struct schedule *schedule_recut(const struct schedule *, struct cut);

/* The program of a step. */
enum program schedule_program(const struct schedule *, int step);

/* Whether a step runs once per part, or more often. */
bool schedule_is_per_part(const struct schedule *, int step);

/* The instance of a value that persists, or -1 if it has none: a view. */
int schedule_instance(const struct schedule *, int value);

/* The value of the graph that an instance holds. */
const struct value *schedule_value(const struct schedule *, int instance);
static inline const struct op *schedule_op(const struct schedule *s, int step)
{
    return &s->graph->ops[s->steps[step].op];
}

/* An operand of a step as the operation sees it: a view as the view. */
struct operand schedule_operand(const struct schedule *, int step, int slot,
                                const struct extents *);

/* Whether a step reads, or writes, the instance that it names at this place;
 * false if it names none there. */
static inline bool schedule_reads(const struct schedule *s, int step,
                                  int place)
{
    return s->steps[step].instance[place] >= 0 &&
           (place >= STEP_THROUGH ||
            op_reads(schedule_op(s, step)->code, place));
}

bool schedule_writes(const struct schedule *, int step, int place);

/* Floating-point operations (op_flops) of one optimizer step; and the share of
 * one step of the schedule, in all its repetitions. */
double schedule_flops(const struct schedule *);
double schedule_step_flops(const struct schedule *, int step);

/* Floating-point operations of one repetition at these extents. */
double schedule_call_flops(const struct schedule *, int step,
                           const struct extents *);

#endif
