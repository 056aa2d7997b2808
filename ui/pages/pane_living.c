#include "ui/pages/pane_living.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/text.h"
#include "ui/pages/explain.h"
#include "ui/term/scroll.h"

enum { FACTS_COLS = 34, LIST_LEAST_COLS = 22 };

static double percent_of(size_t bytes, size_t whole)
{
    return 100.0 * (double)bytes / (double)whole;
}

static int count_kinds(const struct plan *plan, int step)
{
    int n = 0;

    for (int k = 0; k < KIND_COUNT; k++)
        n += plan->live[step][k] > 0;
    return n;
}

/* "█A activations  2.50 MiB  81.0%"; the letter alone if there is no room. */
static void draw_kind(const struct plan *plan, struct area area, int row,
                      int col, int step, enum kind kind, bool brief)
{
    unsigned style = (unsigned)(ROLE_KIND + (int)kind);
    size_t bytes = plan->live[step][kind];
    char text[BYTES_TEXT_SIZE];

    area_text(area, row, col, style,
              theme_pattern(kind, area.cells->glyphs));
    area_print(area, row, col + 1, style | STYLE_BOLD, "%c",
               theme_letter(kind));
    bytes_format(text, sizeof(text), bytes);
    if (brief) {
        area_right(area, row, col + 13, ROLE_TEXT, text);
        return;
    }
    area_text(area, row, col + 3, ROLE_TEXT, kind_name(kind));
    area_right(area, row, col + 25, ROLE_TEXT, text);
    snprintf(text, sizeof(text), "%.1f%%",
             percent_of(bytes, plan_live_bytes(plan, step)));
    area_right(area, row, col + 32, ROLE_DIM, text);
}

/* ", 1.20 ms": what a step is predicted to take; nothing if it is not known. */
static const char *call_time(const struct timings *timings,
                             const struct plan *plan, int step,
                             char text[TEXT_TIME_SIZE + 2])
{
    double seconds = timings_plan_call(timings, plan, step);
    char time[TEXT_TIME_SIZE];

    *text = '\0';
    if (isfinite(seconds))
        snprintf(text, TEXT_TIME_SIZE + 2, ", %s", text_time(time, seconds));
    return text;
}

/* The step, and the bytes alive of each kind; returns the rows. */
static int draw_facts(const struct timings *timings, const struct job *job,
                      struct area area, int step)
{
    const struct plan *plan = job->plan;
    bool brief = area.rows < 3 + count_kinds(plan, step);
    size_t live = plan_live_bytes(plan, step);
    char text[96], bytes[BYTES_TEXT_SIZE], time[TEXT_TIME_SIZE + 2];
    int shown = 0, row = 3;

    area_print(area, 0, 1, ROLE_TEXT, "step %d of %d: %s%s", step,
               job->schedule->step_count,
               phase_name(job->schedule->steps[step].phase),
               call_time(timings, plan, step, time));
    step_cursor_name_op(job, step, text, sizeof(text));
    area_fit(area, 1, 1, area.cols - 2, ROLE_TITLE, text);
    area_print(area, 2, 1, ROLE_TEXT, "%s alive, %.1f%% of peak",
               bytes_format(bytes, sizeof(bytes), live),
               percent_of(live, plan->peak_bytes));
    for (int k = 0; k < KIND_COUNT; k++) {
        if (!plan->live[step][k])
            continue;
        row = 3 + (brief ? shown / 2 : shown);
        draw_kind(plan, area, row, brief && shown % 2 ? 18 : 1, step,
                  (enum kind)k, brief);
        shown++;
    }
    return row + 1;
}

/* Whether the operation of a step writes a tensor, or only reads it. */
static const char *use_of(const struct job *job, int step, int instance)
{
    const struct schedule *s = job->schedule;
    bool reads = false, writes = false;

    if (instance == LIVING_SCRATCH)
        return " ";
    for (int i = 0; i < STEP_INSTANCES; i++) {
        if (s->steps[step].instance[i] != instance)
            continue;
        reads |= schedule_reads(s, step, i);
        writes |= schedule_writes(s, step, i);
    }
    return writes ? "+" : reads ? "◂" : " ";
}

static void draw_list_row(const struct job *job, struct area area, int row,
                          const struct living *l, int step)
{
    enum kind kind = living_kind(job->plan, l->instance);
    char name[96], bytes[BYTES_TEXT_SIZE];

    area_right(area, row, 11, ROLE_TEXT,
               bytes_format(bytes, sizeof(bytes), l->bytes));
    area_text(area, row, 12, ROLE_KEY | STYLE_BOLD,
              use_of(job, step, l->instance));
    area_print(area, row, 13, (unsigned)(ROLE_KIND + (int)kind) | STYLE_BOLD,
               "%c", theme_letter(kind));
    step_cursor_name_tensor(job, l->instance, step, name, sizeof(name));
    area_fit(area, row, 15, area.cols - 15, ROLE_TEXT, name);
}

static void draw_list(struct screen *s, struct pane_living *p,
                      const struct step_cursor *c, const struct job *job,
                      struct area area)
{
    int step = step_cursor_at(c, job), count, chosen;
    struct living *living = step_cursor_living(c, job, &count, &chosen);

    area_print(area, 0, 1, ROLE_TITLE, "%d tensors, ◂ read + written", count);
    area = area_sub(area, 1, 0, area.rows - 1, area.cols);
    p->rows = area.rows;
    p->scroll = scroll_keep(p->scroll, chosen, count, p->rows);
    for (int i = 0; i < area.rows && p->scroll + i < count; i++) {
        int place = p->scroll + i;
        draw_list_row(job, area, i, &living[place], step);
        if (place == chosen) {
            area_text(area, i, 0, ROLE_KEY | STYLE_BOLD, "▸");
            area_mark(area, i, 0, area.cols,
                      screen_has_keys(s, PANE_LIVING) ? STYLE_REVERSE
                                                      : STYLE_BOLD);
        }
        screen_target(s, area, i, 0, 1, area.cols, ACTION_ROW,
                      living[place].instance);
    }
    free(living);
}

/* The facts stand beside the list, or above it. */
void pane_living_draw(struct screen *s, struct pane_living *p,
                      struct step_cursor *c, const struct job *job,
                      struct area area)
{
    int step = step_cursor_at(c, job), row = 0, col = 0;
    const struct timings *timings = s->session->ledger.timings;

    if (area.cols >= FACTS_COLS + LIST_LEAST_COLS) {
        draw_facts(timings, job,
                   area_sub(area, 0, 0, area.rows, FACTS_COLS), step);
        col = FACTS_COLS + 1;
    } else {
        row = draw_facts(timings, job, area, step) + 1;
    }
    draw_list(s, p, c, job, area_sub(area, row, col, area.rows - row,
                                     area.cols - col));
}

/* Picks the tensor `by` places further on. */
static void pick_further(struct step_cursor *c, const struct job *job, int by)
{
    int count, chosen;
    struct living *living = step_cursor_living(c, job, &count, &chosen);

    if (count > 0)
        step_cursor_pick(c, living[scroll_row(chosen + by, count)].instance);
    free(living);
}

void pane_living_explain(struct screen *s, const struct step_cursor *c,
                         const struct job *job)
{
    int count, chosen, step = step_cursor_at(c, job);
    struct living *living = step_cursor_living(c, job, &count, &chosen);
    char name[96];

    if (chosen >= 0) {
        int tensor = living[chosen].instance;
        step_cursor_name_tensor(job, tensor, step, name, sizeof(name));
        screen_popup(s, name);
        explain_tensor(&s->popup.text, job, tensor, step);
    }
    free(living);
}

bool pane_living_act(struct screen *s, struct pane_living *p,
                     struct step_cursor *c, const struct job *job,
                     enum action action, int argument)
{
    int steps = scroll_steps(action, p->rows);

    if (action == ACTION_ROW) {
        if (c->picked && c->tensor == argument)
            pane_living_explain(s, c, job);
        step_cursor_pick(c, argument);
        return true;
    }
    if (steps)
        pick_further(c, job, steps);
    return steps != 0;
}
