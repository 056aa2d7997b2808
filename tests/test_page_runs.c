/*
 * The page Runs: its trials, which of them are on the front, and the actions on
 * the chosen trial.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "tests/sample.h"
#include "train/trainer.h"
#include "ui/pages/control.h"
#include "ui/pages/frame.h"
#include "ui/pages/trial_text.h"

static struct session session;
static struct screen screen;

/* Four trials in two runs: accuracy and memory both fall from A to B, accuracy
 * rises with C, and D is a run of its own. */
static void make_session(void)
{
    sample_init(&session);
    sample_train(&session, 4);
    sample_apply(&session, "precision=fp16");
    sample_train(&session, 1);
    sample_apply(&session, "microbatch=10");
    sample_train(&session, 2);
    sample_start(&session, "quick", &session.in_force, 0);
    sample_plan(&session);
    sample_train(&session, 1);
    screen_init(&screen, &session, 40, 120, GLYPHS_ASCII);
    control_act(&screen, ACTION_PAGE, PAGE_RUNS);
    frame_draw(&screen);
}

static void forget_session(void)
{
    screen_done(&screen);
    session_done(&session);
}

TestSuite(page_runs, .init = make_session, .fini = forget_session);

static void press(int key)
{
    struct input input = { .type = INPUT_KEY, .key = key };

    control_input(&screen, &input);
    frame_draw(&screen);
}

/* Whether the screen has this text. */
static bool shows(const char *text)
{
    char *frame = cells_dump(&screen.cells);
    bool found = strstr(frame, text);

    free(frame);
    return found;
}

/* The row of a trial shows its state, at once. */
Test(page_runs, states)
{
    static const struct { enum link_state state; const char *text; } now[] = {
        { LINK_RUNNING, "running" }, { LINK_PAUSED, "paused" },
        { LINK_DEAD, "stopped" }
    };
    struct attempt *t = session.tried.list;

    cr_expect_str_eq(session_attempt_state(&session, &t[0]), "changed");
    cr_expect_str_eq(session_attempt_state(&session, &t[1]), "changed");
    cr_expect_str_eq(session_attempt_state(&session, &t[2]), "stopped");
    for (int i = 0; i < 3; i++) {
        session.state = now[i].state;
        frame_draw(&screen);
        cr_expect(shows(now[i].text), "%s", now[i].text);
        cr_expect_eq(shows(" left "), i == 0, "%s", now[i].text);
        cr_expect_eq(shows("samples/s"), i == 0, "%s", now[i].text);
    }
    session.state = LINK_FAILED;
    session_event(&session, &(struct event){
        .type = EVENT_ERROR, .message = "step 9: the loss is not finite: "
                                        EVENT_DIVERGED "; lower lr" });
    cr_expect_str_eq(session_attempt_state(&session, &t[3]), "diverged");
    frame_draw(&screen);
    cr_expect(shows("  diverged"));
    sample_start(&session, "quick", &session.in_force, 0);
    session.state = LINK_RUNNING;
    cr_expect_str_eq(session_attempt_state(&session, &session.tried.list[3]),
                     "diverged");
}

/* The row of the table, as shown, that is in reverse. */
static int marked_row(void)
{
    for (int row = 3; row < 20; row++)
        if (screen.cells.cell[row * 120 + 2].style & STYLE_REVERSE)
            return row - 3;
    return -1;
}

/* The label at a row of the table. */
static char row_letter(int row)
{
    return screen.cells.cell[(row + 3) * 120 + 2].text[0];
}

/* The letter that is in reverse in the plot. */
static char marked_point(void)
{
    for (int row = 22; row < 36; row++)
        for (int col = 8; col < 119; col++) {
            const struct cell *cell = &screen.cells.cell[row * 120 + col];
            if (cell->style & STYLE_REVERSE)
                return cell->text[0];
        }
    return '\0';
}

Test(page_runs, a_trial_is_a_part_of_a_run)
{
    const struct attempt *t = session.tried.list;
    double seconds;

    cr_assert_eq(session.tried.count, 4);
    cr_expect_eq(t[0].run, 0);
    cr_expect_eq(t[2].run, 0);
    cr_expect_eq(t[3].run, 1);
    cr_expect_float_eq(t[0].trial.begin[AXIS_EPOCHS], 0, 1e-9);
    cr_expect_float_eq(t[0].trial.end[AXIS_EPOCHS], 4, 1e-9);
    cr_expect_float_eq(t[1].trial.begin[AXIS_EPOCHS], 4, 1e-9);
    cr_expect_float_eq(t[1].trial.end[AXIS_EPOCHS], 5, 1e-9);
    seconds = t[2].trial.end[AXIS_SECONDS] - t[2].trial.begin[AXIS_SECONDS];
    cr_expect_float_eq(seconds, 20 * 0.08, 1e-9);
    cr_expect_float_eq(t[3].trial.begin[AXIS_UNITS], 0, 1e-9);
    cr_expect_float_eq(t[3].trial.end[AXIS_UNITS], 1000, 1e-9);
    cr_expect_eq(t[1].trial.epochs, 1);
    cr_expect_eq(t[2].trial.epochs, 2);
    for (int i = 0; i < 4; i++) {
        cr_assert(t[i].plan && t[i].baseline);
        cr_expect_eq(t[i].plan->peak_bytes, t[i].peak_bytes);
    }
}

Test(page_runs, what_was_passed_by_is_no_trial)
{
    sample_apply(&session, "precision=bf16");
    sample_apply(&session, "precision=fp32");
    cr_expect_eq(session.tried.count, 5, "bf16 never trained");
    cr_expect_eq(session.tried.list[4].trial.settings.precision,
                 PRECISION_FP32);
    sample_train(&session, 1);
    sample_apply(&session, "precision=fp32");
    cr_expect_eq(session.tried.count, 5, "nothing changed");
    cr_expect_eq(session.tried.list[4].trial.epochs, 1);
}

/* A run that goes on from a snapshot goes on with its trial. */
Test(page_runs, a_restart_is_no_new_trial)
{
        sample_start(&session, "quick", &session.in_force, 5);
    cr_expect_eq(session.tried.count, 4);
    cr_expect_float_eq(session.runs.list[1].at[AXIS_UNITS], 500, 1e-9);
    sample_train(&session, 2);
    cr_expect_eq(session.tried.list[3].trial.epochs, 2);
    cr_expect_float_eq(session.tried.list[3].trial.end[AXIS_UNITS], 2500,
                       1e-9);
}

/* Whether it has its settings from the beginning, and as many epochs as the
 * latest of these has had. */
static bool is_in_plot(const struct attempt *t)
{
    int epochs = 0;

    for (int i = 0; i < session.tried.count; i++)
        if (session.tried.list[i].trial.begin[AXIS_UNITS] == 0 &&
            session.tried.list[i].trial.epochs > 0)
            epochs = session.tried.list[i].trial.epochs;
    return t->trial.begin[AXIS_UNITS] == 0 && t->trial.epochs >= epochs;
}

/* The latest in all these tests has had one epoch. */
static bool is_on_front(const struct attempt *t)
{
    for (int i = 0; i < session.tried.count; i++) {
        const struct attempt *o = &session.tried.list[i];
        double ours = trial_best_by(&t->trial, 1);
        double theirs = trial_best_by(&o->trial, 1);
        if (is_in_plot(o) &&
            ((o->peak_bytes < t->peak_bytes && theirs >= ours) ||
             (o->peak_bytes <= t->peak_bytes && theirs > ours)))
            return false;
    }
    return is_in_plot(t);
}

/* Reads the row of a trial, in the order in which they were tried. */
static void read_row(int trial, char line[512])
{
    char *frame = cells_dump(&screen.cells), *at = frame;
    size_t n;

    for (int i = 0; i < trial + 3; i++)
        at = strchr(at, '\n') + 1;
    n = strcspn(at, "\n");
    cr_assert_lt(n, 512);
    memcpy(line, at, n);
    line[n] = '\0';
    free(frame);
}

/* Each row has its trial's figures, and a star if it is on the front. */
static void check_rows(void)
{
    for (int i = 0; i < session.tried.count; i++) {
        const struct attempt *t = &session.tried.list[i];
        char text[128], peak[BYTES_TEXT_SIZE], line[512];
        char time[TEXT_TIME_SIZE];

        read_row(i, line);
        snprintf(text, sizeof(text), "| %c%s", 'A' + i,
                 is_on_front(t) ? "*" : i == 3 ? ">" : " ");
        cr_expect(strncmp(line, text, strlen(text)) == 0, "%s: %s", text,
                  line);
        snprintf(text, sizeof(text), "%s  %s  %6.2f%%",
                 bytes_format(peak, sizeof(peak), t->peak_bytes),
                 text_time(time, t->trial.seconds_per_step),
                 100 * t->trial.best_score);
        cr_expect(strstr(line, text), "'%s' is not in '%s'", text, line);
        snprintf(text, sizeof(text), "%.1f %7d  %6.2f%% %9.2fx |",
                 t->trial.end[AXIS_SECONDS] - t->trial.begin[AXIS_SECONDS],
                 t->trial.epochs, 100 * t->trial.valid_score,
                 (double)t->baseline->peak_bytes / (double)t->peak_bytes);
        cr_expect(strstr(line, text), "'%s' is not in '%s'", text, line);
    }
}

/* The score of an attempt's first epoch. */
static void give_best(int i, double score)
{
    struct trial *t = &session.tried.list[i].trial;

    t->best[0] = (struct best){ 1, score };
    t->best_count = 1;
    if (t->epochs == 1)
        t->best_score = score;
}

Test(page_runs, rows_have_the_figures_of_trials)
{
    check_rows();
    for (int first = 0; first < 2; first++) { /* A wins, then D */
        give_best(0, first ? 0.1 : 0.99);
        give_best(3, first ? 0.2 : 0.01);
        frame_draw(&screen);
        check_rows();
    }
    give_best(1, 1); /* a continuation */
    frame_draw(&screen);
    check_rows();
}

/* A continuation says of what, and is not in the plot; nor is a trial that had
 * fewer epochs than the latest. */
Test(page_runs, only_trials_of_as_many_epochs_compete)
{
    const struct attempt *t = session.tried.list;
    struct contest c = attempts_contest(&session.tried);

    cr_expect(shows("4>5 of A: fp16"));
    cr_expect(shows("5>7 of A: "));
    cr_expect_eq(c.epochs, 1);
    cr_expect(attempt_competes(&t[0], &c) && attempt_competes(&t[3], &c));
    cr_expect_not(attempt_competes(&t[1], &c) || attempt_competes(&t[2], &c));
    sample_train(&session, 5);
    c = attempts_contest(&session.tried);
    cr_expect_eq(c.epochs, 6);
    cr_expect_not(attempt_competes(&t[0], &c), "it had four");
    frame_draw(&screen);
    press('<');
    cr_expect_eq(marked_point(), '\0');
    cr_expect(shows("had 4 epochs, fewer than 6"));
}

/* Dials are turned in the middle of runs, which now and then begin anew: no
 * continuation is ever on the front. */
Test(page_runs, no_continuation_is_on_the_front)
{
    static const char *const turns[] = {
        "precision=fp16", "microbatch=10", "precision=fp32", "microbatch=0",
        "sparsity=0.5", "checkpoint=sqrt", "sparsity=0", "checkpoint=none"
    };
    unsigned draw = 1;

    for (int epoch = 0; epoch < 30; epoch++) {
        draw = draw * 1103515245 + 12345;
        if (draw >> 16 & 1)
            sample_apply(&session, turns[draw >> 20 & 7]);
        if ((draw >> 24 & 3) == 0) {
            sample_start(&session, "quick", &session.in_force, 0);
            sample_plan(&session);
        }
        sample_train(&session, 1);
        frame_draw(&screen);
        for (int i = 0; i < session.tried.count; i++) {
            const struct attempt *t = &session.tried.list[i];
            cr_expect_not(trial_on_front(&session, t) && !is_in_plot(t),
                          "epoch %d", epoch);
            cr_expect_not(trial_on_front(&session, t) &&
                          t->trial.begin[AXIS_UNITS] > 0);
        }
    }
    cr_expect_gt(session.tried.count, 12);
}

/* Trials compete only by the same score, after an epoch that had one. */
Test(page_runs, only_like_scores_compete)
{
    struct session s;
    struct contest c;
    const struct settings *images = &session.in_force;

    sample_init_translator(&s);
    sample_train(&s, 5);
    c = attempts_contest(&s.tried);
    cr_expect_eq(c.epochs, 4, "the fifth has no BLEU");
    cr_expect_str_eq(c.score.name, "BLEU");
    sample_start(&s, "quick", images, 0);
    sample_train(&s, 4);
    s.tried.list[1].peak_bytes = 1;
    c = attempts_contest(&s.tried);
    cr_expect_eq(c.epochs, 4);
    cr_expect_str_eq(c.score.name, "accuracy");
    cr_expect(attempt_competes(&s.tried.list[1], &c));
    cr_expect_not(attempt_competes(&s.tried.list[0], &c));
    session_done(&s);
}

Test(page_runs, a_front_has_a_line_of_stairs)
{
    static const double points[] = { 1, 0.2, 3, 0.7 };
    static const double wanted[] = { 1, 0, 1, 0.2, 3, 0.2, 3, 0.7, 9, 0.7 };
    double line[10] = { 0 };

    cr_expect_eq(contest_line(line, points, 0, 0, 9), 0);
    cr_expect_eq(contest_line(line, points, 2, 0, 9), 5);
    cr_expect_arr_eq(line, wanted, sizeof(wanted));
}

/* The score that counts is the best until that epoch, not a later one. */
Test(page_runs, later_epochs_do_not_count)
{
    const struct trial *a = &session.tried.list[0].trial;
    double first = trial_best_by(a, 1), best = first;

    for (int epochs = 1; epochs <= 4; epochs++) {
        cr_expect_geq(trial_best_by(a, epochs), best);
        best = trial_best_by(a, epochs);
    }
    cr_expect_eq(best, a->best_score);
    cr_expect_gt(best, first, "the sample gets better");
    cr_expect_eq(trial_best_by(a, 100000), a->best_score);
}

Test(page_runs, the_latest_is_chosen_until_another_is)
{
    cr_expect_eq(marked_row(), 3);
    cr_expect_eq(marked_point(), 'D');
    sample_apply(&session, "precision=bf16");
    sample_train(&session, 1);
    frame_draw(&screen);
    cr_expect_eq(row_letter(marked_row()), 'E');
    press(KEY_ARROW_UP);
    press('k');
    cr_expect_eq(row_letter(marked_row()), 'C');
    sample_apply(&session, "precision=fp32");
    sample_train(&session, 1);
    frame_draw(&screen);
    cr_expect_eq(row_letter(marked_row()), 'C');
    press('>');
    cr_expect_eq(row_letter(marked_row()), 'F');
}

/* The cursor is on the same trial in the table and in the plot, in any order of
 * the rows. */
Test(page_runs, the_plot_follows_the_table)
{
    double before = 0;

    for (int sort = 0; sort < 9; sort++) {
        press('s');
        press('<');
        for (int i = 0; i < 4; i++) {
            bool has = is_in_plot(&session.tried.list[row_letter(i) - 'A']);
            cr_expect_eq(marked_row(), i);
            cr_expect_eq(marked_point(), has ? row_letter(i) : '\0',
                         "sort %d row %d", sort, i);
            press(KEY_ARROW_DOWN);
        }
    }
    press(KEY_TAB);
    for (int i = 0; i < 4; i++)
        press(KEY_ARROW_LEFT);
    for (int i = 0; i < 2; i++) {
        const struct attempt *t = &session.tried.list[marked_point() - 'A'];
        cr_expect_gt((double)t->peak_bytes, before);
        before = (double)t->peak_bytes;
        press(KEY_ARROW_RIGHT);
    }
}

Test(page_runs, sorted)
{
    press('s'); /* by id, settings, peak */
    press('s');
    for (int i = 0; i + 1 < session.tried.count; i++)
        cr_expect_leq(session.tried.list[row_letter(i) - 'A'].peak_bytes,
                      session.tried.list[row_letter(i + 1) - 'A'].peak_bytes);
    press('r');
    for (int i = 0; i + 1 < session.tried.count; i++)
        cr_expect_geq(session.tried.list[row_letter(i) - 'A'].peak_bytes,
                      session.tried.list[row_letter(i + 1) - 'A'].peak_bytes);
    cr_expect_eq(row_letter(marked_row()), 'D', "the choice stays");
}

static void choose(char letter)
{
    press('<');
    while (row_letter(marked_row()) != letter)
        press(KEY_ARROW_DOWN);
}

Test(page_runs, back_to_settings)
{
    cr_expect_eq(session.wanted.microbatch, 10);
    session.asks = 0;
    choose('B');
    press('b');
    cr_expect_eq(session.wanted.microbatch, 0);
    cr_expect_eq(session.wanted.precision, PRECISION_FP16);
    cr_expect(session_pending(&session));
    cr_expect(session.asks & SESSION_ASK_APPLY);
    press('u');
    cr_expect_eq(session.wanted.microbatch, 10);
    session_lock(&session, true);
    session.asks = 0;
    press('b');
    cr_expect_not(session.asks & SESSION_ASK_APPLY, "locked");
    cr_expect(session_pending(&session));
}

/* A setting that cannot change in a run begins another, if the person agrees.
 */
Test(page_runs, back_to_another_model)
{
    struct settings other = session.in_force;

    cr_assert(settings_assign(&other, "test", "depth=16", NULL));
    session_begin(&session, "deep", &other);
    sample_start(&session, "deep", &other, 0);
    sample_plan(&session);
    sample_train(&session, 1);
    frame_draw(&screen);
    cr_expect(shows("(deep)"));
    session.asks = 0;
    choose('A');
    press('b');
    cr_expect(shows("- A new run of quick -"));
    cr_expect(shows("  depth            16 > 10"));
    press(KEY_ESCAPE);
    cr_expect_eq(session.wanted.depth, 16);
    press('b');
    press('n');
    cr_expect_not(shows("A new run"));
    cr_expect_eq(session.wanted.depth, 16);
    cr_expect_eq(session.asks, 0);
    press('b');
    press(KEY_RETURN);
    cr_expect_eq(session.wanted.depth, 10);
    cr_expect_str_eq(session.preset, "quick");
    cr_expect(session.asks & SESSION_ASK_BEGIN);
}

Test(page_runs, pinned)
{
    choose('A');
    press('p');
    cr_expect_eq(session.pinned, session.tried.list[0].plan);
    cr_expect_eq(session.runs.pinned, 0);
    cr_expect(shows("| Ap"));
    press('p');
    cr_expect_null(session.pinned);
    cr_expect_eq(session.runs.pinned, -1);
    cr_expect_not(shows("| Ap"));
}

/* Only one run is compared with, even if others had its settings. */
Test(page_runs, one_of_several_alike_is_pinned)
{
    sample_start(&session, "quick", &session.in_force, 0);
    sample_plan(&session);
    sample_train(&session, 1);
    frame_draw(&screen);
    cr_assert(settings_same(&session.tried.list[3].trial.settings,
                            &session.tried.list[4].trial.settings));
    choose('D');
    press('p');
    cr_expect(shows("| D*p"));
    cr_expect_not(shows("| E>p") || shows("| E*>p") || shows("| Ep"));
    cr_expect_eq(session.runs.pinned, 1);
    choose('E');
    press('p');
    cr_expect_not(shows("| D*p"), "another one in its place");
    cr_expect_eq(session.runs.pinned, 2);
    press('p');
    cr_expect_eq(session.runs.pinned, -1);
}

/* A run in a folder loses nothing, wherever that is. */
Test(page_runs, begun_again_as_it_is_kept)
{
    strcpy(session.folder, "/far/runs/9-quick");
    press('R');
    cr_expect(shows("It is kept, and memdial train --resume 9-quick"));
    press(KEY_ESCAPE);
    session.remote = true;
    press('R');
    cr_expect(shows("It is kept on the worker's machine, and memdial train"));
    cr_expect_not(shows("weights are lost"));
    press(KEY_ESCAPE);
    press('q');
    cr_expect(shows("It is kept on the worker's machine, and memdial train"));
}

/* One key alone does not begin a run anew. */
Test(page_runs, begun_again)
{
    session.asks = 0;
    press('R');
    cr_expect(shows("- The same run from the beginning -"));
    cr_expect(shows("The run of quick ends: epoch 1 of 20"));
    press(KEY_ESCAPE);
    cr_expect_eq(session.asks, 0);
    press('R');
    session.state = LINK_DEAD; /* meanwhile, and there is a snapshot */
    session.snapshot = 10;
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_BEGIN, "as was agreed to");
    cr_expect_not(session.asks & SESSION_ASK_RESTART);
    session.asks = 0;
    press('R');
    cr_expect(session.asks & SESSION_ASK_RESTART, "from the snapshot");
    session.asks = 0;
    session.snapshot = -1;
    session.state = LINK_FAILED;
    press('R');
    cr_expect(session.asks & SESSION_ASK_BEGIN, "nothing is lost");
    session.asks = 0;
    session.state = LINK_STARTING;
    press('R');
    cr_expect_eq(session.asks, 0);
    cr_expect(shows("a run of quick is about to begin"));
    session.silent = true;
    press('R');
    cr_expect(session.asks & SESSION_ASK_BEGIN);
}

Test(page_runs, shown)
{
    char text[64];

    choose('B');
    press(KEY_RETURN);
    cr_expect(shows("Settings B"));
    snprintf(text, sizeof(text), "Validation accuracy: %.2f%% at best",
             100 * session.tried.list[1].trial.best_score);
    cr_expect(shows(text));
    cr_expect(shows("microbatch        10 > 100 (all)"));
    press(KEY_ESCAPE);
    cr_expect_not(shows("Settings B"));
}

/* A click on a point chooses its row, a second one shows it. */
Test(page_runs, clicked)
{
    for (int row = 22; row < 36; row++)
        for (int col = 8; col < 119; col++) {
            const struct cell *cell = &screen.cells.cell[row * 120 + col];
            struct input click = { .type = INPUT_CLICK, .row = row,
                                   .col = col };
            if (cell->text[0] != 'A')
                continue;
            control_input(&screen, &click);
            frame_draw(&screen);
            cr_expect_eq(row_letter(0), 'A');
            cr_expect_eq(marked_point(), 'A');
            control_input(&screen, &click);
            frame_draw(&screen);
            cr_expect(shows("Settings A"));
            return;
        }
    cr_assert_fail("no A in the plot");
}

/* The page is drawn before any event, and at any size. */
Test(page_runs, any_size)
{
    struct session empty;
    struct settings settings;

    settings_init(&settings);
    session_init(&empty, "quick", &settings);
    for (int rows = 1; rows <= 60; rows++)
        for (int cols = 1; cols <= 120; cols += rows > 20 ? 7 : 1)
            for (int pane = 0; pane < 2; pane++) {
                struct input size = { .type = INPUT_RESIZE, .row = rows,
                                      .col = cols };
                screen.pane[PAGE_RUNS] = pane;
                screen.session = rows % 2 ? &session : &empty;
                screen.cells.glyphs = (enum glyphs)(cols % 3);
                control_input(&screen, &size);
                frame_draw(&screen);
                for (int key = 0; key < 3; key++)
                    press("kbp"[key]);
                press(KEY_ESCAPE);
            }
    screen.session = &session;
    session_done(&empty);
}

/* The chosen settings, in a run of their own. */
Test(page_runs, run_afresh)
{
    session.asks = 0;
    choose('B');
    press('N');
    cr_expect(shows("- A new run of quick -"));
    cr_expect_eq(session.asks, 0, "not before a person agrees");
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect_eq(session.wanted.precision, PRECISION_FP16);
    cr_expect_eq(session.wanted.microbatch, 0);
}

/* Each of the queue begins as the one before it ends. */
Test(page_runs, queued)
{
    session.asks = 0;
    session.state = LINK_RUNNING;
    choose('A');
    press('m');
    choose('B');
    press('m');
    cr_expect(shows("| A*+") || shows("| A+"));
    press('Q');
    cr_expect_eq(session.queue.count, 2);
    cr_expect_not(shows("| B+"));
    cr_expect(shows("queue: 2 runs after this one"));
    cr_expect_eq(session.asks, 0);
    choose('C');
    press('Q');
    press('Q'); /* and out again */
    cr_expect_eq(session.queue.count, 2);
    session.state = LINK_DONE;
    session_next_run(&session);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect_eq(session.wanted.precision, PRECISION_FP32);
    cr_expect_eq(session.queue.count, 1);
    session_next_run(&session);
    cr_expect_eq(session.queue.count, 1, "one is about to begin");
    session.asks = 0;
    session.state = LINK_FAILED;
    session_next_run(&session);
    cr_expect_eq(session.wanted.precision, PRECISION_FP16);
    cr_expect_eq(session.queue.count, 0);
}

/* A run that goes on from before a turn has lost it, and its row. */
Test(page_runs, lost_turns_leave_no_row)
{
    struct attempts *as = &session.tried;
    struct run run = *session_run(&session);
    int count;

    run.number = 100;
    run.trial_count = 2;
    run.trials = xcalloc(2, sizeof(*run.trials));
    for (int i = 0; i < 2; i++)
        run.trials[i] = (struct trial){ .number = i, .settings = run.settings };
    run.trials[1].settings.microbatch = 1;
    count = as->count;
    attempts_follow(as, &run);
    cr_expect_eq(as->count, count + 2);
    run.trial_count = 1;
    attempts_follow(as, &run);
    cr_expect_eq(as->count, count + 1);
    cr_expect_eq(as->list[count].trial.number, 0);
    free(run.trials);
}

static void mark_and_queue(const char *letters)
{
    for (; *letters; letters++) {
        choose(*letters);
        press('m');
    }
    press('Q');
}

/* Marked settings that are in the queue already stay there, and settings that
 * are marked twice come once; if all are there, they leave it. */
Test(page_runs, queued_once)
{
    session.state = LINK_RUNNING;
    mark_and_queue("A");
    mark_and_queue("AB");
    cr_expect_eq(session.queue.count, 2);
    mark_and_queue("AB");
    cr_expect_eq(session.queue.count, 0);
    session.tried.list[2].trial.settings
        = session.tried.list[0].trial.settings;
    mark_and_queue("AC");
    cr_expect_eq(session.queue.count, 1);
}

/* Who leaves is told of a queue, before a step of the run too. */
Test(page_runs, a_queue_is_not_left_unasked)
{
    session.state = LINK_DONE;
    press('q');
    cr_expect(screen.quit);
    screen.quit = false;
    session.state = LINK_STARTING;
    mark_and_queue("A");
    press('q');
    cr_expect_not(screen.quit);
    cr_expect(shows("The queue is lost: 1 run"));
}

/* Trials of other data do not compete, though their scores have one name. */
Test(page_runs, data_compete_with_themselves)
{
    struct contest contest = attempts_contest(&session.tried);
    struct attempt a = session.tried.list[0];
    struct entrant entrant = { &a.trial, 1 };

    cr_assert(contest_admits(&contest, &entrant));
    a.trial.settings.data = !a.trial.settings.data;
    cr_expect_not(contest_admits(&contest, &entrant));
}

Test(page_runs, compared)
{
    choose('D');
    press('c');
    cr_expect(shows("mark two settings with m"));
    choose('A');
    press('m');
    choose('D');
    press('c');
    cr_expect(shows("- A beside D -"));
    cr_expect(shows("Settings that differ"));
    cr_expect(shows("  precision                  fp32           fp16"));
    cr_expect(shows("  gradients"));
    cr_expect(shows("Time of a step"));
    cr_expect(shows("Best accuracy of validation, after"));
    press(KEY_ESCAPE);
    cr_expect_not(shows("- A beside D -"));
}
