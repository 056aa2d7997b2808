#include "train/executor.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "kernels/scaled.h"

/* The address of an instance; NULL for -1. */
static void *address(const struct executor *ex, int instance)
{
    return instance < 0 ? NULL
                        : ex->arena + ex->plan->instances[instance].offset;
}

/* Addresses never change, so this is done once per executor. */
static void bind_addresses(struct executor *ex)
{
    const struct plan *plan = ex->plan;
    const struct schedule *s = plan->schedule;

    for (int t = 0; t < s->step_count; t++) {
        const struct step *step = &s->steps[t];
        struct call *call = &ex->calls[t];
        *call = plan_call(plan, t, plan_most(plan, t));
        call->part = &ex->part;
        call->scratch_bytes = plan->scratch_bytes[t];
        if (plan->scratch_bytes[t])
            call->scratch = ex->arena + plan->scratch_offset[t];
        for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
            const int *instance = &step->instance[i];
            call->operand[i].data = address(ex, instance[STEP_OPERAND]);
            call->operand[i].through = address(ex, instance[STEP_THROUGH]);
            call->operand[i].index = address(ex, instance[STEP_INDEX]);
        }
    }
    for (int k = 0; k < PROGRAM_COUNT; k++)
        ex->bound[k] = plan->most[k];
}

static void bind_step(struct executor *ex, int step,
                      const struct extents *extents)
{
    const struct schedule *s = ex->plan->schedule;

    for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
        struct operand *o = &ex->calls[step].operand[i];
        struct operand bound = schedule_operand(s, step, i, extents);
        bound.data = o->data;
        bound.through = o->through;
        bound.index = o->index;
        *o = bound;
    }
}

/* Shapes follow the size of the part. */
static void bind_part(struct executor *ex, enum program program,
                      const struct extents *extents)
{
    const struct schedule *s = ex->plan->schedule;
    const struct program_steps *p = &s->program[program];

    if (extents_equal(extents, &ex->bound[program]))
        return;
    ex->bound[program] = *extents;
    for (int t = p->begin; t < p->end; t++)
        if (schedule_is_per_part(s, t))
            bind_step(ex, t, extents);
}

bool executor_new(struct executor **out, const struct plan *plan,
                  struct device *device, struct error *e)
{
    struct executor *ex = xcalloc(1, sizeof(*ex));
    char why[WHY_SIZE];

    ex->plan = plan;
    ex->device = device;
    ex->arena = plan->backend->alloc(device, plan->arena_bytes, why);
    if (!ex->arena) {
        free(ex);
        return error_set(e, EXIT_RUN, "backend %s: %s", plan->backend->name,
                         why);
    }
    ex->calls = xcalloc((unsigned long)plan->schedule->step_count,
                        sizeof(*ex->calls));
    bind_addresses(ex);
    *out = ex;
    return true;
}

void executor_free(struct executor *ex)
{
    if (!ex)
        return;
    ex->plan->backend->free(ex->device, ex->arena, ex->plan->arena_bytes);
    free(ex->calls);
    free(ex);
}

static void run_steps(struct executor *ex, int begin, int end,
                      const struct batch *batch)
{
    const struct schedule *s = ex->plan->schedule;

    for (int t = begin; t < end; t++) {
        ex->calls[t].batch = batch;
        if (ex->observer.before)
            ex->observer.before(ex->observer.arg, t);
        ex->plan->backend->run(ex->device, schedule_op(s, t)->code,
                               &ex->calls[t]);
        if (ex->observer.after)
            ex->observer.after(ex->observer.arg, t);
    }
}

static bool part_fits(const struct extents *extents, const struct extents *most)
{
    for (int i = 0; i < EXTENT_COUNT; i++)
        if (extents->of[i] > most->of[i])
            return false;
    return true;
}

struct extents executor_extents(const struct executor *ex, int step)
{
    const struct schedule *s = ex->plan->schedule;

    return schedule_is_per_part(s, step) ? ex->bound[schedule_program(s, step)]
                                         : *plan_most(ex->plan, step);
}

/* Whether the body of a program is to run once more. If the device fails, it is
 * not. */
static bool goes_on(const struct executor *ex, const struct program_steps *p)
{
    int32_t until = 0;

    if (p->until >= 0)
        executor_read(ex, p->until, &until);
    return until != 0;
}

static void executor_run_part(struct executor *ex,
                              const struct program_steps *p,
                              const struct batch *batch)
{
    do
        run_steps(ex, p->body, p->epilogue, batch);
    while (goes_on(ex, p));
}

static void run_program(struct executor *ex, enum program program,
                        const struct batch *batch)
{
    const struct schedule *s = ex->plan->schedule;
    const struct program_steps *p = &s->program[program];
    const struct loader *loader = batch->loader;
    bool whole = p->until >= 0; /* all steps are of a part */

    ex->part = (struct part){ 0 };
    if (!whole)
        run_steps(ex, p->begin, p->body, batch);
    while (loader->next(loader->arg, &ex->part)) {
        assert(part_fits(&ex->part.count, &ex->plan->most[program]));
        bind_part(ex, program, &ex->part.count);
        if (whole)
            run_steps(ex, p->begin, p->body, batch);
        executor_run_part(ex, p, batch);
        if (whole)
            run_steps(ex, p->epilogue, p->end, batch);
    }
    if (!whole)
        run_steps(ex, p->epilogue, p->end, batch);
}

/* An observer may look only when a step is done: so it is waited for. */
void executor_run(struct executor *ex, enum program program,
                  const struct batch *batch)
{
    const struct backend *backend = ex->plan->backend;

    if (ex->observer.after) {
        run_program(ex, program, batch);
        return;
    }
    if (backend->begin(ex->device, (int)program, batch))
        run_program(ex, program, batch);
    backend->end(ex->device, (int)program, batch);
}

bool executor_check(const struct executor *ex, struct error *e)
{
    const struct backend *backend = ex->plan->backend;
    char why[WHY_SIZE];

    if (backend->healthy(ex->device, why))
        return true;
    return error_set(e, EXIT_RUN, "backend %s: %s; start again from the last "
                     "snapshot", backend->name, why);
}

void executor_read(const struct executor *ex, int instance, void *host)
{
    ex->plan->backend->read(ex->device, host, address(ex, instance),
                            ex->plan->instances[instance].bytes);
}

void executor_write(const struct executor *ex, int instance, const void *host)
{
    ex->plan->backend->write(ex->device, address(ex, instance), host,
                             ex->plan->instances[instance].bytes);
}

void executor_write_bytes(const struct executor *ex, int instance,
                          size_t offset, const void *host, size_t bytes)
{
    ex->plan->backend->write(ex->device,
                             (char *)address(ex, instance) + offset, host,
                             bytes);
}

/* The tensor of an instance, which may be of a part. */
static struct operand tensor(const struct executor *ex, int instance)
{
    const struct schedule *s = ex->plan->schedule;
    int value = s->instances[instance];
    const struct plan_instance *p = &ex->plan->instances[instance];

    return graph_operand(s->graph, value, plan_most(ex->plan, p->first));
}

size_t executor_elements(const struct executor *ex, int instance)
{
    struct operand o = tensor(ex, instance);

    return operand_elements(&o);
}

/* The index that says where the scales of a tensor are; NULL: it needs none. */
static void *index_of_scales(const struct executor *ex, const struct operand *o)
{
    const struct schedule *s = ex->plan->schedule;
    void *index;

    if (!o->pool)
        return NULL;
    index = xcalloc(1, pool_index_bytes(o->pool));
    executor_read(ex, schedule_instance(s, s->graph->pool_index), index);
    return index;
}

static void to_floats(const struct operand *o, float *to)
{
    if (dtype_is_scaled(o->dtype))
        scaled_decode(o, to);
    else
        for (size_t i = 0; i < operand_elements(o); i++)
            to[i] = float_load(o->data, i, o->dtype);
}

static void from_floats(const struct operand *o, const float *from)
{
    if (dtype_is_scaled(o->dtype))
        scaled_encode(o, from);
    else
        for (size_t i = 0; i < operand_elements(o); i++)
            float_store(o->data, i, o->dtype, from[i]);
}

void executor_read_floats(const struct executor *ex, int instance,
                          float *host)
{
    struct operand o = tensor(ex, instance);
    void *index = index_of_scales(ex, &o);

    o.index = index;
    o.data = xcalloc(1, ex->plan->instances[instance].bytes);
    executor_read(ex, instance, o.data);
    to_floats(&o, host);
    free(o.data);
    free(index);
}

void executor_write_floats(const struct executor *ex, int instance,
                           const float *host)
{
    struct operand o = tensor(ex, instance);
    void *index = index_of_scales(ex, &o);

    o.index = index;
    o.data = xcalloc(1, ex->plan->instances[instance].bytes);
    from_floats(&o, host);
    executor_write(ex, instance, o.data);
    free(o.data);
    free(index);
}

struct device_memory executor_memory(const struct executor *ex)
{
    struct device_memory memory = { .limit = "" };

    ex->plan->backend->memory(ex->device, ex->arena, ex->plan->arena_bytes,
                              &memory);
    return memory;
}
