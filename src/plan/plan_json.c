#include "plan/plan_json.h"

#include <math.h>
#include <stdlib.h>

#include "base/json_print.h"
#include "plan/layer_table.h"
#include "settings/settings_json.h"

json_t *plan_bytes_json(const struct plan *plan, int step)
{
    json_t *bytes = json_object();

    for (int k = 0; k < KIND_COUNT; k++)
        json_put(bytes, kind_name((enum kind)k),
                 json_integer((json_int_t)plan->live[step][k]));
    return bytes;
}

static json_t *step_json(const struct plan *plan, int step)
{
    const struct schedule *s = plan->schedule;
    const struct op *op = schedule_op(s, step);

    return json_pack("{si ss ss ss}", "index", step, "op", op_name(op->code),
                     "layer", s->graph->layers[op->layer].name, "phase",
                     phase_name(s->steps[step].phase));
}

static json_t *timeline_json(const struct plan *plan)
{
    json_t *steps = json_array();

    for (int t = 0; t < plan->schedule->step_count; t++) {
        json_t *step = step_json(plan, t);
        json_put(step, "bytes", plan_bytes_json(plan, t));
        json_push(steps, step);
    }
    return steps;
}

static json_t *layer_json(const struct layer_row *r)
{
    json_t *nonzeros = r->pooled ? json_null()
                                 : json_integer((json_int_t)r->nonzeros);

    return json_pack("{ss sI so sI sI sI so so so}", "layer", r->name,
                     "parameters", (json_int_t)r->parameters, "nonzeros",
                     nonzeros, "weights", (json_int_t)r->weights, "saved",
                     (json_int_t)r->saved, "peak_bytes",
                     (json_int_t)r->at_peak, "flops",
                     json_count(r->flops), "recompute_flops",
                     json_count(r->recompute), "shape",
                     json_integers(r->shape.dim, r->shape.rank));
}

static json_t *layers_json(const struct job *job)
{
    json_t *layers = json_array();
    struct layer_table t;

    layer_table_init(&t, job);
    for (int i = 0; i < t.count; i++)
        json_push(layers, layer_json(&t.rows[i]));
    layer_table_done(&t);
    return layers;
}

/* The predicted seconds of a step, and the share of them that was measured or
 * whose kinds of calls were. */
static json_t *seconds_json(const struct timings *t, const struct plan *plan,
                            const struct plan *baseline)
{
    struct timings_step step = timings_step(t, plan);
    double before = timings_step_seconds(t, baseline);

    if (isnan(step.seconds))
        return json_null();
    return json_pack("{so so sf sf}", "step", json_number(step.seconds),
                     "baseline_step", json_number(before), "ratio",
                     step.seconds / before, "measured", step.known);
}

json_t *plan_json(const struct job *job, const struct job *baseline,
                  const char *preset, const struct timings *timings,
                  bool timeline, bool layers)
{
    const struct plan *plan = job->plan;
    double flops = schedule_flops(job->schedule);
    double baseline_flops = schedule_flops(baseline->schedule);
    json_t *object = json_pack(
        "{si so so sI sI sI sI so so s{so so sf} so s{sI sI so}}", "schema",
        PLAN_SCHEMA, "preset", json_text(preset), "settings",
        settings_json(&job->settings), "parameters",
        (json_int_t)graph_parameters(job->graph), "nonzeros",
        (json_int_t)graph_nonzeros(job->graph), "peak_bytes",
        (json_int_t)plan->peak_bytes, "arena_bytes",
        (json_int_t)plan->arena_bytes, "bytes",
        plan_bytes_json(plan, plan->peak_step), "peak_step",
        step_json(plan, plan->peak_step), "flops", "step",
        json_count(flops), "baseline_step", json_count(baseline_flops),
        "ratio", flops / baseline_flops, "seconds",
        seconds_json(timings, plan, baseline->plan),
        "baseline", "peak_bytes", (json_int_t)baseline->plan->peak_bytes,
        "arena_bytes", (json_int_t)baseline->plan->arena_bytes, "bytes",
        plan_bytes_json(baseline->plan, baseline->plan->peak_step));

    if (timeline)
        json_put(object, "steps", timeline_json(plan));
    if (layers)
        json_put(object, "layers", layers_json(job));
    return object;
}
