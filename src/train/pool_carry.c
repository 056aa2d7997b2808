/*
 * Works on the host, in floats, with every member dense for a moment: between
 * two steps, and not in the arena.
 */
#include "train/pool_carry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pool.h"

/* State carried over, laid out as the bitmap of the pool's index. */
struct state {
    const struct graph *graph; /* one that has the pool */
    const struct pool *pool;   /* its own */
    float *w, *moment[MAX_MOMENTS];
    uint64_t *bits;
    size_t nonzeros;
};

/* A moment of a weight, in a graph of the same optimizer, or -1. */
static int moment_of(const struct graph *g, int weight, int i)
{
    return graph_moment(g, weight, g->optimizer->moment[i].name);
}

static int moments(const struct state *s)
{
    return s->graph->optimizer->moments;
}

/* The value with the weight's numbers: its copy in fp32 if there is one. */
static int best_copy(const struct graph *g, int weight)
{
    int master = graph_moment(g, weight, "master");

    return master ? master : weight;
}

static void read_floats(const struct executor *ex, int value, float *host)
{
    executor_read_floats(ex, schedule_instance(ex->plan->schedule, value),
                         host);
}

/* Writes the value, if the graph has it. */
static void write_value(const struct executor *ex, int value,
                        const float *host)
{
    if (value != VALUE_NONE)
        executor_write_floats(
            ex, schedule_instance(ex->plan->schedule, value), host);
}

/* Writes a weight and its copy. */
static void write_weight(const struct executor *ex, int weight,
                         const float *host)
{
    const struct graph *g = ex->plan->schedule->graph;

    write_value(ex, weight, host);
    write_value(ex, graph_moment(g, weight, "master"), host);
}

/* Expands the values of the nonzeros to all places of the bitmap. */
static void expand(const struct state *s, const float *values, float *to)
{
    for (size_t i = 0; i < s->pool->words * POOL_WORD; i++)
        if (pool_bit(s->bits, i))
            to[i] = *values++;
}

static void compact(const struct state *s, const float *from, float *values)
{
    for (size_t i = 0; i < s->pool->words * POOL_WORD; i++)
        if (pool_bit(s->bits, i))
            *values++ = from[i];
}

/* The next member that `ex` stores dense, from value `v` on, or the number of
 * values; values have the same id whether they are views or not. */
static int next_member(const struct state *s, int v)
{
    const struct graph *g = s->graph;

    while (v < g->value_count && g->values[v].part_of != g->pool_values)
        v++;
    return v;
}

/* The place of a member's first element. */
static size_t member_at(const struct state *s, int value)
{
    return pool_member_place(&s->pool->member[s->graph->values[value].member]);
}

static void read_dense(struct state *s, const struct executor *from)
{
    const struct graph *g = from->plan->schedule->graph;

    for (int v = 0; (v = next_member(s, v)) < s->graph->value_count; v++) {
        size_t at = member_at(s, v);
        read_floats(from, best_copy(g, v), s->w + at);
        for (int i = 0; i < moments(s); i++)
            read_floats(from, moment_of(g, v, i), s->moment[i] + at);
    }
}

static void write_dense(const struct state *s, const struct executor *to)
{
    const struct graph *g = to->plan->schedule->graph;

    for (int v = 0; (v = next_member(s, v)) < s->graph->value_count; v++) {
        size_t at = member_at(s, v);
        write_weight(to, v, s->w + at);
        for (int i = 0; i < moments(s); i++)
            write_value(to, moment_of(g, v, i), s->moment[i] + at);
    }
}

/* Sets the bits of all elements of every member. */
static void set_all(struct state *s)
{
    for (int i = 0; i < s->pool->members; i++)
        for (size_t k = 0; k < s->pool->member[i].elements; k++)
            pool_set_bit(s->bits, pool_member_place(&s->pool->member[i]) + k);
    s->nonzeros = s->pool->elements;
}

static void read_pool(struct state *s, const struct executor *from)
{
    const struct graph *g = from->plan->schedule->graph;
    float *values = xcalloc(g->pool->nonzeros, sizeof(*values));
    void *index = xcalloc(1, pool_index_bytes(g->pool));

    executor_read(from, schedule_instance(from->plan->schedule,
                                          g->pool_index), index);
    pool_decode(g->pool, index, s->bits);
    s->nonzeros = g->pool->nonzeros;
    read_floats(from, best_copy(g, g->pool_values), values);
    expand(s, values, s->w);
    for (int i = 0; i < moments(s); i++) {
        read_floats(from, moment_of(g, g->pool_values, i), values);
        expand(s, values, s->moment[i]);
    }
    free(values);
    free(index);
}

struct candidate {
    float magnitude;
    bool largest;        /* of its member */
    size_t place;
};

/* Orders elements: those that are kept come first. */
static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->largest != y->largest)
        return x->largest ? -1 : 1;
    if (x->magnitude != y->magnitude)
        return x->magnitude > y->magnitude ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* Keeps the `wanted` largest elements, and the largest of every member that has
 * any. */
static void prune(struct state *s, size_t wanted)
{
    struct candidate *all = xcalloc(s->nonzeros, sizeof(*all));
    size_t n = 0;

    for (int i = 0; i < s->pool->members; i++) {
        const struct pool_member *m = &s->pool->member[i];
        size_t first = n, most = n;
        for (size_t k = 0; k < m->elements; k++) {
            size_t place = pool_member_place(m) + k;
            if (!pool_bit(s->bits, place))
                continue;
            all[n] = (struct candidate){ fabsf(s->w[place]), false, place };
            if (all[n].magnitude > all[most].magnitude)
                most = n;
            n++;
        }
        if (n > first)
            all[most].largest = true;
    }
    qsort(all, n, sizeof(*all), compare_candidates);
    memset(s->bits, 0, s->pool->words * sizeof(*s->bits));
    for (size_t i = 0; i < wanted; i++)
        pool_set_bit(s->bits, all[i].place);
    free(all);
}

/* Adds zeros at random, to every member the same share of its free places. */
static void fill_up(struct state *s, size_t wanted, uint64_t seed)
{
    struct pool_stream stream = { seed, PHILOX_PLACE, 1 };
    struct pool_share *share =
        xcalloc((unsigned long)s->pool->members, sizeof(*share));

    for (int i = 0; i < s->pool->members; i++) {
        const struct pool_member *m = &s->pool->member[i];
        share[i].weight = share[i].room =
            m->elements - pool_count(s->bits + m->word, pool_member_words(m));
    }
    pool_share_out(share, s->pool->members, wanted - s->nonzeros);
    for (int i = 0; i < s->pool->members; i++)
        pool_choose(s->pool, i, stream, s->bits, pool_bitmap(s->bits),
                    share[i].got, share[i].room);
    free(share);
}

static void write_pool(const struct state *s, const struct executor *to)
{
    const struct graph *g = to->plan->schedule->graph;
    float *values = xcalloc(g->pool->nonzeros, sizeof(*values));
    void *index = xcalloc(1, pool_index_bytes(g->pool));

    pool_encode(g->pool, s->bits, index);
    executor_write(to, schedule_instance(to->plan->schedule, g->pool_index),
                   index);
    compact(s, s->w, values);
    write_weight(to, g->pool_values, values);
    for (int i = 0; i < moments(s); i++) {
        compact(s, s->moment[i], values);
        write_value(to, moment_of(g, g->pool_values, i), values);
    }
    free(values);
    free(index);
}

void pool_carry(const struct executor *from, const struct executor *to,
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
    for (int i = 0; i < moments(&s); i++)
        s.moment[i] = xcalloc(n, sizeof(*s.moment[i]));
    s.bits = xcalloc(s.pool->words, sizeof(*s.bits));
    if (before->pool) {
        read_pool(&s, from);
    } else {
        set_all(&s);
        read_dense(&s, from);
    }
    if (after->pool) {
        if (s.nonzeros > after->pool->nonzeros)
            prune(&s, after->pool->nonzeros);
        else if (s.nonzeros < after->pool->nonzeros)
            fill_up(&s, after->pool->nonzeros, seed);
        write_pool(&s, to);
    } else {
        write_dense(&s, to);
    }
    free(s.w);
    for (int i = 0; i < moments(&s); i++)
        free(s.moment[i]);
    free(s.bits);
}
