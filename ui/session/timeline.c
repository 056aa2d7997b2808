#include "ui/session/timeline.h"

#include <stdlib.h>

#include "base/error.h"

static int keep_within(int value, int least, int most)
{
    return value > most ? most : value < least ? least : value;
}

void timeline_set(struct timeline *t, const double *width, int steps)
{
    t->steps = steps;
    t->begin = xrealloc(t->begin, (unsigned long)steps + 1,
                        sizeof(*t->begin));
    t->begin[0] = 0;
    for (int i = 0; i < steps; i++)
        t->begin[i + 1] = t->begin[i] + width[i];
}

static const double widths[PROGRAM_COUNT] = { [PROGRAM_TRAIN] = 1,
                                              [PROGRAM_EVAL] = 0.125,
                                              [PROGRAM_TRANSLATE] = 0.125 };

/* The share of a program's width that is the same for all its steps. */
static const double even = 0.125;

void timeline_measure(struct timeline *t, const struct schedule *s)
{
    double *width = xcalloc((unsigned long)s->step_count, sizeof(*width));

    for (int k = 0; k < PROGRAM_COUNT; k++) {
        const struct program_steps *p = &s->program[k];
        double flops = 0;
        for (int i = p->begin; i < p->end; i++)
            flops += width[i] = schedule_step_flops(s, i);
        for (int i = p->begin; i < p->end; i++)
            width[i] = widths[k] * (even / (p->end - p->begin) +
                                    (1 - even) * width[i] / flops);
    }
    timeline_set(t, width, s->step_count);
    free(width);
}

void timeline_done(struct timeline *t)
{
    free(t->begin);
    *t = (struct timeline){ 0 };
}

void timeline_show(struct timeline *t, int zoom, int cursor, int cols)
{
    int part = t->steps >> zoom;

    if (part < TIMELINE_FEWEST)
        part = t->steps < TIMELINE_FEWEST ? t->steps : TIMELINE_FEWEST;
    t->count = part;
    t->cols = cols;
    t->first = keep_within(t->first, cursor - part + 1, cursor);
    t->first = keep_within(t->first, 0, t->steps - part);
}

/* The column in which a step begins; for the step after the last, the number of
 * columns. */
static int column_of_step(const struct timeline *t, int step)
{
    const double *begin = &t->begin[t->first];
    double share = (t->begin[step] - begin[0]) / (begin[t->count] - begin[0]);

    return step < t->first + t->count
               ? keep_within((int)(share * t->cols), 0, t->cols - 1) : t->cols;
}

void timeline_cols(const struct timeline *t, int step, int *from, int *to)
{
    *from = column_of_step(t, step);
    *to = column_of_step(t, step + 1);
    if (*to <= *from)
        *to = *from + 1;
}

/* The first step that begins after a column. */
static int first_after(const struct timeline *t, int col)
{
    int low = t->first, high = t->first + t->count;

    while (low < high) {
        int middle = low + (high - low) / 2;
        if (column_of_step(t, middle) > col)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The steps that begin in a column, or the one that goes on through it. */
void timeline_steps(const struct timeline *t, int col, int *from, int *to)
{
    *to = first_after(t, col);
    *from = first_after(t, col - 1);
    if (*from == *to)
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
