/*
 * A nonzero of a sparse weight begins with the value that it would have if the
 * weight were dense, so that a seed gives the same weights at any sparsity.
 */
#include "train/initial.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pool.h"

/* Two normal deviates from two uniform ones (Box and Muller, 1958). */
static void normal_pair(const struct philox *p, float pair[2])
{
    float radius = sqrtf(-2 * logf(philox_unit(p->x[0])));
    float angle = 6.2831853f * philox_unit(p->x[1]);

    pair[0] = radius * cosf(angle);
    pair[1] = radius * sinf(angle);
}

/* The source of a value's first elements: its rule, and a stream of random
 * numbers of its own, however the rest of the graph is built. */
struct source {
    struct init init;
    uint64_t seed;
    uint32_t stream;
};

static struct source source_of(const struct graph *g, int value, uint64_t seed)
{
    const struct value *v = &g->values[value];

    if (v->init.rule == INIT_COPY)
        return source_of(g, v->of, seed);
    return (struct source){ v->init, seed, (uint32_t)v->ordinal };
}

static float element_of(const struct source *source, size_t element,
                        size_t elements)
{
    float scale = source->init.scale, pair[2];
    struct philox p;

    switch (source->init.rule) {
    case INIT_CONSTANT:
        return scale;
    case INIT_RUNNING:
        return element >= elements / 2;
    case INIT_FIRST:
        return element == 0 ? scale : 0;
    case INIT_UNIFORM:
        p = philox(source->seed, element, PHILOX_INIT, source->stream);
        return scale * (2 * philox_unit(p.x[0]) - 1);
    case INIT_NORMAL:
        p = philox(source->seed, element / 2, PHILOX_INIT, source->stream);
        normal_pair(&p, pair);
        return scale * pair[element % 2];
    case INIT_COPY:
    case INIT_POOL:
    case INIT_INDEX:
        assert(!"element by element");
    }
    return 0;
}

static void fill_dense(const struct source *source, float *host,
                       size_t elements)
{
    for (size_t i = 0; i < elements; i++)
        host[i] = element_of(source, i, elements);
}

/* Fills the nonzeros of a pool, or a copy of them. */
static void fill_pool(const struct graph *g, const uint64_t *bits,
                      uint64_t seed, float *host)
{
    for (int v = 0; v < g->value_count; v++) {
        const struct value *view = &g->values[v];
        const struct pool_member *m = &g->pool->member[view->member];
        struct source source;
        if (view->part_of != g->pool_values)
            continue;
        source = source_of(g, v, seed);
        for (size_t i = 0; i < m->elements; i++)
            if (pool_bit(bits, pool_member_place(m) + i))
                *host++ = element_of(&source, i, m->elements);
    }
}

/* A bitmap with every member of the pool equally dense, at random. */
static uint64_t *new_bits(const struct pool *pool, uint64_t seed)
{
    struct pool_stream stream = { seed, PHILOX_PLACE, 0 };
    struct pool_share *share =
        xcalloc((unsigned long)pool->members, sizeof(*share));
    uint64_t *bits = xcalloc(pool->words, sizeof(*bits));

    for (int i = 0; i < pool->members; i++)
        share[i].weight = share[i].room = pool->member[i].elements;
    pool_share_out(share, pool->members, pool->nonzeros);
    for (int i = 0; i < pool->members; i++)
        pool_choose(pool, i, stream, bits, pool_bitmap(bits), share[i].got,
                    share[i].room);
    free(share);
    return bits;
}

static void write_index(const struct executor *ex, int instance,
                        const struct pool *pool, const uint64_t *bits)
{
    void *index = xcalloc(1, pool_index_bytes(pool));

    pool_encode(pool, bits, index);
    executor_write(ex, instance, index);
    free(index);
}

/* Moments in 8 bits, which begin at 0: codes and scales. */
static void write_zeros(const struct executor *ex, int instance)
{
    void *zeros = xcalloc(1, ex->plan->instances[instance].bytes);

    executor_write(ex, instance, zeros);
    free(zeros);
}

static void fill_instance(const struct executor *ex, int instance,
                          uint64_t seed, const uint64_t *bits)
{
    const struct graph *g = ex->plan->schedule->graph;
    int value = ex->plan->schedule->instances[instance];
    struct source source = source_of(g, value, seed);
    struct operand o = graph_operand(g, value, NULL);
    float *host;

    if (source.init.rule == INIT_INDEX) {
        write_index(ex, instance, g->pool, bits);
        return;
    }
    if (dtype_is_scaled(o.dtype)) {
        write_zeros(ex, instance);
        return;
    }
    host = xcalloc(operand_elements(&o), sizeof(*host));
    if (source.init.rule == INIT_POOL)
        fill_pool(g, bits, seed, host);
    else
        fill_dense(&source, host, operand_elements(&o));
    executor_write_floats(ex, instance, host);
    free(host);
}

void initial_state(const struct executor *ex, uint64_t seed)
{
    const struct schedule *s = ex->plan->schedule;
    const struct pool *pool = s->graph->pool;
    uint64_t *bits = pool ? new_bits(pool, seed) : NULL;

    for (int i = 0; i < s->instance_count; i++)
        if (kind_persists(schedule_value(s, i)->kind))
            fill_instance(ex, i, seed, bits);
    free(bits);
}
