/*
 * The memory of a session has a bound, however long dials are turned and runs
 * are tried and begun again.
 */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdlib.h>

#include "tests/sample.h"
#include "ui/session/inquiry.h"

static struct session session;

/* The sanitizers' allocators do not tell. */
static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void skip_if_sanitized(void)
{
    const char *sanitized = getenv("MEMDIAL_SANITIZED");

    if (sanitized && *sanitized)
        cr_skip_test("the sanitizers' heap cannot be measured");
}

/* A network whose plans are large enough to be noticed. */
static void begin(void)
{
    struct settings deep;

    sample_init(&session);
    deep = session.wanted;
    cr_assert(settings_assign(&deep, "test", "depth=28", NULL));
    sample_start(&session, "deep", &deep, 0);
    session_want(&session, &deep);
    sample_plan(&session);
}

static void end(void)
{
    session_done(&session);
}

TestSuite(bounds, .init = begin, .fini = end);

/* Answers only the questions that a change of a dial always asks. */
static void plan_whole(void)
{
    struct question *q = xcalloc((unsigned long)inquiry_most(),
                                 sizeof(*q));
    int n = inquiry_list(&session, 0, q);

    session.asks &= ~(unsigned)SESSION_ASK_QUESTIONS;
    for (int i = 0; i < n; i++)
        if (q[i].whole)
            inquiry_answer(&session, q[i].tag,
                           forecast_new(&q[i].settings, &q[i].machine, NULL,
                                        true, q[i].baseline));
    free(q);
}

/* A person changes a setting and the worker applies it; then comes an epoch, so
 * that it is a trial. */
static void change(int number)
{
    static const char *const assignments[] = {
        "precision=bf16", "microbatch=50", "checkpoint=block",
        "precision=fp32", "microbatch=0", "checkpoint=none"
    };
    struct settings before = session.in_force, after = session.wanted;
    struct event e = { .type = EVENT_APPLIED,
                       .applied = { .before = &before, .after = &after } };

    cr_assert(settings_assign(&after, "test", assignments[number % 6], NULL));
    session_want(&session, &after);
    plan_whole();
    e.applied.planned = session.planned->peak_bytes;
    e.applied.arena = session.planned->arena_bytes;
    session_event(&session, &e);
    plan_whole();
    session.runs.list[session.runs.count - 1].step = number;
    sample_train(&session, 1);
}

static size_t bytes_of_changes(int from, int to)
{
    size_t before = heap_bytes(), after;

    for (int i = from; i < to; i++)
        change(i);
    after = heap_bytes();
    return after > before ? after - before : 0;
}

/* The heap that one plan takes. */
static size_t bytes_of_plan(void)
{
    size_t before = heap_bytes(), bytes;
    struct forecast *f = forecast_new(&session.in_force, &sample_machine,
                                      NULL, true, false);

    bytes = heap_bytes() - before;
    forecast_release(f);
    return bytes;
}

/* At first every change takes a trial, the figures of two plans and some points
 * of curves (10,213 bytes, and 59 more where the heap begins elsewhere), far
 * less than a plan; later it takes nothing. */
Test(bounds, a_change_of_a_dial)
{
    size_t plan, early, late;

    skip_if_sanitized();
    bytes_of_changes(0, 24);
    plan = bytes_of_plan();
    early = bytes_of_changes(24, 64) / 40;
    cr_expect_gt(plan, 20 * early, "%zu bytes for a plan", plan);
    cr_expect_lt(early, 12 << 10, "%zu bytes for each change", early);
    bytes_of_changes(64, ATTEMPTS_MOST + 64);
    late = bytes_of_changes(ATTEMPTS_MOST + 64, ATTEMPTS_MOST + 128);
    cr_expect_lt(late, 64 << 10, "%zu bytes for 64 changes", late);
    cr_expect_eq(session.tried.count, ATTEMPTS_MOST);
}

/* Trials that are the best of a table do not make room. */
Test(bounds, the_front_outlives_its_time)
{
    struct attempt *a;
    int best;

    change(0);
    session_pin(&session);
    change(1);
    a = &session.tried.list[session.tried.count - 1];
    a->trial.begin[AXIS_UNITS] = 0; /* it competes */
    a->trial.best[0] = (struct best){ 1, 1 };
    a->trial.best_count = 1;
    a->trial.best_score = 1;
    best = a->number;
    for (int i = 2; i < ATTEMPTS_MOST + 20; i++) {
        session.tried.list[session.tried.count - 1].peak_bytes += 1;
        session.wanted.lr += 1e-4;
        session.in_force = session.wanted;
        session_event(&session, &(struct event){
            .type = EVENT_APPLIED,
            .applied = { .before = &session.wanted, .after = &session.wanted,
                         .planned = 1u << 30 } });
        sample_train(&session, 1);
    }
    cr_assert_eq(session.tried.count, ATTEMPTS_MOST);
    cr_expect(session.tried.list[0].number == session.tried.pinned ||
              session.tried.list[1].number == session.tried.pinned);
    cr_expect(session.tried.list[0].number == best ||
              session.tried.list[1].number == best);
    cr_expect_eq(session.tried.list[ATTEMPTS_MOST - 1].number,
                 session.tried.list[ATTEMPTS_MOST - 2].number + 1);
}

/* A pinned trial has figures at once, and its plan when a page shows it. */
Test(bounds, plans_are_made_again)
{
    change(0);
    change(1);
    session_pin_attempt(&session, &session.tried.list[0]);
    cr_assert(session.pinned);
    cr_expect_null(session.pinned->job);
    cr_expect_eq(session.pinned->peak_bytes, session.tried.list[0].peak_bytes);
    cr_expect(session.asks & SESSION_ASK_QUESTIONS);
    plan_whole();
    cr_assert(session.pinned->job);
    cr_expect_eq(session.pinned->job->plan->peak_bytes,
                 session.tried.list[0].peak_bytes);
    for (int i = 0; i < session.tried.count; i++)
        cr_expect(!session.tried.list[i].plan->job &&
                  !session.tried.list[i].baseline->job);
    session_pin_attempt(&session, &session.tried.list[0]);
    cr_expect_null(session.pinned);
}

static void run_again(int epochs)
{
    sample_start(&session, "deep", &session.in_force, 0);
    plan_whole();
    sample_train(&session, epochs);
}

/* A run that has ended keeps the shape of its curves, with first and last
 * point; the oldest runs keep nothing. */
Test(bounds, runs_of_a_session)
{
    const struct run *pinned;
    size_t before;
    double last;

    run_again(400);
    session_pin(&session);
    last = run_latest(session_run(&session), CURVE_LOSS);
    run_again(1);
    pinned = session_pinned_run(&session);
    cr_assert(pinned);
    cr_expect_leq(pinned->curve[CURVE_LOSS].count, RUNS_EARLIER_POINTS);
    cr_expect_gt(pinned->curve[CURVE_LOSS].count, RUNS_EARLIER_POINTS / 3);
    cr_expect_eq(pinned->curve[CURVE_LOSS]
                     .points[pinned->curve[CURVE_LOSS].count - 1].value, last);
    for (int i = 0; i < ATTEMPTS_MOST; i++)
        run_again(1);
    before = heap_bytes();
    for (int i = 0; i < RUNS_MOST; i++)
        run_again(1);
    cr_expect_leq(heap_bytes(), before + (64 << 10));
    cr_expect_eq(session.runs.count, RUNS_MOST);
    cr_expect_eq(session_pinned_run(&session), &session.runs.list[0]);
}

/* A worker that changes its mind at every step. */
Test(bounds, marks_of_a_run)
{
    struct settings s = session.in_force;
    struct event e = { .type = EVENT_APPLIED,
                       .applied = { .before = &s, .after = &s } };

    for (int i = 0; i < 2 * RUN_MARKS; i++)
        session_event(&session, &e);
    cr_expect_eq(session_run(&session)->mark_count, RUN_MARKS);
}
