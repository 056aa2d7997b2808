/*
 * How a run is put together: lines of events in, curves, marks, trials and an
 * end out.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events/feed.h"
#include "events/run.h"

static struct run run;
static struct feed feed;

static void begin(void)
{
    run_init(&run);
    feed_init(&feed);
}

static void end(void)
{
    run_done(&run);
}

TestSuite(run, .init = begin, .fini = end);

static void take(const char *line)
{
    struct error e;

    cr_assert_eq(feed_read(&feed, line, strlen(line), &e), FEED_EVENT,
                 "%s: %s", line, e.text);
    run_take(&run, &feed.event);
}

static void say(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Emits an event with these members, written with ' for ". */
static void say(const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    for (char *c = line; *c; c++)
        if (*c == '\'')
            *c = '"';
    take(line);
}

/* Begins a run of 5 epochs, of 10 steps of 20 samples each. */
static void start(int step)
{
    say("{'type':'start','schema':1,'preset':'p','settings':{'batch':20,"
        "'epochs':5,'precision':'%s'},'backend':'cpu','processors':2,"
        "'step':%d,'steps':50}",
        feed.settings.precision == PRECISION_FP16 ? "fp16" : "fp32", step);
}

static void step(int number, double loss)
{
    say("{'type':'step','step':%d,'steps':50,'epoch':%d,'loss':%.17g,"
        "'accuracy':0.5,'samples_per_second':200,'seconds':%.17g}",
        number, (number - 1) / 10 + 1, loss, number / 10.0);
}

static void steps(int from, int to)
{
    for (int i = from; i <= to; i++)
        step(i, 1.0 / i);
}

static void epoch(int number, double accuracy)
{
    say("{'type':'epoch','epoch':%d,'train_loss':1,'train_accuracy':%.17g,"
        "'valid_loss':2,'valid_accuracy':%.17g,'seconds':1}", number,
        accuracy / 2, accuracy);
}

static void apply(const char *precision, int planned)
{
    say("{'type':'applied','step':0,'settings':{'precision':'%s'},"
        "'planned':%d,'arena':%d,'sets':0}", precision, planned, planned + 1);
}

static void take_file(const char *name)
{
    const char *folder = getenv("srcdir");
    char path[512], line[8192];
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/data/feed/%s",
             folder ? folder : ".", name);
    file = fopen(path, "r");
    cr_assert(file, "%s", path);
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line)
            take(line);
    }
    fclose(file);
}

/* A file has the events of a worker's run. */
Test(run, comes_out_of_a_file)
{
    const struct series *loss = &run.curve[CURVE_LOSS];
    const struct series *valid = &run.curve[CURVE_VALID_SCORE];

    take_file("run.jsonl");
    cr_expect_str_eq(run.preset, "quick");
    cr_expect_eq(run.end, RUN_DONE);
    cr_expect_eq(run.step, 12);
    cr_expect_eq(run.steps, 12);
    cr_expect_eq(run.epoch, 3);
    cr_expect_eq(run.settings.microbatch, 5);
    cr_expect_eq(run.settings.precision, PRECISION_FP16);
    cr_expect(run.has_memory);
    cr_expect(run.has_stepped);
    cr_expect_eq(run.planned, 2110788);
    cr_expect_eq(run.arena, 2111040);
    cr_expect_eq(run.touched, 2111040);
    cr_expect_eq(run.os, 17330176);
    cr_expect_eq(run.os_peak, 0);
    cr_expect_eq(run.samples_per_second, 298.12794137055988);

    cr_assert_eq(loss->count, 10, "steps that were told");
    cr_expect_eq(loss->points[0].value, 2.2787196470403046);
    cr_expect_eq(loss->points[0].at[AXIS_UNITS], 20);
    cr_expect_eq(loss->points[0].at[AXIS_EPOCHS], 0.25);
    cr_expect_eq(loss->points[0].at[AXIS_SECONDS], 1.1565084910016594);
    cr_expect_eq(loss->points[3].at[AXIS_UNITS], 100, "step 4 was not");
    cr_expect_eq(run_latest(&run, CURVE_LOSS), 2.3242126199367235);
    cr_assert_eq(valid->count, 3);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(valid->points[i].at[AXIS_EPOCHS], i + 1);
    cr_expect_eq(run_latest(&run, CURVE_VALID_LOSS), 2.4033347457116667);
    cr_expect_eq(run_latest(&run, CURVE_TRAIN_SCORE),
                 0.087499999999999994);

    cr_assert_eq(run.mark_count, 1);
    cr_expect_str_eq(run.marks[0].text, "precision=fp16 microbatch=5");
    cr_expect_eq(run.marks[0].at[AXIS_UNITS], 20);
}

Test(run, has_trials)
{
    take_file("run.jsonl");
    cr_assert_eq(run.trial_count, 2);
    cr_expect_eq(run.trials[0].settings.precision, PRECISION_FP32);
    cr_expect_eq(run.trials[0].planned, 13111896);
    cr_expect_eq(run.trials[0].arena, 13138176);
    cr_expect_eq(run.trials[0].begin[AXIS_UNITS], 0);
    cr_expect_eq(run.trials[0].end[AXIS_UNITS], 20);
    cr_expect_eq(run.trials[0].epochs, 0);
    cr_expect_float_eq(run.trials[0].seconds_per_step,
                       20 / 17.293431181536654, 1e-12);
    cr_expect_eq(run.trials[1].settings.microbatch, 5);
    cr_expect_eq(run.trials[1].planned, 2110788);
    cr_expect_eq(run.trials[1].begin[AXIS_UNITS], 20);
    cr_expect_eq(run.trials[1].end[AXIS_UNITS], 240);
    cr_expect_eq(run.trials[1].epochs, 3);
    cr_expect_eq(run_trial(&run), &run.trials[1]);
}

Test(run, is_none_before_its_start)
{
    step(1, 2);
    epoch(1, 0.5);
    apply("fp16", 7);
    say("{'type':'memory','planned':1,'arena':2,'touched':3,'os':4}");
    say("{'type':'done'}");
    cr_expect_eq(run.end, RUN_OPEN);
    cr_expect_eq(run.mark_count, 0);
    cr_expect_null(run_trial(&run));
    cr_expect_null(run_best(&run));
    cr_expect(isnan(run_latest(&run, CURVE_LOSS)));
    cr_expect_eq(run.planned, 0);
}

/* The best and the last accuracy, of each trial and of the run. */
Test(run, has_a_best_accuracy)
{
    start(0);
    steps(1, 10);
    epoch(1, 0.7);
    steps(11, 20);
    epoch(2, 0.6);
    apply("fp16", 7);
    steps(21, 30);
    epoch(3, 0.65);
    cr_assert_eq(run.trial_count, 2);
    cr_expect_eq(run.trials[0].best_score, 0.7);
    cr_expect_eq(run.trials[0].valid_score, 0.6);
    cr_expect_eq(run.trials[1].best_score, 0.65);
    cr_assert_not_null(run_best(&run));
    cr_expect_eq(run_best(&run)->value, 0.7);
    cr_expect_eq(run_best(&run)->at[AXIS_EPOCHS], 1);
}

/* Settings that change again before a step leave a mark and no trial; settings
 * that change nothing leave the trial as it is. */
Test(run, is_not_tried_without_a_step)
{
    start(0);
    steps(1, 5);
    apply("bf16", 7);
    apply("fp16", 8);
    steps(6, 10);
    apply("fp16", 9);
    steps(11, 12);
    cr_expect_eq(run.mark_count, 3);
    cr_assert_eq(run.trial_count, 2);
    cr_expect_eq(run.trials[1].settings.precision, PRECISION_FP16);
    cr_expect_eq(run.trials[1].number, 1);
    cr_expect_eq(run.trials[1].begin[AXIS_UNITS], 100);
    cr_expect_eq(run.trials[1].end[AXIS_UNITS], 240);
    cr_expect_eq(run.trials[1].planned, 9);
}

/* A plan that has not run has no figures of memory touched or seen. */
Test(run, knows_whether_the_plan_has_run)
{
    static const char memory[] =
        "{'type':'memory','planned':1,'arena':2,'touched':3,'os':4}";

    start(0);
    cr_expect_not(run.has_memory);
    say(memory);
    cr_expect(run.has_memory);
    cr_expect_not(run.has_stepped);
    step(1, 2);
    cr_expect(run.has_stepped);
    apply("fp16", 7);
    cr_expect_not(run.has_stepped);
    step(2, 2);
    cr_expect(run.has_stepped);
    start(2);
    cr_expect_not(run.has_stepped);
    cr_expect_not(run.has_memory);
}

Test(run, goes_on_from_a_snapshot)
{
    start(0);
    steps(1, 10);
    epoch(1, 0.5);
    apply("fp16", 7);
    steps(11, 20);
    epoch(2, 0.6);
    apply("fp32", 8);
    steps(21, 24);
    say("{'type':'error','message':'no more'}");
    cr_expect_eq(run.end, RUN_FAILED);
    feed.settings.precision = PRECISION_FP16;
    start(15);
    cr_expect_eq(run.end, RUN_OPEN);
    cr_expect_eq(run.step, 15);
    cr_expect_eq(run.epoch, 2);
    cr_expect_eq(run.curve[CURVE_LOSS].count, 15);
    cr_expect_eq(run.curve[CURVE_VALID_SCORE].count, 1);
    cr_expect_eq(run.mark_count, 1);
    cr_expect_eq(run.at[AXIS_UNITS], 300);
    cr_expect_eq(run.at[AXIS_EPOCHS], 1.5);
    cr_assert_eq(run.trial_count, 2, "fp32 again was later");
    cr_expect_eq(run.trials[1].begin[AXIS_UNITS], 200);
    cr_expect_eq(run.trials[1].end[AXIS_UNITS], 300);
    cr_expect_eq(run.trials[1].epochs, 0);
    steps(16, 20);
    start(18);
    cr_expect_eq(run.trial_count, 2, "it is the same trial");
    cr_expect_eq(run.curve[CURVE_LOSS].count, 18);
}

Test(run, forgets_what_was_before_another)
{
    run.number = 3;
    start(0);
    steps(1, 10);
    epoch(1, 0.5);
    apply("fp16", 7);
    feed.settings.precision = PRECISION_FP32;
    start(0);
    cr_expect_eq(run.number, 3);
    cr_expect_eq(run.curve[CURVE_LOSS].count, 0);
    cr_expect_eq(run.curve[CURVE_VALID_LOSS].count, 0);
    cr_expect_eq(run.mark_count, 0);
    cr_expect_eq(run.trial_count, 1);
    cr_expect_eq(run.at[AXIS_UNITS], 0);
}

Test(run, ends)
{
    static const struct {
        int steps;
        const char *last;
        enum run_end end;
    } cases[] = {
        { 5, "{'type':'warning','message':'training diverged'}", RUN_OPEN },
        { 5, "{'type':'done'}", RUN_STOPPED },
        { 50, "{'type':'done'}", RUN_DONE },
        { 5, "{'type':'error','message':'step 5: training diverged; lower "
             "lr'}", RUN_DIVERGED },
        { 5, "{'type':'error','message':'out of memory'}", RUN_FAILED },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        start(0);
        cr_expect_eq(run.end, RUN_OPEN);
        steps(1, cases[i].steps);
        say("%s", cases[i].last);
        cr_expect_eq(run.end, cases[i].end, "%s", cases[i].last);
    }
}

Test(run, pauses)
{
    start(0);
    cr_expect_not(run.paused);
    say("{'type':'paused','step':0}");
    cr_expect(run.paused);
    say("{'type':'resumed','step':0}");
    cr_expect_not(run.paused);
    say("{'type':'paused','step':0}");
    start(1);
    cr_expect_not(run.paused, "it goes on");
}

/* A value that is not finite is no point, and gives no pace. */
Test(run, leaves_out_what_is_no_number)
{
    start(0);
    step(1, 2);
    say("{'type':'step','step':2,'steps':50,'epoch':1,'loss':null,"
        "'accuracy':0,'samples_per_second':null,'seconds':0.2}");
    cr_expect_eq(run.curve[CURVE_LOSS].count, 1);
    cr_expect_eq(run.step, 2);
    cr_expect_float_eq(run_trial(&run)->seconds_per_step, 0.1, 1e-12);
}

/* A score may be one that steps do not tell: there is no curve of it then. */
Test(run, draws_the_score_not_the_accuracy)
{
    const struct series *train = &run.curve[CURVE_TRAIN_SCORE];

    start(0);
    say("{'type':'epoch','epoch':1,'train_loss':1,'train_accuracy':0.1,"
        "'valid_loss':2,'valid_accuracy':0.2,'score':0.315,'seconds':1}");
    cr_expect_eq(train->count, 0);
    cr_expect_eq(run_latest(&run, CURVE_VALID_SCORE), 0.315);
    say("{'type':'epoch','epoch':2,'train_loss':1,'train_accuracy':0.1,"
        "'valid_loss':2,'valid_accuracy':0.2,'train_score':0.305,"
        "'score':0.325,'seconds':1}");
    cr_expect_eq(train->count, 1);
    cr_expect_eq(run_latest(&run, CURVE_TRAIN_SCORE), 0.305);
    cr_expect_eq(run_latest(&run, CURVE_VALID_SCORE), 0.325);
}

static void translated(int epoch, double bleu)
{
    say("{'type':'epoch','epoch':%d,'train_loss':1,'train_accuracy':0.1,"
        "'valid_loss':2,'valid_accuracy':0.25,%s%.17g,'seconds':1}", epoch,
        isnan(bleu) ? "'x':" : "'score':", isnan(bleu) ? 0 : bleu);
}

/* Of a translator the accuracy is never taken for the score: epochs between
 * those with BLEU have none. */
Test(run, has_no_score_between_translations)
{
    const struct trial *t;

    say("{'type':'start','schema':1,'preset':'p','settings':{"
        "'model':'dynamicconv','data':'numbers','bleu_every':2,'epochs':5},"
        "'backend':'cpu','processors':2,'step':0,'steps':50}");
    t = run_trial(&run);
    cr_expect_str_eq(run_score(&run).name, "BLEU");
    steps(1, 10);
    translated(1, NAN);
    cr_expect(isnan(run_latest(&run, CURVE_VALID_SCORE)));
    cr_expect(isnan(run_latest(&run, CURVE_TRAIN_SCORE)));
    cr_expect_eq(run_latest(&run, CURVE_VALID_ACCURACY), 0.25);
    cr_expect_eq(t->epochs, 1);
    cr_expect_eq(t->scored, 0);
    cr_expect(isnan(t->best_score) && isnan(trial_best_by(t, 1)));
    translated(2, 31.5);
    translated(3, NAN);
    cr_expect_eq(t->scored, 2);
    cr_expect_eq(t->valid_score, 31.5);
    translated(4, 30);
    cr_expect_eq(run_latest(&run, CURVE_VALID_SCORE), 30);
    cr_expect_eq(t->scored, 4);
    cr_expect_eq(t->valid_score, 30);
    cr_expect_eq(t->best_score, 31.5);
    cr_expect(isnan(trial_best_by(t, 1)));
    cr_expect_eq(trial_best_by(t, 3), 31.5);
    cr_expect_eq(run_best(&run)->at[AXIS_EPOCHS], 2);
    cr_expect(isnan(t->test_score));
    say("{'type':'test','loss':1,'accuracy':0.5,'score':29.5,'seconds':1}");
    cr_expect_eq(t->test_score, 29.5);
}

/* A run that goes on from a snapshot has the scores that it had by then. */
Test(run, forgets_scores_with_their_epochs)
{
    start(0);
    steps(1, 10);
    epoch(1, 0.6);
    steps(11, 20);
    epoch(2, 0.7);
    start(15);
    cr_expect_eq(run_trial(&run)->scored, 1);
    cr_expect_eq(run_trial(&run)->valid_score, 0.6);
    cr_expect_eq(run_trial(&run)->best_score, 0.6);
    start(5);
    cr_expect_eq(run_trial(&run)->scored, 0);
    cr_expect(isnan(run_trial(&run)->valid_score));
    cr_expect(isnan(run_trial(&run)->best_score));
}

/* A turn after the snapshot that the run goes on from was lost with its steps;
 * so were those of the settings before. One at the snapshot was lost too. */
Test(run, forgets_turns_with_their_steps)
{
    for (int after = 0; after <= 5; after += 5) {
        feed_init(&feed);
        start(0);
        steps(1, 10);
        epoch(1, 0.5);
        steps(11, 15 + after);
        apply("fp16", 7);
        steps(16 + after, 24);
        feed.settings.precision = PRECISION_FP32;
        start(15);
        cr_assert_eq(run.trial_count, 1, "%d steps after", after);
        cr_expect_eq(run.mark_count, 0);
        cr_expect_eq(run_trial(&run)->end[AXIS_UNITS], 300);
        cr_expect_eq(run_trial(&run)->best_score, 0.5);
        cr_expect_eq(run_trial(&run)->epochs, 1);
    }
}

/* A turn that the snapshot has stays. */
Test(run, keeps_the_turn_of_a_snapshot)
{
    start(0);
    steps(1, 15);
    apply("fp16", 7);
    steps(16, 24);
    start(15); /* with fp16 */
    cr_assert_eq(run.trial_count, 2);
    cr_expect_eq(run.mark_count, 1);
    cr_expect_eq(run_trial(&run)->begin[AXIS_UNITS], 300);
    cr_expect_eq(run_trial(&run)->settings.precision, PRECISION_FP16);
}

/* Scores by any epoch are kept: exactly where a trial did not get better all
 * the time. */
Test(run, knows_the_best_by_any_epoch)
{
    start(0);
    step(1, 1);
    for (int i = 1; i <= 900; i++)
        epoch(i, 0.5 + (i / 10 - i % 10) * 0.001);
    for (int i = 1; i <= 900; i++)
        cr_expect_float_eq(trial_best_by(run_trial(&run), i),
                           0.5 + (i < 10 ? -1 : i / 10) * 0.001, 1e-9,
                           "epoch %d", i);
    start(0);
    step(1, 1);
    for (int i = 1; i <= 1000; i++)
        epoch(i, i * 0.001);
    for (int i = 1; i <= 1000; i++) {
        double best = trial_best_by(run_trial(&run), i);
        cr_expect_leq(best, i * 0.001, "epoch %d", i);
        cr_expect_geq(best, (i - 15) * 0.001 - 1e-9, "epoch %d", i);
    }
    cr_expect_eq(trial_best_by(run_trial(&run), 1000), 1);
}

Test(run, has_a_bound)
{
    start(0);
    for (int i = 1; i <= 2 * RUN_TRIALS; i++) {
        step(i, 2);
        apply(i % 2 ? "fp16" : "fp32", i);
    }
    cr_expect_eq(run.mark_count, RUN_MARKS);
    cr_expect_eq(run.trial_count, RUN_TRIALS);
    cr_expect_eq(run_trial(&run)->planned, 2 * RUN_TRIALS);
    cr_expect_eq(run_trial(&run)->number, 2 * RUN_TRIALS);
    run_shrink(&run, 100);
    cr_expect_leq(run.curve[CURVE_LOSS].count, 100);
    cr_expect_eq(series_last(&run.curve[CURVE_LOSS])->at[AXIS_UNITS],
                 2 * RUN_TRIALS * 20);
}

/* Every other point is dropped, but neither the first nor the last. */
Test(series, has_a_bound)
{
    struct series s = { 0 };
    double at[AXIS_COUNT] = { 0 };

    for (int i = 1; i <= 3 * SERIES_MOST; i++) {
        at[AXIS_UNITS] = i;
        series_add(&s, at, i);
        cr_assert_leq(s.count, SERIES_MOST);
        cr_assert_eq(series_last(&s)->value, i);
    }
    cr_expect_geq(s.count, SERIES_MOST / 2);
    for (int i = 1; i < s.count; i++)
        cr_assert_gt(s.points[i].value, s.points[i - 1].value);
    cr_expect_eq(s.points[0].value, 1);
    series_cut(&s, SERIES_MOST);
    cr_expect_leq(series_last(&s)->value, SERIES_MOST);
    cr_expect_geq(series_last(&s)->value, SERIES_MOST - 4);
    series_done(&s);
    cr_expect_null(series_last(&s));
}

Test(series, keeps_both_ends)
{
    for (int count = 1; count < 40; count++) {
        struct series s = { 0 };
        double at[AXIS_COUNT] = { 0 };

        for (int i = 1; i <= count; i++)
            series_add(&s, at, i);
        series_shrink(&s, 10);
        cr_expect_leq(s.count, 10);
        cr_expect_geq(s.count, count < 10 ? count : 5);
        cr_expect_eq(s.points[0].value, 1, "of %d", count);
        cr_expect_eq(series_last(&s)->value, count, "of %d", count);
        series_done(&s);
    }
}
