#include "plan/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The values that a step reads and writes: they decide its figures. */
struct step_values {
    int value[CALL_MAX_OPERANDS];        /* of the graph; -1: none */
    bool through[CALL_MAX_OPERANDS];     /* it is loaded through statistics */
};

_Static_assert(sizeof(struct step_values) ==
                   CALL_MAX_OPERANDS * (sizeof(int) + sizeof(bool)),
               "no padding to be compared");

struct step_work {
    struct step_values values;
    double flops, seconds;               /* NAN: not known */
};

struct work {
    struct step_work *of;                /* owned, by operation of the graph:
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

static struct step_values values_of(const struct schedule *s,
                                    const struct step *step)
{
    struct step_values v = { .value = { 0 } };
    int slots = op_slots(s->graph->ops[step->op].code);

    for (int i = 0; i < slots; i++) {
        int x = step->instance[STEP_OPERAND + i];

        v.value[i] = x < 0 ? -1 : s->instances[x];
        v.through[i] = step->instance[STEP_THROUGH + i] >= 0;
    }
    return v;
}

/* The entry of a step, whose figures may not be known yet. */
static struct step_work *recall_step(struct work *w, const struct schedule *s,
                                     int step)
{
    struct step_values values = values_of(s, &s->steps[step]);
    struct step_work *r = &w->of[s->steps[step].op];

    if (memcmp(&r->values, &values, sizeof(values)) != 0) {
        *r = nothing;
        r->values = values;
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
