/*
 * Times on the screens: those that a worker's timings predict, beside those
 * that a run has measured, and the words where a roofline guesses. The timings
 * of these tests make each call take a multiple of the roofline's guess, so
 * that predictions are known.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "plan/roofline.h"
#include "tests/sample.h"
#include "ui/pages/control.h"
#include "ui/pages/frame.h"
#include "ui/pages/time_text.h"

static struct session session;
static struct screen screen;

static void begin(void)
{
    sample_init(&session);
    screen_init(&screen, &session, 40, 120, GLYPHS_BRAILLE);
    screen.view.theme = THEME_MONO;
}

static void end(void)
{
    screen_done(&screen);
    session_done(&session);
}

TestSuite(times, .init = begin, .fini = end);

static void press(int key)
{
    struct input input = { .type = INPUT_KEY, .key = key };

    control_input(&screen, &input);
    sample_plan(&session);
    frame_draw(&screen);
}

static bool shows(const char *text)
{
    char *frame = cells_dump(&screen.cells);
    bool found = strstr(frame, text);

    free(frame);
    return found;
}

static void expect_shown(const char *text)
{
    char *frame;

    frame_draw(&screen);
    frame = cells_dump(&screen.cells);
    cr_expect(strstr(frame, text), "no '%s' in\n%s", text, frame);
    free(frame);
}

/* Each call of a plan takes a multiple of its guess. */
static struct timings *slow_timings(const struct plan *plan, double factor)
{
    const struct program_steps *p = &plan->schedule->program[PROGRAM_TRAIN];
    struct timings *t = timings_new(plan->backend);

    for (int i = p->begin; i < p->end; i++) {
        enum op_code op = schedule_op(plan->schedule, i)->code;
        struct call call = plan_mean_call(plan, i);
        timings_add(t, op, &call, factor * roofline_call(op, &call));
    }
    return t;
}

static void hear(void *s, const struct event *e)
{
    session_event(s, e);
}

static void tell(const struct timings *t, const char *why)
{
    ledger_tell(&cpu_backend, t, why, (struct event_sink){ hear, &session });
    sample_plan(&session);
}

/* The worker tells its timings as it does after a start. */
static void tell_slow(double factor)
{
    struct timings *t = slow_timings(session.now->job->plan, factor);

    tell(t, NULL);
    timings_free(t);
}

static double guess_of(const struct forecast *f)
{
    return roofline_seconds(f->job->plan);
}

Test(times, are_guesses_where_nothing_was_measured)
{
    char guess[TIME_GUESS_SIZE], text[TIME_TEXT_SIZE], time[TEXT_TIME_SIZE];

    cr_expect(session.now->guessed && session.baseline->guessed);
    cr_expect_eq(session.now->seconds, guess_of(session.now));
    time_text_guess(&session, guess);
    cr_expect_str_eq(guess, "Times are a roofline's guess: `memdial calibrate "
                     "quick --set backend=cpu` measures them.");
    snprintf(text, sizeof(text), "its time, guessed %s",
             text_time(time, session.now->seconds));
    expect_shown(text);
    expect_shown("of baseline  1/2");
    press(KEY_RETURN);
    expect_shown("a roofline's guess");
    session.remote = true;
    tell(NULL, "the timings are of another build");
    time_text_guess(&session, guess);
    cr_expect_str_eq(guess, "Times are a roofline's guess: the timings are of "
                     "another build; `memdial calibrate quick --set "
                     "backend=cpu` on the worker's machine measures them.");
}

/* The dials, the gain, the page Step and a list of values. */
Test(times, are_predicted_by_the_timings_of_the_worker)
{
    char text[160], bytes[BYTES_TEXT_SIZE], time[TEXT_TIME_SIZE];
    const struct forecast *f;

    tell_slow(40);
    cr_expect_not(session.now->guessed);
    cr_expect_float_eq(session.now->seconds / guess_of(session.now), 40, 1e-9);
    cr_expect_float_eq(session.baseline->seconds /
                       guess_of(session.baseline), 40, 1e-9);
    f = session_turned(&session, 0, DIAL_UP);
    snprintf(text, sizeof(text), "› %s %s",
             bytes_format(bytes, sizeof(bytes), f->peak_bytes),
             text_time(time, f->seconds));
    expect_shown(text);
    expect_shown("a step  1/2");
    snprintf(text, sizeof(text), ", predicted %s",
             text_time(time, session.now->seconds));
    expect_shown(text);
    press('2');
    snprintf(text, sizeof(text), "predicted %s", time);
    expect_shown(text);
    snprintf(text, sizeof(text), ": forward, %s",
             text_time(time, timings_plan_call(
                                 session.ledger.timings,
                                 session.now->job->plan,
                                 session.now->job->plan->peak_step)));
    cr_expect(shows(text) ||
              !shows(": forward"), "the operation at the cursor: %s", text);
    press('1');
    press(KEY_RETURN);
    expect_shown("a step  of baseline price");
    cr_expect_not(shows("guess"));
}

/* Two machines: the times are those of the last worker. */
Test(times, follow_another_worker)
{
    double before;

    tell_slow(40);
    before = session.now->seconds;
    sample_start(&session, "quick", &session.in_force, 0);
    cr_expect_eq(session.now->seconds, before);
    tell_slow(7);
    cr_expect_float_eq(session.now->seconds / guess_of(session.now), 7, 1e-9);
    cr_expect_float_eq(session_turned(&session, 0, DIAL_UP)->seconds,
                       session_turned(&session, 0, DIAL_UP)->seconds, 1e-9);
    cr_expect_float_eq(session.baseline->seconds /
                       guess_of(session.baseline), 7, 1e-9);
    sample_start(&session, "quick", &session.in_force, 0);
    tell(NULL, NULL);
    cr_expect(session.now->guessed);
    cr_expect_null(session.ledger.timings);
}

/* The sample's steps take 80 ms. */
Test(times, measured_replace_predicted_and_show_the_error)
{
    char text[160], was[TEXT_TIME_SIZE];
    double predicted;

    tell_slow(0.0744 / guess_of(session.now));
    predicted = session.now->seconds;
    cr_expect_float_eq(predicted, 0.0744, 1e-9);
    expect_shown(", predicted 74.4 ms");
    sample_train(&session, 2);
    expect_shown("as much as the baseline, predicted 74.4 ms, "
                 "measured 80.0 ms (-7%)");
    press('2');
    expect_shown("predicted 74.4 ms, measured 80.0 ms (-7%)");
    press('4');
    expect_shown("80.0 ms");
    press(KEY_RETURN);
    expect_shown("A step, mean: predicted 74.4 ms, measured 80.0 ms (-7%); the "
                 "last 80.0 ms.");
    press(KEY_ESCAPE);
    /* What the run has measured makes no prediction better afterwards. */
    tell_slow(0.08 / guess_of(session.now));
    press(KEY_RETURN);
    expect_shown("A step, mean: predicted 74.4 ms, measured 80.0 ms (-7%); the "
                 "last 80.0 ms.");
    press(KEY_ESCAPE);
    cr_expect_neq(session.now->seconds, predicted);
    /* Other settings are predicted with all timings by then. */
    sample_apply(&session, "microbatch=20");
    snprintf(text, sizeof(text), ", predicted %s",
             text_time(was, session.now->seconds));
    press('1');
    expect_shown(text);
}

/* A run of a machine that was never calibrated measures without a prediction:
 * a guess has no error that would tell anything. */
Test(times, guesses_are_not_compared)
{
    sample_train(&session, 2);
    tell_slow(40);
    expect_shown(", measured 80.0 ms");
    cr_expect_not(shows("predicted") && shows("(-"));
    press('4');
    press(KEY_RETURN);
    expect_shown("A step, mean: measured 80.0 ms; the last 80.0 ms.");
}

Test(times, of_what_fits_are_predicted_too)
{
    const struct fit_row *row;
    char text[64], time[TEXT_TIME_SIZE];

    sample_fit(&session, 3 << 20);
    cr_expect(session.found->fit.guessed);
    screen_go(&screen, PAGE_FIT);
    expect_shown("a step, guessed");
    expect_shown("roofline's guess");
    tell_slow(40);
    sample_fit(&session, 3 << 20);
    cr_expect_not(session.found->fit.guessed);
    row = finding_row(session.found, 0);
    snprintf(text, sizeof(text), " %s ", text_time(time, row->seconds));
    expect_shown(text);
    expect_shown("a step, predicted");
    cr_expect_not(shows("guess"));
    session_pin_fit(&session, 0);
    sample_plan(&session);
    cr_expect_float_eq(session.pinned->seconds, row->seconds, 1e-9);
    cr_expect_not(session.pinned->guessed);
}
