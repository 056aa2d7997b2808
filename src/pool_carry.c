/*
 * On the host, with every member dense for a moment: this is between two
 * steps, and not in the arena.
 */
#include "pool_carry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pool.h"

/* What is carried over, laid out as the bits of the pool's index are. */
struct state {
    const struct graph *graph; /* one that has the pool */
    const struct pool *pool;   /* its own */
    float *w, *momentum;
    uint64_t *bits;
    size_t nonzeros;
};

/* The instance of a persistent value. */
static int instance_of(const struct executor *ex, int value)
{
    int i = 0;

    while (ex->plan->schedule->instances[i] != value)
        i++;
    return i;
}

static float *read_value(const struct executor *ex, int value)
{
    int instance = instance_of(ex, value);
    float *host = xcalloc(1, ex->plan->instances[instance].bytes);

    executor_read(ex, instance, host);
    return host;
}

/* Between values of nonzeros only and those laid out as the bits are. */
static void expand(const struct state *s, const float *values, float *to)
{
    for (size_t bit = 0; bit < s->pool->words * POOL_WORD; bit++)
        if (pool_bit(s->bits, bit))
            to[bit] = *values++;
}

static void compact(const struct state *s, const float *from, float *values)
{
    for (size_t bit = 0; bit < s->pool->words * POOL_WORD; bit++)
        if (pool_bit(s->bits, bit))
            *values++ = from[bit];
}

/* Calls move() for the weight and the momentum of every member that `ex`
 * stores dense; values have the same id whether they are views or not. */
static void each_dense(const struct state *s, const struct executor *ex,
                       void (*move)(const struct executor *, int value,
                                    float *at))
{
    const struct graph *g = ex->plan->schedule->graph;

    for (int v = 0; v < s->graph->value_count; v++) {
        const struct value *view = &s->graph->values[v];
        const struct pool_member *m = &s->pool->member[view->member];
        size_t at = pool_member_bit(m);
        if (view->part_of != s->graph->pool_values)
            continue;
        move(ex, v, s->w + at);
        move(ex, graph_momentum(g, v), s->momentum + at);
    }
}

static void read_dense(const struct executor *ex, int value, float *at)
{
    executor_read(ex, instance_of(ex, value), at);
}

static void write_dense(const struct executor *ex, int value, float *at)
{
    executor_write(ex, instance_of(ex, value), at);
}

/* All elements, as far as a member has them. */
static void set_all(struct state *s)
{
    for (int i = 0; i < s->pool->members; i++)
        for (size_t k = 0; k < s->pool->member[i].elements; k++) {
            size_t bit = pool_member_bit(&s->pool->member[i]) + k;
            s->bits[bit / POOL_WORD] |= (uint64_t)1 << bit % POOL_WORD;
        }
    s->nonzeros = s->pool->elements;
}

static void read_state(struct state *s, const struct executor *from)
{
    const struct graph *g = from->plan->schedule->graph;
    float *w, *momentum, *index;

    if (!g->pool) {
        set_all(s);
        each_dense(s, from, read_dense);
        return;
    }
    w = read_value(from, g->pool_values);
    momentum = read_value(from, graph_momentum(g, g->pool_values));
    index = read_value(from, g->pool_index);
    memcpy(s->bits, index, s->pool->words * sizeof(*s->bits));
    s->nonzeros = g->pool->nonzeros;
    expand(s, w, s->w);
    expand(s, momentum, s->momentum);
    free(w);
    free(momentum);
    free(index);
}

struct candidate {
    float magnitude;
    bool largest;        /* of its member */
    size_t bit;
};

/* In the order in which they are kept. */
static int compare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->largest != y->largest)
        return x->largest ? -1 : 1;
    if (x->magnitude != y->magnitude)
        return x->magnitude > y->magnitude ? -1 : 1;
    return x->bit < y->bit ? -1 : 1;
}

/* Keeps the `wanted` largest, and of every member the largest. */
static void prune(struct state *s, size_t wanted)
{
    struct candidate *all = xcalloc(s->nonzeros, sizeof(*all));
    size_t n = 0;

    for (int i = 0; i < s->pool->members; i++) {
        const struct pool_member *m = &s->pool->member[i];
        size_t most = n;
        for (size_t k = 0; k < m->elements; k++) {
            size_t bit = pool_member_bit(m) + k;
            if (!pool_bit(s->bits, bit))
                continue;
            all[n] = (struct candidate){ fabsf(s->w[bit]), false, bit };
            if (all[n].magnitude > all[most].magnitude)
                most = n;
            n++;
        }
        all[most].largest = true;
    }
    qsort(all, n, sizeof(*all), compare);
    memset(s->bits, 0, s->pool->words * sizeof(*s->bits));
    for (size_t i = 0; i < wanted; i++)
        s->bits[all[i].bit / POOL_WORD] |=
            (uint64_t)1 << all[i].bit % POOL_WORD;
    free(all);
}

/* Adds zeros at random, to every member the same part of what it lacks. */
static void fill_up(struct state *s, size_t wanted, uint64_t seed)
{
    size_t bytes = s->pool->words * sizeof(*s->bits);
    struct pool_stream stream = { seed, PHILOX_PLACE, 1 };
    struct pool_share *share =
        xcalloc((unsigned long)s->pool->members, sizeof(*share));
    uint64_t *taken = xcalloc(1, bytes);

    memcpy(taken, s->bits, bytes);
    for (int i = 0; i < s->pool->members; i++) {
        const struct pool_member *m = &s->pool->member[i];
        share[i].weight = share[i].room =
            m->elements - pool_count(taken + m->word, pool_member_words(m));
    }
    pool_share_out(share, s->pool->members, wanted - s->nonzeros);
    for (int i = 0; i < s->pool->members; i++)
        pool_choose(s->pool, i, stream, s->bits, taken, share[i].got,
                    share[i].room);
    free(share);
    free(taken);
}

static void write_pool(const struct state *s, struct executor *to)
{
    const struct graph *g = to->plan->schedule->graph;
    float *values = xcalloc(g->pool->nonzeros, sizeof(*values));
    void *index = xcalloc(1, pool_index_bytes(g->pool));

    compact(s, s->w, values);
    executor_write(to, instance_of(to, g->pool_values), values);
    compact(s, s->momentum, values);
    executor_write(to, instance_of(to, graph_momentum(g, g->pool_values)),
                   values);
    memcpy(index, s->bits, s->pool->words * sizeof(*s->bits));
    pool_count_groups(g->pool, index);
    executor_write(to, instance_of(to, g->pool_index), index);
    free(values);
    free(index);
}

void pool_carry(const struct executor *from, struct executor *to,
                uint64_t seed)
{
    const struct graph *before = from->plan->schedule->graph;
    const struct graph *after = to->plan->schedule->graph;
    struct state s = { .graph = after->pool ? after : before };
    unsigned long n;

    if (!s.graph->pool)
        return;
    s.pool = s.graph->pool;
    n = s.pool->words * POOL_WORD;
    s.w = xcalloc(n, sizeof(*s.w));
    s.momentum = xcalloc(n, sizeof(*s.momentum));
    s.bits = xcalloc(s.pool->words, sizeof(*s.bits));
    read_state(&s, from);
    if (!after->pool) {
        each_dense(&s, to, write_dense);
    } else {
        if (s.nonzeros > after->pool->nonzeros)
            prune(&s, after->pool->nonzeros);
        else if (s.nonzeros < after->pool->nonzeros)
            fill_up(&s, after->pool->nonzeros, seed);
        write_pool(&s, to);
    }
    free(s.w);
    free(s.momentum);
    free(s.bits);
}
