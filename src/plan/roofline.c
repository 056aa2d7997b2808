#include "plan/roofline.h"

#include <math.h>

/* Operations and bytes in a second; seconds in which a call begins, and in
 * which it finds each nonzero, where it skips zeros. */
static const double operations_rate = 100e9, bytes_rate = 20e9, begin = 5e-6,
                    find_nonzero = 20e-9;

/* Nonzeros of the operand that is in a pool. */
static double sparse_nonzeros(enum op_code op, const struct call *call)
{
    double sum = 0;

    for (int i = 0; i < op_slots(op); i++) {
        const struct operand *o = &call->operand[i];
        if (operand_given(o) && o->pool)
            sum += (double)o->pool->member[o->member].elements *
                   (double)o->pool->nonzeros / (double)o->pool->elements;
    }
    return sum;
}

double roofline_call(enum op_code op, const struct call *call)
{
    double bytes = 0, before = begin;

    for (int i = 0; i < op_slots(op); i++)
        bytes += (double)operand_bytes(&call->operand[i]);
    if (op_skips(op, call->operand))
        before += find_nonzero * sparse_nonzeros(op, call);
    return before + fmax(op_flops(op, call->operand, &call->attr) /
                             operations_rate, bytes / bytes_rate);
}

double roofline_step(const struct plan *plan, int step)
{
    struct call call = plan_mean_call(plan, step);

    return plan_repetitions(plan, step) *
           roofline_call(schedule_op(plan->schedule, step)->code, &call);
}

double roofline_seconds(const struct plan *plan)
{
    const struct program_steps *p = &plan->schedule->program[PROGRAM_TRAIN];
    double sum = 0;

    for (int t = p->begin; t < p->end; t++)
        sum += roofline_step(plan, t);
    return sum;
}
