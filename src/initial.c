/*
 * A sparse weight begins as it would if it were dense, where it is not zero,
 * so that the same seed gives the same weights at any sparsity.
 */
#include "initial.h"

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

/* One element of a value of the graph. */
static float element_of(const struct graph *g, int value, uint64_t seed,
                        size_t element, size_t elements)
{
    struct init init = g->values[value].init;
    float pair[2];
    struct philox p;

    switch (init.rule) {
    case INIT_CONSTANT:
        return init.scale;
    case INIT_RUNNING:
        return element >= elements / 2;
    case INIT_FIRST:
        return element == 0 ? init.scale : 0;
    case INIT_COPY:
        return element_of(g, g->values[value].of, seed, element, elements);
    case INIT_UNIFORM:
        p = philox(seed, element, PHILOX_INIT, (uint32_t)value);
        return init.scale * (2 * philox_unit(p.x[0]) - 1);
    case INIT_NORMAL:
        p = philox(seed, element / 2, PHILOX_INIT, (uint32_t)value);
        normal_pair(&p, pair);
        return init.scale * pair[element % 2];
    case INIT_POOL:
    case INIT_INDEX:
        assert(!"element by element");
    }
    return 0;
}

static void fill_dense(const struct graph *g, int value, uint64_t seed,
                       float *host, size_t elements)
{
    for (size_t i = 0; i < elements; i++)
        host[i] = element_of(g, value, seed, i, elements);
}

/* The nonzeros of a pool, or a copy of them. */
static void fill_pool(const struct graph *g, const uint64_t *bits,
                      uint64_t seed, float *host)
{
    for (int v = 0; v < g->value_count; v++) {
        const struct value *view = &g->values[v];
        const struct pool_member *m = &g->pool->member[view->member];
        if (view->part_of != g->pool_values)
            continue;
        for (size_t i = 0; i < m->elements; i++)
            if (pool_bit(bits, pool_member_place(m) + i))
                *host++ = element_of(g, v, seed, i, m->elements);
    }
}

/* Every member of a pool equally dense, at random. */
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

static enum init_rule rule_of(const struct graph *g, int value)
{
    const struct value *v = &g->values[value];

    return v->init.rule == INIT_COPY ? rule_of(g, v->of) : v->init.rule;
}

static void fill(const struct executor *ex, int instance, uint64_t seed,
                 const uint64_t *bits)
{
    const struct schedule *s = ex->plan->schedule;
    int value = s->instances[instance];
    struct operand o = graph_operand(s->graph, value, NULL);
    float *host;

    if (rule_of(s->graph, value) == INIT_INDEX) {
        write_index(ex, instance, s->graph->pool, bits);
        return;
    }
    host = xcalloc(operand_elements(&o), sizeof(*host));
    if (rule_of(s->graph, value) == INIT_POOL)
        fill_pool(s->graph, bits, seed, host);
    else
        fill_dense(s->graph, value, seed, host, operand_elements(&o));
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
            fill(ex, i, seed, bits);
    free(bits);
}
