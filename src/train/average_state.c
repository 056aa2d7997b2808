#include "train/average_state.h"

#include <string.h>
#include <unistd.h>

#include "kernels/pool_index.h"

void average_forget(struct average_state *a)
{
    if (a->fd >= 0)
        close(a->fd);
    *a = (struct average_state){ .fd = -1 };
}

/* Goes to the next value whose weights are averaged; 0 at the end. */
static int next_averaged(const struct graph *g, int value)
{
    while (++value < g->value_count)
        if (g->values[value].kind == KIND_WEIGHTS && !graph_is_view(g, value))
            return value;
    return VALUE_NONE;
}

static bool same_weights(const struct graph *g, int a,
                         const struct graph *h, int b)
{
    const struct value *x = &g->values[a], *y = &h->values[b];
    char one[GRAPH_NAME_SIZE], other[GRAPH_NAME_SIZE];

    graph_value_name(g, a, one, sizeof(one));
    graph_value_name(h, b, other, sizeof(other));
    return strcmp(one, other) == 0 && x->rank == y->rank &&
           memcmp(x->dim, y->dim, (size_t)x->rank * sizeof(*x->dim)) == 0;
}

static bool same_pool(const struct pool *p, const struct pool *q)
{
    if (!p || !q)
        return p == q;
    return p->elements == q->elements && p->nonzeros == q->nonzeros &&
           pool_index_bytes(p) == pool_index_bytes(q);
}

bool average_carries(const struct graph *g, const struct graph *h)
{
    int a = VALUE_NONE, b = VALUE_NONE;

    if (!same_pool(g->pool, h->pool))
        return false;
    do {
        a = next_averaged(g, a);
        b = next_averaged(h, b);
        if (a == VALUE_NONE || b == VALUE_NONE)
            return a == b;
    } while (same_weights(g, a, h, b));
    return false;
}
