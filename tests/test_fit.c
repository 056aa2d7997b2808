/*
 * Fit: its rows are compared with what trying every setting finds.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "models/model.h"
#include "plan/fit.h"
#include "plan/roofline.h"
#include "settings/ladder.h"
#include "tests/engine.h"
#include "tests/sanitized.h"
#include "tests/settings_of.h"

static const struct machine fit_machine = { .backend = "cpu", .processors = 2 };

/* What rows are compared by. Timings that know of one operation know the
 * factor of all. */
static struct timings *fit_timings;

static double fit_seconds(const struct job *job)
{
    return fit_timings ? timings_step_seconds(fit_timings, job->plan)
                       : roofline_seconds(job->plan);
}

/* Dials that are not held, by name; NULL-terminated. */
static bool is_not_listed(const struct setting *row, const void *arg)
{
    for (const char *const *name = arg; *name; name++)
        if (strcmp(*name, row->name) == 0)
            return false;
    return true;
}

struct question {
    struct settings settings;
    const char *const *turned;
    size_t budget;
};

static struct fit_query query_of(const struct question *q)
{
    return (struct fit_query){ .settings = &q->settings,
                               .machine = &fit_machine, .budget = q->budget,
                               .held = is_not_listed, .held_arg = q->turned,
                               .timings = fit_timings };
}

static struct fit answer_to(const struct question *q)
{
    struct fit_query query = query_of(q);
    struct fit fit;
    struct error e;

    cr_assert(fit_find(&fit, &query, &e), "%s", e.text);
    cr_assert(fit.complete);
    return fit;
}

/* What an exhaustive search keeps: the least change and, of settings that
 * change as much, the fastest. */
struct found {
    bool any;
    struct change change;
    double seconds;
    struct settings settings;
};

static void try_settings(const struct question *q, const struct settings *s,
                         struct found *best)
{
    struct job *job;
    struct change change;
    double seconds;
    int order;

    if (!model_check(s, "test", NULL) ||
        !job_new_on(&job, s, &fit_machine, NULL))
        return;
    change = change_of(s, job->graph);
    seconds = fit_seconds(job);
    order = best->any ? change_compare(&change, &best->change) : -1;
    if (job->plan->arena_bytes <= q->budget &&
        (order < 0 || (order == 0 && seconds < best->seconds)))
        *best = (struct found){ true, change, seconds, *s };
    job_free(job);
}

/* Goes through all values of the dials from this row of the table on. Optimal
 * checkpoints may take all of the budget, and no other value of memory_budget
 * is tried. */
static void try_all(const struct question *q, struct settings s, int row,
                    struct found *best)
{
    const struct setting *r = &settings_table[row];
    struct settings lower;

    if (row == settings_count) {
        try_settings(q, &s, best);
        return;
    }
    if (is_not_listed(r, q->turned) || !fit_turns(r)) {
        try_all(q, s, row + 1, best);
        return;
    }
    while (ladder_step(&s, r, LADDER_DOWN, 0, &lower))
        s = lower;
    do {
        if (r->offset == offsetof(struct settings, checkpoint))
            s.memory_budget = q->budget;
        try_all(q, s, row + 1, best);
    } while (ladder_step(&s, r, LADDER_UP, 0, &s));
}

static void check_rows(const struct question *q, const struct fit *fit)
{
    for (int i = 0; i < fit->count; i++) {
        const struct fit_row *row = &fit->rows[i];
        struct job *job;
        struct error e;

        cr_assert(job_new_on(&job, &row->settings, &fit_machine, &e), "%s",
                  e.text);
        cr_expect_eq(job->plan->arena_bytes, row->arena_bytes);
        cr_expect_leq(row->arena_bytes, q->budget);
        cr_expect_eq(fit_seconds(job), row->seconds);
        if (i > 0) {
            cr_expect_gt(change_compare(&row->change, &row[-1].change),
                         0);
            cr_expect_lt(row->seconds, row[-1].seconds);
        }
        job_free(job);
    }
}

static void check_against_all(const struct question *q)
{
    struct fit fit = answer_to(q);
    struct found best = { .any = false };

    try_all(q, q->settings, 0, &best);
    cr_assert_eq(best.any, fit.count > 0, "%zu bytes", q->budget);
    check_rows(q, &fit);
    if (best.any) {
        cr_expect_eq(change_compare(&fit.rows[0].change, &best.change),
                     0, "%zu bytes", q->budget);
        cr_expect_leq(fit.rows[0].seconds, best.seconds, "%zu bytes",
                      q->budget);
    }
    fit_done(&fit);
}

/* Sets of dials that together take a test's time, not an afternoon's. */
static const char *const dials[][5] = {
    { "microbatch", "recompute", "checkpoint", "memory_budget" },
    { "precision", "sparsity", "checkpoint", "memory_budget" },
    { "sparsity", "microbatch", "precision" },
    { "gradients", "checkpoint", "recompute", "memory_budget" },
    { "precision", "gradients", "optimizer_state" },
};

enum { DIAL_SETS = sizeof(dials) / sizeof(dials[0]) };

static const char *const images[] = { "batch=20", "depth=10", "nesterov=no",
                                      NULL };
static const char *const text[] = {
    "model=dynamicconv", "data=numbers", "features=32", "hidden=64",
    "encoder_layers=2", "decoder_layers=2", "encoder_kernels=3",
    "decoder_kernels=3", "batch=400", "optimizer=adam", NULL
};

/* The n-th of `count` budgets from `least` to `most`, by equal factors. */
static size_t budget_between(double least, double most, int n, int count)
{
    return (size_t)(least * pow(most / least, (n + 0.5) / count));
}

static void compare_with_all(const char *const assignments[], int budgets)
{
    for (int set = 0; set < DIAL_SETS; set++) {
        struct question q = { settings_of(assignments), dials[set], SIZE_MAX };
        struct fit_query query = query_of(&q);
        struct fit fit = answer_to(&q);
        struct fit_row least;

        cr_assert(fit_least(&least, &query));
        for (int i = 0; i < budgets; i++) {
            q.budget = budget_between(0.9 * (double)least.arena_bytes,
                                      (double)fit.baseline.arena_bytes, i,
                                      budgets);
            check_against_all(&q);
        }
        fit_done(&fit);
    }
}

Test(fit, misses_no_setting_of_images, .timeout = 600)
{
    compare_with_all(images, SANITIZED ? 2 : 6);
}

Test(fit, misses_no_setting_of_text, .timeout = 600)
{
    compare_with_all(text, SANITIZED ? 1 : 5);
}

static const char *const all_dials[] = {
    "sparsity", "precision", "microbatch", "checkpoint", "recompute",
    "memory_budget", "gradients", "optimizer_state", NULL
};

/* Settings that have turned a dial already, with which some values of others do
 * not go, are searched as any. */
Test(fit, begins_with_nothing_saved)
{
    struct question q = { settings_of(images), dials[DIAL_SETS - 1],
                          1000000 };
    struct fit plain = answer_to(&q), turned;

    q.settings.gradients = GRADIENTS_ACCUMULATE;
    turned = answer_to(&q);
    cr_expect_gt(plain.plans, 8);
    cr_expect_eq(turned.plans, plain.plans);
    fit_done(&plain);
    fit_done(&turned);
}

/* Moments that take the gradients of parts change sums of SGD in rounding, and
 * Adam's more. */
Test(fit, prices_accumulation_by_the_optimizer)
{
    const struct setting *row = settings_find("gradients");

    for (int adam = 0; adam < 2; adam++)
        for (int turned = 0; turned < 2; turned++) {
            struct settings s = settings_of(images);
            struct graph *g;

            s.optimizer = adam ? OPTIMIZER_ADAM : OPTIMIZER_SGD;
            s.gradients = turned ? GRADIENTS_ACCUMULATE : GRADIENTS_BUFFER;
            g = model_build(&s);
            cr_expect_eq(change_price(row, g),
                         adam ? PRICE_STATISTICS : PRICE_ROUNDING);
            graph_free(g);
        }
}

/* Settings that share a graph and routes only in part, each after others that
 * cut a batch otherwise. More than a hundred parts have sums of their own. */
static const char *const ways[][5] = {
    { "precision=fp32" },
    { "precision=bf16" },
    { "precision=bf16", "microbatch=8" },
    { "precision=bf16", "microbatch=2" },
    { "precision=bf16", "microbatch=2", "gradients=accumulate" },
    { "precision=bf16", "microbatch=2", "sparsity=0.9" },
    { "microbatch=2" },
    { "microbatch=40", "recompute=norms" },
    { "microbatch=2", "recompute=norms", "saved=8bit" },
    { "microbatch=80", "saved=8bit", "sparsity=0.9" },
    { "microbatch=4", "saved=8bit", "precision=bf16" },
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* A network whose batch has 320 images. */
static struct settings way(int i)
{
    struct settings s = settings_of(images);

    s.batch = 320;
    for (int k = 0; k < 5 && ways[i][k]; k++)
        cr_assert(settings_assign(&s, "test", ways[i][k], NULL));
    return s;
}

/* Plans of one cache are those of jobs that share nothing. */
Test(fit, shares_nothing_that_differs)
{
    struct job_cache cache = { .graphs.oldest = 0 };

    for (int i = 0; i < WAYS * (CHECKPOINT_OPTIMAL + 1); i++) {
        struct settings s = way(i % WAYS);
        struct job *shared, *alone;
        s.checkpoint = i / WAYS;
        cr_assert(job_outline_on(&shared, &s, &fit_machine, &cache, NULL,
                                 NULL));
        cr_assert(job_new_on(&alone, &s, &fit_machine, NULL));
        cr_expect_eq(shared->plan->peak_bytes, alone->plan->peak_bytes);
        cr_expect_eq(shared->schedule->step_count,
                     alone->schedule->step_count);
        cr_expect_eq(schedule_flops(shared->schedule),
                     schedule_flops(alone->schedule));
        cr_expect_eq(fit_seconds(shared), fit_seconds(alone));
        job_free(shared);
        job_free(alone);
    }
    job_cache_done(&cache);
}

static double guessed_step(const struct plan *plan, int step, const void *arg)
{
    (void)arg;
    return roofline_step(plan, step);
}

/* The work of all routes of a graph, remembered together, is that of each. */
static void expect_work(const struct job *job, const struct routes *routes)
{
    static const struct pace pace = { .seconds = guessed_step };
    struct work *work = work_new(job->graph);

    for (int i = 0; i < routes->count; i++) {
        struct schedule *s = schedule_build(
            job->graph, policy_from(&job->settings), routes->list[i].route);
        struct plan *plan = plan_calls(s, job->backend, job->threads);
        double seconds;

        cr_expect_eq(work_flops(work, s), schedule_flops(s));
        seconds = roofline_seconds(plan);
        cr_expect_not(work_is_below(work, plan, &pace, seconds));
        cr_expect(work_is_below(work, plan, &pace,
                                nextafter(seconds, INFINITY)));
        plan_free(plan);
        schedule_free(s);
    }
    work_free(work);
}

Test(fit, remembers_no_other_work)
{
    for (int i = 0; i < WAYS; i++) {
        struct route_cache cache = { .count = 0 };
        struct settings s = way(i);
        struct job *job;

        cr_assert(job_new_on(&job, &s, &fit_machine, NULL));
        expect_work(job, route_cache_find(&cache, &job->settled, job->backend,
                                          job->threads));
        route_cache_done(&cache);
        job_free(job);
    }
}

/* What any checkpoints bring into a budget may fit. */
static void expect_bounds(const struct settings *s, struct job_cache *cache)
{
    struct settings by = *s;

    for (int c = 0; c <= CHECKPOINT_OPTIMAL; c++) {
        struct job *job;
        size_t peak, persisting;
        by.checkpoint = c;
        cr_assert(job_new_on(&job, &by, &fit_machine, NULL));
        peak = job->plan->peak_bytes;
        persisting = choice_persisting(job->plan);
        cr_expect_leq(job_least_bytes(s, &fit_machine, cache), peak);
        cr_expect(job_may_fit(s, &fit_machine, cache, persisting, peak));
        cr_expect_not(job_may_fit(s, &fit_machine, cache, persisting,
                                  persisting));
        job_free(job);
    }
}

Test(fit, rules_out_nothing_that_fits)
{
    struct job_cache cache = { .graphs.oldest = 0 };

    for (int i = 0; i < WAYS; i++) {
        struct settings s = way(i);
        expect_bounds(&s, &cache);
    }
    job_cache_done(&cache);
}

/* The least arena is reached, and nothing fits into a byte less. */
Test(fit, knows_the_least)
{
    struct question q = { settings_of(images), all_dials, 0 };
    struct fit_query query = query_of(&q);
    struct fit_row least;
    struct fit fit;

    cr_assert(fit_least(&least, &query));
    q.budget = least.arena_bytes;
    fit = answer_to(&q);
    cr_expect_eq(fit.count, 1);
    check_rows(&q, &fit);
    fit_done(&fit);
    q.budget--;
    fit = answer_to(&q);
    cr_expect_eq(fit.count, 0);
    fit_done(&fit);
}

/* Timings of images: arithmetic is slow, and what the operations of batch norm
 * take is next to nothing. */
static struct timings *slow_arithmetic(double overhead)
{
    struct timings *timings = timings_new(&cpu_backend);
    struct settings s = settings_of(images);
    struct job *job;

    cr_assert(job_new_on(&job, &s, &fit_machine, NULL));
    for (int t = 0; t < job->schedule->program[PROGRAM_TRAIN].end; t++) {
        enum op_code op = schedule_op(job->schedule, t)->code;
        struct call call = plan_mean_call(job->plan, t);
        timings_add(timings, op, &call,
                    roofline_call(op, &call) *
                        (strstr(op_name(op), "conv") ? 20 : 0.1));
    }
    timings_add_overhead(timings, overhead);
    job_free(job);
    return timings;
}

/* Nothing is missed either where time is measured. */
Test(fit, misses_nothing_by_measured_time, .timeout = 600)
{
    fit_timings = slow_arithmetic(1e-5);
    compare_with_all(images, SANITIZED ? 1 : 3);
    timings_free(fit_timings);
    fit_timings = NULL;
}

/* The baseline takes no longer than the baseline, however times are added. */
Test(fit, allows_the_time_of_the_baseline)
{
    static const char *const two[] = { "microbatch", "checkpoint",
                                       "memory_budget", NULL };

    for (int i = 1; i <= 20; i++) {
        struct question q = { settings_of(images), two, 1000000000 };
        struct fit_query query = query_of(&q);
        struct timings *timings = slow_arithmetic(i * 1.1e-6);
        struct fit fit;

        query.timings = timings;
        query.most_time = 1;
        cr_assert(fit_find(&fit, &query, NULL));
        cr_assert_gt(fit.count, 0, "overhead %d", i);
        cr_expect_eq(fit.rows[0].seconds, fit.baseline.seconds);
        fit_done(&fit);
        timings_free(timings);
    }
}

/* A larger budget never gives a first row that changes more, or that changes as
 * much and is slower. */
Test(fit, is_monotonic, .timeout = 600)
{
    struct question q = { settings_of(images), all_dials, 0 };
    struct fit_row last = { .seconds = NAN };
    const int budgets = SANITIZED ? 8 : 40;

    for (int i = 0; i < budgets; i++) {
        struct fit fit;
        q.budget = budget_between(100e3, 40e6, i, budgets);
        fit = answer_to(&q);
        if (fit.count && !isnan(last.seconds)) {
            int order = change_compare(&fit.rows[0].change, &last.change);
            cr_expect(order < 0 ||
                      (order == 0 && fit.rows[0].seconds <= last.seconds),
                      "%zu bytes", q.budget);
        }
        cr_expect(fit.count || isnan(last.seconds));
        if (fit.count)
            last = fit.rows[0];
        fit_done(&fit);
    }
    cr_expect_not(isnan(last.seconds));
}

/* A step of a row touches no more than the budget, and runs. */
Test(fit, proposes_what_runs, .timeout = 600)
{
    const int budgets = SANITIZED ? 2 : 12;

    for (int i = 0; i < budgets; i++) {
        struct question q = { settings_of(images), all_dials, 0 };
        struct fit fit;
        q.budget = budget_between(300e3, 10e6, i, budgets);
        fit = answer_to(&q);
        for (int row = 0; row < fit.count; row++) {
            struct job *job;
            struct engine engine;
            double metrics[METRIC_COUNT];
            cr_assert(job_new_on(&job, &fit.rows[row].settings, &fit_machine,
                                 NULL));
            engine = engine_of(job);
            engine_run(&engine, PROGRAM_TRAIN, 20, metrics);
            cr_expect(isfinite(metrics[0]));
            cr_expect_leq(job->plan->arena_bytes, q.budget);
            engine_close(&engine);
        }
        fit_done(&fit);
    }
}

/* Dials that are held keep their values; time can be bounded. */
Test(fit, keeps_to_its_bounds)
{
    static const char *const two[] = { "microbatch", "checkpoint",
                                       "memory_budget", NULL };
    struct question q = { settings_of(images), two, 0 };
    struct fit_query query = query_of(&q);
    struct fit fit;

    query.budget = 3000000;
    q.settings.precision = PRECISION_BF16;
    query.most_time = 1.25;
    cr_assert(fit_find(&fit, &query, NULL));
    cr_assert_gt(fit.count, 0);
    for (int i = 0; i < fit.count; i++) {
        cr_expect_eq(fit.rows[i].settings.precision, PRECISION_BF16);
        cr_expect_eq(fit.rows[i].settings.sparsity, 0);
        cr_expect_leq(fit.rows[i].seconds, 1.25 * fit.baseline.seconds);
    }
    fit_done(&fit);
}

static const char *const microbatch_and_budget[] = { "microbatch",
                                                     "memory_budget", NULL };

/* A held memory_budget that is none, and one that nothing can keep to. */
Test(fit, holds_checkpoints)
{
    static const char *const three[] = { "microbatch", "sparsity", "recompute",
                                         NULL };
    struct question q = { settings_of(images), three, 2000000 };
    struct fit_query query = query_of(&q);
    struct fit_obstacle obstacle;
    struct error e;
    struct fit fit;

    q.settings.checkpoint = CHECKPOINT_OPTIMAL;
    fit = answer_to(&q);
    cr_assert_gt(fit.count, 0);
    check_rows(&q, &fit);
    for (int i = 0; i < fit.count; i++) {
        cr_expect_eq(fit.rows[i].settings.checkpoint, CHECKPOINT_OPTIMAL);
        cr_expect_eq(fit.rows[i].settings.memory_budget, 0);
    }
    fit_done(&fit);
    q.settings.memory_budget = 1000;
    fit = answer_to(&q);
    cr_expect_eq(fit.count, 0);
    fit_done(&fit);
    cr_expect_not(fit_find_obstacle(&obstacle, &query, &e));
    cr_expect_eq(e.code, EXIT_BUDGET);
}

/* What the preset's checkpoints may take says nothing of what other settings
 * may: those that change less are found all the same. */
Test(fit, does_not_keep_to_a_budget_that_is_free)
{
    struct question q = { settings_of(images), microbatch_and_budget,
                          4000000 };
    struct fit free, small;

    q.settings.checkpoint = CHECKPOINT_OPTIMAL;
    free = answer_to(&q);
    q.settings.memory_budget = 1000;
    small = answer_to(&q);
    cr_assert_gt(free.count, 0);
    cr_assert_eq(small.count, free.count);
    for (int i = 0; i < free.count; i++) {
        cr_expect_eq(small.rows[i].arena_bytes, free.rows[i].arena_bytes);
        cr_expect_eq(small.rows[i].seconds, free.rows[i].seconds);
    }
    check_rows(&q, &small);
    fit_done(&free);
    fit_done(&small);
}

/* The least arena with a held memory_budget has other checkpoints, if optimal
 * ones cannot keep to it. */
Test(fit, knows_the_least_of_what_is_held)
{
    static const char *const two[] = { "microbatch", "checkpoint", NULL };
    struct question q = { settings_of(images), two, SIZE_MAX };
    struct fit_query query = query_of(&q);
    struct fit_row least;
    struct fit fit;

    q.settings.memory_budget = 1000;
    cr_assert(fit_least(&least, &query));
    cr_expect_neq(least.settings.checkpoint, CHECKPOINT_OPTIMAL);
    cr_expect_eq(least.settings.memory_budget, 1000);
    q.budget = least.arena_bytes;
    fit = answer_to(&q);
    cr_expect_eq(fit.count, 1);
    fit_done(&fit);
    q.budget--;
    fit = answer_to(&q);
    cr_expect_eq(fit.count, 0);
    fit_done(&fit);
}

static bool never(void *arg)
{
    ++*(int *)arg;
    return false;
}

Test(fit, stops_when_told)
{
    int asked = 0;
    struct question q = { settings_of(images), all_dials, 1000000 };
    struct fit_query query = query_of(&q);
    struct fit fit;
    struct fit_row least;

    query.goes_on = never;
    query.goes_on_arg = &asked;
    cr_assert(fit_find(&fit, &query, NULL));
    cr_expect_not(fit.complete);
    cr_expect_eq(fit.count, 0);
    cr_expect_eq(asked, 1);
    cr_expect_not(fit_least(&least, &query));
    fit_done(&fit);
}
