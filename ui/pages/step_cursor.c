#include "ui/pages/step_cursor.h"

#include <stdio.h>

static int step_cursor_clamp(int value, int most)
{
    return value > most ? most : value < 0 ? 0 : value;
}

void step_cursor_done(struct step_cursor *c)
{
    timeline_done(&c->timeline);
}

int step_cursor_at(const struct step_cursor *c, const struct job *job)
{
    return c->moved ? step_cursor_clamp(c->step, job->schedule->step_count - 1)
                    : job->plan->peak_step;
}

struct living *step_cursor_living(const struct step_cursor *c,
                                  const struct job *job, int *count,
                                  int *chosen)
{
    struct living *living = living_find(job->plan, LIVING_ALL,
                                        step_cursor_at(c, job), count);

    *chosen = *count > 0 ? 0 : -1;
    for (int i = 0; i < *count && c->picked; i++)
        if (living[i].instance == c->tensor)
            *chosen = i;
    return living;
}

void step_cursor_go(struct step_cursor *c, const struct job *job, int step)
{
    c->step = step_cursor_clamp(step, job->schedule->step_count - 1);
    c->moved = true;
}

void step_cursor_pick(struct step_cursor *c, int tensor)
{
    c->tensor = tensor;
    c->picked = true;
}

void step_cursor_reset(struct step_cursor *c)
{
    c->moved = c->picked = false;
}

void step_cursor_zoom(struct step_cursor *c, const struct job *job, int by)
{
    int all = job->schedule->step_count;

    c->zoom = step_cursor_clamp(c->zoom + by, TIMELINE_MOST_ZOOM);
    while (c->zoom > 0 && all >> c->zoom < TIMELINE_FEWEST)
        c->zoom--;
    c->timeline.first = step_cursor_at(c, job) - (all >> c->zoom) / 2;
}

void step_cursor_show(struct step_cursor *c, const struct job *job, int cols)
{
    timeline_measure(&c->timeline, job->schedule);
    timeline_show(&c->timeline, c->zoom, step_cursor_at(c, job), cols);
}

int step_cursor_column(const struct step_cursor *c, int step)
{
    const struct timeline *t = &c->timeline;
    int from, to;

    if (step < t->first || step >= t->first + t->count)
        return -1;
    timeline_cols(t, step, &from, &to);
    return (from + to - 1) / 2;
}

void step_cursor_mark(const struct step_cursor *c, const struct job *job,
                      struct area area)
{
    int from, to;

    timeline_cols(&c->timeline, step_cursor_at(c, job), &from, &to);
    for (int r = 0; r < area.rows; r++)
        area_mark(area, r, from, to - from, STYLE_REVERSE);
}

void step_cursor_name_op(const struct job *job, int step, char *text,
                         size_t size)
{
    const struct op *op = schedule_op(job->schedule, step);

    snprintf(text, size, "%s of %s", op_name(op->code),
             job->graph->layers[op->layer].name);
}

void step_cursor_name_tensor(const struct job *job, int tensor, int step,
                             char *text, size_t size)
{
    const struct schedule *s = job->schedule;

    if (tensor == LIVING_SCRATCH)
        snprintf(text, size, "scratch of %s",
                 op_name(schedule_op(s, step)->code));
    else
        graph_value_name(s->graph, s->instances[tensor], text, size);
}
