/*
 * The pages that show a plan, Step and Layers: their frames against the plan
 * itself, cell by cell and digit by digit, and at any size.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "plan/layer_table.h"
#include "tests/sample.h"
#include "ui/pages/arena_map.h"
#include "ui/pages/control.h"
#include "ui/pages/frame.h"
#include "ui/pages/sawtooth.h"

static struct session session;
static struct screen screen;

static void want(const char *assignment)
{
    struct settings next = session.wanted;
    struct error e;

    cr_assert(settings_assign(&next, "test", assignment, &e), "%s", e.text);
    session_want(&session, &next);
    sample_plan(&session);
}

static void show(enum page_id page, int pane, int rows, int cols)
{
    screen_init(&screen, &session, rows, cols, GLYPHS_ASCII);
    control_act(&screen, ACTION_PAGE, (int)page);
    screen.pane[page] = pane;
    frame_draw(&screen);
}

static void setup(void)
{
    sample_init(&session);
}

static void leave(void)
{
    screen_done(&screen);
    session_done(&session);
}

TestSuite(plan_pages, .init = setup, .fini = leave);

static char *frame(void)
{
    frame_draw(&screen);
    return cells_dump(&screen.cells);
}

static void expect(const char *text, bool there)
{
    char *all = frame();

    cr_expect_eq(strstr(all, text) != NULL, there, "'%s' is %s\n%s", text,
                 there ? "missing" : "there", all);
    free(all);
}

static void press(int key)
{
    struct input input = { .type = INPUT_KEY, .key = key };

    control_input(&screen, &input);
    frame_draw(&screen);
}

static void click(int row, int col)
{
    struct input input = { .type = INPUT_CLICK, .row = row, .col = col };

    control_input(&screen, &input);
    frame_draw(&screen);
}

static const char *const policies[] = { "checkpoint=none", "checkpoint=sqrt",
                                        "recompute=norms", "microbatch=7",
                                        "precision=fp16", "depth=16" };

/* The bytes of the living tensors add up to those of the plan. */
Test(plan_pages, tensors_add_up)
{
    show(PAGE_STEP, 0, 40, 120);
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        const struct plan *plan;
        want(policies[i]);
        plan = session.planned->job->plan;
        for (int t = 0; t < plan->schedule->step_count; t++) {
            size_t sum[KIND_COUNT] = { 0 };
            int n;
            struct living *living = living_find(plan, LIVING_ALL, t, &n);
            for (int j = 0; j < n; j++) {
                sum[living_kind(plan, living[j].instance)] +=
                    living[j].bytes;
                cr_assert(!j || living[j].bytes <= living[j - 1].bytes);
            }
            for (int k = 0; k < KIND_COUNT; k++)
                cr_assert_eq(sum[k], plan->live[t][k], "%s, step %d, %s",
                             policies[i], t, kind_name((enum kind)k));
            free(living);
        }
    }
}

/* Every step has columns, every column has steps, and they agree. */
static void check_timeline(const struct timeline *t)
{
    for (int step = t->first; step < t->first + t->count; step++) {
        int from, to;
        timeline_cols(t, step, &from, &to);
        cr_assert(from >= 0 && from < to && to <= t->cols);
        for (int c = from; c < to; c++) {
            int low, high;
            timeline_steps(t, c, &low, &high);
            cr_assert(low <= step && step < high,
                      "%d steps, %d columns: step %d, column %d", t->count,
                      t->cols, step, c);
        }
    }
    for (int c = 0; c < t->cols; c++) {
        int low, high;
        timeline_steps(t, c, &low, &high);
        cr_assert(low >= t->first && low < high &&
                  high <= t->first + t->count);
    }
}

/* Timelines hold for any widths of steps. */
Test(plan_pages, timelines_hold_together)
{
    show(PAGE_STEP, 0, 40, 120);
    for (int steps = 1; steps <= 80; steps++)
        for (int cols = 1; cols <= 80; cols++) {
            struct timeline t = { 0 };
            double width[80];
            for (int i = 0; i < steps; i++)
                width[i] = cols % 2 ? 1 : 1e-6 + i * 7 % 11 * (i * 5 % 13);
            timeline_set(&t, width, steps);
            for (int zoom = 0; zoom <= 3; zoom++) {
                int cursor = (steps - 1) * zoom / 3;
                timeline_show(&t, zoom, cursor, cols);
                cr_assert(cursor >= t.first && cursor < t.first + t.count);
                check_timeline(&t);
            }
            timeline_done(&t);
        }
}

static struct timeline whole(const struct job *job, int cols)
{
    struct timeline t = { 0 };

    timeline_measure(&t, job->schedule);
    timeline_show(&t, 0, 0, cols);
    return t;
}

/* Columns of all steps of some phases. */
static double columns_of(const struct schedule *s, const struct timeline *t,
                         unsigned phases)
{
    double sum = 0;

    for (int i = 0; i < s->step_count; i++)
        if (phases & 1u << s->steps[i].phase)
            sum += t->begin[i + 1] - t->begin[i];
    return sum / t->begin[t->steps] * t->cols;
}

/* Steps are as wide as their arithmetic; evaluation has a ninth of the width.
 */
Test(plan_pages, steps_are_as_wide_as_their_flops)
{
    enum { COLS = 900 };

    show(PAGE_STEP, 0, 40, 120);
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        const struct schedule *s;
        struct timeline t;
        int a, b, from, to;
        want(policies[i]);
        s = session.planned->job->schedule;
        t = whole(session.planned->job, COLS);
        cr_expect_gt(columns_of(s, &t, 1 << PHASE_FORWARD |
                                           1 << PHASE_RECOMPUTE |
                                           1 << PHASE_BACKWARD),
                     0.75 * COLS);
        cr_expect_leq(fabs(columns_of(s, &t, 1 << PHASE_EVALUATE) -
                           COLS / 9.0), 1e-6 * COLS);
        for (a = 0; s->steps[a].phase != PHASE_FORWARD ||
                    schedule_step_flops(s, a) <= 0; a++)
            continue;
        for (b = a; s->steps[b].phase != PHASE_BACKWARD ||
                    schedule_step_flops(s, b) <
                        2 * schedule_step_flops(s, a); b++)
            continue;
        timeline_cols(&t, a, &from, &to);
        a = to - from;
        timeline_cols(&t, b, &from, &to);
        cr_expect_gt(to - from, a, "%s", policies[i]);
        timeline_done(&t);
    }
}

/* The most bytes alive in the steps of a column. */
static size_t most_in(const struct plan *plan, const struct timeline *t,
                      int col)
{
    int from, to;
    size_t most = 0;

    timeline_steps(t, col, &from, &to);
    for (int step = from; step < to; step++)
        if (plan_live_bytes(plan, step) > most)
            most = plan_live_bytes(plan, step);
    return most;
}

enum { ROWS = 64, EMPTY = -1 };

/* The kind that a cell is drawn as; kinds have a style each. */
static int kind_at(const struct cells *g, int row, int col)
{
    int role = (int)(g->cell[row * g->cols + col].style & STYLE_ROLE);

    return role >= ROLE_KIND ? role - ROLE_KIND : EMPTY;
}

/* Columns are as high as the most of their steps, and each kind takes its share
 * of them, in order. */
Test(plan_pages, sawtooth_is_the_plans)
{
    static const int widths[] = { 40, 75, 300 };

    show(PAGE_STEP, 0, 40, 120);
    want("checkpoint=sqrt");
    for (int w = 0; w < 3; w++) {
        const struct plan *plan = session.planned->job->plan;
        struct timeline t = whole(session.planned->job, widths[w]);
        double row_bytes = (double)plan->peak_bytes / ROWS;
        struct cells g;
        cells_init(&g, ROWS, widths[w], GLYPHS_ASCII);
        sawtooth_draw(plan, &t, (double)plan->peak_bytes, area_all(&g));
        for (int c = 0; c < t.cols; c++) {
            int of[KIND_COUNT] = { 0 }, height = 0, last = 0, step;
            for (int r = ROWS - 1; r >= 0; r--) {
                int kind = kind_at(&g, r, c);
                if (kind == EMPTY)
                    continue;
                cr_assert_eq(height, ROWS - 1 - r, "a hole in column %d", c);
                cr_assert_geq(kind, last, "kinds out of order");
                last = kind;
                of[kind]++;
                height++;
            }
            cr_assert_leq(fabs(height - (double)most_in(plan, &t, c) /
                                            row_bytes), 0.6,
                          "column %d of %d", c, t.cols);
            step = timeline_step(&t, plan, c);
            for (int k = 0; k < KIND_COUNT; k++)
                cr_assert_leq(fabs(of[k] - (double)plan->live[step][k] /
                                               row_bytes), 1.6,
                              "column %d, %s", c, kind_name((enum kind)k));
        }
        cells_done(&g);
        timeline_done(&t);
    }
}

/* The band below names the phase of each step. */
Test(plan_pages, phases_are_the_schedules)
{
    static const unsigned roles[PHASE_COUNT] = {
        [PHASE_PREPARE] = ROLE_DIM, [PHASE_FORWARD] = ROLE_FORWARD,
        [PHASE_RECOMPUTE] = ROLE_RECOMPUTE,
        [PHASE_BACKWARD] = ROLE_BACKWARD, [PHASE_UPDATE] = ROLE_UPDATE,
        [PHASE_EVALUATE] = ROLE_DIM,
    };
    struct timeline t;
    struct cells g;

    show(PAGE_STEP, 0, 40, 120);
    want("microbatch=10");
    want("checkpoint=sqrt");
    t = whole(session.planned->job, 200);
    cells_init(&g, 1, 200, GLYPHS_BRAILLE);
    sawtooth_phases(session.planned->job->plan, &t, area_all(&g), 0);
    for (int c = 0; c < 200; c++) {
        int step = timeline_step(&t, session.planned->job->plan, c);
        cr_assert_eq(
            g.cell[c].style & STYLE_ROLE,
            roles[session.planned->job->schedule->steps[step].phase]);
    }
    cells_done(&g);
    timeline_done(&t);
    expect("forward x10", true);
    expect("backward x10", true);
    expect("evaluate", true);
}

/* The tensor with most of each share of the addresses, found unit by unit. */
Test(plan_pages, map_is_the_plans)
{
    enum { MAP_ROWS = 11, MAP_COLS = 30, UNITS = 400 };
    const struct plan *plan;
    struct timeline t;
    struct arena_map map;

    show(PAGE_STEP, 0, 40, 120);
    want("checkpoint=sqrt");
    plan = session.planned->job->plan;
    t = whole(session.planned->job, MAP_COLS);
    arena_map_init(&map, plan, &t, MAP_ROWS);
    for (int c = 0; c < MAP_COLS; c++)
        for (int r = 0; r < MAP_ROWS; r++) {
            int step = timeline_step(&t, plan, c), n;
            struct living *living = living_find(plan, LIVING_ALL, step, &n);
            int *has = xcalloc((unsigned long)n + 1, sizeof(*has)), most = n;
            int drawn = n;
            for (int u = 0; u < UNITS; u++) {
                double at = (MAP_ROWS - 1 - r + (u + 0.5) / UNITS) *
                            (double)plan->arena_bytes / MAP_ROWS;
                int owner = n;
                for (int j = 0; j < n; j++) {
                    double from = (double)living_offset(
                        plan, living[j].instance, step);
                    if (at >= from && at < from + (double)living[j].bytes)
                        owner = j;
                }
                has[owner]++;
            }
            for (int j = 0; j < n; j++) {
                if (has[j] > has[most])
                    most = j;
                if (living[j].instance == map.cell[r * MAP_COLS + c])
                    drawn = j;
            }
            cr_assert(drawn < n || map.cell[r * MAP_COLS + c] ==
                                       ARENA_MAP_FREE);
            cr_assert_geq(has[drawn], has[most] - 3, "row %d, column %d", r,
                          c);
            free(has);
            free(living);
        }
    arena_map_done(&map);
    timeline_done(&t);
}

/* The page describes a step. */
static void expect_step(const struct job *job, int step)
{
    const struct plan *plan = job->plan;
    const struct op *op = schedule_op(job->schedule, step);
    char text[160], bytes[BYTES_TEXT_SIZE];
    int n;
    struct living *living = living_find(plan, LIVING_ALL, step, &n);

    snprintf(text, sizeof(text), "step %d of %d: %s", step,
             job->schedule->step_count,
             phase_name(job->schedule->steps[step].phase));
    expect(text, true);
    snprintf(text, sizeof(text), "%s of %s", op_name(op->code),
             job->graph->layers[op->layer].name);
    expect(text, true);
    snprintf(text, sizeof(text), "%s alive",
             bytes_format(bytes, sizeof(bytes), plan_live_bytes(plan, step)));
    expect(text, true);
    for (int k = 0; k < KIND_COUNT; k++)
        if (plan->live[step][k]) {
            snprintf(text, sizeof(text), "%-11s %10s",
                     kind_name((enum kind)k),
                     bytes_format(bytes, sizeof(bytes),
                                  plan->live[step][k]));
            expect(text, true);
        }
    snprintf(text, sizeof(text), "%d tensors", n);
    expect(text, true);
    for (int i = 0; i < n && i < 3; i++) {
        if (living[i].instance == LIVING_SCRATCH)
            continue;
        graph_value_name(job->graph,
                         job->schedule->instances[living[i].instance], text,
                         sizeof(text));
        if (strlen(text) < 20)
            expect(text, true);
    }
    free(living);
}

Test(plan_pages, cursor_names_the_plans_numbers)
{
    const struct job *job;
    int last;

    want("checkpoint=sqrt");
    show(PAGE_STEP, 0, 40, 120);
    job = session.planned->job;
    last = job->schedule->step_count - 1;
    expect_step(job, job->plan->peak_step);
    press(KEY_TO_START);
    expect_step(job, 0);
    for (int i = 1; i < 12; i++) {
        press(KEY_ARROW_RIGHT);
        expect_step(job, i);
    }
    press('h');
    expect_step(job, 10);
    press(KEY_TO_END);
    expect_step(job, last);
    press(KEY_ARROW_RIGHT);
    expect_step(job, last);
    for (int t = last; t >= job->schedule->program[PROGRAM_EVAL].begin; t--)
        press('h');
    expect_step(job, job->schedule->program[PROGRAM_EVAL].begin - 1);
    press(KEY_ESCAPE);
    expect_step(job, job->plan->peak_step);
}

/* v goes from the settings pending to those in force, and to the baseline. */
Test(plan_pages, shows_three_plans)
{
    struct settings settings;

    session_lock(&session, true);
    settings = session.wanted;
    cr_assert(settings_assign(&settings, "test", "checkpoint=sqrt", NULL));
    cr_assert(settings_assign(&settings, "test", "microbatch=10", NULL));
    session_want(&session, &settings);
    sample_plan(&session);
    show(PAGE_STEP, 0, 40, 120);
    expect("pending settings", true);
    expect_step(session.planned->job, session.planned->job->plan->peak_step);
    press('v');
    expect("settings in force", true);
    expect_step(session.now->job, session.now->job->plan->peak_step);
    press('v');
    expect("baseline", true);
    expect_step(session.baseline->job,
                session.baseline->job->plan->peak_step);
    press('v');
    expect("pending settings", true);
}

Test(plan_pages, says_why_there_is_no_plan)
{
    struct settings settings = session.wanted;

    cr_assert(settings_assign(&settings, "test", "checkpoint=optimal", NULL));
    cr_assert(settings_assign(&settings, "test", "memory_budget=1000", NULL));
    session_want(&session, &settings);
    show(PAGE_STEP, 0, 40, 120);
    sample_plan(&session);
    cr_assert(session.planned->refused);
    expect("There is no plan", true);
    press(KEY_ARROW_RIGHT);
    press(KEY_RETURN);
    press('3');
    expect("There is no plan", true);
    press('s');
    press(KEY_RETURN);
}

/* A click into the map moves the cursor there and names the tensor there. */
Test(plan_pages, clicks_name_what_is_under_them)
{
    const struct job *job;
    const struct rect *pane;
    struct timeline t;
    struct arena_map map;
    int rows, cols;

    want("checkpoint=sqrt");
    show(PAGE_STEP, 0, 40, 120);
    job = session.planned->job;
    pane = &screen.layout.pane[1];
    rows = pane->rows - 4;
    cols = pane->cols - 13;
    t = whole(job, cols);
    arena_map_init(&map, job->plan, &t, rows);
    for (int c = 0; c < cols; c += 7)
        for (int r = 0; r < rows; r++) {
            int owner = map.cell[r * cols + c];
            char name[128];
            click(pane->row + 2 + r, pane->col + 11 + c);
            snprintf(name, sizeof(name), "step %d of",
                     timeline_step(&t, job->plan, c));
            expect(name, true);
            if (owner < 0)
                continue;
            graph_value_name(job->graph, job->schedule->instances[owner],
                             name, sizeof(name));
            strcat(name, "  ");
            expect(name, true);
        }
    arena_map_done(&map);
    timeline_done(&t);
}

/* Enter explains a tensor by the plan. */
Test(plan_pages, enter_explains_a_tensor)
{
    const struct job *job;
    const struct plan_instance *p;
    char text[160], number[TEXT_COUNT_SIZE];
    struct living *living;
    int n, step;

    want("checkpoint=sqrt");
    show(PAGE_STEP, 2, 40, 120);
    job = session.planned->job;
    step = job->plan->peak_step;
    living = living_find(job->plan, LIVING_ALL, step, &n);
    press(KEY_RETURN);
    p = &job->plan->instances[living[0].instance];
    graph_value_name(job->graph, job->schedule->instances[living[0].instance],
                     text, sizeof(text));
    expect(text, true);
    snprintf(text, sizeof(text), "Alive from step %d of %d", p->first,
             job->schedule->step_count);
    expect(text, true);
    snprintf(text, sizeof(text), "to step %d of", p->last);
    expect(text, true);
    snprintf(text, sizeof(text), "at byte %s.",
             text_count(number, (int64_t)p->offset));
    expect(text, true);
    free(living);
}

/* Zooming keeps the cursor in sight and ends at a few steps. */
Test(plan_pages, zooms)
{
    char text[64];
    int peak;

    show(PAGE_STEP, 0, 40, 120);
    peak = session.planned->job->plan->peak_step;
    for (int i = 0; i < 12; i++)
        press('+');
    expect("Memory, steps ", true);
    expect("peak ", true);
    snprintf(text, sizeof(text), "step %d,", peak);
    expect(text, true);
    for (int i = 0; i < 40; i++)
        press('l');
    snprintf(text, sizeof(text), "step %d,", peak + 40);
    expect(text, true);
    for (int i = 0; i < 12; i++)
        press('-');
    expect("as wide as its FLOPs", true);
}

/* The peak may be in evaluation: then the cursor begins there, and the page Run
 * explains it. */
Test(plan_pages, a_peak_in_evaluation_is_seen)
{
    const struct schedule *s = session.planned->job->schedule;
    struct plan *plan = session.planned->job->plan;
    int step = s->program[PROGRAM_EVAL].begin + 3;
    char text[64], bytes[BYTES_TEXT_SIZE];

    plan->live[step][KIND_TRANSIENT] += plan->peak_bytes;
    plan->peak_step = step;
    plan->peak_bytes = plan_live_bytes(plan, step);
    show(PAGE_STEP, 0, 40, 120);
    snprintf(text, sizeof(text), "peak %s v",
             bytes_format(bytes, sizeof(bytes), plan->peak_bytes));
    expect(text, true);
    snprintf(text, sizeof(text), "step %d, evaluate, %s", step, bytes);
    expect(text, true);
    expect("evaluate", true);
    press('1');
    press(KEY_TAB); /* to the row of the peak */
    press(KEY_RETURN);
    expect("Evaluation keeps nothing", true);
}

/* Where sawtooth and map have no room beside each other, Tab shows either. */
Test(plan_pages, tab_shows_all_panes)
{
    show(PAGE_STEP, 0, 24, 80);
    expect(" Bytes alive ", true);
    expect(" Arena ", false);
    expect(" At the cursor ", true);
    press(KEY_TAB);
    expect(" Bytes alive ", false);
    expect(" Arena ", true);
    press(KEY_TAB);
    expect(" Bytes alive ", true);
    cr_expect(screen_has_keys(&screen, 2));
}

static void check_layers(const struct job *job)
{
    double all = schedule_flops(job->schedule);
    struct layer_table t;
    const struct layer_row *sum;
    size_t kept = 0;

    layer_table_init(&t, job);
    sum = &t.rows[t.count];
    for (int i = 0; i < t.count; i++) {
        cr_expect_leq(t.rows[i].recompute, t.rows[i].flops);
        if (!t.rows[i].pooled && strcmp(t.rows[i].name, "pool") != 0)
            cr_expect_eq(t.rows[i].nonzeros, t.rows[i].parameters);
    }
    for (int i = 0; i < job->schedule->instance_count; i++)
        if (job->plan->instances[i].kind == KIND_ACTIVATIONS)
            kept += job->plan->instances[i].bytes;
    cr_expect_eq(sum->nonzeros, graph_nonzeros(job->graph));
    cr_expect_eq(sum->parameters, graph_parameters(job->graph));
    cr_expect_eq(sum->nonzeros < sum->parameters,
                 job->settings.sparsity > 0);
    cr_expect_eq(sum->at_peak, job->plan->peak_bytes);
    cr_expect_eq(sum->saved, kept);
    cr_expect_leq(fabs(sum->flops - all), 1e-9 * all);
    cr_expect_eq(sum->recompute > 0,
                 job->settings.checkpoint != CHECKPOINT_NONE);
    layer_table_done(&t);
}

Test(plan_pages, layers_add_up)
{
    show(PAGE_LAYERS, 0, 40, 120);
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        want(policies[i]);
        check_layers(session.planned->job);
    }
    want("sparsity=0.5");
    check_layers(session.planned->job);
    expect("in pool", true);
}

static void format_giga(double flops, char text[16])
{
    snprintf(text, 16, flops <= 0 ? "%.0f" : flops < 5e5 ? "<0.001" : "%.3f",
             flops / 1e9);
}

/* The row of the table for a layer has its numbers. */
static void expect_row(const struct job *job, const struct layer_row *r)
{
    char *all = frame(), expected[160], number[TEXT_COUNT_SIZE];
    char saved[BYTES_TEXT_SIZE], share[16], again[16], flops[16];
    const char *line;

    snprintf(expected, sizeof(expected), "%s ", r->name);
    line = strstr(all, expected);
    cr_assert(line, "no row for %s\n%s", r->name, all);
    format_giga(r->recompute, again);
    format_giga(r->flops, flops);
    snprintf(share, sizeof(share), "%.1f",
             100.0 * (double)r->at_peak / (double)job->plan->peak_bytes);
    snprintf(expected, sizeof(expected),
             "%-14s  %9s  %7s  %7s  %6s  %10s", r->name,
             bytes_format(saved, sizeof(saved), r->saved), again, flops,
             share, text_count(number, r->parameters));
    cr_expect(strncmp(line, expected, strlen(expected)) == 0,
              "expected '%s', got '%.80s'", expected, line);
    free(all);
}

Test(plan_pages, layers_are_the_plans)
{
    const struct job *job;
    struct layer_table t;

    want("checkpoint=sqrt");
    show(PAGE_LAYERS, 0, 24, 80);
    job = session.planned->job;
    layer_table_init(&t, job);
    for (int i = 0; i < t.count; i++) {
        expect_row(job, &t.rows[i]);
        expect_row(job, &t.rows[t.count]);
        press('j');
    }
    layer_table_done(&t);
}

Test(plan_pages, enter_explains_a_layer)
{
    struct layer_table t;
    char text[96], number[TEXT_COUNT_SIZE], bytes[BYTES_TEXT_SIZE];

    want("checkpoint=sqrt");
    show(PAGE_LAYERS, 0, 24, 80);
    layer_table_init(&t, session.planned->job);
    press('j');
    press('j');
    press('j');
    press(KEY_RETURN);
    snprintf(text, sizeof(text), "%10s  parameters",
             text_count(number, t.rows[3].parameters));
    expect(text, true);
    snprintf(text, sizeof(text), "%10.4g  GFLOP", t.rows[3].flops / 1e9);
    expect(text, true);
    snprintf(text, sizeof(text), "%10s  alive at the peak",
             bytes_format(bytes, sizeof(bytes), t.rows[3].at_peak));
    expect(text, true);
    layer_table_done(&t);
}

static double column_of(const struct layer_row *r, int column)
{
    const double of[] = { (double)r->saved, r->recompute, r->flops,
                          (double)r->at_peak, (double)r->parameters };

    return of[column - 1];
}

/* A click on a title sorts by it, the largest first; another reverses. */
Test(plan_pages, layers_sort_by_any_column)
{
    static const int at[] = { 0, 25, 34, 43, 51, 62 };
    struct layer_table t;

    want("checkpoint=sqrt");
    show(PAGE_LAYERS, 0, 40, 120);
    layer_table_init(&t, session.planned->job);
    for (int column = 1; column <= 5; column++)
        for (int turn = 0; turn < 2; turn++) {
            double before = turn ? -1 : 1e300;
            char *all, *line;
            click(3, at[column]);
            all = frame();
            line = strstr(all, "peak %");
            for (int i = 0; i < t.count; i++) {
                char name[40];
                int which = 0;
                line = strchr(line, '\n') + 1;
                cr_assert_eq(sscanf(line, "| %39s", name), 1);
                while (strcmp(t.rows[which].name, name) != 0)
                    cr_assert_lt(++which, t.count);
                cr_expect(turn ? column_of(&t.rows[which], column) >= before
                               : column_of(&t.rows[which], column) <= before,
                          "column %d, turn %d, %s", column, turn, name);
                before = column_of(&t.rows[which], column);
            }
            free(all);
        }
    layer_table_done(&t);
}

/* Both pages, their panes, at all sizes and at cursors all over. */
Test(plan_pages, any_size_will_do)
{
    static const struct page *const pages[] = { &page_step, &page_layers };
    static const enum page_id ids[] = { PAGE_STEP, PAGE_LAYERS };
    static const enum action actions[] = {
        ACTION_START, ACTION_PAGE_DOWN, ACTION_RIGHT, ACTION_DOWN, ACTION_END,
        ACTION_MORE, ACTION_LEFT, ACTION_SORT, ACTION_UP, ACTION_SUBJECT,
        ACTION_LESS, ACTION_PAGE_UP, ACTION_CLOSE, ACTION_ENTER, ACTION_ROW,
    };
    unsigned turn = 0;

    want("checkpoint=sqrt");
    show(PAGE_STEP, 0, 20, 60);
    for (int g = GLYPHS_ASCII; g <= GLYPHS_BRAILLE; g++)
        for (int rows = 0; rows <= 20; rows++)
            for (int cols = 0; cols <= 60; cols++)
                for (int p = 0; p < 2; p++)
                    for (int pane = 0; pane < layout_panes(ids[p]); pane++) {
                        struct area area = area_sub(area_all(&screen.cells),
                                                    0, 0, rows, cols);
                        screen.cells.glyphs = (enum glyphs)g;
                        screen.page = ids[p];
                        screen.pane[ids[p]] = pane;
                        screen.target_count = 0;
                        pages[p]->draw(&screen, screen.state[ids[p]], pane,
                                       area);
                        pages[p]->act(&screen, screen.state[ids[p]],
                                      actions[turn % 15], (int)turn % 50);
                        turn++;
                    }
}
