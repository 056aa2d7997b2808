/*
 * The page Step: one training step of a plan. A sawtooth of the bytes alive, a
 * map of the arena, and what is alive at the cursor, which all three share: a
 * step, and a tensor that is alive in it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "arena_map.h"
#include "byte_axis.h"
#include "bytes.h"
#include "explain.h"
#include "sawtooth.h"
#include "subject.h"

enum { PANE_SAWTOOTH, PANE_MAP, PANE_CURSOR };

struct step_page {
    enum subject subject;
    bool moved;          /* the cursor; until then it is at the peak */
    int cursor;          /* step */
    bool picked;         /* a tensor; until then it is the largest alive */
    int tensor;          /* instance or LIVING_SCRATCH */
    int zoom;
    struct timeline timeline;
    int map_rows;        /* when it was last drawn */
    int list_scroll, list_rows;
};

static int clamp(int value, int least, int most)
{
    int low = value > most ? most : value;

    return low < least ? least : low;
}

static const struct program_steps *program_of(const struct job *job)
{
    return &job->schedule->program[PROGRAM_TRAIN];
}

/* The step of the cursor. The peak may be in evaluation, which is not shown:
 * then it is the step of training with the most alive. */
static int cursor_of(const struct step_page *p, const struct job *job)
{
    const struct program_steps *steps = program_of(job);
    const struct plan *plan = job->plan;
    int most = steps->begin;

    if (p->moved)
        return clamp(p->cursor, steps->begin, steps->end - 1);
    for (int t = steps->begin; t < steps->end; t++)
        if (plan_live_bytes(plan, t) > plan_live_bytes(plan, most))
            most = t;
    return most;
}

/* The place of the chosen tensor among those alive; -1 if nothing is. */
static int chosen_of(const struct step_page *p, const struct living *living,
                     int count)
{
    for (int i = 0; i < count && p->picked; i++)
        if (living[i].instance == p->tensor)
            return i;
    return count > 0 ? 0 : -1;
}

static void format_tensor(const struct job *job, int instance, int step,
                          char *text, size_t size)
{
    const struct schedule *s = job->schedule;

    if (instance == LIVING_SCRATCH)
        snprintf(text, size, "scratch of %s",
                 op_name(schedule_op(s, step)->code));
    else
        graph_value_name(s->graph, s->instances[instance], text, size);
}

static void format_op(const struct job *job, int step, char *text,
                      size_t size)
{
    const struct op *op = schedule_op(job->schedule, step);

    snprintf(text, size, "%s of %s", op_name(op->code),
             job->graph->layers[op->layer].name);
}

/* The columns of the cursor, all the way down. */
static void mark_cursor(const struct timeline *t, struct area area, int row,
                        int rows, int cursor)
{
    int from, to;

    timeline_cols(t, cursor, &from, &to);
    for (int r = row; r < row + rows; r++)
        area_mark(area, r, from, to - from, STYLE_REVERSE);
}

/* The column of a step; -1 if it is not shown. */
static int column_of(const struct timeline *t, int step)
{
    int from, to;

    if (step < t->first || step >= t->first + t->count)
        return -1;
    timeline_cols(t, step, &from, &to);
    return (from + to - 1) / 2;
}

/* Text around a column, all of it in the area. */
static void draw_around(struct area area, int row, int col, unsigned style,
                        const char *text)
{
    int width = cells_width(text);

    area_fit(area, row, clamp(col - width / 2, 0, area.cols - width),
             area.cols, style, text);
}

/* What a click into a column means. */
static void target_columns(struct screen *s, const struct step_page *p,
                           struct area area, int row, int rows)
{
    const struct job *job = subject_job(s->session, p->subject);

    for (int c = 0; c < p->timeline.cols; c++)
        screen_target(s, area, row, c, rows, 1, ACTION_ROW,
                      timeline_step(&p->timeline, job->plan, c));
}

static void draw_peak(const struct step_page *p, const struct job *job,
                      struct area area, int row)
{
    const struct plan *plan = job->plan;
    int col = column_of(&p->timeline, plan->peak_step);
    char bytes[BYTES_TEXT_SIZE], text[96];

    bytes_format(bytes, sizeof(bytes), plan->peak_bytes);
    snprintf(text, sizeof(text), " peak %s", bytes);
    if (plan->peak_step < p->timeline.begin ||
        plan->peak_step >= p->timeline.end)
        area_print(area, row, 0, ROLE_WARNING,
                   "the peak, %s, is not shown: it is in evaluation", bytes);
    else if (col >= 0 && col + 1 + cells_width(text) <= area.cols)
        area_print(area, row, col, ROLE_TITLE, "▼%s", text);
    else if (col >= 0)
        area_print(area, row, col - cells_width(text), ROLE_TITLE, "%s ▼",
                   text + 1);
    else if (plan->peak_step < p->timeline.first)
        area_print(area, row, 0, ROLE_TITLE, "◂%s", text);
    else
        area_print(area, row, area.cols - 1 - cells_width(text), ROLE_TITLE,
                   "%s ▸", text + 1);
}

static void draw_sawtooth(struct screen *s, struct step_page *p,
                          const struct job *job, struct area area)
{
    const struct plan *plan = job->plan;
    int cursor = cursor_of(p, job), rows = area.rows - 4;
    struct area plot = area_sub(area, 2, BYTE_AXIS_COLS, rows,
                                area.cols - BYTE_AXIS_COLS - 1);
    struct area below = area_sub(area, 2 + rows, BYTE_AXIS_COLS, 2,
                                 plot.cols);
    char op[96], bytes[BYTES_TEXT_SIZE], text[192];

    timeline_show(&p->timeline, program_of(job), p->zoom, cursor, plot.cols);
    snprintf(text, sizeof(text), "Memory alive, steps %d to %d",
             p->timeline.first, p->timeline.first + p->timeline.count - 1);
    subject_title(s, area, p->subject,
                  p->zoom ? text
                          : "Memory alive through one training step, by kind",
                  p->zoom ? text : "Memory alive, step by step");
    if (rows <= 0 || plot.cols == 0)
        return;
    draw_peak(p, job, area_sub(area, 1, BYTE_AXIS_COLS, 1, plot.cols), 0);
    byte_axis_draw(area_sub(area, 2, 0, rows, area.cols),
                   (double)plan->peak_bytes);
    sawtooth_draw(plan, &p->timeline, (double)plan->peak_bytes, plot);
    sawtooth_phases(plan, &p->timeline, below, 0);
    mark_cursor(&p->timeline, plot, 0, rows, cursor);
    area_text(below, 0, column_of(&p->timeline, cursor),
              ROLE_KEY | STYLE_BOLD, "▲");
    format_op(job, cursor, op, sizeof(op));
    snprintf(text, sizeof(text), "step %d, %s, %s: %s", cursor,
             phase_name(job->schedule->steps[cursor].phase),
             bytes_format(bytes, sizeof(bytes),
                          plan_live_bytes(plan, cursor)), op);
    draw_around(below, 1, column_of(&p->timeline, cursor), ROLE_KEY, text);
    target_columns(s, p, area_sub(area, 1, BYTE_AXIS_COLS, rows + 3,
                                  plot.cols), 0, rows + 3);
}

/* Tensors that lie beside each other are told apart by brightness. */
static void draw_map_cell(const struct job *job, struct area area, int row,
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
static int row_of(const struct plan *plan, const struct arena_map *m,
                  int instance)
{
    const struct plan_instance *p = &plan->instances[instance];
    double middle = (double)p->offset + 0.5 * (double)p->bytes;

    return m->rows - 1 - (int)(middle / (double)plan->arena_bytes * m->rows);
}

static void draw_map_cells(struct screen *s, const struct job *job,
                           const struct timeline *t,
                           const struct arena_map *m, struct area area,
                           int chosen)
{
    int row = chosen >= 0 ? row_of(job->plan, m, chosen) : -1;

    for (int c = 0; c < m->cols; c++) {
        bool here = chosen >= 0 &&
                    living_in(job->plan, chosen,
                              timeline_step(t, job->plan, c));
        for (int r = 0; r < m->rows; r++) {
            int cell = r * m->cols + c, owner = m->cell[cell];
            bool mine = here && (r == row || owner == chosen);
            draw_map_cell(job, area, r, c, mine ? chosen : owner, mine);
            screen_target(s, area, r, c, 1, 1, ACTION_ROW, cell);
        }
    }
}

/* "T g1.b1.conv1.y  640.0 KiB at 1.21 MiB, alive in steps 69 to 81" */
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

    format_tensor(job, instance, step, name, sizeof(name));
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

static void draw_map(struct screen *s, struct step_page *p,
                     const struct job *job, struct area area)
{
    const struct plan *plan = job->plan;
    int cursor = cursor_of(p, job), rows = area.rows - 2, count, chosen;
    struct area plot = area_sub(area, 1, BYTE_AXIS_COLS, rows,
                                area.cols - BYTE_AXIS_COLS - 1);
    struct living *living = living_find(plan, LIVING_ALL, cursor, &count);
    struct arena_map map;
    char words[128], bytes[BYTES_TEXT_SIZE];

    chosen = chosen_of(p, living, count);
    snprintf(words, sizeof(words),
             "One allocation of %s: who is where, and when",
             bytes_format(bytes, sizeof(bytes), plan->arena_bytes));
    subject_title(s, area, p->subject, words, "Who is where, and when");
    if (rows > 0 && plot.cols > 0) {
        timeline_show(&p->timeline, program_of(job), p->zoom, cursor,
                      plot.cols);
        p->map_rows = rows;
        arena_map_init(&map, plan, &p->timeline, rows);
        byte_axis_draw(area_sub(area, 1, 0, rows, area.cols),
                       (double)plan->arena_bytes);
        draw_map_cells(s, job, &p->timeline, &map, plot,
                       chosen < 0 ? ARENA_MAP_FREE : living[chosen].instance);
        mark_cursor(&p->timeline, plot, 0, rows, cursor);
        arena_map_done(&map);
        if (chosen >= 0)
            draw_tensor(job, area, rows + 1, living[chosen].instance,
                        cursor);
    }
    free(living);
}

static double share_of(size_t bytes, size_t whole)
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

enum { FACTS_COLS = 34 };

/* "█A activations  2.50 MiB  81.0%"; without room its letter has to do. */
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
             share_of(bytes, plan_live_bytes(plan, step)));
    area_right(area, row, col + 32, ROLE_DIM, text);
}

/* The step, and how much of each kind is alive; returns the rows. */
static int draw_facts(const struct job *job, struct area area, int step)
{
    const struct plan *plan = job->plan;
    bool brief = area.rows < 3 + count_kinds(plan, step);
    size_t live = plan_live_bytes(plan, step);
    char text[96], bytes[BYTES_TEXT_SIZE];
    int shown = 0, row = 3;

    area_print(area, 0, 1, ROLE_TEXT, "step %d of %d: %s", step,
               job->schedule->step_count,
               phase_name(job->schedule->steps[step].phase));
    format_op(job, step, text, sizeof(text));
    area_fit(area, 1, 1, area.cols - 2, ROLE_TITLE, text);
    area_print(area, 2, 1, ROLE_TEXT, "%s alive, %.1f%% of peak",
               bytes_format(bytes, sizeof(bytes), live),
               share_of(live, plan->peak_bytes));
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
    const struct step *st = &job->schedule->steps[step];
    enum op_code code = schedule_op(job->schedule, step)->code;
    bool reads = false, writes = false;

    if (instance == LIVING_SCRATCH)
        return " ";
    for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
        bool operand = i < op_slots(code) && st->operand[i] == instance;
        reads |= st->through[i] == instance ||
                 (operand && op_reads(code, i));
        writes |= operand && op_writes(code, i);
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
    format_tensor(job, l->instance, step, name, sizeof(name));
    area_fit(area, row, 15, area.cols - 15, ROLE_TEXT, name);
}

static void draw_list(struct screen *s, struct step_page *p,
                      const struct job *job, struct area area, int step)
{
    int count, chosen;
    struct living *living = living_find(job->plan, LIVING_ALL, step, &count);

    chosen = chosen_of(p, living, count);
    area_print(area, 0, 1, ROLE_TITLE, "%d tensors, ◂ read + written", count);
    area = area_sub(area, 1, 0, area.rows - 1, area.cols);
    p->list_rows = area.rows;
    p->list_scroll = clamp(p->list_scroll, chosen - area.rows + 1, chosen);
    p->list_scroll = clamp(p->list_scroll, 0,
                           count > area.rows ? count - area.rows : 0);
    for (int i = 0; i < area.rows && p->list_scroll + i < count; i++) {
        int place = p->list_scroll + i;
        draw_list_row(job, area, i, &living[place], step);
        if (place == chosen)
            area_text(area, i, 0, ROLE_KEY | STYLE_BOLD, "▸");
        if (place == chosen)
            area_mark(area, i, 0, area.cols,
                      screen_has_keys(s, PANE_CURSOR) ? STYLE_REVERSE
                                                      : STYLE_BOLD);
        screen_target(s, area, i, 0, 1, area.cols, ACTION_ROW,
                      living[place].instance);
    }
    free(living);
}

/* One beside the other, or above it. */
static void draw_cursor(struct screen *s, struct step_page *p,
                        const struct job *job, struct area area)
{
    int step = cursor_of(p, job), row;

    if (area.cols >= FACTS_COLS + 22) {
        draw_facts(job, area_sub(area, 0, 0, area.rows, FACTS_COLS), step);
        draw_list(s, p, job,
                  area_sub(area, 0, FACTS_COLS + 1, area.rows,
                           area.cols - FACTS_COLS - 1), step);
    } else {
        row = draw_facts(job, area, step) + 1;
        draw_list(s, p, job,
                  area_sub(area, row, 0, area.rows - row, area.cols), step);
    }
}

static void draw(struct screen *s, void *state, int pane, struct area area)
{
    struct step_page *p = state;
    const struct job *job = subject_job(s->session, p->subject);

    if (!job && pane != PANE_CURSOR)
        subject_title(s, area, p->subject, "", "");
    if (!job)
        subject_excuse(s->session, p->subject, area);
    else if (pane == PANE_SAWTOOTH)
        draw_sawtooth(s, p, job, area);
    else if (pane == PANE_MAP)
        draw_map(s, p, job, area);
    else
        draw_cursor(s, p, job, area);
}

static void go_to(struct step_page *p, const struct job *job, int step)
{
    const struct program_steps *steps = program_of(job);

    p->cursor = clamp(step, steps->begin, steps->end - 1);
    p->moved = true;
}

static void pick(struct step_page *p, int instance)
{
    p->tensor = instance;
    p->picked = true;
}

/* The tensor so many places further in the list. */
static void pick_in_list(struct step_page *p, const struct job *job, int by)
{
    int count, chosen;
    struct living *living = living_find(job->plan, LIVING_ALL,
                                        cursor_of(p, job), &count);

    chosen = chosen_of(p, living, count);
    if (count > 0)
        pick(p, living[clamp(chosen + by, 0, count - 1)].instance);
    free(living);
}

/* The next one at higher addresses, or at lower ones. */
static void pick_in_map(struct step_page *p, const struct job *job, bool up)
{
    int count, step = cursor_of(p, job), best = -1;
    struct living *living = living_find(job->plan, LIVING_ALL, step, &count);
    int chosen = chosen_of(p, living, count);
    size_t from = chosen < 0 ? 0 : living_offset(
                      job->plan, living[chosen].instance, step), nearest = 0;

    for (int i = 0; i < count; i++) {
        size_t at = living_offset(job->plan, living[i].instance, step);
        bool beyond = up ? at > from : at < from;
        if (beyond && (best < 0 || (up ? at < nearest : at > nearest))) {
            best = i;
            nearest = at;
        }
    }
    if (best >= 0)
        pick(p, living[best].instance);
    free(living);
}

static void click_map(struct step_page *p, const struct job *job, int cell)
{
    struct arena_map map;

    if (p->timeline.cols <= 0 || p->map_rows <= 0)
        return;
    /* The plan may be another one than when it was drawn. */
    timeline_show(&p->timeline, program_of(job), p->zoom, cursor_of(p, job),
                  p->timeline.cols);
    arena_map_init(&map, job->plan, &p->timeline, p->map_rows);
    if (cell < map.rows * map.cols) {
        go_to(p, job, timeline_step(&p->timeline, job->plan,
                                    cell % map.cols));
        if (map.cell[cell] != ARENA_MAP_FREE)
            pick(p, map.cell[cell]);
    }
    arena_map_done(&map);
}

static void show_tensor(struct screen *s, const struct step_page *p,
                        const struct job *job)
{
    int count, chosen, step = cursor_of(p, job);
    struct living *living = living_find(job->plan, LIVING_ALL, step, &count);
    char name[96];

    chosen = chosen_of(p, living, count);
    if (chosen >= 0) {
        format_tensor(job, living[chosen].instance, step, name, sizeof(name));
        screen_popup(s, name);
        explain_tensor(&s->popup_text, job, living[chosen].instance, step);
    }
    free(living);
}

static void act_on_list(struct screen *s, struct step_page *p,
                        const struct job *job, enum action action,
                        int argument)
{
    switch (action) {
    case ACTION_PAGE_UP:
        pick_in_list(p, job, -p->list_rows);
        break;
    case ACTION_PAGE_DOWN:
        pick_in_list(p, job, p->list_rows);
        break;
    case ACTION_START:
        pick_in_list(p, job, -job->schedule->instance_count);
        break;
    case ACTION_END:
        pick_in_list(p, job, job->schedule->instance_count);
        break;
    case ACTION_ROW:
        if (p->picked && p->tensor == argument)
            show_tensor(s, p, job);
        pick(p, argument);
        break;
    default:
        break;
    }
}

static void act_on_time(struct screen *s, struct step_page *p,
                        const struct job *job, enum action action,
                        int argument)
{
    int cursor = cursor_of(p, job), page = p->timeline.count / 10 + 1;

    switch (action) {
    case ACTION_PAGE_UP:
        go_to(p, job, cursor - page);
        break;
    case ACTION_PAGE_DOWN:
        go_to(p, job, cursor + page);
        break;
    case ACTION_START:
        go_to(p, job, program_of(job)->begin);
        break;
    case ACTION_END:
        go_to(p, job, program_of(job)->end);
        break;
    case ACTION_ROW:
        if (screen_has_keys(s, PANE_MAP))
            click_map(p, job, argument);
        else
            go_to(p, job, argument);
        break;
    default:
        break;
    }
}

/* The cursor comes to lie in the middle. */
static void zoom(struct step_page *p, const struct job *job, int by)
{
    int all = program_of(job)->end - program_of(job)->begin;

    p->zoom = clamp(p->zoom + by, 0, TIMELINE_MOST_ZOOM);
    while (p->zoom > 0 && all >> p->zoom < TIMELINE_FEWEST)
        p->zoom--;
    p->timeline.first = cursor_of(p, job) - (all >> p->zoom) / 2;
}

static void act_on_plan(struct screen *s, struct step_page *p,
                        const struct job *job, enum action action,
                        int argument)
{
    bool up = action == ACTION_UP;

    switch (action) {
    case ACTION_LESS:
    case ACTION_MORE:
        zoom(p, job, action == ACTION_MORE ? 1 : -1);
        break;
    case ACTION_LEFT:
        go_to(p, job, cursor_of(p, job) - 1);
        break;
    case ACTION_RIGHT:
        go_to(p, job, cursor_of(p, job) + 1);
        break;
    case ACTION_UP:
    case ACTION_DOWN:
        if (screen_has_keys(s, PANE_MAP))
            pick_in_map(p, job, up);
        else
            pick_in_list(p, job, up ? -1 : 1);
        break;
    case ACTION_ENTER:
        show_tensor(s, p, job);
        break;
    case ACTION_CLOSE:
        p->moved = p->picked = false;
        break;
    default:
        if (screen_has_keys(s, PANE_CURSOR))
            act_on_list(s, p, job, action, argument);
        else
            act_on_time(s, p, job, action, argument);
        break;
    }
}

static void act(struct screen *s, void *state, enum action action,
                int argument)
{
    struct step_page *p = state;
    const struct job *job = subject_job(s->session, p->subject);

    if (action == ACTION_SUBJECT)
        p->subject = subject_next(s->session, p->subject);
    else if (job)
        act_on_plan(s, p, job, action, argument);
}

const struct page page_step = { .name = "Step",
                                .state_size = sizeof(struct step_page),
                                .draw = draw,
                                .act = act };
