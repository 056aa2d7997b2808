#include "plan/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* What a step reads and writes, and so what it takes. */
struct sight {
    int value[CALL_MAX_OPERANDS];        /* of the graph; -1: none */
    bool through[CALL_MAX_OPERANDS];     /* it is loaded through statistics */
};

struct step_work {
    struct sight sight;
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
    free(w->of);
    free(w);
}

static bool is_seen(const struct sight *sight, const struct schedule *s,
                    const struct step *step, int slots)
{
    for (int i = 0; i < slots; i++) {
        int x = step->instance[STEP_OPERAND + i];

        if (sight->value[i] != (x < 0 ? -1 : s->instances[x]) ||
            sight->through[i] != (step->instance[STEP_THROUGH + i] >= 0))
            return false;
    }
    return true;
}

static void see(struct sight *sight, const struct schedule *s,
                const struct step *step, int slots)
{
    for (int i = 0; i < slots; i++) {
        int x = step->instance[STEP_OPERAND + i];

        sight->value[i] = x < 0 ? -1 : s->instances[x];
        sight->through[i] = step->instance[STEP_THROUGH + i] >= 0;
    }
}

/* The entry of a step, whose figures may not be known yet. */
static struct step_work *recall_step(struct work *w, const struct schedule *s,
                                     int step)
{
    const struct step *it = &s->steps[step];
    struct step_work *r = &w->of[it->op];
    int slots = op_slots(schedule_op(s, step)->code);

    if (!is_seen(&r->sight, s, it, slots)) {
        *r = nothing;
        see(&r->sight, s, it, slots);
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

double work_seconds(struct work *w, const struct plan *plan,
                    const struct pace *pace)
{
    const struct schedule *s = plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    double sum = 0;

    for (int i = p->begin; i < p->end; i++) {
        struct step_work *r = recall_step(w, s, i);

        if (isnan(r->seconds))
            r->seconds = pace->seconds(plan, i, pace->arg);
        sum += r->seconds;
    }
    return sum;
}
