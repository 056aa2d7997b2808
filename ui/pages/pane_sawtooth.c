#include "ui/pages/pane_sawtooth.h"

#include <stdio.h>

#include "base/bytes.h"
#include "ui/pages/sawtooth.h"
#include "ui/pages/time_text.h"
#include "ui/term/byte_axis.h"

/* Draws a caret and, beside it on the side that has room, the first text that
 * fits. The texts get shorter and shorter. */
static void draw_caret(struct area area, int row, int col,
                       const char *const texts[], int count)
{
    int left = col - 1, right = area.cols - col - 2;
    int room = left > right ? left : right, width, i = 0;

    while (i < count - 1 && cells_width(texts[i]) > room)
        i++;
    width = cells_width(texts[i]) <= room ? cells_width(texts[i]) : room;
    area_text(area, row, col, ROLE_KEY | STYLE_BOLD, "▲");
    area_fit(area, row, width <= right ? col + 2 : left - width, width,
             ROLE_KEY, texts[i]);
}

/* "step 77, backward, 3.09 MiB: conv_dgrad of g2.b1.conv1" */
static void draw_step_caret(const struct step_cursor *c, const struct job *job,
                            struct area area, int row)
{
    int step = step_cursor_at(c, job);
    char bytes[BYTES_TEXT_SIZE], op[96], where[48], much[96], all[200];
    const char *const texts[] = { all, much, where };

    bytes_format(bytes, sizeof(bytes), plan_live_bytes(job->plan, step));
    step_cursor_name_op(job, step, op, sizeof(op));
    snprintf(where, sizeof(where), "step %d, %.20s", step,
             phase_name(job->schedule->steps[step].phase));
    snprintf(much, sizeof(much), "%s, %s", where, bytes);
    snprintf(all, sizeof(all), "%s: %s", much, op);
    draw_caret(area, row, step_cursor_column(c, step), texts, 3);
}

/* Makes a click into a column move the cursor there. */
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
    if (col >= 0 && col + 1 + cells_width(text) <= area.cols)
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
    int rows = area.rows - 4;
    struct area plot = area_sub(area, 2, BYTE_AXIS_COLS, rows,
                                area.cols - BYTE_AXIS_COLS - 1);
    struct area below = area_sub(area, 2 + rows, BYTE_AXIS_COLS, 2,
                                 plot.cols);
    char text[64], time[TIME_TEXT_SIZE];

    step_cursor_show(c, job, plot.cols);
    snprintf(text, sizeof(text), "Memory, steps %d to %d, by FLOPs",
             c->timeline.first, c->timeline.first + c->timeline.count - 1);
    time_text_of(s->session, subject_forecast(s->session, c->subject), time);
    screen_note(s, area, ROLE_DIM, time);
    subject_title(s, area, c->subject,
                  c->zoom ? text
                          : "Memory alive, each step as wide as its FLOPs",
                  c->zoom ? text : "Wider steps: more FLOPs");
    if (rows <= 0 || plot.cols == 0)
        return;
    draw_peak(c, job, area_sub(area, 1, BYTE_AXIS_COLS, 1, plot.cols), 0);
    byte_axis_draw(area_sub(area, 2, 0, rows, area.cols),
                   (double)plan->peak_bytes);
    sawtooth_draw(plan, &c->timeline, (double)plan->peak_bytes, plot);
    sawtooth_phases(plan, &c->timeline, below, 0);
    step_cursor_mark(c, job, plot);
    step_cursor_mark(c, job, area_sub(below, 0, 0, 1, below.cols));
    draw_step_caret(c, job, below, 1);
    target_columns(s, c, job, area_sub(area, 1, BYTE_AXIS_COLS, rows + 3,
                                       plot.cols));
}
