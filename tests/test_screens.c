/*
 * Frames: every page at every size is compared with tests/golden, and its
 * numbers with those of the plan and of the events, to the printed digit.
 * MEMDIAL_GOLDEN=write in the environment writes the files anew.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/sample.h"
#include "ui/pages/control.h"
#include "ui/pages/frame.h"

static struct session session;

/* Two runs: one that was left, and one in which two dials were turned and a
 * third is pending. */
static void make_session(void)
{
    struct settings pending;

    sample_init(&session);
    sample_train(&session, 4);
    session_event(&session,
                  &(struct event){ .type = EVENT_START,
                                   .start = { "quick", &session.in_force,
                                              sample_machine, 0, 200,
                                              "sample", "accuracy" } });
    sample_plan(&session);
    sample_train(&session, 3);
    sample_apply(&session, "precision=fp16");
    sample_train(&session, 3);
    sample_apply(&session, "microbatch=10");
    sample_train(&session, 4);
    session_lock(&session, true);
    pending = session.wanted;
    cr_assert(settings_assign(&pending, "test", "checkpoint=sqrt", NULL));
    session_want(&session, &pending);
    sample_plan(&session);
}

static void forget_session(void)
{
    session_done(&session);
}

TestSuite(screens, .init = make_session, .fini = forget_session);

static char *read_all(FILE *file)
{
    char *text = xcalloc(1, 1);
    size_t size = 0, n;
    char part[4096];

    while ((n = fread(part, 1, sizeof(part), file)) > 0) {
        text = xrealloc(text, size + n + 1, 1);
        memcpy(text + size, part, n);
        size += n;
        text[size] = '\0';
    }
    return text;
}

static void golden_path(char path[512], const char *name)
{
    const char *srcdir = getenv("srcdir");

    snprintf(path, 512, "%s/tests/golden/%s.txt", srcdir ? srcdir : ".",
             name);
}

/* Says in which line the texts differ. */
static void compare(const char *name, const char *expected,
                    const char *got)
{
    int line = 1;

    while (*expected && *expected == *got) {
        line += *got == '\n';
        expected++;
        got++;
    }
    cr_assert(*expected == *got,
              "tests/golden/%s.txt:%d: the frame differs; look at it with "
              "MEMDIAL_GOLDEN=write and git diff", name, line);
}

static void check_golden(const char *name, const char *text)
{
    const char *mode = getenv("MEMDIAL_GOLDEN");
    bool writes = mode && strcmp(mode, "write") == 0;
    char path[512], *expected;
    FILE *file;

    golden_path(path, name);
    file = fopen(path, writes ? "w" : "r");
    cr_assert(file, "%s cannot be opened", path);
    if (writes) {
        fputs(text, file);
    } else {
        expected = read_all(file);
        compare(name, expected, text);
        free(expected);
    }
    fclose(file);
}

static void add_frame(FILE *out, enum page_id page, int pane, int rows,
                      int cols, enum glyphs glyphs)
{
    static const char *const names[] = { "ASCII", "blocks", "braille" };
    char *text = sample_frame(&session, page, pane, rows, cols, glyphs);

    fprintf(out, "== %dx%d, pane %d, %s\n%s", cols, rows, pane,
            names[glyphs], text);
    free(text);
}

/* Adds a page after a key. */
static void add_pressed(FILE *out, enum page_id page, int key, int rows,
                        int cols)
{
    struct input input = { .type = INPUT_KEY, .key = key };
    struct screen screen;
    char *frame;

    screen_init(&screen, &session, rows, cols, GLYPHS_BRAILLE);
    control_act(&screen, ACTION_PAGE, (int)page);
    frame_draw(&screen);
    if (key)
        control_input(&screen, &input);
    sample_plan(&session);
    frame_draw(&screen);
    frame = cells_dump(&screen.cells);
    fprintf(out, "== %dx%d, %s\n%s", cols, rows,
            key == KEY_RETURN ? "Enter" : key ? "?" : "", frame);
    free(frame);
    screen_done(&screen);
}

static void press_key(struct screen *screen, int key)
{
    struct input input = { .type = INPUT_KEY, .key = key };

    control_input(screen, &input);
    frame_draw(screen);
}

static void check_page(const char *name, enum page_id page)
{
    static const struct { int rows, cols; } sizes[] = {
        { 40, 120 }, { 30, 100 }, { 24, 80 }, { 16, 60 }, { 12, 40 }, { 5, 30 }
    };
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (int i = 0; i < 6; i++)
        for (int g = GLYPHS_ASCII; g <= GLYPHS_BRAILLE; g += 2)
            for (int p = 0; p < layout_panes(page); p++)
                if (p == 0 || sizes[i].rows == 16 || sizes[i].rows == 12)
                    add_frame(out, page, p, sizes[i].rows, sizes[i].cols,
                              (enum glyphs)g);
    add_frame(out, page, 0, 24, 80, GLYPHS_BLOCK);
    fclose(out);
    check_golden(name, text);
    free(text);
}

/* The line of the frame that begins, after its border, with a label. */
static void find_line(const char *frame, const char *label, char line[1024])
{
    const char *at = strstr(frame, label);
    size_t n;

    cr_assert(at, "no line with '%s'", label);
    n = strcspn(at, "\n");
    cr_assert_lt(n, 1024);
    memcpy(line, at, n);
    line[n] = '\0';
}

static void expect_bytes(const char *line, uint64_t bytes)
{
    char text[BYTES_TEXT_SIZE];

    bytes_format(text, sizeof(text), bytes);
    cr_expect(strstr(line, text), "'%s' is not in '%s'", text, line);
}

Test(screens, run_page)
{
    check_page("run", PAGE_RUN);
}

/* A translator says what it is judged by. */
Test(screens, of_a_translator)
{
    static const struct {
        enum page_id page;
        int key;             /* pressed; 0: none */
    } frames[] = {
        { PAGE_RUN, 0 }, { PAGE_RUN, KEY_RETURN }, { PAGE_RUN, '?' },
        { PAGE_LAYERS, 0 }, { PAGE_LAYERS, KEY_RETURN },
        { PAGE_STEP, 0 }, { PAGE_STEP, KEY_RETURN },
        { PAGE_RUNS, 0 }, { PAGE_RUNS, KEY_RETURN }
    };
    static const struct { int rows, cols; } sizes[] = {
        { 40, 120 }, { 24, 80 }, { 12, 40 }
    };
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    session_done(&session);
    sample_init_translator(&session);
    sample_train(&session, 5);
    sample_apply(&session, "precision=bf16");
    sample_train(&session, 2);
    session_event(&session, &(struct event){
                                .type = EVENT_TEST,
                                .test = { 0.6, 0.7, 68.25, 68.25, 1 } });
    for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++)
        for (int k = 0; k < 3; k++)
            add_pressed(out, frames[i].page, frames[i].key, sizes[k].rows,
                        sizes[k].cols);
    fclose(out);
    cr_expect_null(strstr(text, "samples"));
    cr_expect_null(strstr(text, "images"));
    check_golden("translator", text);
    free(text);
}

/* Zoomed, the bars have a scale on which the smaller ones can be seen. */
Test(screens, run_page_zoomed)
{
    static const struct { int rows, cols; } sizes[] = { { 40, 120 },
                                                        { 24, 80 } };
    struct input zoom = { .type = INPUT_KEY, .key = 'z' };
    struct screen screen;
    char *text, *frame, line[1024];
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (int i = 0; i < 4; i++) {
        screen_init(&screen, &session, sizes[i / 2].rows, sizes[i / 2].cols,
                    i % 2 ? GLYPHS_BRAILLE : GLYPHS_ASCII);
        control_input(&screen, &zoom);
        frame_draw(&screen);
        frame = cells_dump(&screen.cells);
        find_line(frame, i % 2 ? "│baseline " : "|baseline ", line);
        cr_expect(strstr(line, i % 2 ? "▸▸" : ">>"), "'%s'", line);
        expect_bytes(line, session.baseline->peak_bytes);
        fprintf(out, "== %dx%d, %s\n%s", sizes[i / 2].cols, sizes[i / 2].rows,
                i % 2 ? "braille" : "ASCII", frame);
        free(frame);
        screen_done(&screen);
    }
    fclose(out);
    check_golden("zoom", text);
    free(text);
}

Test(screens, step_page)
{
    check_page("step", PAGE_STEP);
}

Test(screens, layers_page)
{
    check_page("layers", PAGE_LAYERS);
}

Test(screens, runs_page)
{
    check_page("runs", PAGE_RUNS);
}

Test(screens, presets_page)
{
    check_page("presets", PAGE_PRESETS);
}

Test(screens, fit_page)
{
    sample_fit(&session, 3 << 20);
    check_page("fit", PAGE_FIT);
}

/* Opens the list of a dial and marks two values in it, `step` lines apart. */
static void mark_values(struct screen *screen, int dial, int first, int step)
{
    screen->dial = dial;
    press_key(screen, KEY_RETURN);
    press_key(screen, KEY_TO_START);
    for (int i = 0; i < first; i++)
        press_key(screen, KEY_ARROW_DOWN);
    press_key(screen, ' ');
    for (int i = 0; i < step; i++)
        press_key(screen, KEY_ARROW_DOWN);
    press_key(screen, ' ');
}

static void dump_frame(FILE *out, struct screen *screen)
{
    char *frame;

    sample_plan(&session);
    frame_draw(screen);
    frame = cells_dump(&screen->cells);
    fputs(frame, out);
    free(frame);
}

/* The plan of the sweep that was asked for; no file is touched. */
static void plan_sweep(void)
{
    struct proposal *p = proposal_new(session.preset, &session.wanted,
                                      &session.marks, session.root,
                                      &session.machine);

    cr_assert(session.asks & SESSION_ASK_PROPOSE);
    session.asks &= ~(unsigned)SESSION_ASK_PROPOSE;
    proposal_errand.work(p, NULL, NULL);
    cr_assert(p->planned || p->error.code);
    session_proposed(&session, p);
}

/* A budget that cannot be met. */
static void add_refused_sweep(FILE *out)
{
    static const char *const budgets[] = { "memory_budget=64KiB",
                                           "memory_budget=3MiB" };
    struct settings settings = session.wanted;
    struct screen screen;

    cr_assert(settings_assign(&settings, "test", "checkpoint=optimal", NULL));
    session_want(&session, &settings);
    for (int i = 0; i < 2; i++) {
        cr_assert(settings_assign(&settings, "test", budgets[i], NULL));
        marks_toggle(&session.marks, &settings,
                     settings_find("memory_budget"));
    }
    screen_init(&screen, &session, 24, 80, GLYPHS_BRAILLE);
    frame_draw(&screen);
    press_key(&screen, 'S');
    plan_sweep();
    dump_frame(out, &screen);
    screen_done(&screen);
}

/* Values that are marked, and the plan of the sweep of them. */
Test(screens, sweeps)
{
    static const struct { int rows, cols; } sizes[] = { { 40, 120 },
                                                        { 24, 80 },
                                                        { 16, 60 } };
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    setenv("XDG_CACHE_HOME", "/nowhere", 1);
    strcpy(session.root, "/nowhere/runs");
    strcpy(session.usual_root, session.root);
    session_lock(&session, false);
    for (int i = 0; i < 3; i++) {
        struct screen screen;
        fprintf(out, "== %dx%d\n", sizes[i].cols, sizes[i].rows);
        screen_init(&screen, &session, sizes[i].rows, sizes[i].cols,
                    GLYPHS_BRAILLE);
        frame_draw(&screen);
        press_key(&screen, 'S');
        cr_expect(!screen.popup.open &&
                  strstr(session.message, "Space marks one"));
        mark_values(&screen, 0, 0, 4);
        press_key(&screen, KEY_ESCAPE);
        mark_values(&screen, 3, 0, 4);
        press_key(&screen, ' ');
        cr_expect_eq(session.marks.count, 3);
        press_key(&screen, ' ');
        dump_frame(out, &screen);
        press_key(&screen, KEY_ESCAPE);
        dump_frame(out, &screen);
        press_key(&screen, 'S');
        cr_expect(strstr(screen.popup.text.lines[0].text, "planned …"));
        plan_sweep();
        dump_frame(out, &screen);
        screen_done(&screen);
        marks_done(&session.marks);
    }
    add_refused_sweep(out);
    fclose(out);
    check_golden("sweeps", text);
    free(text);
}

/* A list of values, a search under way, and a budget that nothing meets. */
Test(screens, lists_and_searches)
{
    static const struct { int rows, cols; } sizes[] = { { 40, 120 },
                                                        { 24, 80 }, { 16, 60 },
                                                        { 12, 40 } };
    char *text, *frame;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (int i = 0; i < 4; i++) {
        struct screen screen;
        fprintf(out, "== %dx%d\n", sizes[i].cols, sizes[i].rows);
        screen_init(&screen, &session, sizes[i].rows, sizes[i].cols,
                    GLYPHS_BRAILLE);
        session_lock(&session, false);
        screen.dial = 2;
        frame_draw(&screen);
        press_key(&screen, KEY_RETURN);
        sample_plan(&session);
        frame_draw(&screen);
        frame = cells_dump(&screen.cells);
        fputs(frame, out);
        free(frame);
        press_key(&screen, KEY_ESCAPE);
        sample_fit(&session, 1 << 10);
        screen_done(&screen);
        add_frame(out, PAGE_FIT, 0, sizes[i].rows, sizes[i].cols,
                  GLYPHS_ASCII);
        session_fit(&session, 1 << 20);
        add_frame(out, PAGE_FIT, 0, sizes[i].rows, sizes[i].cols,
                  GLYPHS_BRAILLE);
    }
    fclose(out);
    check_golden("lists", text);
    free(text);
}

Test(screens, numbers_are_the_plans_and_the_events)
{
    char *frame = sample_frame(&session, PAGE_RUN, PANE_MEMORY, 44, 132,
                               GLYPHS_BRAILLE);
    char line[1024], text[64];

    find_line(frame, "touched  ", line);
    expect_bytes(line, session_run(&session)->touched);
    find_line(frame, "│now  ", line);
    expect_bytes(line, session.now->peak_bytes);
    find_line(frame, "planned  ", line);
    expect_bytes(line, session.planned->peak_bytes);
    find_line(frame, "│baseline ", line);
    expect_bytes(line, session.baseline->peak_bytes);
    find_line(frame, "peak  ", line);
    expect_bytes(line, session.planned->peak_bytes);
    expect_bytes(line, session.baseline->peak_bytes);
    for (int k = 0; k < KIND_COUNT; k++) {
        if (!session.now->bytes[k] && !session.planned->bytes[k] &&
            !session.baseline->bytes[k])
            continue;
        snprintf(text, sizeof(text), "%c %s", theme_letter((enum kind)k),
                 kind_name((enum kind)k));
        find_line(frame, text, line);
        expect_bytes(line, session.now->bytes[k]);
        expect_bytes(line, session.planned->bytes[k]);
        expect_bytes(line, session.baseline->bytes[k]);
    }
    find_line(frame, "process ", line);
    expect_bytes(line, session_run(&session)->os);
    expect_bytes(line, session_run(&session)->os_peak);
    find_line(frame, "arena ", line);
    expect_bytes(line, session.now->arena_bytes);
    find_line(frame, "gap ", line);
    expect_bytes(line, session_run(&session)->os -
                           session_run(&session)->touched);
    snprintf(text, sizeof(text), "%.2fx less than the baseline",
             (double)session.baseline->peak_bytes /
                 (double)session.planned->peak_bytes);
    cr_expect(strstr(frame, text), "%s", text);
    snprintf(text, sizeof(text), "valid %.2f%%",
             100 * run_latest(session_run(&session), CURVE_VALID_SCORE));
    cr_expect(strstr(frame, text), "%s", text);
    snprintf(text, sizeof(text), "loss %.4f",
             run_latest(session_run(&session), CURVE_LOSS));
    cr_expect(strstr(frame, text), "%s", text);
    free(frame);
}

/* A plan that was applied but has not run shows no figures of the plan before
 * it, or of half a step. */
Test(screens, memory_is_of_the_plan_that_ran)
{
    char *frame, line[1024];

    session_lock(&session, false);
    sample_apply(&session, "precision=fp32");
    frame = sample_frame(&session, PAGE_RUN, PANE_MEMORY, 44, 132,
                         GLYPHS_ASCII);
    find_line(frame, "   touched ", line);
    cr_expect(strstr(line, "after a step"), "'%s'", line);
    find_line(frame, "   gap ", line);
    cr_expect_not(strstr(line, "iB"), "'%s'", line);
    find_line(frame, "   process ", line);
    expect_bytes(line, session_run(&session)->os);
    free(frame);

    sample_train(&session, 1);
    frame = sample_frame(&session, PAGE_RUN, PANE_MEMORY, 44, 132,
                         GLYPHS_ASCII);
    cr_expect_not(strstr(frame, "after a step"));
    find_line(frame, "   touched ", line);
    expect_bytes(line, session_run(&session)->touched);
    cr_expect(strstr(line, "all of the arena"), "'%s'", line);
    free(frame);
}

/* The pane of curves has a text, at any size. */
static void expect_in_curves(struct session *s, const char *text)
{
    static const struct { int rows, cols; } sizes[] = {
        { 40, 120 }, { 24, 80 }, { 16, 60 }
    };

    for (int i = 0; i < 3; i++) {
        char *frame = sample_frame(s, PAGE_RUN, PANE_CURVES, sizes[i].rows,
                                   sizes[i].cols, GLYPHS_ASCII);
        cr_expect(strstr(frame, text), "%d columns: no %s", sizes[i].cols,
                  text);
        free(frame);
    }
}

/* The width of a legend does not depend on the numbers in it. */
Test(screens, legends_keep_their_place)
{
    static const double losses[] = { 1e30, -1e30, 1e-30, 123456.789, 1e300 };

    for (int i = 0; i < 5; i++) {
        double x = losses[i];
        struct event step = { .type = EVENT_STEP,
                              .step = { 101 + i, 200, 11, x, x, x, x } };
        struct event epoch = { .type = EVENT_EPOCH,
                               .epoch = { 11 + i, x, x, x, x, x, x, x } };
        session_event(&session, &step);
        session_event(&session, &epoch);
        for (int page = PAGE_RUN; page <= PAGE_RUNS; page += PAGE_RUNS) {
            char *frame = sample_frame(&session, (enum page_id)page, 0, 40,
                                       120, GLYPHS_ASCII);
            cr_expect_not(strstr(frame, "0000000"), "%g:\n%s", x, frame);
            if (page == PAGE_RUN)
                expect_in_curves(&session, "t train ");
            free(frame);
        }
    }
}

/* Every change is named at its mark, not the last one alone. */
Test(screens, changes_are_named_beside_their_marks)
{
    char *frame = sample_frame(&session, PAGE_RUN, PANE_CURVES, 40, 120,
                               GLYPHS_BRAILLE);

    cr_expect(strstr(frame, "┆precision=fp16"), "%s", frame);
    cr_expect(strstr(frame, "┆microbatch=10"), "%s", frame);
    free(frame);
}

/* A dial's forecast of a turn is the result of turning it. */
Test(screens, turns_are_foretold)
{
    char *frame = sample_frame(&session, PAGE_RUN, PANE_DIALS, 44, 132,
                               GLYPHS_BRAILLE);
    char text[64], bytes[BYTES_TEXT_SIZE];

    for (int dial = 0; dial < dial_first_page(); dial++)
        for (int t = 0; t < DIAL_TURNS; t++) {
            struct settings next;
            struct forecast *f;
            if (!session_next(&session, dial, (enum dial_turn)t, &next))
                continue;
            f = forecast_new(&next, &sample_machine, NULL, false, false);
            snprintf(text, sizeof(text), "%s %s ×%.2f", t ? "›" : "‹",
                     bytes_format(bytes, sizeof(bytes), f->peak_bytes),
                     f->seconds / session.baseline->seconds);
            if (!dial_setting(dial)->shrinks) {
                dial_format(&next, dial, bytes, sizeof(bytes));
                snprintf(text, sizeof(text), "%s %s ", t ? "›" : "‹", bytes);
            }
            cr_expect(strstr(frame, text), "%s: '%s'",
                      dial_setting(dial)->name, text);
            forecast_release(f);
        }
    free(frame);
}

/* From the first step on the curves show points. */
Test(screens, curves_move_before_the_first_epoch_ends)
{
    struct session fresh;
    struct event step = { .type = EVENT_STEP,
                          .step = { 1, 200, 1, 2.25, 0.1, 1000, 0.1 } };

    sample_init(&fresh);
    session_event(&fresh, &step);
    expect_in_curves(&fresh, "l loss 2.2500");
    sample_train(&fresh, 1);
    expect_in_curves(&fresh, "v valid 29.67%  t train 30.33%");
    session_done(&fresh);
}

static char *frame_at_dial(const char *name)
{
    struct screen screen;
    char *text;

    screen_init(&screen, &session, 44, 132, GLYPHS_ASCII);
    while (strcmp(dial_setting(screen.dial)->name, name) != 0)
        screen.dial++;
    frame_draw(&screen);
    text = cells_dump(&screen.cells);
    screen_done(&screen);
    return text;
}

/* A dial can be turned before the one that it depends on, and says so. */
Test(screens, idle_dials_say_why)
{
    struct settings optimal = session.wanted;
    char *frame = frame_at_dial("memory_budget");

    cr_expect(strstr(frame, "memory_budget   least (idle)"));
    cr_expect(strstr(frame, "|no effect without checkpoint=optimal"));
    free(frame);
    optimal.checkpoint = CHECKPOINT_OPTIMAL;
    session_want(&session, &optimal);
    frame = frame_at_dial("memory_budget");
    cr_expect_not(strstr(frame, "(idle)"));
    cr_expect_not(strstr(frame, "no effect"));
    free(frame);
}

/* Budgets that could not be met are not offered, and an impossible plan shows
 * no figures. */
Test(screens, budgets_that_can_be)
{
    struct settings next = session.wanted;
    char *frame, line[1024];
    int dial = 0;

    while (strcmp(dial_setting(dial)->name, "memory_budget") != 0)
        dial++;
    cr_assert(settings_assign(&next, "test", "checkpoint=optimal", NULL));
    session_want(&session, &next);
    sample_plan(&session);
    for (int i = 0; i < 3; i++) {
        session_turn(&session, dial, DIAL_UP);
        sample_plan(&session);
        cr_expect_not(session.planned->refused);
        cr_expect_leq(session.planned->arena_bytes,
                      session.wanted.memory_budget);
    }
    next = session.wanted;
    next.memory_budget = 1;
    session_want(&session, &next);
    sample_plan(&session);
    cr_expect(session.planned->refused);
    frame = sample_frame(&session, PAGE_RUN, PANE_MEMORY, 44, 132,
                         GLYPHS_ASCII);
    find_line(frame, "   peak ", line);
    cr_expect_not(strchr(line, '%'), "'%s'", line);
    free(frame);
}

/* A screen of one line shows questions, but no popups that take the keys. */
Test(screens, a_line_asks)
{
    struct screen screen;
    char *frame;

    screen_init(&screen, &session, 5, 30, GLYPHS_ASCII);
    frame_draw(&screen);
    press_key(&screen, '?');
    press_key(&screen, '5');
    press_key(&screen, 'a');
    press_key(&screen, 'q');
    cr_expect_not(screen.quit);
    frame = cells_dump(&screen.cells);
    cr_expect_str_eq(frame, "training 3.42 MiB 77.8%\n"
                            "save as: q_\n\n\n\n");
    free(frame);
    press_key(&screen, KEY_ESCAPE);
    press_key(&screen, 'q');
    cr_expect_not(screen.quit);
    press_key(&screen, 'q');
    cr_expect(screen.quit);
    screen_done(&screen);
}

static struct screen *open_screen(struct screen *screen)
{
    screen_init(screen, &session, 24, 80, GLYPHS_ASCII);
    frame_draw(screen);
    return screen;
}

/* A key has its usual effect, and closes the popup on top. A key whose effect
 * would surprise only closes it. */
Test(screens, keys_are_not_eaten_by_popups)
{
    static const struct { int key; enum page_id page; bool popup; } keys[] = {
        { '2', PAGE_STEP, false }, { ']', PAGE_STEP, false },
        { '?', PAGE_RUN, false },  { KEY_ESCAPE, PAGE_RUN, false },
        { KEY_RETURN, PAGE_RUN, false }, { 't', PAGE_RUN, true },
        { KEY_ARROW_DOWN, PAGE_RUN, true }, { '~', PAGE_RUN, true },
    };
    struct screen screen;

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        open_screen(&screen);
        press_key(&screen, '?');
        press_key(&screen, keys[i].key);
        cr_expect_eq(screen.page, keys[i].page, "%zu", i);
        cr_expect_eq(screen.popup.open, keys[i].popup, "%zu", i);
        screen_done(&screen);
    }
    open_screen(&screen);
    session.asks = 0;
    press_key(&screen, '?');
    press_key(&screen, KEY_ARROW_RIGHT);
    press_key(&screen, '?');
    press_key(&screen, '+');
    cr_expect_not(session.asks);
    press_key(&screen, '?');
    press_key(&screen, 'Z');
    cr_expect(session.asks & SESSION_ASK_PAUSE && !screen.popup.open);
    screen_done(&screen);
}

/* After a key the status line names its effect. */
Test(screens, views_say_what_they_show)
{
    static const struct { char key; const char *first, *again; } keys[] = {
        { 'x', "curves: against seconds", "curves: against samples" },
        { 'g', "loss: on a logarithmic axis", "loss: on a linear axis" },
        { 'm', "loss: as each step has it", "loss: a running mean" },
        { 'c', "curves: accuracy", "curves: loss" },
        { 'z', "bars: on the scale of now", "bars: all on one scale" },
        { 't', "theme light", "theme colour-blind" },
    };
    struct screen screen;

    session_lock(&session, false);
    session_drop_pending(&session);
    open_screen(&screen);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        for (int again = 0; again < 2; again++) {
            const char *text = again ? keys[i].again : keys[i].first;
            char *frame;
            press_key(&screen, keys[i].key);
            frame = cells_dump(&screen.cells);
            cr_expect(strstr(frame, text), "no '%s'", text);
            free(frame);
        }
    screen_done(&screen);
}

/* Pasted text is part of an answer, even if its characters are keys. */
Test(screens, pastes_go_into_answers)
{
    static const char text[] = "/q\r?\033";
    struct screen screen;

    open_screen(&screen);
    for (int asks = 0; asks < 2; asks++) {
        if (asks)
            screen_ask(&screen, "folder:", "");
        for (const char *c = text; *c; c++)
            control_input(&screen, &(struct input){ .type = INPUT_KEY,
                                                   .key = *c,
                                                   .pasted = true });
        cr_expect_not(screen.popup.open || screen.quit);
    }
    cr_expect(screen.question.open);
    cr_expect_str_eq(screen.question.answer, "/q?");
    screen_done(&screen);
}

/* A character replaces a proposed answer; after any other key it is edited. */
Test(screens, proposed_answers_give_way)
{
    struct screen screen;

    open_screen(&screen);
    screen_ask(&screen, "save as:", "mine");
    press_key(&screen, 'x');
    press_key(&screen, 'y');
    cr_expect_str_eq(screen.question.answer, "xy");
    screen_ask(&screen, "save as:", "mine");
    press_key(&screen, KEY_TO_END);
    press_key(&screen, 'x');
    cr_expect_str_eq(screen.question.answer, "minex");
    screen_ask(&screen, "save as:", "mine");
    press_key(&screen, KEY_RUBOUT);
    cr_expect_str_eq(screen.question.answer, "min");
    screen_done(&screen);
}

/* A message that is too long for a line can be read to its last word. */
Test(screens, long_messages_are_read_whole)
{
    char message[1500] = "", *frame;
    struct screen screen;

    for (int i = 0; i < 120; i++)
        snprintf(message + strlen(message), sizeof(message) - strlen(message),
                 "word%d ", i);
    strcat(message, "last");
    for (int failed = 0; failed < 2; failed++) {
        if (failed) {
            session.state = LINK_FAILED;
            strcpy(session.sentence, message);
        }
        session_event(&session, &(struct event){ .type = EVENT_ERROR,
                                                 .message = message });
        open_screen(&screen);
        frame = cells_dump(&screen.cells);
        cr_expect(strstr(frame, "! reads it"));
        free(frame);
        press_key(&screen, '!');
        frame = cells_dump(&screen.cells);
        cr_expect(strstr(frame, "word0 word1 "));
        free(frame);
        press_key(&screen, KEY_TO_END);
        frame = cells_dump(&screen.cells);
        cr_expect(strstr(frame, " last"));
        free(frame);
        screen_done(&screen);
    }
}

static bool quits_with(const char *keys)
{
    struct screen screen;
    bool quit;

    screen_init(&screen, &session, 24, 80, GLYPHS_ASCII);
    frame_draw(&screen);
    for (; *keys && !screen.quit; keys++)
        press_key(&screen, *keys);
    quit = screen.quit && *keys == '\0';
    screen_done(&screen);
    return quit;
}

/* One key alone does not lose a run, and no question is asked without need. */
Test(screens, quitting_asks_while_a_run_is_under_way)
{
    static const enum link_state all[] = {
        LINK_STARTING, LINK_RUNNING, LINK_PAUSED, LINK_DONE, LINK_FAILED,
        LINK_DEAD
    };
    static const char interrupt[] = { KEY_CTRL_C, '\0' };
    static const char twice[] = { KEY_CTRL_C, KEY_CTRL_C, '\0' };

    for (int i = 0; i < 6; i++) {
        bool asks = all[i] == LINK_RUNNING || all[i] == LINK_PAUSED;
        session.state = all[i];
        cr_expect_eq(quits_with("q"), !asks, "%d", i);
        cr_expect_eq(quits_with(interrupt), !asks, "%d", i);
        cr_expect_eq(quits_with("qq"), asks, "%d", i);
        cr_expect_eq(quits_with("qy"), asks, "%d", i);
        cr_expect_eq(quits_with(twice), asks, "%d", i);
        cr_expect_not(quits_with("qn"));
        cr_expect_not(quits_with("q\033"));
        cr_expect_not(quits_with("qZ"));
    }
    session.state = LINK_RUNNING;
    cr_expect(quits_with("q\033qq"));
    cr_expect(quits_with("?qq"));
    session.runs.list[session.runs.count - 1].step = 0;
    cr_expect(quits_with("q"));
}

/* Counts the rows of a frame that are not empty. */
static int count_filled(const char *frame)
{
    int filled = 0;

    for (const char *line = frame; *line; line += strcspn(line, "\n") + 1)
        filled += line[strspn(line, " ")] != '\n';
    return filled;
}

/* From the smallest size with pages on, every pane fills all of its rows,
 * unless it has no more to show. Below that size the rows show the state of the
 * run. */
Test(screens, small_sizes_are_used)
{
    for (int rows = LAYOUT_LEAST_ROWS; rows <= 12; rows++)
        for (int page = 0; page < PAGE_COUNT; page++)
            for (int pane = 0; pane < layout_panes((enum page_id)page);
                 pane++) {
                char *frame = sample_frame(&session, (enum page_id)page, pane,
                                           rows, LAYOUT_LEAST_COLS,
                                           GLYPHS_BRAILLE);
                int filled = count_filled(frame);
                cr_expect_geq(filled, 8, "page %d, pane %d, "
                              "%d of %d rows:\n%s", page, pane, filled, rows,
                              frame);
                free(frame);
            }
    for (int rows = 1; rows < LAYOUT_LEAST_ROWS; rows++) {
        char *frame = sample_frame(&session, PAGE_RUN, 0, rows, 30,
                                   GLYPHS_BRAILLE);
        cr_expect_geq(count_filled(frame), rows < 6 ? rows : 6, "%s", frame);
        free(frame);
    }
}

static bool frame_has(struct screen *screen, const char *text)
{
    char *frame = cells_dump(&screen->cells);
    bool found = strstr(frame, text);

    free(frame);
    return found;
}

/* Enter explains a dial, as it does other rows; while changes wait for Enter,
 * it applies them. */
Test(screens, enter_on_a_dial)
{
    struct screen screen;

    screen_init(&screen, &session, 40, 120, GLYPHS_ASCII);
    session.asks = 0;
    press_key(&screen, KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_APPLY, "locked, and pending");
    cr_expect_not(screen.popup.open);
    session.asks = 0;
    press_key(&screen, KEY_ESCAPE);
    press_key(&screen, KEY_ARROW_DOWN);
    press_key(&screen, KEY_RETURN);
    cr_expect_not(session.asks & SESSION_ASK_APPLY);
    cr_expect(frame_has(&screen, "- precision -"));
    cr_expect(frame_has(&screen, "It can be fp32, bf16 or fp16."));
    cr_expect(frame_has(&screen, "It can shrink all that is stored in 32"));
    press_key(&screen, KEY_ESCAPE);
    for (int dial = 0; dial < dial_count(); dial++) {
        char title[64];
        if (dial == dial_first_page())
            press_key(&screen, 'd');
        screen.dial = dial;
        press_key(&screen, KEY_RETURN);
        snprintf(title, sizeof(title), "- %s -", dial_setting(dial)->name);
        cr_expect(frame_has(&screen, title), "%s", title);
        press_key(&screen, KEY_ESCAPE);
    }
    screen_done(&screen);
}

/* Esc takes pending changes back, and says so; undo brings them again. A popup
 * that is open goes first. */
Test(screens, esc_drops_what_is_pending)
{
    struct screen screen;

    screen_init(&screen, &session, 40, 120, GLYPHS_ASCII);
    frame_draw(&screen);
    cr_expect(frame_has(&screen, "Esc drops"));
    press_key(&screen, '?');
    press_key(&screen, KEY_ESCAPE);
    cr_expect(session_pending(&session), "that was for the popup");
    screen.pane[PAGE_RUN] = PANE_CURVES;
    press_key(&screen, KEY_ARROW_LEFT);
    press_key(&screen, KEY_ESCAPE);
    cr_expect(session_pending(&session), "that was for the cursor");
    press_key(&screen, KEY_ESCAPE);
    cr_expect_not(session_pending(&session));
    cr_expect(frame_has(&screen, "pending changes dropped; u brings them"));
    press_key(&screen, 'u');
    cr_expect_eq(session.wanted.checkpoint, CHECKPOINT_SQRT);
    press_key(&screen, '2');
    press_key(&screen, KEY_ESCAPE);
    cr_expect(session_pending(&session), "another page's Esc");
    screen_done(&screen);
}

/* A figure is shown with all its digits or not at all. */
Test(screens, no_factor_is_cut)
{
    static const char times[] = "×";

    for (int cols = 80; cols <= 140; cols++) {
        char *frame = sample_frame(&session, PAGE_RUN, PANE_DIALS, 24, cols,
                                   GLYPHS_BRAILLE);
        int found = 0;
        for (const char *at = frame; (at = strstr(at, times)); found++) {
            size_t n;
            at += strlen(times);
            n = strspn(at, "0123456789");
            cr_expect(n > 0 && at[n] == '.' &&
                      strspn(at + n + 1, "0123456789") == 2,
                      "%d columns: '%.8s'", cols, at);
        }
        cr_expect_gt(found, 8);
        free(frame);
    }
}

/* No input of a person ends the screens, at any size. */
Test(screens, survives_anything)
{
    struct screen screen;
    unsigned random = 1;

    screen_init(&screen, &session, 40, 120, GLYPHS_BRAILLE);
    for (int i = 0; i < 3000; i++) {
        struct input input = { 0 };
        random = random * 1103515245u + 12345u;
        input.type = (enum input_type)(1 + random / 65536 % 3);
        random = random * 1103515245u + 12345u;
        input.key = (int)(random / 65536 % 160);
        if (input.key >= 128)
            input.key += KEY_BASE - 128;
        input.row = (int)(random / 65536 % 45);
        input.col = (int)(random / 1024 % 130);
        input.turn = random & 65536 ? 1 : -1;
        if (i % 20 == 0) {
            input.type = INPUT_RESIZE;
            input.row = (int)(random / 65536 % 50);
            input.col = (int)(random / 1024 % 140);
        }
        control_input(&screen, &input);
        if (i % 50 == 0)
            sample_plan(&session);
        frame_draw(&screen);
    }
    screen_done(&screen);
}
