#include "ui/pages/pane_map.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "ui/pages/arena_map.h"
#include "ui/term/byte_axis.h"

/* Brightness tells tensors apart that lie beside each other. */
static void draw_cell(const struct job *job, struct area area, int row,
                      int col, int instance, bool chosen)
{
    enum kind kind;
    unsigned style;

    if (instance == ARENA_MAP_FREE) {
        area_text(area, row, col, ROLE_BORDER, "·");
        return;
    }
    kind = living_kind(job->plan, instance);
    style = (unsigned)(ROLE_KIND + (int)kind);
    if (chosen)
        area_print(area, row, col, style | STYLE_REVERSE | STYLE_BOLD, "%c",
                   theme_letter(kind));
    else
        area_text(area, row, col,
                  style | (instance % 2 ? STYLE_DIM : STYLE_BOLD),
                  theme_pattern(kind, area.cells->glyphs));
}

/* The row of the map that has the middle of a tensor; a tensor can be too
 * small to own any. */
static int middle_row(const struct plan *plan, const struct arena_map *m,
                      int instance)
{
    const struct plan_instance *p = &plan->instances[instance];
    double middle = (double)p->offset + 0.5 * (double)p->bytes;

    return m->rows - 1 - (int)(middle / (double)plan->arena_bytes * m->rows);
}

static void draw_cells(struct screen *s, const struct step_cursor *c,
                       const struct job *job, const struct arena_map *m,
                       struct area area, int chosen)
{
    int row = chosen >= 0 ? middle_row(job->plan, m, chosen) : -1;

    for (int col = 0; col < m->cols; col++) {
        int step = timeline_step(&c->timeline, job->plan, col);
        bool here = chosen >= 0 && living_in(job->plan, chosen, step);
        for (int r = 0; r < m->rows; r++) {
            int cell = r * m->cols + col, owner = m->cell[cell];
            bool mine = here && (r == row || owner == chosen);
            draw_cell(job, area, r, col, mine ? chosen : owner, mine);
            screen_target(s, area, r, col, 1, 1, ACTION_ROW, cell);
        }
    }
}

/* "T g1.b1.conv1.y  640.0 KiB at 1.21 MiB, in steps 69 to 81" */
static void draw_tensor(const struct job *job, struct area area, int row,
                        int instance, int step)
{
    const struct plan *plan = job->plan;
    enum kind kind = living_kind(plan, instance);
    bool scratch = instance == LIVING_SCRATCH;
    char name[96], bytes[BYTES_TEXT_SIZE], at[BYTES_TEXT_SIZE];
    int col = area_print(area, row, 1,
                         (unsigned)(ROLE_KIND + (int)kind) | STYLE_REVERSE,
                         "%c", theme_letter(kind));

    step_cursor_name_tensor(job, instance, step, name, sizeof(name));
    bytes_format(bytes, sizeof(bytes),
                 scratch ? plan->scratch_bytes[step]
                         : plan->instances[instance].bytes);
    bytes_format(at, sizeof(at), living_offset(plan, instance, step));
    col = area_print(area, row, col + 1, ROLE_TITLE, "%s", name);
    col = area_print(area, row, col, ROLE_TEXT, "  %s at %s, ", bytes, at);
    if (scratch)
        area_print(area, row, col, ROLE_TEXT, "in step %d alone", step);
    else if (kind_persists(kind))
        area_text(area, row, col, ROLE_TEXT, "always alive");
    else
        area_print(area, row, col, ROLE_TEXT, "in steps %d to %d",
                   plan->instances[instance].first,
                   plan->instances[instance].last);
}

void pane_map_draw(struct screen *s, struct pane_map *p,
                   struct step_cursor *c, const struct job *job,
                   struct area area)
{
    int cursor = step_cursor_at(c, job), rows = area.rows - 2, count, chosen;
    struct area plot = area_sub(area, 1, BYTE_AXIS_COLS, rows,
                                area.cols - BYTE_AXIS_COLS - 1);
    struct living *living = step_cursor_living(c, job, &count, &chosen);
    int tensor = chosen < 0 ? ARENA_MAP_FREE : living[chosen].instance;
    size_t arena = job->plan->arena_bytes;
    struct arena_map map;
    char words[128], bytes[BYTES_TEXT_SIZE];

    free(living);
    snprintf(words, sizeof(words),
             "One allocation of %s: who is where, and when",
             bytes_format(bytes, sizeof(bytes), arena));
    subject_title(s, area, c->subject, words, "Who is where, and when");
    if (rows <= 0 || plot.cols == 0)
        return;
    step_cursor_show(c, job, plot.cols);
    p->rows = rows;
    arena_map_init(&map, job->plan, &c->timeline, rows);
    byte_axis_draw(area_sub(area, 1, 0, rows, area.cols), (double)arena);
    draw_cells(s, c, job, &map, plot, tensor);
    step_cursor_mark(c, job, plot);
    arena_map_done(&map);
    if (tensor != ARENA_MAP_FREE)
        draw_tensor(job, area, rows + 1, tensor, cursor);
}

/* Picks the next tensor at higher addresses, or at lower ones. */
static void pick_beside(struct step_cursor *c, const struct job *job, bool up)
{
    int count, chosen, step = step_cursor_at(c, job), best = -1;
    struct living *living = step_cursor_living(c, job, &count, &chosen);
    size_t from = 0, nearest = 0;

    if (chosen >= 0)
        from = living_offset(job->plan, living[chosen].instance, step);
    for (int i = 0; i < count; i++) {
        size_t at = living_offset(job->plan, living[i].instance, step);
        bool beyond = up ? at > from : at < from;
        if (beyond && (best < 0 || (up ? at < nearest : at > nearest))) {
            best = i;
            nearest = at;
        }
    }
    if (best >= 0)
        step_cursor_pick(c, living[best].instance);
    free(living);
}

static void click_cell(const struct pane_map *p, struct step_cursor *c,
                       const struct job *job, int cell)
{
    struct arena_map map;

    if (c->timeline.cols <= 0 || p->rows <= 0)
        return;
    /* The plan may have changed since it was drawn. */
    step_cursor_show(c, job, c->timeline.cols);
    arena_map_init(&map, job->plan, &c->timeline, p->rows);
    if (cell < map.rows * map.cols) {
        step_cursor_go(c, job, timeline_step(&c->timeline, job->plan,
                                             cell % map.cols));
        if (map.cell[cell] != ARENA_MAP_FREE)
            step_cursor_pick(c, map.cell[cell]);
    }
    arena_map_done(&map);
}

bool pane_map_act(struct pane_map *p, struct step_cursor *c,
                  const struct job *job, enum action action, int argument)
{
    switch (action) {
    case ACTION_UP:
    case ACTION_DOWN:
        pick_beside(c, job, action == ACTION_UP);
        return true;
    case ACTION_ROW:
        click_cell(p, c, job, argument);
        return true;
    default:
        return false;
    }
}
