#include "tests/op_describe.h"

#include <math.h>
#include <stdarg.h>

void shape_operand(struct problem *p, int slot, enum dtype dtype, int rank, ...)
{
    struct operand *o = &p->call.operand[slot];
    va_list dims;

    va_start(dims, rank);
    o->dtype = dtype;
    o->rank = rank;
    for (int i = 0; i < rank; i++)
        o->dim[i] = va_arg(dims, int);
    va_end(dims);
}

void shape_map(struct problem *p, int slot)
{
    const struct shape *s = p->shape;

    if (s->h > 0)
        shape_operand(p, slot, p->storage, 4, s->n, s->h, s->w, s->c);
    else
        shape_operand(p, slot, p->storage, 2, s->n, s->c);
}

void shape_sums(struct problem *p, int slot, int of)
{
    const struct operand *o = &p->call.operand[of];

    if (p->tile_rows)
        shape_operand(p, slot, DTYPE_F32, 3,
                      (int)tiles_of(operand_rows(o), p->tile_rows), SUM_ROWS,
                      o->dim[o->rank - 1]);
}

void describe_scale(struct problem *p, int slot)
{
    if (p->shape->scaled)
        shape_operand(p, slot, DTYPE_F32, 1, LOSS_SCALE_COUNT);
}

void prepare_scale(struct problem *p, int slot)
{
    double *scale = p->before[slot].value;

    if (!p->shape->scaled)
        return;
    scale[LOSS_SCALE_FACTOR] = 1024;
    scale[LOSS_SCALE_CLEAN] = 7;
    scale[LOSS_SCALE_OVERFLOW] = p->shape->overflow;
}

void prepare_classes(struct problem *p, int slot, int classes)
{
    size_t n = operand_elements(&p->call.operand[slot]);

    for (size_t i = 0; i < n; i++)
        p->before[slot].value[i]
            = floor((uniform(100, i) + 1) / 2 * classes);
}
