#include "executor.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pool.h"

static void *address(const struct executor *ex, int instance)
{
    return ex->arena + ex->plan->instances[instance].offset;
}

/* Addresses never change, so this is done once per executor. */
static void bind_addresses(struct executor *ex)
{
    const struct plan *plan = ex->plan;
    const struct schedule *s = plan->schedule;

    for (int t = 0; t < s->step_count; t++) {
        const struct step *step = &s->steps[t];
        struct call *call = &ex->calls[t];
        *call = plan_call(plan, t, s->microbatch);
        if (plan->scratch_bytes[t])
            call->scratch = ex->arena + plan->scratch_offset[t];
        for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
            if (step->operand[i] >= 0)
                call->operand[i].data = address(ex, step->operand[i]);
            if (step->through[i] >= 0)
                call->operand[i].through = address(ex, step->through[i]);
            if (step->index[i] >= 0)
                call->operand[i].index = address(ex, step->index[i]);
        }
    }
    ex->samples = s->microbatch;
}

/* Shapes follow the size of the microbatch: only the last one differs. */
static void bind_samples(struct executor *ex, int samples)
{
    const struct schedule *s = ex->plan->schedule;
    struct extents extents = schedule_extents(samples);

    if (samples == ex->samples)
        return;
    ex->samples = samples;
    for (int t = 0; t < s->step_count; t++)
        for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
            struct operand *o = &ex->calls[t].operand[i];
            struct operand bound = schedule_operand(s, t, i, &extents);
            bound.data = o->data;
            bound.through = o->through;
            bound.index = o->index;
            *o = bound;
        }
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
        return error_set(e, EXIT_RUN,
                         "backend %s: %s; lower batch or microbatch, or set "
                         "recompute=bn-relu",
                         plan->backend->name, why);
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
                      const struct run *run)
{
    const struct schedule *s = ex->plan->schedule;

    for (int t = begin; t < end; t++) {
        ex->calls[t].run = run;
        ex->plan->backend->run(ex->device, schedule_op(s, t)->code,
                               &ex->calls[t]);
        if (ex->observer.after)
            ex->observer.after(ex->observer.arg, t);
    }
}

void executor_run(struct executor *ex, enum program program, struct run *run)
{
    const struct schedule *s = ex->plan->schedule;
    const struct program_steps *p = &s->program[program];

    run->first = 0;
    run->samples = s->microbatch;
    run_steps(ex, p->begin, p->body, run);
    while (run->first < run->batch) {
        int left = run->batch - run->first;
        run->samples = left < s->microbatch ? left : s->microbatch;
        bind_samples(ex, run->samples);
        run_steps(ex, p->body, p->epilogue, run);
        run->first += run->samples;
    }
    run_steps(ex, p->epilogue, p->end, run);
}

/* Two normal deviates from two uniform ones (Box and Muller, 1958). */
static void normal_pair(const struct philox *p, float pair[2])
{
    float radius = sqrtf(-2 * logf(philox_unit(p->x[0])));
    float angle = 6.2831853f * philox_unit(p->x[1]);

    pair[0] = radius * cosf(angle);
    pair[1] = radius * sinf(angle);
}

static float initial(struct init init, uint64_t seed, uint32_t value,
                     size_t element, size_t elements)
{
    float pair[2];
    struct philox p;

    switch (init.rule) {
    case INIT_POOL:
    case INIT_INDEX: /* not element by element */
        break;
    case INIT_CONSTANT:
        return init.scale;
    case INIT_RUNNING:
        return element >= elements / 2;
    case INIT_UNIFORM:
        p = philox(seed, element, PHILOX_INIT, value);
        return init.scale * (2 * philox_unit(p.x[0]) - 1);
    case INIT_NORMAL:
        p = philox(seed, element / 2, PHILOX_INIT, value);
        normal_pair(&p, pair);
        return init.scale * pair[element % 2];
    }
    return 0;
}

/* A sparse weight begins as it would if it were dense, where it is not zero. */
static void init_pool(const struct graph *g, const void *index, uint64_t seed,
                      float *host)
{
    const struct pool *pool = g->pool;

    for (int v = 0; v < g->value_count; v++) {
        const struct value *view = &g->values[v];
        const struct pool_member *m = &pool->member[view->member];
        if (view->part_of != g->pool_values)
            continue;
        for (size_t k = 0; k < m->elements; k++)
            if (pool_bit(index, pool_member_bit(m) + k))
                *host++ = initial(view->init, seed, (uint32_t)v, k,
                                  m->elements);
    }
}

/* Every member of a pool equally dense, at random. */
static void init_index(const struct pool *pool, uint64_t seed, void *index)
{
    struct pool_share *share =
        xcalloc((unsigned long)pool->members, sizeof(*share));
    void *none = xcalloc(pool->words, sizeof(uint64_t));
    struct pool_stream stream = { seed, PHILOX_PLACE, 0 };

    for (int i = 0; i < pool->members; i++)
        share[i].weight = share[i].room = pool->member[i].elements;
    pool_share_out(share, pool->members, pool->nonzeros);
    for (int i = 0; i < pool->members; i++)
        pool_choose(pool, i, stream, index, none, share[i].got,
                    share[i].room);
    pool_count_groups(pool, index);
    free(share);
    free(none);
}

static void init_dense(const struct executor *ex, int instance, uint64_t seed,
                       float *host)
{
    const struct schedule *s = ex->plan->schedule;
    size_t n = ex->plan->instances[instance].bytes / sizeof(float);

    assert(schedule_value(s, instance)->dtype == DTYPE_F32);
    for (size_t k = 0; k < n; k++)
        host[k] = initial(schedule_value(s, instance)->init, seed,
                          (uint32_t)s->instances[instance], k, n);
}

void executor_init_state(struct executor *ex, uint64_t seed)
{
    const struct schedule *s = ex->plan->schedule;
    const struct pool *pool = s->graph->pool;
    void *index = NULL;

    if (pool) {
        index = xcalloc(1, pool_index_bytes(pool));
        init_index(pool, seed, index);
    }
    for (int i = 0; i < s->instance_count; i++) {
        const struct value *v = schedule_value(s, i);
        size_t bytes = ex->plan->instances[i].bytes;
        void *host;
        if (!kind_persists(v->kind))
            continue;
        host = xcalloc(1, bytes);
        if (v->init.rule == INIT_POOL)
            init_pool(s->graph, index, seed, host);
        else if (v->init.rule == INIT_INDEX)
            memcpy(host, index, bytes);
        else
            init_dense(ex, i, seed, host);
        executor_write(ex, i, host);
        free(host);
    }
    free(index);
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

struct device_memory executor_memory(const struct executor *ex)
{
    struct device_memory memory = { 0 };

    ex->plan->backend->memory(ex->device, ex->arena, ex->plan->arena_bytes,
                              &memory);
    return memory;
}
