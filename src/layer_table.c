#include "layer_table.h"

#include <stdlib.h>

#include "living.h"

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
        /* A layer's own result is the last that its forward pass defines. */
        if (p->last >= p->first &&
            s->steps[p->first].phase == PHASE_FORWARD &&
            v->dim[0] == DIM_SAMPLES && v->kind != KIND_INPUT)
            row->shape = o;
    }
}

/* Sparse weights are parameters of their layers, as many as if they were
 * dense; which of them are nonzeros changes, so only the pool counts these. */
static void add_parameters(const struct graph *g, struct layer_row *rows)
{
    static const struct extents none;

    for (int i = 0; i < g->value_count; i++) {
        const struct value *v = &g->values[i];
        struct operand o = graph_operand(g, i, &none);
        if (v->kind != KIND_GRADIENTS)
            continue;
        if (!g->pool || v->of != g->pool_values)
            rows[v->layer].parameters += (int64_t)operand_elements(&o);
        if (!graph_is_view(g, i))
            rows[v->layer].nonzeros += (int64_t)operand_elements(&o);
    }
}

static void add_peak(const struct job *job, struct layer_row *rows)
{
    int step = job->plan->peak_step, count;
    struct living *living = living_find(job->plan, LIVING_ALL, step, &count);

    for (int i = 0; i < count; i++) {
        int instance = living[i].instance;
        int layer = instance == LIVING_SCRATCH
                        ? schedule_op(job->schedule, step)->layer
                        : schedule_value(job->schedule, instance)->layer;
        rows[layer].at_peak += living[i].bytes;
    }
    free(living);
}

static void add_flops(const struct schedule *s, struct layer_row *rows)
{
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];

    for (int t = p->begin; t < p->end; t++) {
        struct layer_row *row = &rows[schedule_op(s, t)->layer];
        double flops = schedule_step_flops(s, t);
        row->flops += flops;
        if (s->steps[t].phase == PHASE_RECOMPUTE)
            row->recompute += flops;
    }
}

struct layer_row *layer_table(const struct job *job)
{
    struct layer_row *rows =
        xcalloc((unsigned long)job->graph->layer_count, sizeof(*rows));

    add_values(job, rows);
    add_parameters(job->graph, rows);
    add_peak(job, rows);
    add_flops(job->schedule, rows);
    return rows;
}
