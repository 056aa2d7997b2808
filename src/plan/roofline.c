#include "plan/roofline.h"

#include <math.h>

/* Operations and bytes in a second; seconds that a call takes to begin. */
static const double operations_rate = 100e9, bytes_rate = 20e9, begin = 5e-6;

double roofline_call(enum op_code op, const struct call *call)
{
    double bytes = 0;

    for (int i = 0; i < op_slots(op); i++)
        bytes += (double)operand_bytes(&call->operand[i]);
    return begin + fmax(op_flops(op, call->operand, &call->attr) /
                            operations_rate, bytes / bytes_rate);
}

double roofline_seconds(const struct plan *plan)
{
    const struct schedule *s = plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    double sum = 0;

    for (int t = p->begin; t < p->end; t++) {
        struct call call = plan_mean_call(plan, t);
        sum += plan_repetitions(plan, t) *
               roofline_call(schedule_op(s, t)->code, &call);
    }
    return sum;
}
