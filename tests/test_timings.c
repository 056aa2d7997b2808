/*
 * Timings: predictions are compared with times that are known, and files that
 * do not hold here are refused.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/json_print.h"
#include "base/lines.h"
#include "events/ledger.h"
#include "plan/roofline.h"
#include "plan/timings_file.h"
#include "tests/engine.h"
#include "tests/event_lines.h"
#include "tests/settings_of.h"
#include "train/calibrate.h"
#include "train/stopwatch.h"

static const struct machine here = { .backend = "cpu", .processors = 1 };

static struct job *job_of(const char *const assignments[])
{
    struct settings s = settings_of(assignments);
    struct job *job;
    struct error e;

    cr_assert(job_new_on(&job, &s, &here, &e), "%s", e.text);
    return job;
}

/* A relu of n rows of 64 channels. */
static struct call relu_of(int n, enum dtype dtype)
{
    struct operand x = { .dtype = dtype, .rank = 2, .dim = { n, 64 } };

    return (struct call){ .operand = { [RELU_X] = x, [RELU_Y] = x },
                          .threads = 1 };
}

static void add_relu(struct timings *t, int n, double seconds)
{
    struct call call = relu_of(n, DTYPE_F32);

    timings_add(t, OP_relu, &call, seconds);
}

static double relu_seconds(const struct timings *t, int n, enum dtype dtype)
{
    struct call call = relu_of(n, dtype);

    return timings_call(t, OP_relu, &call);
}

Test(timings, know_nothing_at_first)
{
    struct timings *t = timings_new(&cpu_backend);
    struct job *job = job_of((const char *[]){ "depth=10", NULL });

    cr_expect(isnan(relu_seconds(t, 10, DTYPE_F32)));
    cr_expect(isnan(relu_seconds(NULL, 10, DTYPE_F32)));
    cr_expect(isnan(timings_step_seconds(t, job->plan)));
    cr_expect(isnan(timings_step_seconds(NULL, job->plan)));
    job_free(job);
    timings_free(t);
}

Test(timings, give_back_what_was_measured)
{
    struct timings *t = timings_new(&cpu_backend);

    add_relu(t, 100, 3e-3);
    add_relu(t, 1000, 7e-3);
    cr_expect_eq(relu_seconds(t, 100, DTYPE_F32), 3e-3);
    cr_expect_eq(relu_seconds(t, 1000, DTYPE_F32), 7e-3);
    /* The mean, by logarithms, of several; predictions are made anew. */
    add_relu(t, 100, 12e-3);
    cr_expect_float_eq(relu_seconds(t, 100, DTYPE_F32), 6e-3, 1e-12);
    cr_expect_eq(timings_count(t), 2);
    timings_free(t);
}

/* Calls that take a fixed multiple of the roofline's guess do so between and
 * beyond the sizes that were measured. */
Test(timings, follow_a_roofline)
{
    struct timings *t = timings_new(&cpu_backend);
    const int sizes[] = { 1, 40, 1600, 64000 };

    for (int i = 0; i < 4; i++) {
        struct call call = relu_of(sizes[i], DTYPE_F32);
        timings_add(t, OP_relu, &call, 2.5 * roofline_call(OP_relu, &call));
    }
    for (int n = 1; n < 1000000; n = 3 * n + 1) {
        struct call call = relu_of(n, DTYPE_F32);
        cr_expect_float_eq(timings_call(t, OP_relu, &call) /
                               roofline_call(OP_relu, &call), 2.5, 1e-9,
                           "%d", n);
    }
    timings_free(t);
}

/* A kernel that begins more slowly than the roofline has it. */
static double slow_to_begin(int n)
{
    return 30e-6 + 9e-8 * n;
}

Test(timings, interpolate)
{
    struct timings *t = timings_new(&cpu_backend);

    for (int n = 1; n <= 10000; n *= 10)
        add_relu(t, n, slow_to_begin(n));
    for (int n = 2; n <= 20000; n = 3 * n / 2) {
        double error = relu_seconds(t, n, DTYPE_F32) / slow_to_begin(n) - 1;
        cr_expect_lt(fabs(error), 0.25, "%d: %g", n, error);
    }
    timings_free(t);
}

Test(timings, tell_kinds_from_each_other)
{
    struct timings *t = timings_new(&cpu_backend);
    struct call narrow = relu_of(100, DTYPE_BF16);

    add_relu(t, 100, 3e-3);
    cr_expect(isfinite(relu_seconds(t, 100, DTYPE_BF16)));
    cr_expect_neq(relu_seconds(t, 100, DTYPE_BF16), 3e-3);
    timings_add(t, OP_relu, &narrow, 1e-3);
    cr_expect_eq(relu_seconds(t, 100, DTYPE_BF16), 1e-3);
    cr_expect_eq(relu_seconds(t, 100, DTYPE_F32), 3e-3);
    cr_expect(isnan(timings_call(t, OP_dropout, &narrow)));
    timings_free(t);
}

/* Makes each call of a plan known, as taking its guess times a factor. */
static void know_plan(struct timings *t, const struct plan *plan,
                      double factor)
{
    const struct program_steps *p = &plan->schedule->program[PROGRAM_TRAIN];

    for (int i = p->begin; i < p->end; i++) {
        enum op_code op = schedule_op(plan->schedule, i)->code;
        struct call call = plan_mean_call(plan, i);
        timings_add(t, op, &call, factor * roofline_call(op, &call));
    }
}

Test(timings, add_up_a_step)
{
    struct job *job = job_of((const char *[]){ "depth=10", "batch=20",
                                               "microbatch=5", NULL });
    const struct schedule *s = job->schedule;
    struct timings *t = timings_new(&cpu_backend);
    struct timings_step step;
    double calls = 0;

    for (int i = 0; i < s->program[PROGRAM_TRAIN].end; i++)
        calls += plan_repetitions(job->plan, i);
    know_plan(t, job->plan, 4);
    step = timings_step(t, job->plan);
    cr_expect_float_eq(step.seconds / roofline_seconds(job->plan), 4, 1e-9);
    cr_expect_float_eq(step.known, 1, 1e-9);
    timings_add_overhead(t, 1e-3);
    cr_expect_float_eq(timings_step_seconds(t, job->plan) - step.seconds,
                       1e-3 * calls, 1e-9);
    timings_free(t);
    job_free(job);
}

/* Of other types only operations that have none of their own are known. */
Test(timings, say_what_is_not_known)
{
    struct job *wide = job_of((const char *[]){ "depth=10", NULL });
    struct job *narrow = job_of((const char *[]){ "depth=10",
                                                  "precision=bf16", NULL });
    struct timings *t = timings_new(&cpu_backend);
    struct timings_step step;

    know_plan(t, wide->plan, 4);
    step = timings_step(t, narrow->plan);
    cr_expect_float_eq(step.seconds / roofline_seconds(narrow->plan), 4, 1e-9);
    cr_expect_lt(step.known, 0.1);
    timings_free(t);
    job_free(wide);
    job_free(narrow);
}

/* A convolution that skips zeros is foretold by others that do, of another type
 * too, and not by the many that do not. */
Test(timings, follow_the_nearest_kind)
{
    struct job *skips = job_of((const char *[]){ "depth=10", "sparsity=0.9",
                                                 NULL });
    struct job *dense = job_of((const char *[]){ "depth=10", "precision=bf16",
                                                 NULL });
    struct job *both = job_of((const char *[]){ "depth=10", "sparsity=0.9",
                                                "precision=bf16", NULL });
    const struct program_steps *p =
        &both->plan->schedule->program[PROGRAM_TRAIN];
    struct timings *t = timings_new(&cpu_backend);
    int skipped = 0;

    know_plan(t, skips->plan, 4);
    know_plan(t, dense->plan, 1);
    for (int i = p->begin; i < p->end; i++) {
        enum op_code op = schedule_op(both->plan->schedule, i)->code;
        struct call call = plan_mean_call(both->plan, i);
        if (!op_skips(op, call.operand))
            continue;
        skipped++;
        cr_expect_float_eq(timings_call(t, op, &call) /
                               roofline_call(op, &call), 4, 1e-9);
    }
    cr_expect_gt(skipped, 10);
    timings_free(t);
    job_free(skips);
    job_free(dense);
    job_free(both);
}

static char folder[] = "/tmp/memdial-timings-XXXXXX";
static char file[sizeof(folder) + 64];

static void begin(void)
{
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    snprintf(file, sizeof(file), "%s/memdial/timings-cpu.json", folder);
}

static void end(void)
{
    char inner[sizeof(folder) + 16];

    unlink(file);
    snprintf(inner, sizeof(inner), "%s/memdial", folder);
    rmdir(inner);
    rmdir(folder);
}

TestSuite(timings_file, .init = begin, .fini = end);

static void save_some(void)
{
    struct timings *t = timings_new(&cpu_backend);
    struct error e;

    add_relu(t, 100, 3e-3);
    add_relu(t, 1000, 7e-3);
    timings_add_overhead(t, 2e-6);
    cr_assert(timings_save(t, &e), "%s", e.text);
    timings_free(t);
}

static void expect_refused(const char *why)
{
    struct timings *t;
    struct error e;

    cr_assert_not(timings_load(&t, &cpu_backend, &e), "%s", why);
    cr_expect_null(t);
    cr_expect(strstr(e.text, why), "%s", e.text);
}

static char *text_of_file(void)
{
    size_t bytes;
    struct error e;
    char *text = file_read(file, 1 << 20, &bytes, &e);

    cr_assert(text, "%s", e.text);
    return text;
}

Test(timings_file, comes_back)
{
    struct timings *t;
    struct error e;

    expect_refused("there are no timings yet");
    save_some();
    cr_assert(timings_load(&t, &cpu_backend, &e), "%s", e.text);
    cr_expect_eq(timings_count(t), 2);
    cr_expect_eq(relu_seconds(t, 100, DTYPE_F32), 3e-3);
    cr_expect_eq(relu_seconds(t, 1000, DTYPE_F32), 7e-3);
    cr_expect_eq(t->overhead, 2e-6);
    timings_free(t);
}

Test(timings_file, is_refused_when_cut)
{
    char *text;

    save_some();
    text = text_of_file();
    for (size_t n = strlen(text) - 1; n-- > 0;) {
        text[n] = '\0';
        cr_assert(draft_put(file, text, DRAFT_REPLACE, NULL));
        expect_refused("damaged timings");
    }
    free(text);
}

/* Replaces a member of the file. */
static void change_file(const char *name, json_t *value)
{
    char *text = text_of_file(), *line;
    json_t *all = json_loads(text, 0, NULL);

    cr_assert(all);
    json_put(all, name, value);
    line = json_line(all);
    cr_assert(draft_put(file, line, DRAFT_REPLACE, NULL));
    free(line);
    free(text);
}

Test(timings_file, is_refused_elsewhere)
{
    save_some();
    change_file("build", json_text("memdial 0.0.0"));
    expect_refused("of another build");
    save_some();
    change_file("hardware", json_text("Difference Engine"));
    expect_refused("of another machine, Difference Engine");
    save_some();
    setenv("MEMDIAL_CPU_ISA", "generic", 1);
    expect_refused("of another machine");
    unsetenv("MEMDIAL_CPU_ISA");
    save_some();
    change_file("backend", json_text("cuda"));
    expect_refused("not timings of backend cpu");
    save_some();
    change_file("schema", json_integer(99));
    expect_refused("not timings of backend cpu");
}

/* Members that cannot be, each in place of a good one. */
Test(timings_file, is_refused_when_wrong)
{
    static const char *const overheads[] = {
        "{\"seconds\":-1,\"count\":1}", "{\"seconds\":1e300,\"count\":1}",
        "{\"seconds\":null,\"count\":1}", "[]", "1",
        "{\"seconds\":1,\"count\":-1}", "{\"seconds\":1}",
        "{\"seconds\":1,\"count\":4294967296}"
    };
    static const char *const calls[] = {
        "{}", "[1]", "[{}]",
        "[{\"op\":\"rleu\",\"threads\":1,\"traits\":[0,0,0,0],"
        "\"amounts\":[0,0],\"slots\":[[0,1,5]],\"guess\":1,\"seconds\":1,"
        "\"count\":1}]",
        "[{\"op\":\"relu\",\"threads\":1,\"traits\":[0,0,0,0],"
        "\"amounts\":[0,0],\"slots\":[[99,1,5]],\"guess\":1,\"seconds\":1,"
        "\"count\":1}]",
        "[{\"op\":\"relu\",\"threads\":1,\"traits\":[0,0,0,0],"
        "\"amounts\":[0,0],\"slots\":[[0,1,-5]],\"guess\":1,\"seconds\":1,"
        "\"count\":1}]",
        "[{\"op\":\"relu\",\"threads\":1,\"traits\":[0,0,0,0],"
        "\"amounts\":[0,0],\"slots\":[[0,1,5]],\"guess\":0,\"seconds\":1,"
        "\"count\":1}]",
        "[{\"op\":\"relu\",\"threads\":1,\"traits\":[0,0,0,0],"
        "\"amounts\":[0,0],\"slots\":[[0,1,5]],\"guess\":1,\"seconds\":-1,"
        "\"count\":1}]",
        "[{\"op\":\"relu\",\"threads\":1,\"traits\":[0,0,0,0],"
        "\"amounts\":[0,0],\"slots\":[[0,1,5]],\"guess\":1,\"seconds\":1,"
        "\"count\":0}]",
    };

    for (size_t i = 0; i < sizeof(overheads) / sizeof(*overheads); i++) {
        save_some();
        change_file("overhead", json_loads(overheads[i], JSON_DECODE_ANY,
                                           NULL));
        expect_refused("damaged timings");
    }
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        save_some();
        change_file("calls", json_loads(calls[i], JSON_DECODE_ANY, NULL));
        expect_refused("damaged timings");
    }
}

/* A run adds its measurements; those of another build give way. */
Test(timings_file, is_refreshed)
{
    struct timings *seen = timings_new(&cpu_backend), *t;

    save_some();
    add_relu(seen, 100, 12e-3);
    add_relu(seen, 9, 1e-5);
    add_relu(seen, 1001, 1e-3);
    timings_refresh(seen);
    cr_assert(timings_load(&t, &cpu_backend, NULL));
    cr_expect_eq(timings_count(t), 3, "1001 is near to 1000");
    cr_expect_float_eq(relu_seconds(t, 100, DTYPE_F32), 6e-3, 1e-12);
    timings_free(t);
    change_file("build", json_text("memdial 0.0.0"));
    timings_refresh(seen);
    cr_assert(timings_load(&t, &cpu_backend, NULL));
    cr_expect_eq(timings_count(t), 3);
    timings_free(t);
    timings_free(seen);
}

/* A backend with a clock of its own, whose kernels do nothing and take as long
 * as the roofline says. */
static double false_seconds;

static void run_falsely(struct device *d, enum op_code op,
                        const struct call *c)
{
    (void)d;
    false_seconds = 3 * roofline_call(op, c);
}

static double tell_falsely(struct device *d)
{
    (void)d;
    return false_seconds;
}

Test(stopwatch, notes_what_calls_take)
{
    struct backend clock = cpu_backend;
    struct engine e = engine_open((const char *[]){ "depth=10", "batch=4",
                                                    "microbatch=2", NULL });
    struct timings *t = timings_new(&cpu_backend);
    struct stopwatch *w;
    struct stopwatch_sum sum;
    double metrics[METRIC_COUNT];

    clock.run = run_falsely;
    clock.seconds = tell_falsely;
    e.job->plan->backend = &clock;
    w = stopwatch_new(e.executor);
    engine_run(&e, PROGRAM_TRAIN, 4, metrics);
    engine_run(&e, PROGRAM_EVAL, 4, metrics);
    sum = stopwatch_sum(w);
    stopwatch_note(w, t, true);
    stopwatch_free(w);
    cr_expect_null(e.executor->observer.after);
    cr_expect_float_eq(sum.all / roofline_seconds(e.job->plan), 3, 1e-9);
    cr_expect_float_eq(sum.typical / sum.all, 1, 1e-9);
    cr_expect_float_eq(timings_step_seconds(t, e.job->plan) / sum.all, 1,
                       1e-9);
    e.job->plan->backend = &cpu_backend;
    timings_free(t);
    engine_close(&e);
}

static void check_calibration(const char *const assignments[])
{
    struct settings s = settings_of(assignments);
    struct calibration c = { .settings = &s, .machine = &here };
    struct timings *t = timings_new(&cpu_backend);
    struct job *job = job_of(assignments);
    const struct program_steps *p = &job->schedule->program[PROGRAM_TRAIN];
    struct error e;

    cr_assert(calibrate(t, &c, &e), "%s", e.text);
    for (int i = p->begin; i < p->end; i++) {
        enum op_code op = schedule_op(job->schedule, i)->code;
        struct call call = plan_mean_call(job->plan, i);
        struct timed_call timed = timed_call_of(op, &call);
        bool known = false;
        for (int k = 0; k < t->of[op].count; k++)
            known |= timed_call_same(&t->of[op].list[k].call, &timed);
        cr_expect(known != (op == OP_load), "%s in step %d", op_name(op), i);
    }
    job_free(job);
    timings_free(t);
}

Test(calibrate, measures_every_call_of_images)
{
    check_calibration((const char *[]){ "depth=10", "batch=4", NULL });
}

Test(calibrate, measures_every_call_of_sparse_images)
{
    check_calibration((const char *[]){ "depth=10", "batch=4", "sparsity=0.9",
                                        "precision=bf16", "recompute=norms",
                                        NULL });
}

Test(calibrate, measures_every_call_of_text)
{
    check_calibration((const char *[]){
        "model=dynamicconv", "data=numbers", "features=32", "hidden=64",
        "encoder_layers=2", "decoder_layers=2", "encoder_kernels=3",
        "decoder_kernels=3", "batch=400", "optimizer=adam", NULL });
}

/* Carries events as lines, as from a worker to the screens. */
struct wire {
    struct ledger ledger;
    struct feed feed;
    int lines, changes;
};

static void carry(void *arg, const struct event *event)
{
    struct wire *w = arg;
    char *line = line_of(event);
    struct error e;

    cr_expect_lt(strlen(line), LINES_MAX);
    cr_assert_eq(read_line(&w->feed, line, &e), FEED_EVENT, "%s", e.text);
    w->lines++;
    w->changes += ledger_take(&w->ledger, &w->feed.event);
    free(line);
}

static void wire_init(struct wire *w)
{
    *w = (struct wire){ .lines = 0 };
    ledger_init(&w->ledger);
    feed_init(&w->feed);
}

static void tell_start(struct wire *w, const char *backend)
{
    static struct settings settings;
    struct event e = { .type = EVENT_START, .start = { "quick", &settings } };

    settings_init(&settings);
    strcpy(e.start.machine.backend, backend);
    e.start.machine.processors = 1;
    carry(w, &e);
}

static void tell(struct wire *w, const struct timings *t, const char *why)
{
    ledger_tell(&cpu_backend, t, why, (struct event_sink){ carry, w });
}

enum { MANY = 3 * EVENT_CALLS_MAX + 1 };

static struct timings *many_timings(double factor)
{
    struct timings *t = timings_new(&cpu_backend);

    for (int i = 1; i <= MANY; i++)
        add_relu(t, 100 * i, factor * i);
    return t;
}

Test(ledger, carries_a_whole_table)
{
    struct timings *t = many_timings(1e-3), *held;
    struct wire w;

    timings_add_overhead(t, 2e-6);
    wire_init(&w);
    tell_start(&w, "cpu");
    tell(&w, t, NULL);
    cr_expect_eq(w.lines, 1 + 4, "%d", w.lines);
    cr_expect_eq(w.changes, 1, "it takes effect whole");
    cr_assert(w.ledger.timings);
    cr_expect_eq(timings_count(w.ledger.timings), MANY);
    cr_expect_eq(w.ledger.timings->overhead, 2e-6);
    for (int n = 100; n < 30000; n += 77)
        cr_expect_eq(relu_seconds(w.ledger.timings, n, DTYPE_F32),
                     relu_seconds(t, n, DTYPE_F32), "%d", n);
    /* Who holds it does not notice what comes later. */
    held = timings_hold(w.ledger.timings);
    tell_start(&w, "cpu");
    cr_expect_eq(w.ledger.timings, held, "until there is another");
    timings_free(t);
    t = many_timings(2e-3);
    tell(&w, t, NULL);
    cr_expect_eq(relu_seconds(w.ledger.timings, 100, DTYPE_F32), 2e-3);
    cr_expect_eq(relu_seconds(held, 100, DTYPE_F32), 1e-3);
    timings_free(held);
    timings_free(t);
    ledger_done(&w.ledger);
}

Test(ledger, adds_what_a_run_measures)
{
    struct timings *t = many_timings(1e-3), *seen, *before;
    struct wire w;

    wire_init(&w);
    tell_start(&w, "cpu");
    tell(&w, t, NULL);
    before = w.ledger.timings;
    seen = timings_new(&cpu_backend);
    add_relu(seen, 100, 4e-3);
    add_relu(seen, 7, 1e-6);
    tell(&w, seen, NULL);
    cr_expect_neq(w.ledger.timings, before);
    cr_expect_eq(timings_count(w.ledger.timings), MANY + 1);
    cr_expect_float_eq(relu_seconds(w.ledger.timings, 100, DTYPE_F32), 2e-3,
                       1e-12);
    timings_free(seen);
    timings_free(t);
    ledger_done(&w.ledger);
}

/* No table, and why; the table of another backend; one that is not known. */
Test(ledger, has_none_of_what_does_not_hold)
{
    struct timings *t = many_timings(1e-3);
    struct event other = { .type = EVENT_TIMINGS,
                           .timings = { .backend = "tpu",
                                        .overhead = NAN } };
    struct wire w;

    wire_init(&w);
    tell_start(&w, "cpu");
    tell(&w, NULL, "of another build");
    cr_expect_eq(w.changes, 1);
    cr_expect_null(w.ledger.timings);
    cr_expect_str_eq(w.ledger.why, "of another build");
    tell(&w, t, NULL);
    cr_expect(w.ledger.timings);
    cr_expect_str_eq(w.ledger.why, "");
    carry(&w, &other);
    ledger_tell(&cuda_backend, t, NULL, (struct event_sink){ carry, &w });
    cr_assert(w.ledger.timings);
    cr_expect_eq(w.ledger.timings->backend, &cuda_backend);
    tell_start(&w, "cpu");
    tell(&w, NULL, NULL);
    cr_expect_null(w.ledger.timings);
    cr_expect_str_eq(w.ledger.why, "");
    timings_free(t);
    ledger_done(&w.ledger);
}

/* A line has room for calls whose numbers have as many digits as there are. */
Test(ledger, lines_have_room)
{
    struct timings *t = timings_new(&cpu_backend);
    struct timing longest = { .guess = 1.0 / 3, .seconds = 2.0 / 3e7,
                              .count = INT32_MAX - 1 };
    struct wire w;

    for (int i = 0; i < TIMED_KIND; i++)
        longest.call.kind[i] = INT32_MAX;
    longest.call.kind[0] = OP_token_loss_eval;
    for (int k = 0; k < EVENT_CALLS_MAX; k++) {
        for (int i = 0; i < TIMED_SIZES; i++)
            longest.call.size[i] = INT32_MAX - k;
        timings_put(t, &longest);
    }
    wire_init(&w);
    tell_start(&w, "cpu");
    tell(&w, t, NULL);
    cr_expect_eq(w.lines, 2);
    cr_expect_eq(timings_count(w.ledger.timings), EVENT_CALLS_MAX);
    timings_free(t);
    ledger_done(&w.ledger);
}

/* Threads of the host do nothing for a device but load: what was measured with
 * some of them is known with others. */
Test(timings, of_a_device_hold_for_any_threads)
{
    static const struct machine device = { .backend = "cuda",
                                           .processors = 2 };
    struct job *job;
    struct timings *t = timings_new(&cuda_backend);
    struct error e;

    for (int threads = 2; threads <= 8; threads *= 4) {
        struct settings s = settings_of((const char *[]){ "backend=cuda",
                                                          NULL });
        s.threads = threads;
        cr_assert(job_new_on(&job, &s, &device, &e), "%s", e.text);
        if (threads == 2)
            know_plan(t, job->plan, 4);
        cr_expect_gt(timings_step(t, job->plan).known, 0.9, "%d threads: %g",
                     threads, timings_step(t, job->plan).known);
        job_free(job);
    }
    timings_free(t);
}

/* Plans for another backend than that of the timings are not predicted. */
Test(timings, are_of_one_backend)
{
    struct job *job = job_of((const char *[]){ "depth=10", NULL });
    struct timings *cpu = timings_new(&cpu_backend);
    struct timings *cuda = timings_new(&cuda_backend);

    know_plan(cpu, job->plan, 4);
    know_plan(cuda, job->plan, 4);
    cr_expect(isfinite(timings_step_seconds(cpu, job->plan)));
    cr_expect(isfinite(timings_plan_call(cpu, job->plan, 3)));
    cr_expect(isnan(timings_step_seconds(cuda, job->plan)));
    cr_expect(isnan(timings_plan_call(cuda, job->plan, 3)));
    timings_free(cpu);
    timings_free(cuda);
    job_free(job);
}
