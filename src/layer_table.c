#include "layer_table.h"

static void add_values(const struct job *job, struct layer_row *rows)
{
    const struct schedule *s = job->schedule;
    struct extents extents = schedule_extents(s->microbatch);

    for (int i = 0; i < s->instance_count; i++) {
        const struct plan_instance *p = &job->plan->instances[i];
        const struct value *v = schedule_value(s, i);
        struct layer_row *row = &rows[v->layer];
        struct operand o = graph_operand(s->graph, s->instances[i], &extents);

        if (p->kind == KIND_WEIGHTS)
            row->weights += p->bytes;
        if (p->kind == KIND_ACTIVATIONS)
            row->saved += p->bytes;
        if (p->kind == KIND_GRADIENTS)
            row->parameters += (int64_t)operand_elements(&o);
        /* A layer's own result is the last that its forward pass defines. */
        if (p->last >= p->first &&
            s->steps[p->first].phase == PHASE_FORWARD &&
            v->dim[0] == DIM_SAMPLES && v->kind != KIND_INPUT)
            row->shape = o;
    }
}

struct layer_row *layer_table(const struct job *job)
{
    const struct program_steps *p = &job->schedule->program[PROGRAM_TRAIN];
    struct layer_row *rows =
        xcalloc((unsigned long)job->graph->layer_count, sizeof(*rows));

    add_values(job, rows);
    for (int t = p->begin; t < p->end; t++)
        rows[schedule_op(job->schedule, t)->layer].flops +=
            schedule_step_flops(job->schedule, t);
    return rows;
}
