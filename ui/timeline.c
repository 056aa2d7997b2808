#include "timeline.h"

static int clamp(int value, int least, int most)
{
    return value > most ? most : value < least ? least : value;
}

void timeline_show(struct timeline *t, const struct program_steps *p,
                   int zoom, int cursor, int cols)
{
    int all = p->end - p->begin, part = all >> zoom;

    if (part < TIMELINE_FEWEST)
        part = all < TIMELINE_FEWEST ? all : TIMELINE_FEWEST;
    t->begin = p->begin;
    t->end = p->end;
    t->count = part;
    t->cols = cols;
    t->first = clamp(t->first, cursor - part + 1, cursor);
    t->first = clamp(t->first, p->begin, p->end - part);
}

void timeline_steps(const struct timeline *t, int col, int *from, int *to)
{
    *from = t->first + (int)((long)col * t->count / t->cols);
    *to = t->first + (int)((long)(col + 1) * t->count / t->cols);
    if (*to <= *from)
        *to = *from + 1;
}

void timeline_cols(const struct timeline *t, int step, int *from, int *to)
{
    long k = step - t->first, n = t->count, cols = t->cols;

    *from = (int)((k * cols + n - 1) / n);
    *to = (int)(((k + 1) * cols + n - 1) / n);
    if (*from >= *to)
        *from = *to - 1;
}

int timeline_step(const struct timeline *t, const struct plan *plan, int col)
{
    int from, to, most;

    timeline_steps(t, col, &from, &to);
    most = from;
    for (int step = from; step < to; step++)
        if (plan_live_bytes(plan, step) > plan_live_bytes(plan, most))
            most = step;
    return most;
}
