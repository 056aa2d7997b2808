#include "plan/roofline.h"

#include <math.h>

/* Operations and bytes in a second; seconds that a call takes to begin. */
static const double operations_rate = 100e9, bytes_rate = 20e9, begin = 5e-6;

/* The extents of a part of mean size. */
static struct extents mean_part(const struct cut *cut)
{
    struct extents mean = cut->whole;

    for (int i = 0; i < EXTENT_COUNT; i++)
        mean.of[i] = (mean.of[i] + cut->parts - 1) / cut->parts;
    return mean;
}

static double roofline_call(const struct plan *plan, int step,
                            const struct extents *extents)
{
    const struct schedule *s = plan->schedule;
    const char *access = op_access(schedule_op(s, step)->code);
    double bytes = 0;

    for (int i = 0; access[i]; i++) {
        struct operand o = schedule_operand(s, step, i, extents);
        bytes += (double)operand_bytes(&o);
    }
    return begin + fmax(schedule_call_flops(s, step, extents) /
                            operations_rate, bytes / bytes_rate);
}

double roofline_seconds(const struct plan *plan)
{
    const struct schedule *s = plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    struct extents part = mean_part(&s->cut);
    double sum = 0;

    for (int t = p->begin; t < p->end; t++)
        sum += schedule_is_per_part(s, t)
                   ? s->cut.parts * roofline_call(plan, t, &part)
                   : roofline_call(plan, t, &s->cut.whole);
    return sum;
}
