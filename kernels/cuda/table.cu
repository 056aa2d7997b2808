#include "kernels/cuda/table.h"

#include <cstring>

void table_flush(struct queue *q)
{
    for (int i = 0; i < TABLES; i++) {
        struct gathering *g = &q->gathered[i];

        if (g->put && g->table.count > 0)
            g->put(q, g);
        g->put = NULL;
        g->table.count = 0;
        g->table.blocks = 0;
    }
}

/* The table with room for a row, or NULL. */
static struct gathering *find(struct queue *q,
                              void (*put)(struct queue *,
                                          const struct gathering *),
                              const void *shared, size_t bytes)
{
    for (int i = 0; i < TABLES; i++) {
        struct gathering *g = &q->gathered[i];

        if (!g->put
            || (g->put == put && g->table.count < TABLE_ROWS
                && memcmp(g->shared, shared, bytes) == 0))
            return g;
    }
    return NULL;
}

/* Whether one of two calls writes what the other has. */
static bool meet(const struct table_row *a, const struct table_row *b)
{
    for (int i = 0; i < TABLE_TENSORS; i++)
        for (int k = 0; k < TABLE_TENSORS; k++)
            if (a->tensor[i].data && a->tensor[i].data == b->tensor[k].data
                && (i >= a->read || k >= b->read))
                return true;
    return false;
}

static bool meets_waiting(const struct queue *q, const struct table_row *row)
{
    for (int i = 0; i < TABLES; i++) {
        const struct table *t = &q->gathered[i].table;

        for (int k = 0; k < t->count; k++)
            if (meet(&t->row[k], row))
                return true;
    }
    return false;
}

void table_add(struct queue *q, void (*put)(struct queue *,
                                            const struct gathering *),
               const void *shared, size_t bytes, const struct table_row *row,
               size_t stretch)
{
    struct gathering *g = meets_waiting(q, row)
                              ? NULL : find(q, put, shared, bytes);
    struct table *t;

    if (!g) {
        table_flush(q);
        g = q->gathered;
    }
    t = &g->table;
    g->put = put;
    memcpy(g->shared, shared, bytes);
    t->row[t->count] = *row;
    t->row[t->count++].first = t->blocks;
    t->blocks += (unsigned)((row->n + stretch - 1) / stretch);
}
