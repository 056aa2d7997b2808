#include "plan/layer_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "plan/living.h"

static void add_instances(const struct job *job, struct layer_row *rows)
{
    const struct schedule *s = job->schedule;

    for (int i = 0; i < s->instance_count; i++) {
        const struct plan_instance *p = &job->plan->instances[i];
        const struct value *v = schedule_value(s, i);
        struct layer_row *row = &rows[v->layer];
        struct operand o =
            graph_operand(s->graph, s->instances[i], &s->cut.most);

        if (p->kind == KIND_WEIGHTS)
            row->weights += p->bytes;
        if (p->kind == KIND_ACTIVATIONS)
            row->saved += p->bytes;
        /* A layer's own result is the last value that its forward pass
         * defines. */
        if (p->last >= p->first &&
            s->steps[p->first].phase == PHASE_FORWARD &&
            v->dim[0] < 0 && v->kind != KIND_INPUT)
            row->shape = o;
    }
}

/* Sparse weights are parameters of their layers, counted as if they were dense.
 * Which weights are nonzeros changes, so only the pool counts nonzeros. */
static void add_parameters(const struct graph *g, struct layer_row *rows)
{
    static const struct extents none;

    for (int i = 1; i < g->value_count; i++) {
        const struct value *v = &g->values[i];
        struct operand o = graph_operand(g, i, &none);
        if (!v->gradient)
            continue;
        if (!graph_is_pool(g, i))
            rows[v->layer].parameters += (int64_t)operand_elements(&o);
        if (graph_is_view(g, i))
            rows[v->layer].pooled = true;
        else
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

static void add_sum(struct layer_table *t)
{
    struct layer_row *sum = &t->rows[t->count];

    sum->name = "all layers";
    for (int i = 0; i < t->count; i++) {
        const struct layer_row *r = &t->rows[i];
        sum->parameters += r->parameters;
        sum->nonzeros += r->nonzeros;
        sum->weights += r->weights;
        sum->saved += r->saved;
        sum->at_peak += r->at_peak;
        sum->flops += r->flops;
        sum->recompute += r->recompute;
    }
}

void layer_table_init(struct layer_table *t, const struct job *job)
{
    const struct graph *g = job->graph;
    unsigned long n = (unsigned long)g->layer_count;

    *t = (struct layer_table){ xcalloc(n + 1, sizeof(*t->rows)),
                               g->layer_count, job->plan->peak_bytes };
    for (int i = 0; i < t->count; i++)
        t->rows[i].name = g->layers[i].name;
    add_instances(job, t->rows);
    add_parameters(g, t->rows);
    add_peak(job, t->rows);
    add_flops(job->schedule, t->rows);
    add_sum(t);
}

void layer_table_done(struct layer_table *t)
{
    free(t->rows);
    *t = (struct layer_table){ 0 };
}

double layer_table_share(const struct layer_table *t, int row)
{
    return (double)t->rows[row].at_peak / (double)t->peak_bytes;
}

static const struct {
    const char *title;
    int width;           /* at least */
} columns[LAYER_COLUMNS] = {
    [LAYER_NAME] = { "layer", 14 },
    [LAYER_SAVED] = { "saved", 9 },
    [LAYER_RECOMPUTE] = { "recomp", 7 },
    [LAYER_FLOPS] = { "GFLOP", 7 },
    [LAYER_PEAK] = { "peak %", 6 },
    [LAYER_PARAMETERS] = { "parameters", 10 },
    [LAYER_NONZEROS] = { "nonzeros", 9 },
    [LAYER_WEIGHTS] = { "weights", 9 },
    [LAYER_RESULT] = { "result", 12 },
};

const char *layer_table_title(enum layer_column column)
{
    return columns[column].title;
}

int layer_table_width(const struct layer_table *t, enum layer_column column)
{
    int width = columns[column].width;

    for (int i = 0; i <= t->count; i++) {
        char text[LAYER_TEXT_SIZE];
        int n = (int)strlen(layer_table_text(t, i, column, text));
        width = n > width ? n : width;
    }
    return width;
}

/* A figure above 0 is not shown as 0; three digits are enough to compare. */
static void format_flops(double flops, char text[LAYER_TEXT_SIZE])
{
    double giga = flops / 1e9;

    if (flops <= 0)
        strcpy(text, "0");
    else if (giga < 0.0005)
        strcpy(text, "<0.001");
    else
        snprintf(text, LAYER_TEXT_SIZE, "%.*f", giga < 100 ? 3 : 1, giga);
}

static void format_dims(const struct operand *o, char text[LAYER_TEXT_SIZE])
{
    size_t n = 0;

    strcpy(text, "-");
    for (int d = 0; d < o->rank && n < LAYER_TEXT_SIZE; d++)
        n += (size_t)snprintf(text + n, LAYER_TEXT_SIZE - n, "%s%d",
                              d ? "x" : "", o->dim[d]);
}

static void format_nonzeros(const struct layer_row *r,
                            char text[LAYER_TEXT_SIZE])
{
    if (r->pooled)
        strcpy(text, "in pool");
    else
        text_count(text, r->nonzeros);
}

const char *layer_table_text(const struct layer_table *t, int row,
                             enum layer_column column,
                             char text[LAYER_TEXT_SIZE])
{
    const struct layer_row *r = &t->rows[row];

    switch (column) {
    case LAYER_SAVED:
        return bytes_format(text, LAYER_TEXT_SIZE, r->saved);
    case LAYER_RECOMPUTE:
        format_flops(r->recompute, text);
        break;
    case LAYER_FLOPS:
        format_flops(r->flops, text);
        break;
    case LAYER_PEAK:
        snprintf(text, LAYER_TEXT_SIZE, "%.1f",
                 100 * layer_table_share(t, row));
        break;
    case LAYER_PARAMETERS:
        return text_count(text, r->parameters);
    case LAYER_NONZEROS:
        format_nonzeros(r, text);
        break;
    case LAYER_WEIGHTS:
        return bytes_format(text, LAYER_TEXT_SIZE, r->weights);
    case LAYER_RESULT:
        format_dims(&r->shape, text);
        break;
    default:
        snprintf(text, LAYER_TEXT_SIZE, "%s", r->name);
        break;
    }
    return text;
}

double layer_table_number(const struct layer_table *t, int row,
                          enum layer_column column)
{
    const struct layer_row *r = &t->rows[row];

    switch (column) {
    case LAYER_SAVED:
        return (double)r->saved;
    case LAYER_RECOMPUTE:
        return r->recompute;
    case LAYER_FLOPS:
        return r->flops;
    case LAYER_PEAK:
        return (double)r->at_peak;
    case LAYER_PARAMETERS:
        return (double)r->parameters;
    case LAYER_NONZEROS:
        return (double)r->nonzeros;
    case LAYER_WEIGHTS:
        return (double)r->weights;
    case LAYER_RESULT:
        return r->shape.rank ? (double)operand_elements(&r->shape) : 0;
    default:
        return row;
    }
}
