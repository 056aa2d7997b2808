#include "train/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* The bytes of an operand: of a view, its share of the pool's nonzeros. */
static double stored_bytes(const struct operand *o)
{
    double share = o->pool ? (double)o->pool->nonzeros /
                             (double)o->pool->elements : 1;

    return share * (double)operand_bytes(o);
}

/* A batch norm that has the sums of tiles takes its statistics from them and
 * does not read its input. */
static double call_bytes(enum op_code op, const struct call *c)
{
    double sum = 0;

    for (int i = 0; i < op_slots(op); i++)
        sum += stored_bytes(&c->operand[i]) *
               (op_access(op)[i] == 'u' ? 2 : 1);
    if (op == OP_bn_stats && operand_given(&c->operand[BN_STATS_SUMS]))
        sum -= stored_bytes(&c->operand[BN_STATS_X]);
    return sum;
}

/* Adds the shape of an operand to the list, unless it is there already. */
static void add_shape(char shapes[PROFILE_SHAPES_SIZE],
                      const struct operand *o)
{
    char shape[PROFILE_SHAPES_SIZE] = "";
    size_t n = 0;

    for (int i = 0; i < o->rank; i++)
        n += (size_t)snprintf(shape + n, sizeof(shape) - n, "%s%d",
                              i > 0 ? "x" : "", o->dim[i]);
    if (strstr(shapes, shape))
        return;
    n = strlen(shapes);
    snprintf(shapes + n, PROFILE_SHAPES_SIZE - n, "%s%s%s", n > 0 ? ", " : "",
             shape, o->pool ? " sparse" : "");
}

/* Names the shapes of all operands but vectors, unless all are vectors. */
static void name_shapes(struct profile_row *row, const struct call *c)
{
    bool through = false;

    for (int i = 0; i < op_slots(row->op); i++) {
        through |= c->operand[i].through != NULL;
        if (c->operand[i].rank > 1)
            add_shape(row->shapes, &c->operand[i]);
    }
    if (!row->shapes[0])
        add_shape(row->shapes, &c->operand[0]);
    if (through)
        strncat(row->shapes, ", through bn",
                sizeof(row->shapes) - strlen(row->shapes) - 1);
}

struct profile_row profile_describe(const struct executor *ex, int step)
{
    const struct schedule *s = ex->plan->schedule;
    const struct call *c = &ex->calls[step];
    struct extents extents = executor_extents(ex, step);
    struct profile_row row = { .op = schedule_op(s, step)->code,
                               .dtype = c->operand[0].dtype };

    row.bytes = call_bytes(row.op, c);
    row.flops = schedule_call_flops(s, step, &extents);
    name_shapes(&row, c);
    return row;
}

bool profile_alike(const struct profile_row *a, const struct profile_row *b)
{
    return a->op == b->op && a->dtype == b->dtype && a->bytes == b->bytes &&
           strcmp(a->shapes, b->shapes) == 0;
}

static void begin_call(void *arg, int step)
{
    struct profile *p = arg;

    (void)step;
    p->began = clock_seconds();
}

/* Counts this call's own bytes and arithmetic: the last part of a batch may be
 * smaller. */
static void count_call(void *arg, int step)
{
    struct profile *p = arg;
    const struct executor *ex = p->executor;
    const struct backend *backend = ex->plan->backend;
    const struct schedule *s = ex->plan->schedule;
    struct profile_row *row = &p->rows[p->row[step]];
    struct extents extents = executor_extents(ex, step);

    row->seconds += backend->seconds ? backend->seconds(ex->device)
                                     : clock_seconds() - p->began;
    row->calls++;
    row->all_bytes += call_bytes(row->op, &ex->calls[step]);
    row->all_flops += schedule_call_flops(s, step, &extents);
}

/* The row that a step counts to, which may be new. */
static int find_row(struct profile *p, int step)
{
    struct profile_row like = profile_describe(p->executor, step);
    int i = 0;

    while (i < p->count && !profile_alike(&p->rows[i], &like))
        i++;
    if (i == p->count)
        p->rows[p->count++] = like;
    return i;
}

void profile_init(struct profile *p, struct executor *ex)
{
    unsigned long steps = (unsigned long)ex->plan->schedule->step_count;

    *p = (struct profile){ .executor = ex };
    p->rows = xcalloc(steps, sizeof(*p->rows));
    p->row = xcalloc(steps, sizeof(*p->row));
    for (int t = 0; t < (int)steps; t++)
        p->row[t] = find_row(p, t);
    ex->observer = (struct observer){ count_call, p, begin_call };
}

static int longest_first(const void *a, const void *b)
{
    const struct profile_row *x = a, *y = b;

    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

double profile_finish(struct profile *p)
{
    double sum = 0;

    p->executor->observer = (struct observer){ 0 };
    qsort(p->rows, (size_t)p->count, sizeof(*p->rows), longest_first);
    for (int i = 0; i < p->count; i++)
        sum += p->rows[i].seconds;
    return sum;
}

void profile_done(struct profile *p)
{
    free(p->rows);
    free(p->row);
    *p = (struct profile){ 0 };
}
