/*
 * The CUDA backend as the engine sees it, on an emulated device: it trains as
 * the CPU does, recorded steps run like steps that are called, and modules,
 * memory and devices that are of no use are refused with a reason.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "config.h"
#include "data/image_source.h"
#include "tests/engine.h"
#include "tests/loading.h"
#include "tests/sanitized.h"
#include "tests/settings_of.h"
#include "train/profile.h"
#include "train/snapshot.h"
#include "train/training.h"

enum { STEPS = 2, SAMPLES = 3, STEPS_KEPT = 4 };

/* Settings that cover everything a device could get wrong in a step. */
static const char *const ways[][8] = {
    { "microbatch=2", NULL },
    { "tf32=yes", "recompute=norms", "microbatch=2", NULL },
    { "precision=bf16", "checkpoint=block", NULL },
    { "precision=fp16", "master_weights=fp32", "recompute=norms", NULL },
    { "precision=fp16", "sparsity=0.8", "sparse_method=set", NULL },
    { "sparsity=0.7", "sparse_method=dsr", "checkpoint=optimal", NULL },
    { "saved=8bit", "recompute=norms", "microbatch=2", NULL },
    { "saved=4bit", "precision=bf16", "checkpoint=block", NULL },
    { "gradients=accumulate", "nesterov=no", "microbatch=2", "sparsity=0.7",
      NULL },
    { "precision=bf16", "gradients=accumulate", "nesterov=no",
      "microbatch=2", "optimizer_state=8bit", NULL },
    { "optimizer_state=8bit", "sparsity=0.7", NULL },
    { "optimizer=adam", "gradients=accumulate", "microbatch=2", NULL },
    { "optimizer=adam", "optimizer_state=8bit", NULL }
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static struct engine open_engine(const char *backend, const char *const *way)
{
    const char *assignments[16] = {
        backend, "depth=10", "width=1", "batch=3", "lr=0.02", "threads=1"
    };
    int n = 6;

    while (*way)
        assignments[n++] = *way++;
    return engine_open(assignments);
}

/* Whether losses agree as well as the storage of weights and activations
 * allows: stochastic rounding turns any small difference into another result.
 */
static void check_losses(const char *const *way, const double *a,
                         const double *b)
{
    bool floats = strncmp(way[0], "precision", 9) != 0;
    double allowed = !floats ? 0.05 : strcmp(way[0], "tf32=yes") ? 1e-3
                                                                 : 0.01;

    for (int i = 0; i < STEPS; i++)
        cr_expect(fabs(a[i] - b[i]) <= allowed * b[i],
                  "%s, step %d: loss %.9g, on the CPU %.9g", way[0], i, a[i],
                  b[i]);
}

static void run_steps(const char *backend, const char *const *way,
                      double losses[STEPS])
{
    struct engine engine = open_engine(backend, way);
    double metrics[METRIC_COUNT];

    for (int i = 0; i < STEPS; i++) {
        engine_run(&engine, PROGRAM_TRAIN, SAMPLES, metrics);
        losses[i] = metrics[METRIC_LOSS] / SAMPLES;
    }
    engine_close(&engine);
}

/* The sanitizers see the other ways in the test of recorded steps. */
Test(cuda, trains_as_the_cpu_does)
{
    engine_emulate();
    for (int i = 0; i < WAYS; i += SANITIZED ? 2 : 1) {
        double device[STEPS], host[STEPS];

        run_steps("backend=cuda", ways[i], device);
        run_steps("backend=cpu", ways[i], host);
        check_losses(ways[i], device, host);
    }
}

static void observe(void *arg, int step)
{
    *(int *)arg = step;
}

/* With an observer every call is made and waited for by itself; without, the
 * first step is recorded and the others are replayed. Threads run in another
 * order each time. Only every other way is tried, for this is slow. */
Test(cuda, recorded_steps_give_the_same_bits)
{
    engine_emulate();
    for (int i = 1; i < WAYS; i += 2) {
        struct engine recorded = open_engine("backend=cuda", ways[i]);
        struct engine called = open_engine("backend=cuda", ways[i]);
        double a[METRIC_COUNT], b[METRIC_COUNT];
        int last = -1;

        called.executor->observer = (struct observer){
            .after = observe, .arg = &last
        };
        for (int k = 0; k < STEPS; k++) {
            engine_run(&recorded, PROGRAM_TRAIN, SAMPLES, a);
            engine_run(&called, PROGRAM_TRAIN, SAMPLES, b);
            cr_expect_arr_eq(a, b, sizeof(a), "%s, step %d", ways[i][0], k);
        }
        engine_run(&recorded, PROGRAM_EVAL, SAMPLES + 1, a);
        engine_run(&called, PROGRAM_EVAL, SAMPLES + 1, b);
        cr_expect_arr_eq(a, b, sizeof(a), "%s, evaluation", ways[i][0]);
        cr_expect_geq(last, 0);
        cr_expect_eq(engine_state_hash(&recorded), engine_state_hash(&called),
                     "%s", ways[i][0]);
        engine_close(&recorded);
        engine_close(&called);
    }
}

/* Seconds come from the device itself, and the device can be measured. */
Test(cuda, is_profiled)
{
    struct engine engine;
    struct ceilings most = { 0 };
    struct profile profile;
    double metrics[METRIC_COUNT], wall, seconds;
    char why[WHY_SIZE];

    engine_emulate();
    engine = open_engine("backend=cuda", ways[0]);
    wall = clock_seconds();
    profile_init(&profile, engine.executor);
    engine_run(&engine, PROGRAM_TRAIN, SAMPLES, metrics);
    wall = clock_seconds() - wall;
    seconds = profile_finish(&profile);
    cr_expect(seconds > 0 && seconds < wall, "%g of %g", seconds, wall);
    cr_expect(cuda_backend.ceilings(engine.device, &most, why), "%s", why);
    cr_expect(most.copy > 0 && most.product > 0 && most.fp16_product > 0);
    profile_done(&profile);
    engine_close(&engine);
}

/* The bits do not change with the choice of recomputed results, or with NaNs in
 * dead bytes; momentum after one step from zero is the gradient. */
Test(cuda, checkpoints_give_the_same_bits)
{
    static const char *const recomputes[] = { "recompute=none",
                                              "recompute=norms" };
    static const char *const precisions[] = { "precision=fp16",
                                              "precision=bf16" };
    static const char *const strategies[] = {
        "checkpoint=none", "checkpoint=block", "checkpoint=optimal"
    };

    engine_emulate();
    for (int r = 0; r < 2; r++) {
        uint64_t plain = 0;

        for (int s = 0; s < 3; s++) {
            struct engine engine = open_engine(
                "backend=cuda", (const char *[]){
                    precisions[r], recomputes[r], strategies[s],
                    "microbatch=2", r == 0 ? "saved=none" : "saved=8bit",
                    NULL });
            double metrics[METRIC_COUNT];

            if (s > 0)
                engine.executor->observer = (struct observer){
                    .after = engine_fill_dead, .arg = &engine
                };
            engine_run(&engine, PROGRAM_TRAIN, SAMPLES, metrics);
            if (s == 0)
                plain = engine_state_hash(&engine);
            cr_expect_eq(engine_state_hash(&engine), plain, "%s, %s",
                         recomputes[r], strategies[s]);
            engine_close(&engine);
        }
    }
}

/* The state after a step that keeps the results of norms, or makes them again.
 */
static uint64_t state_after(const char *precision, const char *recompute)
{
    struct engine engine = open_engine(
        "backend=cuda", (const char *[]){ precision, recompute,
                                          "microbatch=2", NULL });
    double metrics[METRIC_COUNT];
    uint64_t hash;

    engine_run(&engine, PROGRAM_TRAIN, SAMPLES, metrics);
    hash = engine_state_hash(&engine);
    engine_close(&engine);
    return hash;
}

/* A norm that is applied while its input is loaded rounds as if its result had
 * been stored. */
Test(cuda, norms_made_again_give_the_same_bits)
{
    static const char *const precisions[] = {
        "precision=fp32", "precision=bf16", "precision=fp16"
    };

    engine_emulate();
    for (int p = 0; p < 3; p++)
        cr_expect_eq(state_after(precisions[p], "recompute=norms"),
                     state_after(precisions[p], "recompute=none"), "%s",
                     precisions[p]);
}

/* The first step and the first evaluation make a graph each. There is room for
 * no more; and with no room there is no run. */
Test(cuda, graphs_are_instantiated_once)
{
    struct engine engine;
    double metrics[METRIC_COUNT];
    struct error e;

    engine_emulate();
    for (int room = 2; room >= 0; room -= 2) {
        char text[16];

        snprintf(text, sizeof(text), "%d", room);
        setenv("MEMDIAL_EMULATE_GRAPHS", text, 1);
        engine = open_engine("backend=cuda", ways[0]);
        for (int i = 0; i < 2; i++) {
            engine_run(&engine, PROGRAM_TRAIN, SAMPLES, metrics);
            engine_run(&engine, PROGRAM_EVAL, SAMPLES, metrics);
        }
        cr_expect_eq(executor_check(engine.executor, &e), room > 0,
                     "room for %d", room);
        engine_close(&engine);
    }
}

/* Records a step of wrn-28-2 on a device that does nothing. Returns whether
 * the graph has no more of what `limit` counts. */
static bool keeps_to(const char *limit, int most, const char *const *way)
{
    const char *assignments[16] = { "backend=cuda", "depth=28", "width=2",
                                    "batch=2", "precision=bf16" };
    struct engine engine;
    double metrics[METRIC_COUNT];
    struct error e;
    char text[16];
    bool good;

    snprintf(text, sizeof(text), "%d", most);
    for (int n = 5; way && *way; way++)
        assignments[n++] = *way;
    setenv(limit, text, 1);
    setenv("MEMDIAL_EMULATE_IDLE", "1", 1);
    engine = engine_open(assignments);
    engine_run(&engine, PROGRAM_TRAIN, 2, metrics);
    good = executor_check(engine.executor, &e);
    cr_expect(good || strstr(e.text, "out of memory"), "%s", e.text);
    engine_close(&engine);
    return good;
}

/* The least number that a limit may be. */
static int count_in_step(const char *limit, const char *const *way)
{
    int low = 0, high = 4096;

    while (low < high) {
        int middle = (low + high) / 2;

        if (keeps_to(limit, middle, way))
            high = middle;
        else
            low = middle + 1;
    }
    return high;
}

static int nodes(const char *const *way)
{
    return count_in_step("MEMDIAL_EMULATE_NODES", way);
}

/* A launch takes microseconds, whatever it does. */
Test(cuda, a_step_is_few_launches)
{
    int count;

    engine_emulate();
    count = nodes(NULL);
    cr_expect(count > 150 && count <= 200, "%d", count);
}

/* Weights are updated together however their moments are stored: those in 8
 * bits take one launch, and the others one. Moments that take gradients at once
 * need a zero and an addition, or two, for each layer; but they begin together
 * and end together. */
Test(cuda, updates_are_few_launches)
{
    enum { LAYERS = 28 + 25 + 1 };
    static const struct {
        const char *way[4];
        int more;                /* than floats and whole gradients */
    } updates[] = {
        { { "optimizer=adam", NULL }, 0 },
        { { "optimizer_state=8bit", NULL }, 1 },
        { { "optimizer=adam", "optimizer_state=8bit", NULL }, 1 },
        { { "gradients=accumulate", "nesterov=no", NULL }, 2 * LAYERS + 2 },
        { { "gradients=accumulate", "nesterov=no", "optimizer_state=8bit",
            NULL }, 2 * LAYERS + 2 },
        { { "gradients=accumulate", "optimizer=adam", "optimizer_state=8bit",
            NULL }, 3 * LAYERS + 3 }
    };
    int plain;

    engine_emulate();
    plain = nodes(NULL);
    for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
        int count = nodes(updates[i].way);

        cr_expect(count <= plain + updates[i].more, "%s, %s: %d, not %d + %d",
                  updates[i].way[0],
                  updates[i].way[1] ? updates[i].way[1] : "-", count, plain,
                  updates[i].more);
    }
}

/* There is no launch to wait for between two kernels. */
Test(cuda, kernels_behind_kernels_overlap)
{
    engine_emulate();
    cr_expect(keeps_to("MEMDIAL_EMULATE_SERIAL", 0, NULL));
}

Test(cuda, kernels_do_not_overlap_on_demand)
{
    engine_emulate();
    setenv("MEMDIAL_CUDA_OVERLAP", "no", 1);
    cr_expect_not(keeps_to("MEMDIAL_EMULATE_SERIAL", 150, NULL));
}

/* The emulated device ends the program if such code overlaps. */
Test(cuda, code_that_cannot_wait_does_not_overlap)
{
    engine_emulate();
    setenv("MEMDIAL_EMULATE_CODE", "80", 1);
    cr_expect_not(keeps_to("MEMDIAL_EMULATE_SERIAL", 150, NULL));
}

/* That is for the emulated device to see, and for a device to show: there the
 * order of kernels is another. */
Test(cuda, overlapping_kernels_give_the_same_bits)
{
    engine_emulate();
    for (int i = 2; i < WAYS; i += SANITIZED ? 5 : 2) {
        uint64_t state[2];

        for (int k = 0; k < 2; k++) {
            struct engine engine;
            double metrics[METRIC_COUNT];

            setenv("MEMDIAL_CUDA_OVERLAP", k ? "no" : "yes", 1);
            engine = open_engine("backend=cuda", ways[i]);
            for (int step = 0; step < STEPS; step++)
                engine_run(&engine, PROGRAM_TRAIN, SAMPLES, metrics);
            engine_run(&engine, PROGRAM_EVAL, SAMPLES, metrics);
            state[k] = engine_state_hash(&engine);
            engine_close(&engine);
        }
        cr_expect_eq(state[0], state[1], "%s", ways[i][0]);
    }
    unsetenv("MEMDIAL_CUDA_OVERLAP");
}

/* A step with more microbatches than can be recorded runs call by call. */
Test(cuda, many_microbatches_are_not_recorded)
{
    static const char *const way[] = { "microbatch=1", NULL };
    struct engine device, host;
    double a[METRIC_COUNT], b[METRIC_COUNT];

    engine_emulate();
    device = open_engine("backend=cuda", way);
    host = open_engine("backend=cpu", way);
    engine_run(&device, PROGRAM_EVAL, 70, a);
    engine_run(&host, PROGRAM_EVAL, 70, b);
    cr_expect(fabs(a[METRIC_LOSS] - b[METRIC_LOSS])
                  <= 1e-4 * b[METRIC_LOSS], "%.9g, on the CPU %.9g",
              a[METRIC_LOSS], b[METRIC_LOSS]);
    engine_close(&device);
    engine_close(&host);
}

enum { THREADS_MAX = 4 };

/* The threads that made samples. */
struct watched_loading {
    struct loading loading;
    int wanted;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    pthread_t thread[THREADS_MAX];
    int threads;
    const double *metrics; /* of the emulated device, or NULL */
    double loss;         /* there, when samples were last made */
};

/* Notes this thread, and waits some seconds for those that are still wanted: a
 * fast one might do the work of all. */
static void note_thread(struct watched_loading *w)
{
    struct timespec until;
    int i = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&w->lock);
    while (i < w->threads && !pthread_equal(w->thread[i], pthread_self()))
        i++;
    if (i == w->threads && i < THREADS_MAX)
        w->thread[w->threads++] = pthread_self();
    pthread_cond_broadcast(&w->arrived);
    while (w->threads < w->wanted &&
           pthread_cond_timedwait(&w->arrived, &w->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&w->lock);
}

static bool watched_next(void *arg, struct part *part)
{
    struct watched_loading *w = arg;
    struct loader plain = loading_loader(&w->loading);

    return plain.next(plain.arg, part);
}

static void watched_fill(void *arg, const struct part *part, int begin,
                         int end, const struct stream stream[])
{
    struct watched_loading *w = arg;
    struct loader plain = loading_loader(&w->loading);

    note_thread(w);
    w->loss = w->metrics ? w->metrics[METRIC_LOSS] : 0;
    plain.fill(plain.arg, part, begin, end, stream);
}

static void run_watched(struct watched_loading *w, struct engine *engine,
                        int samples, double *metrics)
{
    struct loader loader = { .next = watched_next, .fill = watched_fill,
                             .arg = w };
    struct batch batch = { .seed = 1, .whole = { { samples } },
                           .terms = samples, .loader = &loader,
                           .report = metrics };

    w->loading = (struct loading){
        engine->sample, engine, IMAGE_ELEMENTS, samples,
        engine->job->schedule->cut.most.of[EXTENT_SAMPLES]
    };
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->arrived, NULL);
    executor_run(engine->executor, PROGRAM_EVAL, &batch);
    pthread_cond_destroy(&w->arrived);
    pthread_mutex_destroy(&w->lock);
}

/* Samples are made by as many threads as the setting says, and come out the
 * same. */
Test(cuda, threads_make_samples)
{
    struct engine engine;
    double one[METRIC_COUNT], three[METRIC_COUNT];

    engine_emulate();
    for (int threads = 1; threads <= 3; threads += 2) {
        struct watched_loading w = { .wanted = threads };
        char text[32];

        snprintf(text, sizeof(text), "threads=%d", threads);
        engine = engine_open((const char *[]){
            "backend=cuda", "depth=10", "width=1", "batch=12",
            "precision=bf16", text, NULL });
        run_watched(&w, &engine, 12, threads == 1 ? one : three);
        cr_expect_eq(w.threads, threads, "%d threads", w.threads);
        engine_close(&engine);
    }
    cr_expect_arr_eq(one, three, sizeof(one));
}

/* The metrics of evaluations, where the device has them. */
static const double *device_metrics(const struct engine *engine)
{
    const struct plan *plan = engine->job->plan;
    const struct schedule *s = plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_EVAL];
    int report = p->end - 1;

    cr_assert_eq(schedule_op(s, report)->code, OP_report);
    return (const double *)(const void *)
        (engine->executor->arena +
         plan->instances[s->steps[report].instance[REPORT_METRICS]].offset);
}

/* When samples of the last part are made, the device has not yet done the part
 * before. */
Test(cuda, samples_are_made_while_the_device_works)
{
    static const char *const way[] = { "microbatch=1", NULL };
    struct watched_loading w = { .wanted = 1 };
    struct engine engine;
    double four[METRIC_COUNT], five[METRIC_COUNT];

    engine_emulate();
    engine = open_engine("backend=cuda", way);
    w.metrics = device_metrics(&engine);
    run_watched(&w, &engine, 4, four);
    run_watched(&w, &engine, 5, five);
    cr_expect_gt(w.loss, 0);
    cr_expect_lt(w.loss, four[METRIC_LOSS]);
    cr_expect_lt(four[METRIC_LOSS], five[METRIC_LOSS]);
    engine_close(&engine);
}

Test(cuda, auto_does_not_choose_an_emulated_device)
{
    struct settings settings;
    struct device_info info;
    struct error e;
    struct job *job;

    engine_emulate();
    cr_assert_eq(cuda_backend.list(&info, 1), 1);
    cr_expect(info.usable, "%s", info.line);
    cr_expect_not(info.automatic);
    cr_expect_gt(info.memory, 0);
    cr_expect_eq(info.major, 9);
    settings_init(&settings);
    cr_assert(job_new(&job, &settings, &e), "%s", e.text);
    cr_expect_eq(job->backend, &cpu_backend);
    job_free(job);
}

/* The backend's message about a module that cannot be used. */
static void check_refusal(const char *path, const char *reason)
{
    struct device_info info;
    struct device *device;
    char why[WHY_SIZE];

    setenv("MEMDIAL_CUDA_MODULE", path, 1);
    cr_assert_eq(cuda_backend.list(&info, 1), 1);
    cr_expect_not(info.usable);
    cr_expect_not(info.automatic);
    cr_expect(strstr(info.line, reason), "%s", info.line);
    cr_assert_not(cuda_backend.open(&device, DEVICE_ANY, 1, why));
    cr_expect_str_eq(why, info.line);
}

Test(cuda, says_that_there_is_no_module)
{
    check_refusal("none", "none: ");
}

/* A copy of the module with another build id. */
Test(cuda, refuses_a_module_of_another_build)
{
    static const char id[] = PACKAGE_VERSION "-";
    char path[] = "/tmp/memdial-test-XXXXXX", *bytes;
    FILE *from, *to;
    long n;
    int changed = 0;

    engine_emulate();
    from = fopen(getenv("MEMDIAL_CUDA_MODULE"), "rb");
    cr_assert_not_null(from);
    fseek(from, 0, SEEK_END);
    n = ftell(from);
    rewind(from);
    bytes = malloc((size_t)n);
    cr_assert_eq(fread(bytes, 1, (size_t)n, from), (size_t)n);
    for (long i = 0; i + (long)sizeof(id) < n; i++)
        if (memcmp(bytes + i, id, sizeof(id) - 1) == 0) {
            bytes[i] = 'x';
            changed++;
        }
    cr_assert_gt(changed, 0);
    to = fdopen(mkstemp(path), "wb");
    cr_assert_eq(fwrite(bytes, 1, (size_t)n, to), (size_t)n);
    fclose(to);
    fclose(from);
    free(bytes);
    check_refusal(path, "another build");
    unlink(path);
}

static bool try_trainer(struct trainer **t, const char *const more[],
                        struct error *e)
{
    static const char *const base[] = {
        "backend=cuda", "depth=10", "width=1", "data=shapes", "batch=4",
        "epochs=2", "epoch_samples=8", "valid_samples=4", NULL
    };
    struct settings settings = settings_of(base);

    settings_add(&settings, more);
    return trainer_new(t, &settings, e);
}

struct recorded {
    int errors, epochs;
    char message[512];
};

static void record_event(void *arg, const struct event *event)
{
    struct recorded *r = arg;

    r->epochs += event->type == EVENT_EPOCH;
    if (event->type == EVENT_ERROR) {
        r->errors++;
        snprintf(r->message, sizeof(r->message), "%s", event->message);
    }
}

/* Each backend makes a run of its own, with a live change in the middle:
 * samples of a step are made while the device works on the step before. */
Test(cuda, runs_go_on_as_on_the_cpu)
{
    struct trainer *t[2];
    struct event_sink sink = { record_event, &(struct recorded){ 0 } };
    struct error e;

    engine_emulate();
    cr_assert(try_trainer(&t[0], (const char *[]){ "batch=2", NULL }, &e),
              "%s", e.text);
    cr_assert(try_trainer(&t[1], (const char *[]){ "batch=2", "backend=cpu",
                                                   NULL }, &e), "%s", e.text);
    for (int i = 0; i < 6; i++) {
        struct tally a = trainer_step(t[0]), b = trainer_step(t[1]);

        cr_expect(fabs(a.loss - b.loss) <= 1e-3 * b.loss,
                  "step %d: loss %.9g, on the CPU %.9g", i, a.loss, b.loss);
        for (int k = 0; i == 3 && k < 2; k++) {
            struct settings s = t[k]->job->settings;

            s.microbatch = 1;
            cr_assert(trainer_change(t[k], &s, sink, &e), "%s", e.text);
        }
    }
    trainer_free(t[0]);
    trainer_free(t[1]);
}

/* Losses of some steps, which must not depend on who makes the samples. */
static void run_kept(const char *backend, const char *keep, const char *way,
                     double losses[STEPS_KEPT])
{
    struct trainer *t;
    struct error e;

    cr_assert(try_trainer(&t, (const char *[]){ backend, keep, way,
                                                "microbatch=2", "batch=3",
                                                "precision=bf16",
                                                "epoch_samples=9", NULL },
                          &e), "%s", e.text);
    for (int i = 0; i < STEPS_KEPT; i++)
        losses[i] = trainer_step(t).loss;
    trainer_free(t);
}

/* Samples that are picked on a device, in the first steps and in recorded ones,
 * have the bits of those that the host makes. */
Test(cuda, kept_images_give_the_same_bits)
{
    static const char *const backends_tried[] = { "backend=cpu",
                                                  "backend=cuda" };

    static const char *const changes[] = { "augment=yes", "augment=no",
                                           "saved=8bit" };

    engine_emulate();
    for (int i = 0; i < 6; i++) {
        const char *backend = backends_tried[i % 2], *way = changes[i / 2];
        double made[STEPS_KEPT], kept[STEPS_KEPT];

        run_kept(backend, "keep_images=no", way, made);
        run_kept(backend, "keep_images=yes", way, kept);
        cr_expect_arr_eq(made, kept, sizeof(made), "%s, %s", backend, way);
    }
}

static double thread_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* With images on the device the host does next to nothing, even where each
 * launch of a record is a copy of all its arguments, as in the emulation. */
Test(cuda, kept_images_leave_the_host_idle)
{
    struct trainer *t;
    struct error e;
    double least = 1;

    engine_emulate();
    setenv("MEMDIAL_EMULATE_IDLE", "1", 1);
    cr_assert(try_trainer(&t, (const char *[]){
        "keep_images=yes", "depth=28", "width=2", "batch=100",
        "epoch_samples=20000", NULL }, &e), "%s", e.text);
    for (int i = 0; i < 20; i++) {
        double begin = thread_seconds(), seconds;

        trainer_step(t);
        seconds = thread_seconds() - begin;
        least = seconds < least ? seconds : least;
    }
    cr_expect(SANITIZED || least < 2e-4, "%g s", least);
    trainer_free(t);
}

/* The device's memory, by the name of a backend. */
static size_t memory_on(const char *backend)
{
    struct device_memory m = { .limit = "" };
    struct settings settings = settings_of((const char *[]){ backend, NULL });
    struct device *device;
    struct error e;
    struct job *job;

    cr_assert(job_new(&job, &settings, &e), "%s", e.text);
    cr_assert(job_open_device(job, &device, &e), "%s", e.text);
    job->backend->memory(device, NULL, 0, &m);
    job->backend->close(device);
    job_free(job);
    return m.available;
}

Test(cuda, devices_are_chosen_by_number)
{
    struct device *device;
    struct settings settings;
    struct error e;
    struct job *job;

    engine_emulate();
    setenv("MEMDIAL_EMULATE_DEVICES", "2", 1);
    cr_expect_eq(memory_on("backend=cuda:0"), memory_on("backend=cuda"));
    cr_expect_eq(2 * memory_on("backend=cuda:1"), memory_on("backend=cuda"));
    settings = settings_of((const char *[]){ "backend=cuda:2", NULL });
    cr_assert(job_new(&job, &settings, &e), "%s", e.text);
    cr_expect_not(job_open_device(job, &device, &e));
    cr_expect_eq(e.code, EXIT_RUN);
    cr_expect(strstr(e.text, "cuda:1 (emulated device 1"), "%s", e.text);
    job_free(job);
    settings = settings_of((const char *[]){ "backend=cuda:x", NULL });
    cr_expect_not(job_new(&job, &settings, &e));
    cr_expect_eq(e.code, EXIT_INPUT);
}

/* A run goes on while another is begun and ended on another device. */
Test(cuda, devices_are_used_by_turns)
{
    struct ceilings measured;
    struct trainer *one, *other;
    char why[WHY_SIZE];
    struct error e;

    engine_emulate();
    setenv("MEMDIAL_EMULATE_DEVICES", "2", 1);
    cr_assert(try_trainer(&one, NULL, &e), "%s", e.text);
    cr_assert(try_trainer(&other, (const char *[]){ "backend=cuda:1", NULL },
                          &e), "%s", e.text);
    for (int i = 0; i < 2; i++) {
        double loss = trainer_step(one).loss;

        cr_expect_eq(trainer_step(other).loss, loss);
    }
    cr_expect(cuda_backend.ceilings(one->device, &measured, why), "%s", why);
    trainer_free(other);
    trainer_step(one);
    cr_expect(executor_check(one->executor, &e), "%s", e.text);
    trainer_free(one);
}

static bool can_be_locked(const char *path)
{
    int file = open(path, O_RDWR);
    bool can = flock(file, LOCK_EX | LOCK_NB) == 0;

    close(file);
    return can;
}

/* Also where it lets one process in at a time. */
Test(cuda, a_device_is_left_to_others)
{
    char path[] = "/tmp/memdial-test-XXXXXX";
    struct device *a, *b;
    char why[WHY_SIZE];

    engine_emulate();
    close(mkstemp(path));
    setenv("MEMDIAL_EMULATE_EXCLUSIVE", path, 1);
    for (int i = 0; i < 2; i++) {
        cr_assert(cuda_backend.open(&a, 0, 1, why), "%s", why);
        cr_assert(cuda_backend.open(&b, 0, 1, why), "%s", why);
        cuda_backend.close(a);
        cr_expect_not(can_be_locked(path));
        cuda_backend.close(b);
        cr_expect(can_be_locked(path));
    }
    unlink(path);
}

/* Kernels take their memory before the arena does, unless the user wants it
 * otherwise. */
Test(cuda, kernels_are_loaded_first)
{
    struct device_info info;

    engine_emulate();
    unsetenv("CUDA_MODULE_LOADING");
    cuda_backend.list(&info, 1);
    cr_expect_str_eq(getenv("CUDA_MODULE_LOADING"), "EAGER");
}

/* The whole arena, and nothing else, is on the device, and it is freed. */
Test(cuda, allocates_what_is_planned)
{
    engine_emulate();
    for (int i = 0; i < 2; i++) {
        struct trainer *t;
        struct error e;
        struct device_memory m;

        cr_assert(try_trainer(&t, NULL, &e), "%s", e.text);
        for (int k = 0; k < 2; k++) {
            m = executor_memory(t->executor);
            cr_expect_eq(m.os, t->job->plan->arena_bytes);
            cr_expect_eq(m.touched, t->job->plan->arena_bytes);
            trainer_step(t);
        }
        trainer_free(t);
    }
}

Test(cuda, says_how_much_memory_is_missing)
{
    struct trainer *t;
    struct error e;

    engine_emulate();
    setenv("MEMDIAL_EMULATE_MEMORY", "2500000", 1);
    cr_assert_not(try_trainer(&t, NULL, &e));
    cr_expect_eq(e.code, EXIT_RUN);
    cr_expect(strstr(e.text, "of its 2.4 MiB 2.4 are free"), "%s",
              e.text);
    cr_expect(strstr(e.text, "are missing"), "%s", e.text);
    cr_expect(strstr(e.text, "recompute=norms"), "%s", e.text);
    cr_expect(strstr(e.text, "would fit"), "%s", e.text);
}

static size_t input_bytes(const char *keep)
{
    struct settings settings = settings_of((const char *[]){
        "backend=cuda", "data=cifar10", "batch=100", keep, NULL });
    struct error e;
    struct job *job;
    size_t bytes;

    cr_assert(job_new(&job, &settings, &e), "%s", e.text);
    bytes = job->plan->live[job->plan->peak_step][KIND_INPUT];
    job_free(job);
    return bytes;
}

/* 50,000 images of CIFAR-10, as bytes, with their labels, their number, and
 * mean and scale of three channels. They are never kept unless asked for. */
Test(cuda, kept_images_are_input)
{
    size_t all = 50000 * (32 * 32 * 3 + sizeof(int32_t)) + sizeof(int32_t)
                 + 2 * 3 * sizeof(float);

    cr_expect_eq(input_bytes("keep_images=yes"),
                 input_bytes("keep_images=no") + all);
    cr_expect_eq(input_bytes("batch=100"), input_bytes("keep_images=no"));
}

static void hear_warning(void *arg, const struct event *event)
{
    if (event->type == EVENT_WARNING)
        snprintf(arg, ERROR_TEXT_SIZE, "%s", event->message);
}

/* Images that do not fit are not kept, after a change neither. */
static void check_images_left(void)
{
    char warning[ERROR_TEXT_SIZE] = "";
    struct event_sink sink = { hear_warning, warning };
    struct settings other;
    struct trainer *t;
    struct error e;

    cr_assert(try_trainer(&t, (const char *[]){ "keep_images=yes", NULL }, &e),
              "%s", e.text);
    trainer_begin(t, "quick", sink);
    cr_expect(strstr(warning, "keep_images is off"), "%s", warning);
    cr_expect_gt(t->job->machine.images_left, 20000000);
    other = t->job->settings;
    other.microbatch = 1;
    cr_expect(trainer_change(t, &other, sink, &e), "%s", e.text);
    cr_expect(t->job->settings.keep_images);
    cr_expect_lt(t->job->plan->arena_bytes, 20000000);
    trainer_free(t);
}

/* Bytes may be free that are not in one piece. */
Test(cuda, keeps_no_images_that_do_not_fit)
{
    engine_emulate();
    setenv("MEMDIAL_EMULATE_MEMORY", "20000000", 1);
    check_images_left();
    unsetenv("MEMDIAL_EMULATE_MEMORY");
    setenv("MEMDIAL_EMULATE_LARGEST", "20000000", 1);
    check_images_left();
}

/* Where more than the images is too much, other settings are advised. */
Test(cuda, images_are_not_all_that_is_too_much)
{
    struct trainer *t;
    struct error e;

    engine_emulate();
    setenv("MEMDIAL_EMULATE_MEMORY", "2500000", 1);
    cr_assert_not(try_trainer(&t, (const char *[]){ "keep_images=yes", NULL },
                              &e));
    cr_expect(strstr(e.text, "recompute=norms"), "%s", e.text);
    cr_expect(strstr(e.text, "would fit"), "%s", e.text);
}

/* The error of a run whose first step has a fault. */
static void check_fault(struct observer observer, const char *words)
{
    struct trainer *t;
    struct error e;

    engine_emulate();
    setenv("MEMDIAL_EMULATE_FAULT", "0", 1);
    cr_assert(try_trainer(&t, NULL, &e), "%s", e.text);
    t->executor->observer = observer;
    trainer_step(t);
    cr_expect_not(executor_check(t->executor, &e));
    cr_expect(strstr(e.text, words), "%s", e.text);
    trainer_free(t);
}

/* With an observer each call is waited for by itself. */
Test(cuda, a_fault_names_the_operation)
{
    int last = -1;

    check_fault((struct observer){ .after = observe, .arg = &last },
                "the device failed at zero: an illegal memory access");
}

Test(cuda, a_fault_in_a_recorded_program)
{
    check_fault((struct observer){ .after = NULL },
                "the device failed in a recorded program: an illegal memory");
}

static long size_of(const char *path)
{
    FILE *f = fopen(path, "rb");
    long n = -1;

    if (f) {
        fseek(f, 0, SEEK_END);
        n = ftell(f);
        fclose(f);
    }
    return n;
}

/* A fault ends the run with an event; the snapshot before it can be loaded. */
Test(cuda, a_fault_costs_no_snapshot)
{
    static const volatile sig_atomic_t never = 0;
    char path[] = "/tmp/memdial-test-XXXXXX";
    struct trainer *t;
    struct recorded r = { 0 };
    struct event_sink sink = { record_event, &r };
    struct error e;

    engine_emulate();
    close(mkstemp(path));
    setenv("MEMDIAL_EMULATE_FAULT", "350", 1);
    cr_assert(try_trainer(&t, NULL, &e), "%s", e.text);
    cr_expect_not(training_run(t, "test", sink, &never, path, NULL,
                               &e));
    cr_expect_eq(e.code, EXIT_RUN);
    cr_expect(strstr(e.text, "illegal memory access"), "%s", e.text);
    cr_expect_eq(r.errors, 1);
    cr_expect_eq(r.epochs, 1);
    cr_expect_str_eq(r.message, e.text);
    cr_expect_not(snapshot_save(t, path, &e));
    trainer_free(t);

    cr_expect_gt(size_of(path), 0);
    cr_assert(try_trainer(&t, (const char *[]){ "backend=cpu", NULL }, &e),
              "%s", e.text);
    cr_expect(snapshot_load(t, path, &e), "%s", e.text);
    cr_expect_eq(t->step, 2);
    trainer_free(t);
    unlink(path);
}
