/*
 * Searching for settings within a budget: its thread, the page Fit, the list of
 * a dial's values, and a budget that is dragged.
 */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/sample.h"
#include "ui/pages/control.h"
#include "ui/pages/frame.h"

static struct session session;
static struct screen screen;

static void init_page(void)
{
    sample_init(&session);
    screen_init(&screen, &session, 40, 120, GLYPHS_ASCII);
    frame_draw(&screen);
}

static void done_page(void)
{
    screen_done(&screen);
    session_done(&session);
}

TestSuite(page_fit, .init = init_page, .fini = done_page, .timeout = 240);

static void send_input(struct input input)
{
    control_input(&screen, &input);
    frame_draw(&screen);
}

static void press(int key)
{
    send_input((struct input){ .type = INPUT_KEY, .key = key });
}

static void type_text(const char *text, bool pasted)
{
    for (; *text; text++)
        send_input((struct input){ .type = INPUT_KEY,
                                   .key = (unsigned char)*text,
                                   .pasted = pasted });
}

static bool shows(const char *text)
{
    char *frame = cells_dump(&screen.cells);
    bool found = strstr(frame, text);

    free(frame);
    return found;
}

/* Answers the question for a budget. */
static void answer(const char *text)
{
    press('f');
    cr_assert(screen.question.open);
    press('U' - '@');
    type_text(text, false);
    press(KEY_RETURN);
}

static struct finding *wait_for_finding(struct errands *f, double seconds)
{
    struct pollfd fd = { errands_fd(f), POLLIN, 0 };
    double end = clock_seconds() + seconds;
    struct finding *found = NULL;

    while (!found && clock_seconds() < end) {
        poll(&fd, 1, 100);
        found = errands_take(f, NULL);
    }
    return found;
}

static void ask(struct errands *f, size_t budget)
{
    errands_ask(f, finding_new(&session.wanted, &session.machine, NULL,
                               budget));
}

/* The newest question is answered, as fit_find() would; a search that is told
 * to end says that it is not complete. */
Test(page_fit, the_newest_question_is_answered)
{
    struct errands *f = errands_new(&finding_errand);
    struct finding *found;

    ask(f, 1 << 10);
    ask(f, 3 << 20);
    found = wait_for_finding(f, 120);
    cr_assert(found);
    cr_expect_eq(found->budget, 3 << 20);
    cr_expect(found->fit.complete && found->fit.count > 1);
    for (int i = 0; i < finding_rows(found); i++)
        cr_expect_leq(finding_row(found, i)->arena_bytes, 3 << 20);
    finding_free(found);
    cr_expect_null(wait_for_finding(f, 0.3), "it is taken once");

    ask(f, 1 << 10);
    errands_stop(f);
    found = wait_for_finding(f, 120);
    cr_assert(found);
    cr_expect(!found->fit.complete && !found->blocked);
    finding_free(found);

    ask(f, 1 << 10);
    errands_free(f); /* while it searches */
}

Test(page_fit, what_is_no_budget_is_refused)
{
    static const char *const wrong[] = { "0", "abc", "-1", "8MB", "",
                                         "99999999999999999999999999" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        answer(wrong[i]);
        cr_expect(shows("is no budget"), "'%s'", wrong[i]);
        cr_expect_not(session.fitting || session.asks & SESSION_ASK_FIT);
    }
    press('f');
    type_text("8 MiB\r\033q", true);
    cr_expect(screen.question.open, "a paste does not answer");
    press(KEY_ESCAPE);
    answer("1048576TiB");
    cr_expect(session.asks & SESSION_ASK_FIT);
    cr_expect_eq(session.fit_budget, (size_t)1 << 60);
    cr_expect(shows("Searching for"));
}

/* Esc ends the search, then goes back to the page before. */
Test(page_fit, esc_ends_the_search_then_leaves)
{
    press('2');
    answer("3MiB");
    cr_expect_eq(screen.page, PAGE_FIT);
    press(KEY_RETURN);
    cr_expect(shows("the search goes on"));
    press(KEY_ESCAPE);
    cr_expect_eq(session.asks & (SESSION_ASK_FIT | SESSION_ASK_FIT_STOP),
                 SESSION_ASK_FIT_STOP);
    cr_expect_eq(screen.page, PAGE_FIT);
    cr_expect_not(shows("Searching for"), "nobody has asked for it yet");
    sample_fit(&session, 3 << 20);
    press(KEY_ESCAPE);
    cr_expect_eq(screen.page, PAGE_STEP);
    session.asks = 0;
    answer("3MiB");
    session.asks = 0; /* it is under way */
    press(KEY_ESCAPE);
    cr_expect(shows("Searching for"), "until it has an end");
    sample_fit(&session, 3 << 20);
    press(KEY_ESCAPE);
    cr_expect_eq(screen.page, PAGE_STEP);
}

/* Enter turns the dials of a search alone, and undo turns them back. */
Test(page_fit, enter_applies_and_undo_takes_back)
{
    struct settings before = session.wanted, after;
    const struct fit_row *row;

    sample_fit(&session, 3 << 20);
    press('6');
    press(KEY_ARROW_DOWN);
    row = finding_row(session.found, 1);
    cr_assert(settings_assign(&session.wanted, "test", "lr=0.05", NULL));
    before = session.wanted;
    session.asks = 0;
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_APPLY);
    after = session.wanted;
    cr_expect_eq(after.lr, 0.05, "lr is none of its dials");
    cr_expect_eq(after.precision, row->settings.precision);
    cr_expect_eq(after.microbatch, row->settings.microbatch);
    sample_plan(&session);
    cr_expect_eq(session.planned->arena_bytes, row->arena_bytes);
    press('u');
    cr_expect(settings_same(&session.wanted, &before));

    after = session.wanted;
    after.depth = 16;
    session.wanted = after;
    press(KEY_RETURN);
    cr_expect(shows("the settings have changed"));
    cr_expect(settings_same(&session.wanted, &after));
}

Test(page_fit, a_row_is_pinned_as_planned)
{
    sample_fit(&session, 3 << 20);
    press('6');
    press('p');
    cr_assert(session.pinned);
    cr_expect_eq(session.pinned->arena_bytes,
                 finding_row(session.found, 0)->arena_bytes);
    sample_plan(&session);
    cr_expect(session.pinned->job, "its plan comes");
    cr_expect_gt(session.pinned->bytes[KIND_WEIGHTS], 0);
    press('p');
    cr_expect_null(session.pinned);
}

/* Where nothing fits, the least there is can be taken. */
Test(page_fit, nothing_fits)
{
    sample_fit(&session, 1 << 10);
    press('6');
    cr_expect(shows("Nothing trains in 1.00 KiB"));
    cr_expect(shows("In the way"));
    press(KEY_RETURN);
    cr_expect_eq(session.wanted.microbatch, 1);
    sample_plan(&session);
    cr_expect_eq(session.planned->arena_bytes,
                 session.found->obstacle.least.arena_bytes);
}

static void mouse(enum input_type type, int row, int col)
{
    send_input((struct input){ .type = type, .row = row, .col = col });
}

static const struct target *find_grip(void)
{
    for (int i = 0; i < screen.target_count; i++)
        if (screen.targets[i].action == ACTION_GRIP)
            return &screen.targets[i];
    cr_assert_fail("nothing can be dragged");
    return NULL;
}

/* A budget is dragged along the bars; a click, or a drag that ends elsewhere,
 * searches for nothing. */
Test(page_fit, a_budget_is_dragged)
{
    struct rect bar = find_grip()->rect;

    mouse(INPUT_CLICK, bar.row, bar.col + 20);
    mouse(INPUT_DROP, bar.row, bar.col + 20);
    cr_expect_eq(session.fit_budget, 0);
    mouse(INPUT_CLICK, bar.row, bar.col + 20);
    mouse(INPUT_DRAG, bar.row, bar.col + bar.cols / 2 - 1);
    cr_expect(shows("let go, and what fits"));
    session_say(&session, NOTICE_INFO, "applied by the worker");
    frame_draw(&screen);
    cr_expect(shows("let go, and what fits"), "a message waits meanwhile");
    mouse(INPUT_DRAG, bar.row, bar.col + bar.cols);
    cr_expect_not(shows("let go, and what fits"), "there is no budget there");
    mouse(INPUT_DROP, bar.row, bar.col + bar.cols + 5);
    cr_expect_eq(session.fit_budget, 0);
    cr_expect(shows("applied by the worker"));
    mouse(INPUT_DRAG, bar.row, bar.col + 3);
    cr_expect_eq(screen.page, PAGE_RUN, "nothing is held");
    mouse(INPUT_CLICK, bar.row, bar.col + 20);
    send_input((struct input){ .type = INPUT_RESIZE, .row = 24, .col = 80 });
    mouse(INPUT_DROP, bar.row, bar.col);
    send_input((struct input){ .type = INPUT_RESIZE, .row = 40, .col = 120 });
    press('1');
    session.fit_budget = 0;
    bar = find_grip()->rect;
    mouse(INPUT_CLICK, bar.row, bar.col + 20);
    mouse(INPUT_DROP, bar.row, bar.col + bar.cols / 2 - 1);
    cr_expect_eq(screen.page, PAGE_FIT);
    cr_expect_float_eq((double)session.fit_budget,
                       0.5 * (double)session.baseline->peak_bytes,
                       0.02 * (double)session.baseline->peak_bytes);
}

static void list_dial(const char *name)
{
    press('1');
    screen.pane[PAGE_RUN] = PANE_DIALS;
    for (int i = 0; i < dial_count(); i++)
        if (strcmp(dial_setting(i)->name, name) == 0)
            screen.dial = i;
    press(KEY_RETURN);
    sample_plan(&session);
    frame_draw(&screen);
}

/* All values are listed with their figures, and Enter takes one. */
Test(page_fit, values_are_listed_and_taken)
{
    list_dial("precision");
    cr_expect(shows("> fp32 ") && shows("  bf16 ") && shows("  fp16 "));
    cr_expect(shows("storage"));
    cr_expect(shows(dial_setting(1)->shrunk));
    press(KEY_ARROW_DOWN);
    press(KEY_ARROW_DOWN);
    press(KEY_ARROW_UP);
    press(KEY_RETURN);
    cr_expect_not(screen.popup.open);
    cr_expect_eq(session.wanted.precision, PRECISION_BF16);
    press('u');
    list_dial("microbatch");
    press(KEY_TO_START);
    press(KEY_ESCAPE);
    cr_expect_eq(session.wanted.microbatch, 0);
}

/* Where a list has no room its keys do not go to the page behind it, and it is
 * still about its dial. */
Test(page_fit, a_list_without_room_keeps_its_keys)
{
    list_dial("precision");
    press(KEY_ARROW_DOWN);
    send_input((struct input){ .type = INPUT_RESIZE, .row = 6, .col = 30 });
    press(KEY_ARROW_DOWN);
    send_input((struct input){ .type = INPUT_WHEEL, .row = 3, .col = 3,
                               .turn = 1 });
    press(KEY_TO_END);
    cr_expect_str_eq(dial_setting(screen.dial)->name, "precision");
    screen.dial = 0;
    press('v');
    cr_expect(shows("precision: "));
    press(KEY_ESCAPE);
    cr_expect_not(screen.popup.open);
    send_input((struct input){ .type = INPUT_RESIZE, .row = 40, .col = 120 });
    list_dial("precision");
    press(KEY_ARROW_DOWN);
    screen.dial = 0;
    press(KEY_RETURN);
    cr_expect_eq(session.wanted.precision, PRECISION_BF16);
}

/* A dial that saves no memory shows none. */
Test(page_fit, lr_shows_no_bytes)
{
    char *frame, *from, *to;

    send_input((struct input){ .type = INPUT_RESIZE, .row = 24, .col = 80 });
    list_dial("lr");
    frame = cells_dump(&screen.cells);
    from = strstr(frame, "- lr -");
    cr_assert(from);
    to = strstr(from, "The factor of every");
    cr_assert(to);
    *to = '\0';
    cr_expect_not(strstr(from, "iB"), "%s", from);
    cr_expect(strstr(from, "> 0.1 "));
    free(frame);
    press('v');
    cr_expect(screen.question.open);
    press('U' - '@');
    type_text("0.07", false);
    press(KEY_RETURN);
    cr_expect_eq(session.wanted.lr, 0.07);
    press('v');
    type_text("x", false);
    press(KEY_RETURN);
    cr_expect_eq(session.wanted.lr, 0.07);
    cr_expect_eq(session.notice, NOTICE_ERROR);
}
