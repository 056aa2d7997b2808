/*
 * Past runs: how a reader finds them, the filter of their rows, and what the
 * page Runs does with them.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/journal.h"
#include "base/json_print.h"
#include "events/archive.h"
#include "events/recorder.h"
#include "tests/sample.h"
#include "ui/pages/control.h"
#include "ui/pages/frame.h"
#include "ui/session/reader.h"

static char root[] = "/tmp/memdial-test-XXXXXX";
static struct session session;
static struct screen screen;
static struct reader *reader;

static void command(const char *format, const char *argument)
{
    char text[512];

    snprintf(text, sizeof(text), format, root, argument);
    cr_assert_eq(system(text), 0, "%s", text);
}

static void listen_to_nothing(void *arg, const struct event *e)
{
    (void)arg;
    (void)e;
}

static void emit(struct recorder *r, struct event e)
{
    struct event_sink sink = recorder_sink(r);

    sink.emit(sink.arg, &e);
}

/* A recorder thins steps out, by the clock. */
static void add_step(struct journal *j, int step, int epoch)
{
    struct event e = { .type = EVENT_STEP,
                       .step = { step, 200, epoch, 2.5 / step, 0.5, 1250,
                                 0.08 * step } };
    char *line = json_line(event_json(&e));

    cr_assert(journal_add(j, line, NULL));
    free(line);
}

/* A run of 20 epochs of 10 steps; its best score is that of the third but last.
 */
static void make_run(const char *name, const char *assignment, int epochs,
                     const char *label, const char *tag)
{
    struct settings s = session.in_force;
    struct event_sink sink = { listen_to_nothing, NULL };
    struct recorder *r;
    struct journal *j;
    struct error e;
    char folder[RECORD_PATH_SIZE], path[RECORD_PATH_SIZE];

    cr_assert(!assignment || settings_assign(&s, "test", assignment, &e));
    cr_assert(archive_make(root, name, "quick", folder, &e), "%s", e.text);
    cr_assert(recorder_open(&r, folder, sink, &e), "%s", e.text);
    cr_assert(journal_open(&j, record_path(folder, RECORD_EVENTS, path), &e));
    emit(r, (struct event){ .type = EVENT_START,
                            .start = { "quick", &s, sample_machine, 0, 200,
                                       "sample", "accuracy" } });
    emit(r, (struct event){ .type = EVENT_MEMORY,
                            .memory = { 1 << 20, 2 << 20, 2 << 20, 3 << 20,
                                        4 << 20 } });
    for (int epoch = 1; epoch <= epochs; epoch++) {
        double score = epoch == epochs - 2 ? 0.9 : 0.01 * epoch;
        for (int i = 1; i <= 10; i++)
            add_step(j, 10 * (epoch - 1) + i, epoch);
        emit(r, (struct event){ .type = EVENT_EPOCH,
                                .epoch = { epoch, 2, 0.5, 2, score, 0.9, 0.5,
                                           score, NAN } });
    }
    if (label || tag)
        emit(r, (struct event){ .type = EVENT_LABEL,
                                .label = { .name = label, .tag = tag } });
    if (epochs > 0)
        emit(r, (struct event){ .type = EVENT_DONE });
    recorder_close(r);
    journal_close(j);
}

/* Waits until the reader has news that make this true. */
static bool comes(bool (*is_so)(void))
{
    double end = clock_seconds() + 20;

    while (!is_so()) {
        struct pollfd fd = { reader_fd(reader), POLLIN, 0 };
        struct error e;
        if (clock_seconds() > end)
            return false;
        for (int i = 0; i < session.history.count; i++)
            if (session.history.list[i]->wanted &&
                !session.history.list[i]->asked) {
                session.history.list[i]->asked = true;
                reader_want(reader,
                            session.history.list[i]->attempt.number);
            }
        poll(&fd, 1, 50);
        reader_take(reader, &session.history, &e);
        if (e.code != EXIT_OK)
            session_say(&session, NOTICE_WARNING, "%s", e.text);
        reader_look(reader);
    }
    return true;
}

static bool all_are_read(void)
{
    const struct history *h = &session.history;

    return h->folders > 0 && h->reading == h->folders;
}

static struct past *named(const char *name)
{
    for (int i = 0; i < session.history.count; i++)
        if (strcmp(session.history.list[i]->name, name) == 0)
            return session.history.list[i];
    return NULL;
}

/* Four runs, a folder that is none, and a session of its own. */
static void make_archive(void)
{
    strcpy(root, "/tmp/memdial-test-XXXXXX");
    cr_assert(mkdtemp(root));
    sample_init(&session);
    sample_train(&session, 2);
    make_run("20260101-a", NULL, 5, NULL, NULL);
    make_run("20260102-b", "precision=fp16", 20, "the best", "keep");
    make_run("20260103-c", "microbatch=10", 8, NULL, "try");
    make_run("20260104-d", "depth=16", 0, NULL, NULL);
    command("cd %s && mkdir %s && touch stranger/file", "stranger");
    reader = reader_new(root);
    screen_init(&screen, &session, 40, 120, GLYPHS_ASCII);
    control_act(&screen, ACTION_PAGE, PAGE_RUNS);
    reader_look(reader);
    cr_assert(comes(all_are_read));
    frame_draw(&screen);
}

static void remove_archive(void)
{
    reader_free(reader);
    screen_done(&screen);
    session_done(&session);
    command("rm -r %s%s", "");
}

TestSuite(history, .init = make_archive, .fini = remove_archive);

static bool shows(const char *text)
{
    char *frame = cells_dump(&screen.cells);
    bool found = strstr(frame, text);

    free(frame);
    return found;
}

static void press(int key)
{
    struct input input = { .type = INPUT_KEY, .key = key };

    control_input(&screen, &input);
    frame_draw(&screen);
}

static void type_text(const char *text)
{
    while (*text)
        press(*text++);
}

/* Clicks on the row with a text. */
static void choose_run(const char *text)
{
    char *frame = cells_dump(&screen.cells), *line = frame;
    struct input click = { .type = INPUT_CLICK, .col = 3 };

    cr_assert(strstr(frame, text), "%s", text);
    for (; strcspn(line, "\n") < (size_t)(strstr(line, text) - line);
         click.row++)
        line = strchr(line, '\n') + 1;
    free(frame);
    control_input(&screen, &click);
    frame_draw(&screen);
    if (screen.popup.open) /* it was chosen already */
        press(KEY_ESCAPE);
}

Test(history, found)
{
    const struct history *h = &session.history;
    const struct past *b = named("20260102-b");

    cr_assert_eq(h->count, 4);
    cr_expect_eq(h->others, 1);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(h->list[i]->attempt.number, PAST_FIRST + 4 - i);
    cr_expect_str_eq(b->label, "the best");
    cr_expect_str_eq(b->tags, "#keep");
    cr_expect_eq(b->state, RECORD_DONE);
    cr_expect_eq(b->epochs, 20);
    cr_expect_float_eq(b->score, 0.2, 1e-9);
    cr_expect_eq(b->attempt.peak_bytes, 1 << 20);
    cr_expect_eq(b->attempt.trial.settings.precision, PRECISION_FP16);
    cr_expect_eq(named("20260101-a")->state, RECORD_STOPPED);
    cr_expect(shows("the best #keep  fp16"));
    cr_expect(shows("20260103-c #try  microbatch 10"));
    cr_expect(shows("| A"));
}

static bool has_news(void)
{
    const struct past *a = named("20260101-a");

    return named("20260105-e") && !named("20260103-c") && a &&
           strcmp(a->label, "later") == 0;
}

/* New ones have new numbers; marks stay when a run is read again. */
Test(history, news)
{
    int number = named("20260101-a")->attempt.number;

    named("20260101-a")->attempt.marked = true;
    make_run("20260105-e", NULL, 1, NULL, NULL);
    command("rm -r %s/%s", "20260103-c");
    command("echo '{\"type\":\"label\",\"name\":\"later\"}' >>%s/%s/"
            "events.jsonl", "20260101-a");
    cr_assert(comes(has_news));
    cr_expect_eq(named("20260105-e")->attempt.number, PAST_FIRST + 6,
                 "the stranger had the fifth");
    cr_expect_eq(named("20260101-a")->attempt.number, number);
    cr_expect(named("20260101-a")->attempt.marked);
}

static bool is_swept(void)
{
    return named("swept/20260106-f") != NULL;
}

/* The runs of a sweep are there beside the others, and its folder is no
 * stranger. */
Test(history, swept)
{
    make_run("20260106-f", NULL, 3, NULL, NULL);
    command("cd %s && mkdir %s && mv 20260106-f swept", "swept");
    command("cd %s && mkdir %s", "spent");
    cr_assert(comes(is_swept));
    cr_expect_eq(named("swept/20260106-f")->epochs, 3);
    session.history.folders = 0;
    cr_assert(comes(all_are_read));
    cr_expect_eq(session.history.others, 1);
}

static bool is_emptied(void)
{
    return !named("20260102-b");
}

/* A folder that is no run any more has no row, though it is there. */
Test(history, a_folder_that_is_emptied)
{
    command("rm %s/%s/*", "20260102-b");
    cr_expect(comes(is_emptied));
}

static bool said_gone(void)
{
    return session.history.count == 0 && session.notice == NOTICE_WARNING;
}

Test(history, a_root_that_vanishes)
{
    command("mv %s %s-away", root);
    cr_expect(comes(said_gone));
    cr_expect(strstr(session.message, "gone"), "%s", session.message);
    session.notice = NOTICE_NONE;
    frame_draw(&screen);
    command("mv %s-away %s", root);
    cr_expect(comes(all_are_read));
}

static bool has_broken(void)
{
    return named("20260106-f") && named("20260107-g") && named("20260108-h");
}

/* What cannot be read has a row that says so, and no action. */
Test(history, broken)
{
    command("mkdir %s/%s", "20260106-f");
    command("echo '{\"type\":\"start\",\"schema\":99}' >%s/%s/events.jsonl",
            "20260106-f");
    command("mkdir %s/%s", "20260107-g");
    command("printf '{\"type\":\"sta' >%s/%s/events.jsonl", "20260107-g");
    make_run("20260108-h", NULL, 3, NULL, NULL);
    command("printf '{\"type\":\"st' >>%s/%s/events.jsonl", "20260108-h");
    cr_assert(comes(has_broken));
    frame_draw(&screen);
    cr_expect_eq(named("20260106-f")->state, RECORD_UNREADABLE);
    cr_expect_eq(named("20260107-g")->state, RECORD_EMPTY);
    cr_expect_eq(named("20260108-h")->state, RECORD_STOPPED);
    session.asks = 0;
    choose_run("20260106-f");
    type_text("bNQop");
    cr_expect_eq(session.asks, 0);
    cr_expect_eq(session.queue.count, 0);
    cr_expect(strstr(session.message, "schema"), "%s", session.message);
}

static bool whole_is_here(void)
{
    return named("20260102-b")->whole;
}

/* The whole tells what the ends do not. */
Test(history, whole)
{
    struct past *b = named("20260102-b");

    cr_expect_not(history_want(&session.history, b));
    for (int i = 0; i < 1000; i++) /* none that waits is forgotten */
        reader_want(reader, PAST_FIRST - 1);
    cr_assert(comes(whole_is_here));
    cr_expect_float_eq(b->attempt.trial.best_score, 0.9, 1e-9);
    cr_expect_float_eq(trial_best_by(&b->attempt.trial, 4), 0.04, 1e-9);
    cr_expect_eq(b->whole->record.run.curve[CURVE_VALID_SCORE].count, 20);
    cr_expect(b->whole->goes_on);
    cr_expect_eq(b->whole->step, 0, "it has no snapshot");
    cr_expect(history_want(&session.history, b));
}

static bool none_is_wanted(void)
{
    for (int i = 0; i < session.history.count; i++)
        if (session.history.list[i]->wanted)
            return false;
    return true;
}

/* However many are looked at, few are kept; those that are drawn stay. */
Test(history, wholes_have_a_bound)
{
    int kept = 0;

    for (int i = 0; i < 12; i++) {
        char name[32];
        snprintf(name, sizeof(name), "20260201-%c", 'a' + i);
        make_run(name, NULL, 1, NULL, NULL);
    }
    cr_assert(history_draw(&session.history, named("20260102-b")));
    while (session.history.count < 16) {
        session.history.folders = 0;
        cr_assert(comes(all_are_read));
    }
    for (int i = 0; i < 16; i++)
        history_want(&session.history, session.history.list[i]);
    cr_assert(comes(none_is_wanted));
    for (int i = 0; i < 16; i++)
        kept += session.history.list[i]->whole != NULL;
    cr_expect_eq(kept, HISTORY_WHOLES);
    cr_expect(named("20260102-b")->whole);
}

/* Rows of the session are filtered too. */
Test(history, filtered)
{
    static const struct { const char *filter; const char *rows; } all[] = {
        { "", "Aabcd" }, { "fp16", "b" }, { "FP16", "b" }, { "keep", "b" },
        { "the best", "b" }, { "2026 done", "b" }, { "quick", "Aabcd" },
        { "peak<1MiB", "" }, { "peak>=1MiB", "Aabcd" },
        { "peak=1MiB", "abcd" }, { "state=stopped", "ac" },
        { "precision=fp16", "b" }, { "microbatch>5", "c" },
        { "microbatch>", "Aabcd" }, { "score>=20%", "Ab" },
        { "epoch>=8 state!=done", "c" }, { "tags=try", "c" },
        { "tags!=try 2026", "abd" }, { "batch=100", "Aabcd" },
        { "depth=16", "d" }, { "label=x", "" }, { "nonsense", "" },
        { "nonsense=1", "Aabcd" },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char rows[8] = "", *at = rows;
        history_sift(&session.history, all[i].filter);
        if (session_shows(&session, &session.tried.list[0]))
            *at++ = 'A';
        for (int k = session.history.count - 1; k >= 0; k--)
            if (session.history.list[k]->passes)
                *at++ = session.history.list[k]->name[9];
        *at = '\0';
        cr_expect_str_eq(rows, all[i].rows, "%s: %s", all[i].filter, rows);
    }
    history_sift(&session.history, "nonsense=1");
    frame_draw(&screen);
    cr_expect(shows("no column or setting 'nonsense'"));
}

Test(history, filtered_as_one_types)
{
    press('/');
    type_text("fp1");
    cr_expect(shows("filter: fp1"));
    cr_expect(shows("/fp1  1 of 5 rows"));
    cr_expect_not(shows("20260103-c"));
    press(KEY_RUBOUT);
    press(KEY_RUBOUT);
    press(KEY_RUBOUT);
    cr_expect(shows("20260103-c"));
    type_text("2026");
    press(KEY_ARROW_DOWN);
    press(KEY_RETURN);
    cr_expect(shows("/2026  4 of 5 rows"));
    press(KEY_RETURN);
    cr_expect(shows("- Run 3 -"), "Down went down");
    press(KEY_ESCAPE);
    cr_expect(shows("/2026  4 of 5 rows"));
    press(KEY_ESCAPE);
    cr_expect(shows("| A"));
    cr_expect_not(shows("/2026"));
    press('/');
    type_text("the");
    press(KEY_ESCAPE);
    cr_expect(shows("20260103-c"), "Esc shows all");
}

/* Unknown figures are last, whatever the order of the page is. */
Test(history, sorted)
{
    struct attempt *t;

    press('s');
    press('s'); /* by peak */
    press('<');
    t = session_attempt(&session, PAST_FIRST + 1);
    cr_assert(t);
    cr_expect_lt(t->peak_bytes, session.tried.list[0].peak_bytes);
    press(KEY_RETURN);
    cr_expect(shows("- Run "), "less than what the session takes");
}

Test(history, loaded_and_run_afresh)
{
    session.asks = 0;
    choose_run("the best");
    press('b');
    cr_expect_eq(session.wanted.precision, PRECISION_FP16);
    cr_expect(session.asks & SESSION_ASK_APPLY);
    choose_run("20260103-c");
    session.asks = 0;
    press('N');
    cr_expect(shows("- A new run of quick -"));
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect_eq(session.wanted.microbatch, 10);
}

Test(history, queued)
{
    session.state = LINK_RUNNING;
    choose_run("the best");
    press('m');
    choose_run("20260103-c");
    press('m');
    press('Q');
    cr_expect_eq(session.queue.count, 2);
    cr_expect_eq(session.queue.list[0].settings.microbatch, 10);
    cr_expect_gt(session.queue.list[0].seconds, 0);
    cr_expect_not(named("20260102-b")->attempt.marked);
}

Test(history, drawn)
{
    choose_run("the best");
    press('o');
    cr_expect(shows("| 2a"));
    cr_assert(comes(whole_is_here));
    control_act(&screen, ACTION_PAGE, PAGE_RUN);
    frame_draw(&screen);
    cr_expect(shows("a the best"));
    control_act(&screen, ACTION_PAGE, PAGE_RUNS);
    frame_draw(&screen);
    press('o');
    cr_expect_not(shows("| 2a"));
    cr_expect_null(history_drawn(&session.history, 0));
}

static bool two_are_here(void)
{
    return named("20260102-b")->whole && named("20260103-c")->whole;
}

Test(history, compared)
{
    choose_run("the best");
    press('m');
    choose_run("20260103-c");
    press('c');
    cr_expect(shows("- 3 beside 2 -") || shows("- 2 beside 3 -"));
    cr_assert(comes(two_are_here));
    sample_plan(&session);
    frame_draw(&screen);
    cr_expect(shows("2 is the best #keep."));
    cr_expect(shows("  precision "));
    cr_expect(shows("  gradients "), "bytes by kind, as planned");
    for (int i = 0; i < 4; i++)
        press(KEY_PAGE_DOWN);
    cr_expect(shows("20 epochs"));
    cr_expect(shows("90.00%"));
}

Test(history, pinned)
{
    choose_run("the best");
    press('p');
    cr_assert(session.pinned);
    cr_expect_eq(session.pinned->peak_bytes, 1 << 20);
    cr_expect(shows("| 2p"));
    cr_assert(comes(whole_is_here));
    cr_expect_eq(session_pinned_run(&session),
                 &named("20260102-b")->whole->record.run);
    press('p');
    cr_expect_null(session.pinned);
}

/* A run goes on as the session's own, with the curves that it had. */
Test(history, continued)
{
    char folder[RECORD_PATH_SIZE];
    const struct run *run;
    struct event e = { .type = EVENT_START };

    choose_run("20260103-c");
    session.asks = 0;
    press('C');
    for (int i = 0; i < 200 && !shows("goes on after"); i++) {
        cr_assert(comes(none_is_wanted));
        frame_draw(&screen);
        if (shows("has no snapshot"))
            break;
    }
    cr_expect(shows("The run of quick ends"));
    press(KEY_ESCAPE);
    cr_expect_eq(session.asks, 0);
    press('C');
    press(KEY_RETURN);
    cr_assert(session.asks & SESSION_ASK_CONTINUE);
    record_path(root, "20260103-c", folder);
    cr_expect_str_eq(session.goes_on, folder);
    cr_expect_eq(session.wanted.microbatch, 10);
    e.start.preset = "quick";
    e.start.settings = &session.wanted;
    e.start.machine = sample_machine;
    e.start.step = 50;
    e.start.steps = 200;
    e.start.folder = folder;
    session_event(&session, &e);
    run = session_run(&session);
    cr_expect_eq(session.runs.count, 2);
    cr_expect_eq(run->curve[CURVE_VALID_SCORE].count, 5, "cut back");
    cr_expect_eq(session.tried.count, 2);
    cr_expect_eq(session.tried.list[1].trial.epochs, 5);
    cr_expect_not(trial_continues(&session.tried.list[1].trial));
    cr_expect(named("20260103-c")->own);
    frame_draw(&screen);
    cr_expect_not(shows("20260103-c"));
    cr_expect(shows("| B"));
}

/* What the worker refuses leaves the run under way alone. */
Test(history, not_continued)
{
    choose_run("20260103-c");
    press('C');
    cr_assert(comes(none_is_wanted));
    frame_draw(&screen);
    press(KEY_RETURN);
    session_stay(&session);
    cr_expect_null(session.runs.awaited_folder);
    sample_start(&session, "quick", &session.in_force, 20);
    cr_expect_eq(session.runs.count, 1);
    session.remote = true;
    press('C');
    cr_expect(strstr(session.message, "elsewhere"));
}

/* Every size is drawn, with any filter. */
Test(history, any_size)
{
    for (int rows = 1; rows <= 50; rows += 3)
        for (int cols = 1; cols <= 210; cols += 13)
            for (int typed = 0; typed < 3; typed++) {
                struct input size = { .type = INPUT_RESIZE, .row = rows,
                                      .col = cols };
                control_input(&screen, &size);
                frame_draw(&screen);
                type_text(typed == 0 ? "/2026\r>" : typed == 1 ? "\r\033"
                                                               : "\033C\033");
            }
}
