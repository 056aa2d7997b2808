#include "ui/pages/arena_map.h"

#include <stdlib.h>

#include "base/error.h"

/* A row of the column that is being drawn. */
struct stretch {
    int owner;
    double owned;        /* bytes of it that are the owner's */
    double used;         /* bytes of it that are anyone's */
};

struct column {
    double row_bytes;
    int rows;
    struct stretch *parts;  /* [rows] from the lowest address */
};

static void add_to_column(struct column *c, int instance, size_t offset,
                          size_t bytes)
{
    double from = (double)offset, to = from + (double)bytes;

    for (int r = (int)(from / c->row_bytes);
         r < c->rows && r * c->row_bytes < to; r++) {
        struct stretch *part = &c->parts[r];
        double low = r * c->row_bytes, high = low + c->row_bytes;
        double shared = (to < high ? to : high) - (from > low ? from : low);
        part->used += shared;
        if (shared > part->owned) {
            part->owned = shared;
            part->owner = instance;
        }
    }
}

static void fill_column(struct column *c, const struct plan *plan, int step)
{
    for (int r = 0; r < c->rows; r++)
        c->parts[r] = (struct stretch){ ARENA_MAP_FREE, 0, 0 };
    for (int i = 0; i < plan->schedule->instance_count; i++)
        if (living_in(plan, i, step))
            add_to_column(c, i, plan->instances[i].offset,
                          plan->instances[i].bytes);
    add_to_column(c, LIVING_SCRATCH, plan->scratch_offset[step],
                  plan->scratch_bytes[step]);
    for (int r = 0; r < c->rows; r++)
        if (c->row_bytes - c->parts[r].used > c->parts[r].owned)
            c->parts[r].owner = ARENA_MAP_FREE;
}

void arena_map_init(struct arena_map *m, const struct plan *plan,
                    const struct timeline *t, int rows)
{
    struct column c = { (double)plan->arena_bytes / rows, rows,
                        xcalloc((unsigned long)rows, sizeof(*c.parts)) };

    *m = (struct arena_map){ rows, t->cols,
                             xcalloc((unsigned long)rows *
                                         (unsigned long)t->cols,
                                     sizeof(*m->cell)) };
    for (int col = 0; col < m->cols; col++) {
        fill_column(&c, plan, timeline_step(t, plan, col));
        for (int r = 0; r < rows; r++)
            m->cell[(rows - 1 - r) * m->cols + col] = c.parts[r].owner;
    }
    free(c.parts);
}

void arena_map_done(struct arena_map *m)
{
    free(m->cell);
    *m = (struct arena_map){ 0 };
}
