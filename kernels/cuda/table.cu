#include "kernels/cuda/table.h"

#include <cstring>

void table_flush(struct queue *q)
{
    struct gathering *g = q->gathered;

    if (g->put && g->table.count > 0)
        g->put(q, g);
    g->put = NULL;
    g->table.count = 0;
    g->table.blocks = 0;
}

void table_add(struct queue *q, void (*put)(struct queue *,
                                            const struct gathering *),
               const void *shared, size_t bytes, const struct table_row *row,
               size_t stretch)
{
    struct gathering *g = q->gathered;
    struct table *t = &g->table;

    if (g->put != put || t->count == TABLE_ROWS
        || memcmp(g->shared, shared, bytes) != 0)
        table_flush(q);
    g->put = put;
    memcpy(g->shared, shared, bytes);
    t->row[t->count] = *row;
    t->row[t->count++].first = t->blocks;
    t->blocks += (unsigned)((row->n + stretch - 1) / stretch);
}
