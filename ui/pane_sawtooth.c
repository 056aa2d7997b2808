#include "pane_sawtooth.h"

#include <stdio.h>

#include "byte_axis.h"
#include "bytes.h"
#include "sawtooth.h"

/* Text around a column, all of it in the area if it fits at all. */
static void draw_around(struct area area, int row, int col, unsigned style,
                        const char *text)
{
    int width = cells_width(text), from = col - width / 2;

    if (from > area.cols - width)
        from = area.cols - width;
    if (from < 0)
        from = 0;
    area_fit(area, row, from, area.cols, style, text);
}

/* What a click into a column means. */
static void target_columns(struct screen *s, const struct step_cursor *c,
                           const struct job *job, struct area area)
{
    for (int col = 0; col < area.cols; col++)
        screen_target(s, area, 0, col, area.rows, 1, ACTION_ROW,
                      timeline_step(&c->timeline, job->plan, col));
}

static void draw_peak(const struct step_cursor *c, const struct job *job,
                      struct area area, int row)
{
    const struct plan *plan = job->plan;
    int col = step_cursor_column(c, plan->peak_step);
    char bytes[BYTES_TEXT_SIZE], text[96];

    bytes_format(bytes, sizeof(bytes), plan->peak_bytes);
    snprintf(text, sizeof(text), " peak %s", bytes);
    if (plan->peak_step < c->timeline.begin ||
        plan->peak_step >= c->timeline.end)
        area_print(area, row, 0, ROLE_WARNING,
                   "the peak, %s, is not shown: it is in evaluation", bytes);
    else if (col >= 0 && col + 1 + cells_width(text) <= area.cols)
        area_print(area, row, col, ROLE_TITLE, "▼%s", text);
    else if (col >= 0)
        area_print(area, row, col - cells_width(text), ROLE_TITLE, "%s ▼",
                   text + 1);
    else if (plan->peak_step < c->timeline.first)
        area_print(area, row, 0, ROLE_TITLE, "◂%s", text);
    else
        area_print(area, row, area.cols - 1 - cells_width(text), ROLE_TITLE,
                   "%s ▸", text + 1);
}

void pane_sawtooth_draw(struct screen *s, struct step_cursor *c,
                        const struct job *job, struct area area)
{
    const struct plan *plan = job->plan;
    int cursor = step_cursor_at(c, job), rows = area.rows - 4;
    struct area plot = area_sub(area, 2, BYTE_AXIS_COLS, rows,
                                area.cols - BYTE_AXIS_COLS - 1);
    struct area below = area_sub(area, 2 + rows, BYTE_AXIS_COLS, 2,
                                 plot.cols);
    char op[96], bytes[BYTES_TEXT_SIZE], text[192];

    step_cursor_show(c, job, plot.cols);
    snprintf(text, sizeof(text), "Memory alive, steps %d to %d",
             c->timeline.first, c->timeline.first + c->timeline.count - 1);
    subject_title(s, area, c->subject,
                  c->zoom ? text
                          : "Memory alive through one training step, by kind",
                  c->zoom ? text : "Memory alive, step by step");
    if (rows <= 0 || plot.cols == 0)
        return;
    draw_peak(c, job, area_sub(area, 1, BYTE_AXIS_COLS, 1, plot.cols), 0);
    byte_axis_draw(area_sub(area, 2, 0, rows, area.cols),
                   (double)plan->peak_bytes);
    sawtooth_draw(plan, &c->timeline, (double)plan->peak_bytes, plot);
    sawtooth_phases(plan, &c->timeline, below, 0);
    step_cursor_mark(c, job, plot);
    area_text(below, 0, step_cursor_column(c, cursor),
              ROLE_KEY | STYLE_BOLD, "▲");
    step_cursor_name_op(job, cursor, op, sizeof(op));
    snprintf(text, sizeof(text), "step %d, %s, %s: %s", cursor,
             phase_name(job->schedule->steps[cursor].phase),
             bytes_format(bytes, sizeof(bytes),
                          plan_live_bytes(plan, cursor)), op);
    draw_around(below, 1, step_cursor_column(c, cursor), ROLE_KEY, text);
    target_columns(s, c, job, area_sub(area, 1, BYTE_AXIS_COLS, rows + 3,
                                       plot.cols));
}
