/*
 * The building blocks of screens: cells, layouts, keys, dials, tables, charts,
 * and the thread that plans.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings/preset.h"
#include "tests/sample.h"
#include "ui/pages/table.h"
#include "ui/session/export.h"
#include "ui/session/whatif.h"
#include "ui/term/bar.h"
#include "ui/term/chart.h"
#include "ui/term/prompt.h"

/* Frees the cells. */
static void expect_text(struct cells *g, const char *expected)
{
    char *text = cells_dump(g);

    cr_expect_str_eq(text, expected);
    free(text);
    cells_done(g);
}

Test(cells, clip_at_every_side)
{
    struct cells g;
    struct area area;

    cells_init(&g, 3, 6, GLYPHS_BRAILLE);
    area = area_sub(area_all(&g), 1, 2, 5, 9);
    cr_expect_eq(area.rows, 2);
    cr_expect_eq(area.cols, 4);
    area_text(area, 0, -2, 0, "abcdefgh");
    area_text(area, -1, 0, 0, "no");
    area_text(area, 2, 0, 0, "no");
    area_fit(area, 1, 0, 3, 0, "long");
    expect_text(&g, "\n  cdef\n  lo…\n");
}

Test(cells, wide_characters_are_never_halved)
{
    struct cells g;

    cells_init(&g, 5, 4, GLYPHS_BRAILLE);
    area_text(area_all(&g), 0, 0, 0, "日本語");
    area_text(area_all(&g), 1, 0, 0, "日本");
    area_text(area_all(&g), 1, 1, 0, "x");
    area_text(area_all(&g), 2, 3, 0, "日");
    area_text(area_all(&g), 3, -1, 0, "日x");
    /* Nor are those that are in two areas. */
    area_text(area_all(&g), 4, 0, 0, "日本");
    area_text(area_sub(area_all(&g), 4, 1, 1, 2), 0, 0, 0, "xy");
    area_text(area_sub(area_all(&g), 0, 2, 1, 2), 0, -1, 0, "x");
    expect_text(&g, "日本\n x本\n\n x\n xy\n");
}

Test(cells, marks_join_what_is_before_them)
{
    struct cells g;

    cells_init(&g, 1, 4, GLYPHS_BRAILLE);
    area_text(area_all(&g), 0, 0, 0, "e\xcc\x81x\xcc\x81\xcc\x81\xcc\x81");
    expect_text(&g, "e\xcc\x81x\xcc\x81\xcc\x81\xcc\x81\n");
}

Test(cells, text_that_is_not_text)
{
    struct cells g;

    cells_init(&g, 1, 12, GLYPHS_BRAILLE);
    area_text(area_all(&g), 0, 0, 0, "a\033[\xff\xc0\xaf\xed\xa0\x80\xf0z");
    expect_text(&g, "a?[?????z\n");
}

Test(cells, ascii_stands_in_one_for_one)
{
    struct cells g;

    cells_init(&g, 1, 20, GLYPHS_ASCII);
    cr_expect_eq(area_text(area_all(&g), 0, 0, 0, "‹×…─╭█é日"), 9);
    expect_text(&g, "<x~-+#??\n");
}

static bool overlap(struct rect a, struct rect b)
{
    return a.rows && b.rows && a.row < b.row + b.rows &&
           b.row < a.row + a.rows && a.col < b.col + b.cols &&
           b.col < a.col + a.cols;
}

static int cells_of(struct rect r)
{
    return r.rows * r.cols;
}

static void check_layout(int rows, int cols, enum page_id page, int pane)
{
    struct layout l = layout_make(rows, cols, page, pane);
    int covered = cells_of(l.switcher);

    if (l.size == SIZE_LINE)
        return;
    cr_assert_eq(cells_of(l.tabs) + cells_of(l.body) + cells_of(l.status) +
                     cells_of(l.hints), rows * cols);
    cr_assert(l.tabs.rows == 1 && l.status.rows == 1 && l.hints.rows == 1);
    for (int i = 0; i < LAYOUT_PANES; i++) {
        struct rect r = l.pane[i];
        covered += cells_of(r);
        cr_assert(r.rows >= 0 && r.cols >= 0);
        for (int j = 0; j < i; j++)
            cr_assert(!overlap(r, l.pane[j]), "%dx%d, page %d: %d and %d",
                      cols, rows, page, i, j);
    }
    cr_assert_eq(covered, cells_of(l.body), "%dx%d, page %d", cols, rows,
                 page);
    cr_assert(l.pane[pane].rows > 2 || l.size > SIZE_TABS);
}

Test(layout, panes_tile_the_body)
{
    for (int rows = 0; rows < 60; rows++)
        for (int cols = 0; cols < 180; cols++)
            for (int page = 0; page < PAGE_COUNT; page++)
                for (int p = 0; p < layout_panes((enum page_id)page); p++)
                    check_layout(rows, cols, (enum page_id)page, p);
}

Test(layout, sizes)
{
    cr_expect_eq(layout_size(30, 100), SIZE_FULL);
    cr_expect_eq(layout_size(29, 100), SIZE_STANDARD);
    cr_expect_eq(layout_size(24, 80), SIZE_STANDARD);
    cr_expect_eq(layout_size(24, 79), SIZE_TABS);
    cr_expect_eq(layout_size(10, 40), SIZE_TABS);
    cr_expect_eq(layout_size(9, 40), SIZE_LINE);
    cr_expect_eq(layout_size(60, 39), SIZE_LINE);
    cr_expect_eq(layout_size(1, 1), SIZE_LINE);
}

/* A key means one thing on a page, and its label, hint and help are there. */
Test(keys, table_is_consistent)
{
    for (int i = 0; i < keys_count; i++) {
        const struct key *k = &keys_table[i];
        cr_expect(k->pages && k->label[0] && k->help[0]);
        cr_expect(k->key[0], "%s", k->label);
        for (int n = 0; n < KEYS_EACH; n++)
            for (int page = 0; page < PAGE_COUNT; page++)
                if (k->key[n] && k->pages & 1u << page)
                    cr_expect_eq(keys_find((enum page_id)page, k->key[n]), k,
                                 "%s means two things on page %d", k->label,
                                 page);
        /* A label of one letter names that key. */
        if (strlen(k->label) == 1)
            cr_expect_eq(k->key[0], k->label[0]);
    }
}

Test(keys, every_action_with_a_key_is_reached)
{
    for (int a = ACTION_UP; a < ACTION_PANE; a++) {
        bool found = false;
        for (int page = 0; page < PAGE_COUNT; page++)
            found |= keys_of((enum page_id)page, (enum action)a) != NULL;
        cr_expect(found, "action %d", a);
    }
}

Test(keys, escape_never_quits_and_q_does)
{
    for (int page = 0; page < PAGE_COUNT; page++) {
        cr_expect_eq(keys_find((enum page_id)page, KEY_ESCAPE)->action,
                     ACTION_CLOSE);
        cr_expect_eq(keys_find((enum page_id)page, 'q')->action, ACTION_QUIT);
    }
}

static void check_prompt(const int *keys, const char *expected)
{
    char text[12] = "ab /cd";
    size_t at = strlen(text);

    for (; *keys; keys++)
        prompt_key(text, sizeof(text), &at, *keys);
    cr_expect_str_eq(text, expected);
}

#define PROMPT(expected, ...) \
    check_prompt((const int[]){ __VA_ARGS__, 0 }, expected)

enum { CTRL_A = 1, CTRL_D = 4, CTRL_E = 5, CTRL_K = 11, CTRL_U = 21,
       CTRL_W = 23 };

Test(prompt, keys_of_lines)
{
    PROMPT("ab /cdx", 'x');
    PROMPT("ab /c", KEY_RUBOUT);
    PROMPT("", CTRL_U);
    PROMPT("ab /", CTRL_W);
    PROMPT("", CTRL_W, CTRL_W, CTRL_W, CTRL_W);
    PROMPT("xab /cdy", KEY_TO_START, 'x', KEY_TO_END, 'y');
    PROMPT("xab /cdy", CTRL_A, 'x', CTRL_E, 'y');
    PROMPT("ab /d", KEY_ARROW_LEFT, KEY_ARROW_LEFT, KEY_ERASE);
    PROMPT("b /cd", CTRL_A, CTRL_D);
    PROMPT("ab /xcd", KEY_ARROW_LEFT, KEY_ARROW_LEFT, KEY_ARROW_RIGHT,
           KEY_ARROW_LEFT, 'x');
    PROMPT("x", KEY_TO_START, CTRL_K, 'x');
    PROMPT("cd", KEY_ARROW_LEFT, KEY_ARROW_LEFT, CTRL_U);
    PROMPT("ab /cd", KEY_TO_START, KEY_RUBOUT, KEY_ARROW_LEFT, KEY_TO_END,
           KEY_ERASE, KEY_ARROW_RIGHT, KEY_PAGE_UP, 0x7f);
    PROMPT("ab /cdé", 0xe9);
    PROMPT("ab /cd", 0xe9, KEY_RUBOUT);
    PROMPT("ab /cdx", 0xe9, KEY_ARROW_LEFT, KEY_ERASE, 'x');
    PROMPT("ab /cdéé1", 0xe9, 0xe9, '1', '2');
}

/* Wherever the cursor is, it is seen with the text around it. */
Test(prompt, shows_the_cursor)
{
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    struct cells g;

    for (int cols = 6; cols < 50; cols++)
        for (size_t at = 0; at <= strlen(text); at++) {
            int cursors = 0;
            cells_init(&g, 1, cols, GLYPHS_BRAILLE);
            prompt_draw(area_all(&g), 0, 2, text, at, false);
            for (int c = 0; c < cols; c++)
                if (g.cell[c].style & STYLE_REVERSE) {
                    char seen = g.cell[c].text[0];
                    cursors++;
                    cr_expect(seen == (text[at] ? text[at] : ' ') ||
                              strcmp(g.cell[c].text, "…") == 0);
                }
            cr_expect_eq(cursors, 1, "%d columns, at %zu", cols, at);
            cells_done(&g);
        }
}

/* From any value of a dial, a step further up can be taken back. */
Test(dials, turns_go_both_ways)
{
    for (int i = 0; i < 2 * dial_count(); i++) {
        struct settings s, next, back;
        int steps = 0, dial = i / 2;
        uint64_t least = i % 2 ? 27300000 : 0;
        settings_init(&s);
        s.nesterov = false; /* with which gradients do not turn */
        while (dial_turn(&s, dial, DIAL_DOWN, least, &next) && steps++ < 100)
            s = next;
        cr_expect_lt(steps, 100, "%s has no lower end",
                     dial_setting(dial)->name);
        for (steps = 0; steps < 12; steps++) {
            if (!dial_turn(&s, dial, DIAL_UP, least, &next))
                break;
            cr_expect(!dial_same(&s, &next, dial));
            cr_expect(dial_turn(&next, dial, DIAL_DOWN, least, &back));
            cr_expect(dial_same(&s, &back, dial), "%s",
                      dial_setting(dial)->name);
            s = next;
        }
        cr_expect_gt(steps, 0, "%s does not turn", dial_setting(dial)->name);
    }
}

/* Budgets that could not be met are passed over, in both directions. */
Test(dials, budgets_begin_at_the_least)
{
    const uint64_t mib = 1 << 20;
    struct settings s, next;
    int dial = 0;

    while (strcmp(dial_setting(dial)->name, "memory_budget") != 0)
        dial++;
    settings_init(&s);
    cr_assert(dial_turn(&s, dial, DIAL_UP, 0, &next));
    cr_expect_eq(next.memory_budget, mib);
    cr_assert(dial_turn(&s, dial, DIAL_UP, 24 * mib, &next));
    cr_expect_eq(next.memory_budget, 24 * mib);
    cr_assert(dial_turn(&s, dial, DIAL_UP, 24 * mib + 1, &next));
    cr_expect_eq(next.memory_budget, 32 * mib);
    cr_assert(dial_turn(&next, dial, DIAL_DOWN, 24 * mib + 1, &next));
    cr_expect_eq(next.memory_budget, 0);
    cr_expect_not(dial_turn(&next, dial, DIAL_DOWN, 24 * mib + 1, &next));
}

Test(dials, main_ones_first)
{
    const char *last = NULL;

    cr_expect_gt(dial_first_page(), 4);
    for (int dial = 0; dial < dial_first_page(); dial++)
        last = dial_setting(dial)->name;
    cr_expect_str_eq(last, "lr");
    for (int dial = 0; dial < dial_count(); dial++)
        cr_expect(dial_setting(dial)->live);
    cr_expect_null(dial_setting(dial_count()));
}

Test(bar, parts_add_up)
{
    size_t bytes[KIND_COUNT] = { [KIND_WEIGHTS] = 30, [KIND_INPUT] = 10,
                                 [KIND_ACTIVATIONS] = 60 };
    struct cells g;

    cells_init(&g, 2, 22, GLYPHS_ASCII);
    cr_expect_eq(bar_kinds(area_all(&g), 0, 0, 20, bytes, 100, 100), 20);
    cr_expect_eq(bar_kinds(area_all(&g), 1, 0, 20, bytes, 50, 200), 5);
    expect_text(&g, "wwWwwwaaaaaAaaaaaann\nwWwaa\n");
}

/* A bar beyond the scale is cut, and marked. */
Test(bar, cut)
{
    size_t bytes[KIND_COUNT] = { [KIND_WEIGHTS] = 30,
                                 [KIND_ACTIVATIONS] = 70 };
    static const char *const cut[] = { ">", "▸", "▸" };

    for (int glyphs = GLYPHS_ASCII; glyphs <= GLYPHS_BRAILLE; glyphs++) {
        struct cells g;
        cells_init(&g, 3, 22, (enum glyphs)glyphs);
        cr_expect_eq(bar_kinds(area_all(&g), 0, 0, 20, bytes, 100, 50), 20);
        cr_expect_eq(bar_kinds(area_all(&g), 1, 0, 20, bytes, 50, 50), 20);
        cr_expect_eq(bar_kinds(area_all(&g), 2, 0, 20, bytes, 100, 10), 20);
        for (int col = 18; col < 20; col++) {
            cr_expect_str_eq(g.cell[col].text, cut[glyphs]);
            cr_expect_str_neq(g.cell[22 + col].text, cut[glyphs]);
            cr_expect_str_eq(g.cell[44 + col].text, cut[glyphs]);
        }
        cr_expect_str_eq(g.cell[20].text, " ");
        cells_done(&g);
    }
}

static void label(double y, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, "%g", y);
}

/* Points in the corners are there with every set of glyphs. */
Test(chart, corners)
{
    static const double points[] = { 0, 0, 10, 4 };
    static const char *const low[] = { "*", "▖", "⡀" };
    static const char *const high[] = { "*", "▝", "⠈" };
    struct chart_line line = { .x = points, .y = points + 1, .stride = 2,
                               .count = 2, .letter = '*', .dots = true };
    struct chart chart = { .lines = &line, .line_count = 1, .x_max = 10,
                           .y_max = 4, .x_unit = "x", .label = label };

    for (int glyphs = GLYPHS_ASCII; glyphs <= GLYPHS_BRAILLE; glyphs++) {
        struct cells g;
        cells_init(&g, 10, 27, (enum glyphs)glyphs);
        chart_draw(&chart, area_all(&g));
        cr_expect_str_eq(g.cell[7 * 27 + CHART_MARGIN].text, low[glyphs]);
        cr_expect_str_eq(g.cell[26].text, high[glyphs]);
        cells_done(&g);
    }
}

/* The further rows of a line begin below its own column. */
Test(text_block, columns_hang)
{
    struct text_block b = { 0 };
    struct cells g;

    cells_init(&g, 8, 16, GLYPHS_ASCII);
    text_block_add(&b, 0, "k    go up in a pane");
    text_block_add(&b, 0, "  plain words are broken");
    text_block_add(&b, 0, "a long first word  x y");
    cr_expect_eq(text_block_rows(&b, 16), 6);
    text_block_draw(&b, area_all(&g), 0);
    expect_text(&g, "k    go up in a\n     pane\n  plain words\n"
                    "  are broken\na long first\nword  x y\n\n\n");
    text_block_done(&b);
}

/* Changes are described in the words of the dials. */
Test(dial, changes_are_in_words)
{
    struct settings from, to;
    struct error e;
    char text[64];

    settings_init(&from);
    to = from;
    dial_changes(&from, &to, text, sizeof(text));
    cr_expect_str_eq(text, "");
    cr_assert(settings_assign(&from, "test", "microbatch=5", &e));
    cr_assert(settings_assign(&to, "test", "precision=fp16", &e));
    dial_changes(&from, &to, text, sizeof(text));
    cr_expect_str_eq(text, "precision=fp16 microbatch=100 (all)");
    dial_changes(&from, &to, text, 12);
    cr_expect_str_eq(text, "precision=f");
}

/* Letters at their ends tell dotted lines apart, even if the ends meet. */
Test(chart, lines_are_named)
{
    static const double points[] = { 0, 0, 9, 3 };
    struct chart_line line = { .x = points, .y = points + 1, .stride = 2,
                               .count = 2, .letter = 'a', .named = true };
    struct chart_line lines[] = { line, line, line };
    struct chart chart = { .lines = lines, .line_count = 3, .x_max = 10,
                           .y_max = 3, .x_unit = "x", .label = label };

    lines[1].letter = 'b';
    lines[2].named = false;
    for (int glyphs = GLYPHS_BLOCK; glyphs <= GLYPHS_BRAILLE; glyphs++) {
        struct cells g;
        cells_init(&g, 10, 27, (enum glyphs)glyphs);
        chart_draw(&chart, area_all(&g));
        cr_expect_str_eq(g.cell[25].text, "a");
        cr_expect_str_eq(g.cell[27 + 25].text, "b");
        cells_done(&g);
    }
}

Test(chart, strange_data)
{
    static const double points[] = { 0, NAN, 1, INFINITY, 2, 1e308,
                                     3, -1e308, 4, 0 };
    struct chart_line line = { .x = points, .y = points + 1, .stride = 2,
                               .count = 5, .letter = '*' };
    struct chart chart = { .lines = &line, .line_count = 1, .x_max = 4,
                           .y_min = 1e300, .x_unit = "x", .label = label };
    struct cells g;

    chart_fit(&line, 1, true, &chart.y_min, &chart.y_max);
    cr_expect_lt(chart.y_min, chart.y_max);
    chart.log_y = true;
    for (int size = 0; size < 12; size++) {
        cells_init(&g, size, 3 * size, GLYPHS_BRAILLE);
        chart_draw(&chart, area_all(&g));
        cells_done(&g);
    }
}

static double key_of(const void *arg, int row, int column)
{
    const int *numbers = arg;

    return column ? -row : numbers[row];
}

Test(table, sorts_both_ways_and_keeps_ties)
{
    static const int numbers[] = { 3, 1, 3, 2 };
    static const int expected[4][4] = { { 1, 3, 0, 2 }, { 0, 2, 3, 1 },
                                        { 0, 1, 2, 3 }, { 3, 2, 1, 0 } };
    struct table_view view = { .height = 2 };

    for (int i = 0; i < 4; i++) {
        int *order = table_order(&view, 4, key_of, numbers);
        cr_expect_arr_eq(order, expected[i], sizeof(expected[i]));
        free(order);
        cr_expect(table_act(&view, 4, 2, ACTION_SORT, i ? 2 : 1));
    }
}

Test(table, the_chosen_row_stays_in_view)
{
    struct table_view view = { .height = 3 };

    table_act(&view, 10, 1, ACTION_END, 0);
    cr_expect_eq(view.chosen, 9);
    cr_expect_eq(view.scroll, 7);
    table_act(&view, 10, 1, ACTION_DOWN, 0);
    cr_expect_eq(view.chosen, 9);
    table_act(&view, 10, 1, ACTION_PAGE_UP, 0);
    cr_expect_eq(view.chosen, 6);
    cr_expect_eq(view.scroll, 6);
    table_act(&view, 2, 1, ACTION_DOWN, 0);
    cr_expect_eq(view.chosen, 1);
    cr_expect_eq(view.scroll, 0);
    cr_expect(!table_act(&view, 10, 1, ACTION_QUIT, 0));
}

enum { QUESTIONS = 20 };

static void fill_questions(struct question q[QUESTIONS], int first_tag)
{
    for (int i = 0; i < QUESTIONS; i++) {
        q[i] = (struct question){ .tag = first_tag + i,
                                  .machine = sample_machine };
        settings_init(&q[i].settings);
        q[i].settings.batch = i + 1;
    }
}

static void wait_for_answer(struct whatif *w)
{
    struct pollfd fd = { whatif_fd(w), POLLIN, 0 };

    cr_assert_eq(poll(&fd, 1, 20000), 1);
}

/* Only the newest list is answered, all of it, with the plans that are made
 * here; even if the thread is in the middle of an earlier list. */
Test(whatif, newest_questions_win)
{
    struct whatif *w = whatif_new();
    struct question q[QUESTIONS];

    for (int round = 0; round < 20; round++) {
        int got = 0;
        fill_questions(q, 1000);
        whatif_ask(w, q, QUESTIONS);
        wait_for_answer(w);
        fill_questions(q, 0);
        whatif_ask(w, q, QUESTIONS);
        while (got < QUESTIONS) {
            struct forecast *f, *same;
            int tag;
            wait_for_answer(w);
            while ((f = whatif_take(w, &tag))) {
                cr_assert_eq(tag, got);
                same = forecast_new(&q[got].settings, &sample_machine, NULL,
                                    false, false);
                cr_expect_eq(f->peak_bytes, same->peak_bytes);
                cr_expect_null(f->job);
                forecast_release(same);
                forecast_release(f);
                got++;
            }
        }
    }
    whatif_free(w);
}

Test(whatif, refusals_say_why)
{
    struct whatif *w = whatif_new();
    struct question q = { .tag = 1, .whole = true,
                          .machine = sample_machine };
    struct pollfd fd = { whatif_fd(w), POLLIN, 0 };
    struct forecast *f;
    int tag;

    settings_init(&q.settings);
    q.settings.checkpoint = CHECKPOINT_OPTIMAL;
    q.settings.memory_budget = 1024;
    whatif_ask(w, &q, 1);
    cr_assert_eq(poll(&fd, 1, 20000), 1);
    f = whatif_take(w, &tag);
    cr_assert(f && f->refused);
    cr_expect(strstr(f->error.text, "budget"), "%s", f->error.text);
    forecast_release(f);
    whatif_free(w);
}

static int find_dial(const char *name)
{
    int dial = 0;

    while (dial_setting(dial) && strcmp(dial_setting(dial)->name, name) != 0)
        dial++;
    return dial;
}

Test(session, undo_goes_back_step_by_step)
{
    struct session s;
    struct settings first;

    sample_init(&s);
    first = s.wanted;
    session_lock(&s, true);
    for (int i = 0; i < 200; i++)
        session_turn(&s, 0, i % 2 ? DIAL_DOWN : DIAL_UP);
    session_turn(&s, find_dial("microbatch"), DIAL_DOWN);
    cr_expect(session_pending(&s));
    session_undo(&s);
    cr_expect(!session_pending(&s));
    for (int i = 0; i < 1000; i++)
        session_undo(&s);
    cr_expect(dial_same(&s.wanted, &first, 0));
    session_done(&s);
}

Test(session, locked_changes_wait)
{
    struct session s;

    sample_init(&s);
    s.asks = 0;
    session_lock(&s, true);
    session_turn(&s, 0, DIAL_UP);
    cr_expect_eq(s.asks, SESSION_ASK_QUESTIONS);
    session_lock(&s, false);
    cr_expect(s.asks & SESSION_ASK_APPLY);
    session_done(&s);
}

Test(session, pin_and_back)
{
    struct session s;

    sample_init(&s);
    cr_expect_eq(session_reference(&s), s.baseline);
    session_pin(&s);
    cr_expect_eq(session_reference(&s), s.now);
    sample_apply(&s, "precision=bf16");
    cr_expect_neq(session_reference(&s), s.now);
    session_pin(&s);
    session_pin(&s);
    cr_expect_eq(session_reference(&s), s.baseline);
    session_done(&s);
}

/* A run that goes on from a snapshot forgets the steps after it. */
Test(session, restart_from_a_snapshot)
{
    struct session s;

    sample_init(&s);
    sample_train(&s, 5);
    cr_expect_eq(s.runs.list[0].curve[CURVE_LOSS].count, 50);
    sample_start(&s, "quick", &s.in_force, 30);
    cr_expect_eq(s.runs.count, 1);
    cr_expect_eq(s.runs.list[0].curve[CURVE_LOSS].count, 30);
    cr_expect_eq(s.runs.list[0].curve[CURVE_VALID_SCORE].count, 3);
    sample_start(&s, "quick", &s.in_force, 0);
    cr_expect_eq(s.runs.count, 2);
    session_done(&s);
}

/* A forecast is that of a run whose settings name all choices of the machine.
 */
static void expect_plan_of(const struct forecast *f, const char *backend,
                           int threads)
{
    struct settings named = f->settings;
    struct machine nowhere = { .backend = "", .processors = 0 };
    struct job *job;
    struct error e;

    snprintf(named.backend, sizeof(named.backend), "%s", backend);
    named.threads = threads;
    cr_assert(job_new_on(&job, &named, &nowhere, &e), "%s", e.text);
    cr_expect_eq(f->peak_bytes, job->plan->peak_bytes, "%s, %d: %zu, %zu",
                 backend, threads, f->peak_bytes, job->plan->peak_bytes);
    cr_expect_eq(f->arena_bytes, job->plan->arena_bytes);
    job_free(job);
}

static void expect_plans_of(const struct session *s, const char *backend,
                            int threads)
{
    expect_plan_of(s->planned, backend, threads);
    expect_plan_of(s->now, backend, threads);
    expect_plan_of(s->baseline, backend, threads);
    expect_plan_of(s->candidates[0].forecast, backend, threads);
    expect_plan_of(session_turned(s, 1, DIAL_UP), backend, threads);
    expect_plan_of(s->tried.list[s->tried.count - 1].plan, backend, threads);
}

/* The worker's machine is known from its start on. */
Test(session, plans_are_for_the_machine_of_the_worker)
{
    struct session s;
    struct settings automatic;
    struct event e = { .type = EVENT_START };

    sample_init(&s);
    automatic = s.in_force;
    cr_assert(settings_assign(&automatic, "test", "backend=auto", NULL));
    cr_assert(settings_assign(&automatic, "test", "threads=0", NULL));
    sample_start(&s, "quick", &automatic, 0);
    session_consider(&s, NULL, &automatic, 1);
    sample_plan(&s);
    expect_plans_of(&s, "cpu", 1);
    e.start.preset = "quick";
    e.start.settings = &automatic;
    e.start.machine = (struct machine){ .backend = "cpu", .processors = 7 };
    session_event(&s, &e);
    cr_expect_not(session_planned(&s));
    sample_plan(&s);
    expect_plans_of(&s, "cpu", 7);
    e.start.machine = (struct machine){ .backend = "cuda", .processors = 7 };
    session_event(&s, &e);
    sample_plan(&s);
    expect_plans_of(&s, "cuda", 1);
    session_done(&s);
}

Test(session, long_runs_do_not_grow_without_bound)
{
    struct session s;

    sample_init(&s);
    sample_train(&s, 8000);
    cr_expect_leq(s.runs.list[0].curve[CURVE_LOSS].count, 1 << 15);
    cr_expect_gt(s.runs.list[0].curve[CURVE_LOSS].count, 1 << 14);
    session_done(&s);
}

/* A new folder, which is the current one and the one for settings. */
static void enter_folder(void)
{
    char folder[] = "/tmp/memdial-test-XXXXXX";

    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(setenv("XDG_CONFIG_HOME", folder, 1), 0);
}

static void leave_folder(void)
{
    unlink("memdial-1.json");
    unlink("memdial-2.json");
    unlink("memdial/screens.yaml");
    rmdir("memdial");
    rmdir(getenv("XDG_CONFIG_HOME"));
}

Test(theme, follows_the_background)
{
    setenv("COLORFGBG", "0;default;15", 1);
    cr_expect_eq(theme_guess(), THEME_LIGHT);
    setenv("COLORFGBG", "15;0", 1);
    cr_expect_eq(theme_guess(), THEME_DARK);
    setenv("COLORFGBG", "", 1);
    cr_expect_eq(theme_guess(), THEME_DARK);
    unsetenv("COLORFGBG");
    cr_expect_eq(theme_guess(), THEME_DARK);
}

/* No two kinds of memory look alike without colour. */
Test(theme, kinds_differ_without_colour)
{
    for (int i = 0; i < KIND_COUNT; i++)
        for (int j = 0; j < i; j++) {
            cr_expect_neq(theme_letter((enum kind)i),
                          theme_letter((enum kind)j));
            for (int g = GLYPHS_ASCII; g <= GLYPHS_BRAILLE; g++)
                cr_expect_str_neq(
                    theme_pattern((enum kind)i, (enum glyphs)g),
                    theme_pattern((enum kind)j, (enum glyphs)g));
        }
}

Test(view, comes_back)
{
    struct view loaded, initial;
    struct view saved = { THEME_CONTRAST, AXIS_UNITS, CURVES_LOSS, true,
                          false, true };
    char path[PRESET_PATH_SIZE];
    struct error e;

    enter_folder();
    view_init(&initial);
    view_init(&loaded);
    view_load(&loaded);
    cr_expect_eq(loaded.theme, initial.theme);
    cr_assert(view_save(&saved, path, &e), "%s", e.text);
    view_load(&loaded);
    cr_expect_eq(loaded.theme, saved.theme);
    cr_expect_eq(loaded.axis, saved.axis);
    cr_expect_eq(loaded.curves, saved.curves);
    cr_expect_eq(loaded.log_loss, saved.log_loss);
    cr_expect_eq(loaded.smooth, saved.smooth);
    cr_expect_eq(loaded.zoom, saved.zoom);
    leave_folder();
}

Test(view, strange_files_change_nothing)
{
    struct view loaded, initial;
    char path[PRESET_PATH_SIZE];
    FILE *file;

    enter_folder();
    view_init(&initial);
    loaded = initial;
    cr_assert(view_save(&initial, path, NULL));
    file = fopen(path, "w");
    for (int i = 0; i < 4000; i++)
        fputc(i * 7 % 256, file);
    fputs("\ntheme: pink\naxis:\ncurves: 7\nunknown: yes\n", file);
    fclose(file);
    view_load(&loaded);
    cr_expect_eq(loaded.theme, initial.theme);
    cr_expect_eq(loaded.axis, initial.axis);
    cr_expect_eq(loaded.curves, initial.curves);
    leave_folder();
}

/* An export never replaces a file. */
Test(export, a_new_file_of_json)
{
    struct session s;
    char path[EXPORT_PATH_SIZE];
    struct error e;
    json_t *json;

    sample_init(&s);
    enter_folder();
    sample_train(&s, 3);
    sample_apply(&s, "precision=fp16");
    for (int i = 1; i <= 2; i++) {
        cr_assert(export_session(&s, path, &e), "%s", e.text);
        cr_expect_eq(path[8], '0' + i, "%s", path);
    }
    json = json_load_file(path, 0, NULL);
    cr_assert(json);
    cr_expect_eq(json_array_size(json_object_get(json, "tried")), 2);
    cr_expect_eq(json_integer_value(json_object_get(
                     json_object_get(json, "plan"), "peak_bytes")),
                 (json_int_t)s.now->peak_bytes);
    json_decref(json);
    leave_folder();
    session_done(&s);
}

/* A value that JSON cannot express is null or '?', and never a gap. */
Test(export, whatever_the_values_are)
{
    struct session s;
    char path[EXPORT_PATH_SIZE];
    struct error e;
    json_t *json, *run, *loss, *trial;

    sample_init(&s);
    enter_folder();
    sample_train(&s, 3);
    s.runs.list[0].curve[CURVE_LOSS].points[1].value = NAN;
    strcpy(s.runs.list[0].preset, "caf\xe9");
    strcpy(s.tried.list[0].preset, "caf\xe9");
    s.tried.list[0].trial.valid_score = INFINITY;
    cr_assert(export_session(&s, path, &e), "%s", e.text);
    json = json_load_file(path, 0, NULL);
    run = json_array_get(json_object_get(json, "runs"), 0);
    loss = json_object_get(run, "loss");
    trial = json_array_get(json_object_get(json, "tried"), 0);
    cr_expect_eq((int)json_array_size(loss),
                 s.runs.list[0].curve[CURVE_LOSS].count);
    cr_expect(json_is_null(json_object_get(json_array_get(loss, 1),
                                           "value")));
    cr_expect_str_eq(json_string_value(json_object_get(run, "preset")),
                     "caf\uefe9");
    cr_expect_str_eq(json_string_value(json_object_get(trial, "preset")),
                     "caf\uefe9");
    cr_expect(json_is_null(json_object_get(trial, "valid_score")));
    json_decref(json);
    leave_folder();
    session_done(&s);
}
