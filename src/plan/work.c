#include "plan/work.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

/* The values that a step reads and writes: they decide its figures. */
struct step_values {
    int value[CALL_MAX_OPERANDS];        /* of the graph; -1: none */
    bool through[CALL_MAX_OPERANDS];     /* it is loaded through statistics */
};

struct step_work {
    struct step_values values;
    double flops, seconds;               /* NAN: not known */
};

struct work {
    struct step_work *of;               /* owned, by operation of the graph:
                                            its last step that was asked for */
};

static const struct step_work nothing = { .flops = NAN, .seconds = NAN };

struct work *work_new(const struct graph *g)
{
    struct work *w = xcalloc(1, sizeof(*w));

    w->of = xcalloc((unsigned long)g->op_count, sizeof(*w->of));
    for (int i = 0; i < g->op_count; i++)
        w->of[i] = nothing;
    return w;
}

void work_free(struct work *w)
{
    if (!w)
        return;
    free(w->of);
    free(w);
}

static bool has_values(const struct step_values *v, const struct schedule *s,
                    const struct step *step, int slots)
{
    for (int i = 0; i < slots; i++) {
        int x = step->instance[STEP_OPERAND + i];

        if (v->value[i] != (x < 0 ? -1 : s->instances[x]) ||
            v->through[i] != (step->instance[STEP_THROUGH + i] >= 0))
            return false;
    }
    return true;
}

static void note_values(struct step_values *v, const struct schedule *s,
                const struct step *step, int slots)
{
    for (int i = 0; i < slots; i++) {
        int x = step->instance[STEP_OPERAND + i];

        v->value[i] = x < 0 ? -1 : s->instances[x];
        v->through[i] = step->instance[STEP_THROUGH + i] >= 0;
    }
}

/* The entry of a step, whose figures may not be known yet. */
static struct step_work *recall_step(struct work *w, const struct schedule *s,
                                     int step)
{
    const struct step *it = &s->steps[step];
    struct step_work *r = &w->of[it->op];
    int slots = op_slots(schedule_op(s, step)->code);

    if (!has_values(&r->values, s, it, slots)) {
        *r = nothing;
        note_values(&r->values, s, it, slots);
    }
    return r;
}

double work_flops(struct work *w, const struct schedule *s)
{
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    double sum = 0;

    for (int i = p->begin; i < p->end; i++) {
        struct step_work *r = recall_step(w, s, i);

        if (isnan(r->flops))
            r->flops = schedule_step_flops(s, i);
        sum += r->flops;
    }
    return sum;
}

bool work_is_below(struct work *w, const struct plan *plan,
                   const struct pace *pace, double most)
{
    const struct schedule *s = plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    double sum = 0;

    for (int i = p->begin; i < p->end && sum < most; i++) {
        struct step_work *r = recall_step(w, s, i);

        if (isnan(r->seconds))
            r->seconds = pace->seconds(plan, i, pace->arg);
        sum += r->seconds;
    }
    return sum < most;
}
