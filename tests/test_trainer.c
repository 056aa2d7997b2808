/*
 * Runs and their snapshots: a run that is saved and loaded goes on bit for bit,
 * a truncated snapshot is refused, and a failing write costs nothing.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernels/half.h"
#include "kernels/pool.h"
#include "tests/small_run.h"
#include "train/course.h"
#include "train/snapshot.h"
#include "train/training.h"
#include "train/translator.h"

static struct trainer *open_trainer(const char *const more[])
{
    static const char *const base[] = {
        "depth=10", "width=1", "data=shapes", "batch=20", "epochs=3",
        "epoch_samples=60", "valid_samples=30", "lr=0.05", "threads=2", NULL
    };

    return small_run(base, more);
}

/* Collects the doubles of epoch events and counts the rest. */
struct recorded {
    int count[EVENT_DONE + 1];
    double epochs[16][4];
    int64_t saved;           /* step of the last snapshot */
    int stop_after;          /* steps; 0: never */
    volatile sig_atomic_t stop;
};

static void record_event(void *arg, const struct event *event)
{
    struct recorded *r = arg;

    r->count[event->type]++;
    if (event->type == EVENT_EPOCH)
        memcpy(r->epochs[event->epoch.epoch], &event->epoch.train_loss,
               sizeof(r->epochs[0]));
    if (event->type == EVENT_SAVED)
        r->saved = event->saved.step;
    if (event->type == EVENT_STEP && r->stop_after &&
        r->count[EVENT_STEP] == r->stop_after)
        r->stop = 1;
}

static void run(struct trainer *t, struct recorded *r, const char *save)
{
    struct error e;

    cr_assert(training_run(t, "test", (struct event_sink){ record_event, r },
                          &r->stop, save, NULL, &e), "%s", e.text);
}

static char *temporary_path(void)
{
    char *path = strdup("/tmp/memdial-test-XXXXXX");

    close(mkstemp(path));
    return path;
}

Test(trainer, says_how_it_goes)
{
    struct trainer *t = open_trainer(NULL);
    struct recorded r = { 0 };

    run(t, &r, NULL);
    cr_expect_eq(r.count[EVENT_START], 1);
    cr_expect_eq(r.count[EVENT_STEP], 9);
    cr_expect_eq(r.count[EVENT_EPOCH], 3);
    cr_expect_eq(r.count[EVENT_DONE], 1);
    cr_expect_eq(r.count[EVENT_TEST], 0, "shapes have no test split");
    cr_expect_eq(r.count[EVENT_ERROR], 0);
    for (int epoch = 1; epoch <= 3; epoch++)
        for (int i = 0; i < 4; i++)
            cr_expect(isfinite(r.epochs[epoch][i]));
    trainer_free(t);
}

/* What the epochs of a translator say, and its test. */
struct translations {
    double bleu[4], score[4]; /* of epochs, counted from 1 */
    double accuracy;          /* of the last */
    int tests;
    double test_bleu, test_score, test_loss;
};

static void record_translations(void *arg, const struct event *event)
{
    struct translations *t = arg;

    if (event->type == EVENT_EPOCH) {
        t->bleu[event->epoch.epoch] = event->epoch.bleu;
        t->score[event->epoch.epoch] = event->epoch.score;
        t->accuracy = event->epoch.valid_accuracy;
    }
    if (event->type == EVENT_TEST) {
        t->tests++;
        t->test_bleu = event->test.bleu;
        t->test_score = event->test.score;
        t->test_loss = event->test.loss;
    }
}

static struct translations translate_some(struct trainer **t,
                                          const char *bleu_every)
{
    static const char *const base[] = {
        "model=dynamicconv", "data=numbers", "features=16", "hidden=16",
        "heads=2", "encoder_layers=1", "decoder_layers=1",
        "encoder_kernels=3", "decoder_kernels=3", "batch=500", "epochs=3",
        "epoch_samples=4000", "valid_samples=300", "optimizer=adam", "lr=0.02",
        "dropout=0", "threads=2", NULL
    };
    struct translations all = { 0 };
    struct error e;

    *t = small_run(base, (const char *[]){ bleu_every, NULL });
    cr_assert(training_run(*t, "test", (struct event_sink){
                               record_translations, &all
                           }, &(volatile sig_atomic_t){ 0 }, NULL, NULL,
                           &e),
              "%s", e.text);
    return all;
}

/* The BLEU of the first pairs of a split, as many as have `tokens` target
 * tokens together; 0: of all. */
static double bleu_of_tokens(struct trainer *t, enum split split, int tokens)
{
    const struct sequences *set = dataset_sequences(t->data);
    struct settings s = t->job->settings;
    int pairs;

    s.valid_samples = tokens;
    pairs = dataset_read(t->data, &s, split, 0).whole.of[EXTENT_SAMPLES];
    cr_expect_eq(pairs < sequences_pairs(set, split), tokens > 0);
    return translator_bleu(t->executor, set, split, pairs);
}

/* Where bleu_every does not divide the epochs the last has BLEU all the same,
 * which is the score; then comes the test, once. Both are of as many sentences
 * as the loss. */
Test(trainer, translates_now_and_at_the_end, .timeout = 120)
{
    struct trainer *t;
    struct translations all = translate_some(&t, "bleu_every=2");

    cr_expect(isnan(all.bleu[1]) && isnan(all.score[1]));
    for (int epoch = 2; epoch <= 3; epoch++) {
        cr_expect(isfinite(all.bleu[epoch]), "epoch %d", epoch);
        cr_expect_eq(all.bleu[epoch], all.score[epoch]);
    }
    cr_expect_eq(all.tests, 1);
    cr_expect_eq(all.test_bleu, all.test_score);
    cr_expect_eq(all.bleu[3], bleu_of_tokens(t, SPLIT_VALID, 300));
    cr_expect_eq(all.test_bleu, bleu_of_tokens(t, SPLIT_TEST, 300));
    cr_expect_neq(all.test_bleu, bleu_of_tokens(t, SPLIT_VALID, 300));
    cr_expect_neq(all.test_bleu, bleu_of_tokens(t, SPLIT_TEST, 0));
    trainer_free(t);
}

/* Without translations the score is the accuracy of tokens. */
Test(trainer, is_judged_by_tokens_if_nothing_is_translated)
{
    struct trainer *t;
    struct translations all = translate_some(&t, "bleu_every=0");

    cr_expect(isnan(all.bleu[3]) && isnan(all.test_bleu));
    cr_expect_eq(all.score[3], all.accuracy);
    cr_expect_eq(all.tests, 1);
    cr_expect(all.test_score > 0 && all.test_score < 1);
    cr_expect_gt(all.test_loss, 0);
    trainer_free(t);
}

/* A run is stopped in the middle of an epoch, saved, and loaded into a fresh
 * trainer. */
Test(trainer, goes_on_bit_for_bit)
{
    struct trainer *whole = open_trainer(NULL), *part, *rest;
    struct recorded all = { 0 }, before = { .stop_after = 5 }, after = { 0 };
    char *path = temporary_path();
    struct error e;

    run(whole, &all, NULL);
    part = open_trainer(NULL);
    run(part, &before, path);
    cr_expect_eq(part->step, 5);
    rest = open_trainer((const char *[]){ "microbatch=0", NULL });
    cr_assert(snapshot_load(rest, path, &e), "%s", e.text);
    run(rest, &after, NULL);
    cr_expect_eq(after.count[EVENT_STEP], 4);
    cr_expect_arr_eq(all.epochs[1], before.epochs[1], sizeof(all.epochs[1]));
    cr_expect_arr_eq(all.epochs[2], after.epochs[2], sizeof(all.epochs[2]));
    cr_expect_arr_eq(all.epochs[3], after.epochs[3], sizeof(all.epochs[3]));
    trainer_free(whole);
    trainer_free(part);
    trainer_free(rest);
    unlink(path);
    free(path);
}

/* However a run ends, the snapshot that it reports is there, is of the last
 * step, and the run goes on from it. */
Test(trainer, saves_at_every_end)
{
    static const struct {
        const char *how;
        int begin;           /* step of the snapshot that is loaded; 0: none */
        int stop_after;      /* steps; 0: never */
        bool stopped;        /* before the first step */
        int end;             /* step */
    } cases[] = {
        { "at its end", 0, 0, false, 9 },
        { "at once", 0, 0, true, 0 },
        { "within an epoch", 0, 4, false, 4 },
        { "at the end of an epoch", 0, 3, false, 3 },
        { "at its end, loaded", 4, 0, false, 9 },
        { "at once, loaded within an epoch", 4, 0, true, 4 },
        { "at once, loaded at the end of an epoch", 3, 0, true, 3 },
        { "loaded at its end", 9, 0, false, 9 },
        { "loaded at its end, at once", 9, 0, true, 9 },
    };
    char *before = temporary_path(), *path = temporary_path();

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct recorded r = { .stop_after = cases[i].stop_after,
                            .stop = cases[i].stopped };
        struct trainer *t = open_trainer(NULL), *next = open_trainer(NULL);
        struct error e;

        if (cases[i].begin) {
            struct recorded first = { .stop_after = cases[i].begin };
            run(next, &first, before);
            cr_assert(snapshot_load(t, before, &e), "%s", e.text);
        }
        unlink(path);
        run(t, &r, path);
        cr_expect_eq(t->step, cases[i].end, "%s", cases[i].how);
        cr_expect_geq(r.count[EVENT_SAVED], 1, "%s", cases[i].how);
        cr_expect_eq(r.saved, cases[i].end, "%s", cases[i].how);
        cr_expect(snapshot_load(next, path, &e), "%s: %s", cases[i].how,
                  e.text);
        cr_expect_eq(next->step, cases[i].end, "%s", cases[i].how);
        trainer_free(t);
        trainer_free(next);
    }
    unlink(before);
    unlink(path);
    free(before);
    free(path);
}

/* Every way of saving memory is turned on and off between steps: ways that are
 * not allowed to change the numbers do not. */
Test(trainer, changes_while_it_runs)
{
    static const char *const changes[] = {
        "checkpoint=optimal", "recompute=norms", "checkpoint=sqrt",
        "recompute=none", "checkpoint=none"
    };
    struct trainer *plain = open_trainer(NULL), *changed = open_trainer(NULL);
    struct recorded r = { 0 };
    struct event_sink sink = { record_event, &r };
    struct error e;

    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        struct settings s = changed->job->settings;
        struct tally a = trainer_step(plain), b = trainer_step(changed);
        size_t before = changed->job->plan->peak_bytes;
        cr_expect_eq(a.loss, b.loss, "before %s", changes[i]);
        cr_assert(settings_assign(&s, "test", changes[i], &e));
        cr_assert(trainer_change(changed, &s, sink, &e), "%s", e.text);
        cr_expect_neq(changed->job->plan->peak_bytes, before, "%s",
                      changes[i]);
    }
    cr_expect_eq(trainer_step(plain).loss, trainer_step(changed).loss);
    cr_expect_eq(r.count[EVENT_APPLIED], 5);
    cr_expect_eq(r.count[EVENT_ERROR], 0);
    trainer_free(plain);
    trainer_free(changed);
}

/* A second arena may be more than there is room for. */
Test(trainer, another_learning_rate_takes_no_other_arena)
{
    struct trainer *plain = open_trainer(NULL), *changed = open_trainer(NULL);
    struct executor *executor = changed->executor;
    struct recorded r = { 0 };
    struct event_sink sink = { record_event, &r };
    struct settings s = changed->job->settings, own = s;
    struct error e;

    s.lr = own.lr / 2;
    cr_assert(trainer_change(changed, &s, sink, &e), "%s", e.text);
    cr_expect_eq(changed->executor, executor);
    cr_expect_eq(changed->job->settings.lr, s.lr);
    cr_expect_eq(r.count[EVENT_APPLIED], 1);
    cr_assert(trainer_change(changed, &own, sink, &e), "%s", e.text);
    cr_expect_eq(trainer_step(plain).loss, trainer_step(changed).loss);
    cr_assert(trainer_change(changed, &s, sink, &e), "%s", e.text);
    trainer_step(plain);
    trainer_step(changed);
    cr_expect_neq(trainer_step(plain).loss, trainer_step(changed).loss,
                  "the rate has an effect");
    cr_expect_eq(changed->executor, executor);
    trainer_free(plain);
    trainer_free(changed);
}

/* Data of the persistent instance of a value. */
static const float *state(const struct trainer *t, const char *layer,
                          const char *name)
{
    const struct schedule *s = t->job->schedule;

    for (int i = 0; i < s->instance_count; i++) {
        const struct value *v = schedule_value(s, i);
        if (kind_persists(v->kind) && strcmp(v->name, name) == 0 &&
            strcmp(s->graph->layers[v->layer].name, layer) == 0)
            return (const float *)(const void *)(
                t->executor->arena + t->job->plan->instances[i].offset);
    }
    cr_assert_fail("no %s.%s", layer, name);
    return NULL;
}

static void change_to(struct trainer *t, const char *assignment)
{
    struct recorded r = { 0 };
    struct settings s = t->job->settings;
    struct error e;

    cr_assert(settings_assign(&s, "test", assignment, &e), "%s", e.text);
    cr_assert(trainer_change(t, &s, (struct event_sink){ record_event, &r },
                             &e), "%s", e.text);
}

/* The bitmap of the pool's index. */
static uint64_t *bitmap(const struct trainer *t)
{
    const struct pool *pool = t->job->graph->pool;
    uint64_t *bits = calloc(pool->words, sizeof(*bits));

    pool_decode(pool, state(t, "pool", "index"), bits);
    return bits;
}

/* Compares the pool's values with a dense weight of another trainer,
 * g1.b1.conv1, the pool's first member; returns how many differ. */
static size_t different(const struct trainer *sparse, const float *dense)
{
    const struct pool *pool = sparse->job->graph->pool;
    const float *w = state(sparse, "pool", "w");
    uint64_t *bits = bitmap(sparse);
    size_t n = 0;

    for (size_t i = 0; i < pool->member[0].elements; i++)
        if (pool_bit(bits, i))
            n += *w++ != dense[i];
    free(bits);
    return n;
}

Test(trainer, sparsity_prunes_and_fills_up)
{
    struct trainer *t = open_trainer(NULL);
    size_t bytes = 9 * 16 * 16 * sizeof(float), zeros = 0, kept = 0;
    float *dense = malloc(bytes), least = 1;
    const float *now, *w;
    uint64_t *bits;

    trainer_step(t);
    memcpy(dense, state(t, "g1.b1.conv1", "w"), bytes);
    change_to(t, "sparsity=0.9");
    cr_expect_eq(different(t, dense), 0);
    /* No dropped weight is larger than the smallest that is kept, anywhere. */
    w = state(t, "pool", "w");
    for (size_t i = 0; i < t->job->graph->pool->nonzeros; i++)
        least = fminf(least, fabsf(w[i]));
    bits = bitmap(t);
    for (size_t i = 0; i < bytes / sizeof(float); i++)
        cr_expect(pool_bit(bits, i) || fabsf(dense[i]) <= least);
    for (size_t i = 0; i < bytes / sizeof(float); i++) {
        kept += pool_bit(bits, i);
        if (!pool_bit(bits, i))
            dense[i] = 0;
    }
    free(bits);
    cr_expect_gt(kept, 0);
    /* Fewer zeros: the added nonzeros have value 0. */
    change_to(t, "sparsity=0.5");
    cr_expect_eq(different(t, dense), 0);
    change_to(t, "checkpoint=block");
    cr_expect_eq(different(t, dense), 0);
    change_to(t, "sparsity=0");
    now = state(t, "g1.b1.conv1", "w");
    cr_expect_arr_eq(now, dense, bytes);
    now = state(t, "g1.b1.conv1", "momentum");
    for (size_t i = 0; i < bytes / sizeof(float); i++)
        zeros += now[i] == 0;
    cr_expect_eq(zeros, bytes / sizeof(float) - kept);
    cr_expect(isfinite(trainer_step(t).loss));
    free(dense);
    trainer_free(t);
}

/* The number of the pool's weights that differ from these, rounded to a type.
 */
static size_t unlike(const struct trainer *t, const char *name,
                     enum dtype dtype, const float *expected)
{
    const void *w = state(t, "pool", name);
    size_t n = 0;

    for (size_t i = 0; i < t->job->graph->pool->nonzeros; i++) {
        float rounded;
        float_store(&rounded, 0, dtype, expected[i]);
        n += float_load(w, i, dtype) != float_load(&rounded, 0, dtype);
    }
    return n;
}

/* With copies in fp32 no digit is lost on the way there and back. */
Test(trainer, sparse_weights_change_their_type)
{
    struct trainer *t = open_trainer((const char *[]){ "sparsity=0.7",
                                                       NULL });
    size_t bytes = t->job->graph->pool->nonzeros * sizeof(float);
    float *w = malloc(bytes);

    trainer_step(t);
    memcpy(w, state(t, "pool", "w"), bytes);
    change_to(t, "master_weights=fp32");
    change_to(t, "precision=fp16");
    cr_expect_eq(unlike(t, "w", DTYPE_F16, w), 0);
    cr_expect_eq(unlike(t, "master", DTYPE_F32, w), 0);
    change_to(t, "precision=bf16");
    cr_expect_eq(unlike(t, "w", DTYPE_BF16, w), 0);
    change_to(t, "precision=fp32");
    cr_expect_eq(unlike(t, "w", DTYPE_F32, w), 0);
    change_to(t, "master_weights=none");
    change_to(t, "precision=bf16");
    cr_expect_eq(unlike(t, "w", DTYPE_BF16, w), 0);
    change_to(t, "sparsity=0.6");
    change_to(t, "sparsity=0.7");
    cr_expect(isfinite(trainer_step(t).loss));
    free(w);
    trainer_free(t);
}

/* In a run of 30,000 steps: every 100, 200 from 3,750, 400 from 12,000, 800
 * from 21,000, none from 28,500. */
Test(trainer, rewires_on_schedule)
{
    static const struct { int step; bool rewires; } expected[] = {
        { 99, false },    { 100, true },    { 3700, true },
        { 3800, true },   { 3900, false },  { 12000, true },
        { 12200, false }, { 12400, true },  { 21200, false },
        { 21600, true },  { 28000, true },  { 28800, false },
    };
    struct trainer *t = open_trainer((const char *[]){
        "sparsity=0.9", "batch=2", "epochs=1000", NULL });
    size_t bytes = pool_index_bytes(t->job->graph->pool);
    void *before = malloc(bytes);

    cr_assert_eq(trainer_steps(t), 30000);
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        const void *index = state(t, "pool", "index");
        memcpy(before, index, bytes);
        t->step = expected[i].step - 1;
        trainer_step(t);
        cr_expect_eq(memcmp(before, index, bytes) != 0, expected[i].rewires,
                     "step %d", expected[i].step);
    }
    free(before);
    trainer_free(t);
}

static void go_on(const char *const assignments[])
{
    struct trainer *a = open_trainer(assignments);
    struct trainer *b = open_trainer(assignments);
    char *path = temporary_path();
    struct error e;

    for (int i = 0; i < 3; i++)
        trainer_step(a);
    cr_assert(snapshot_save(a, path, &e), "%s", e.text);
    cr_assert(snapshot_load(b, path, &e), "%s", e.text);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(trainer_step(a).loss, trainer_step(b).loss);
    trainer_free(a);
    trainer_free(b);
    unlink(path);
    free(path);
}

/* DSR's threshold is state too, and part of a snapshot with the index. */
Test(trainer, sparse_runs_go_on_bit_for_bit)
{
    go_on((const char *[]){ "sparsity=0.8", "epoch_samples=80", NULL });
}

/* Codes and scales are saved as they are. */
Test(trainer, runs_with_moments_in_8_bits_go_on_bit_for_bit)
{
    go_on((const char *[]){ "optimizer_state=8bit", "epoch_samples=80",
                            NULL });
    go_on((const char *[]){ "optimizer=adam", "lr=0.001", "precision=bf16",
                            "sparsity=0.5", "optimizer_state=8bit",
                            "epoch_samples=80", NULL });
    go_on((const char *[]){ "sparsity=0.8", "optimizer_state=8bit",
                            "precision=bf16", "nesterov=no", "microbatch=5",
                            "gradients=accumulate", "rewire_period=2",
                            "epoch_samples=80", NULL });
}

/* Steps with momentum as the accumulator: losses are as near as rounding leaves
 * them, whose errors grow tenfold a step, from `first` to `most`; with a larger
 * lr two paths part. One dense gradient may be larger than all nonzeros' of a
 * small net. */
static void expect_equal_steps(const char *parts, const char *sparsity,
                               const char *precision, double first, double most)
{
    const char *const buffer[] = { parts, sparsity, precision, "nesterov=no",
                                   "weight_decay=0.1", "rewire_period=3",
                                   "lr=0.02", "epoch_samples=200", NULL };
    const char *const moments[] = { parts, sparsity, precision, "nesterov=no",
                                    "weight_decay=0.1", "rewire_period=3",
                                    "lr=0.02", "epoch_samples=200",
                                    "gradients=accumulate", NULL };
    struct trainer *a = open_trainer(buffer), *b = open_trainer(moments);

    for (int i = 0; i < 20; i++) {
        double one = trainer_step(a).loss, other = trainer_step(b).loss;
        double tolerance = fmin(first * pow(10, i), most);

        cr_expect_float_eq(one, other, tolerance * one,
                           "%s, %s, %s: step %d: %g, %g", parts, sparsity,
                           precision, i, one, other);
    }
    if (strcmp(sparsity, "sparsity=0") == 0)
        cr_expect_lt(b->job->plan->peak_bytes, a->job->plan->peak_bytes);
    trainer_free(a);
    trainer_free(b);
}

Test(trainer, momentum_accumulates_gradients)
{
    static const char *const parts[] = { "microbatch=0", "microbatch=5",
                                         "microbatch=2" };
    static const char *const sparsities[] = { "sparsity=0", "sparsity=0.7" };

    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++) {
            expect_equal_steps(parts[i], sparsities[k], "precision=fp32",
                               1e-7, 1e-3);
            expect_equal_steps(parts[i], sparsities[k], "precision=bf16",
                               0.04, 0.04);
        }
}

/* State in 8 bits is carried over as it is where nothing in its storage
 * changes, and on through all ways of storing it. */
Test(trainer, moments_in_8_bits_are_carried_over)
{
    static const char *const changes[] = {
        "gradients=accumulate", "precision=bf16", "optimizer_state=full",
        "sparsity=0.7", "optimizer_state=8bit", "gradients=buffer",
        "sparsity=0", "optimizer_state=full", NULL
    };
    static const char *const sparsities[] = { "sparsity=0", "sparsity=0.7" };

    for (int i = 0; i < 2; i++) {
        const char *const eight[] = { "optimizer_state=8bit", "nesterov=no",
                                      "microbatch=5", sparsities[i], NULL };
        struct trainer *plain = open_trainer(eight);
        struct trainer *changed = open_trainer(eight);

        trainer_step(plain);
        trainer_step(changed);
        change_to(changed, "checkpoint=sqrt");
        for (int k = 0; k < 2; k++)
            cr_expect_eq(trainer_step(plain).loss, trainer_step(changed).loss);
        for (int k = 0; changes[k]; k++) {
            double loss;
            change_to(changed, changes[k]);
            loss = trainer_step(changed).loss;
            cr_expect(isfinite(loss) && loss < 1000, "%s", changes[k]);
        }
        trainer_free(plain);
        trainer_free(changed);
    }
}

Test(trainer, keeps_its_settings_if_a_change_fails)
{
    static const char *const changes[] = { "width=2", "memory_budget=1MiB",
                                           "microbatch=21" };
    struct trainer *t = open_trainer((const char *[]){ "checkpoint=optimal",
                                                       NULL });
    struct recorded r = { 0 };
    struct event_sink sink = { record_event, &r };
    size_t peak = t->job->plan->peak_bytes;

    for (int i = 0; i < 3; i++) {
        struct settings s = t->job->settings;
        struct error e;
        cr_assert(settings_assign(&s, "test", changes[i], &e));
        cr_expect_not(trainer_change(t, &s, sink, &e), "%s", changes[i]);
        cr_expect(strchr(e.text, ':'), "does not say what: %s", e.text);
        cr_expect_eq(t->job->plan->peak_bytes, peak);
        cr_expect(isfinite(trainer_step(t).loss));
    }
    cr_expect_eq(r.count[EVENT_APPLIED], 0);
    trainer_free(t);
}

Test(trainer, learning_rate_follows_its_schedule)
{
    struct trainer *t = open_trainer((const char *[]){
        "lr=0.1", "lr_schedule=step", "epochs=200", NULL });
    struct settings *s = &t->job->settings;
    int64_t epoch = t->steps_per_epoch, steps = trainer_steps(t);
    const struct {
        int schedule;
        int64_t step;
        double rate;
    } cases[] = {
        { LR_STEP, 0, 0.1 }, { LR_STEP, 60 * epoch - 1, 0.1 },
        { LR_STEP, 60 * epoch, 0.02 }, { LR_STEP, 120 * epoch, 0.004 },
        { LR_STEP, 160 * epoch, 0.0008 }, { LR_COSINE, 100 * epoch, 0.05 },
        { LR_CONSTANT, 199 * epoch, 0.1 }
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        s->lr_schedule = cases[i].schedule;
        cr_expect_float_eq(course_learning_rate(s, cases[i].step, steps),
                           cases[i].rate, 1e-12, "case %zu", i);
    }
    trainer_free(t);
}

static float *state_of(const struct trainer *t, const char *name)
{
    const struct plan *plan = t->job->plan;

    for (int i = 0; i < plan->schedule->instance_count; i++) {
        char full[80];
        graph_value_name(plan->schedule->graph, plan->schedule->instances[i],
                         full, sizeof(full));
        if (strcmp(full, name) == 0)
            return (float *)(void *)(t->executor->arena +
                                     plan->instances[i].offset);
    }
    cr_assert_fail("no state %s", name);
    return NULL;
}

/* FNV-1a. */
static uint64_t file_hash(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint64_t hash = 0xCBF29CE484222325u;

    for (int byte; (byte = fgetc(f)) != EOF;)
        hash = (hash ^ (uint64_t)byte) * 0x100000001B3u;
    fclose(f);
    return hash;
}

/* The run stops with an error, whichever figure shows it, and the last good
 * snapshot stays as it was. Training does not see the running statistics, so
 * only validation can tell, or, before any, the state itself. */
Test(trainer, stops_when_it_diverges)
{
    static const struct {
        const char *state, *why;
        int stop_after;      /* steps; 0: never */
    } cases[] = {
        { "head.linear.w", "step 1: the loss is not finite", 0 },
        { "g1.b1.conv2.w", "step 1: the loss is not finite", 0 },
        { "head.bn.running", "step 3: the validation loss is not finite", 0 },
        { "head.bn.running", "head.bn.running is not finite", 2 },
    };
    char *path = temporary_path();

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct trainer *t = open_trainer(NULL);
        struct recorded r = { .stop_after = cases[i].stop_after };
        struct error e;
        uint64_t good;

        cr_assert(snapshot_save(t, path, &e), "%s", e.text);
        good = file_hash(path);
        state_of(t, cases[i].state)[5] = NAN;
        cr_expect_not(training_run(t, "test",
                                  (struct event_sink){ record_event, &r },
                                  &r.stop, path, NULL, &e), "%s", cases[i].why);
        cr_expect(strstr(e.text, cases[i].why), "%s", e.text);
        cr_expect(strstr(e.text, "lower lr"), "%s", e.text);
        cr_expect_eq(e.code, EXIT_RUN);
        cr_expect_eq(r.count[EVENT_ERROR], 1);
        cr_expect_eq(r.count[EVENT_EPOCH], 0);
        cr_expect_eq(r.count[EVENT_DONE], 0);
        cr_expect_eq(file_hash(path), good, "%s: another snapshot",
                     cases[i].why);
        cr_expect(snapshot_load(t, path, &e), "%s", e.text);
        cr_expect(isfinite(trainer_step(t).loss));
        trainer_free(t);
    }
    unlink(path);
    free(path);
}

/* Makes six files of eight images each. */
static void make_images(const char *folder)
{
    char path[96];

    for (int i = 1; i <= 6; i++) {
        FILE *f;
        snprintf(path, sizeof(path), i < 6 ? "%s/data_batch_%d.bin" :
                 "%s/test_batch.bin", folder, i);
        f = fopen(path, "wb");
        cr_assert(f);
        for (int k = 0; k < 8 * 3073; k++)
            putc(k % 3073 == 0 ? k / 3073 : (k * i) & 255, f);
        fclose(f);
    }
}

/* Changes a file after some steps. */
struct meddling {
    struct recorded record;
    int after;               /* steps */
    const char *path;
};

static void meddle(void *arg, const struct event *event)
{
    struct meddling *m = arg;

    record_event(&m->record, event);
    if (event->type == EVENT_STEP && m->record.count[EVENT_STEP] == m->after)
        cr_assert_eq(truncate(m->path, 5 * 3073 + 7), 0);
}

/* Data that change end a run with an error, whether training or validation
 * reads them, and the results are not saved. */
Test(trainer, stops_when_data_change)
{
    static const struct { const char *file; int after, epochs; } cases[] = {
        { "data_batch_2.bin", 3, 1 },
        { "data_batch_4.bin", 4, 1 },
        { "test_batch.bin", 4, 1 },
    };
    char folder[] = "/tmp/memdial-test-XXXXXX", path[96], setting[96];
    const char *settings[] = { "data=cifar10", setting, "epoch_samples=60",
                               "valid_samples=0", NULL };
    char *save = temporary_path();

    cr_assert(mkdtemp(folder));
    snprintf(setting, sizeof(setting), "data_path=%s", folder);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct meddling m = { .after = cases[i].after, .path = path };
        struct trainer *t;
        struct error e;

        make_images(folder);
        snprintf(path, sizeof(path), "%s/%s", folder, cases[i].file);
        t = open_trainer(settings);
        cr_expect_not(training_run(t, "test", (struct event_sink){ meddle, &m },
                                  &m.record.stop, save, NULL, &e), "%s",
                      cases[i].file);
        cr_expect(strstr(e.text, path), "%s", e.text);
        cr_expect(strstr(e.text, "changed since"), "%s", e.text);
        cr_expect_eq(m.record.count[EVENT_ERROR], 1);
        cr_expect_eq(m.record.count[EVENT_DONE], 0);
        cr_expect_eq(m.record.count[EVENT_EPOCH], cases[i].epochs);
        cr_expect_eq(m.record.saved, 3 * cases[i].epochs);
        trainer_free(t);
        make_images(folder);
        t = open_trainer(settings);
        cr_expect(snapshot_load(t, save, &e), "%s", e.text);
        cr_expect_eq(t->step, 3 * cases[i].epochs);
        trainer_free(t);
    }
    snprintf(path, sizeof(path), "rm -r %s", folder);
    cr_expect_eq(system(path), 0);
    unlink(save);
    free(save);
}

static long file_size(const char *path)
{
    FILE *f = fopen(path, "rb");
    long size;

    fseek(f, 0, SEEK_END);
    size = ftell(f);
    fclose(f);
    return size;
}

static void poke(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    int byte;

    fseek(f, at, SEEK_SET);
    byte = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(byte ^ 1, f);
    fclose(f);
}

static void expect_refused(struct trainer *t, const char *path,
                           const char *why)
{
    struct error e = { 0 };
    int64_t step = t->step;

    cr_expect_not(snapshot_load(t, path, &e), "%s: was loaded", why);
    cr_expect_eq(e.code, EXIT_INPUT);
    cr_expect(strstr(e.text, why), "not for '%s' but: %s", why, e.text);
    cr_expect(strstr(e.text, path), "does not say where: %s", e.text);
    cr_expect_eq(t->step, step);
}

Test(snapshot, refuses_what_is_not_whole)
{
    struct trainer *t = open_trainer(NULL);
    char *path = temporary_path();
    struct error e;
    long size;

    expect_refused(t, path, "not a snapshot");
    cr_assert(snapshot_save(t, path, &e), "%s", e.text);
    cr_assert(snapshot_load(t, path, &e), "%s", e.text);
    size = file_size(path);
    /* Changes one bit, anywhere: size, header, checksum, tensors. */
    for (long at = 9; at < size; at += size / 37) {
        poke(path, at);
        cr_expect_not(snapshot_load(t, path, &e), "byte %ld", at);
        poke(path, at);
    }
    cr_assert(snapshot_load(t, path, &e), "%s", e.text);
    cr_assert_eq(truncate(path, size - 1), 0);
    expect_refused(t, path, "truncated");
    cr_assert_eq(truncate(path, 100), 0);
    expect_refused(t, path, "truncated");
    cr_assert_eq(truncate(path, 3), 0);
    expect_refused(t, path, "not a snapshot");
    unlink(path);
    expect_refused(t, path, "No such file");
    expect_refused(t, "/tmp", "not a file");
    free(path);
    trainer_free(t);
}

Test(snapshot, refuses_another_run)
{
    struct trainer *t = open_trainer(NULL);
    struct trainer *wide = open_trainer((const char *[]){ "width=2", NULL });
    struct trainer *seed = open_trainer((const char *[]){ "seed=9", NULL });
    char *path = temporary_path();
    struct error e;

    cr_assert(snapshot_save(t, path, &e), "%s", e.text);
    expect_refused(wide, path, "another model");
    expect_refused(seed, path, "set them alike");
    trainer_free(t);
    trainer_free(wide);
    trainer_free(seed);
    unlink(path);
    free(path);
}

Test(snapshot, refuses_a_foreign_file)
{
    static const char foreign[] = "{\"__metadata__\":{\"format\":\"pt\"}}";
    struct trainer *t = open_trainer(NULL);
    char *path = temporary_path();
    unsigned char size[8] = { sizeof(foreign) - 1 };
    FILE *f = fopen(path, "wb");

    fwrite(size, 1, 8, f);
    fputs(foreign, f);
    fclose(f);
    expect_refused(t, path, "foreign");
    trainer_free(t);
    unlink(path);
    free(path);
}

/* The disk fills up in the middle of writing: the old snapshot is as it was,
 * and no file is left beside it. */
Test(snapshot, survives_a_failing_write)
{
    struct trainer *t = open_trainer(NULL);
    char folder[] = "/tmp/memdial-test-XXXXXX", path[64], command[128];
    struct rlimit limit = { 4096, 4096 };
    struct error e;
    FILE *left;
    char line[256];

    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/run", folder);
    cr_assert(snapshot_save(t, path, &e), "%s", e.text);
    signal(SIGXFSZ, SIG_IGN);
    limit.rlim_max = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    t->step = 3;
    cr_expect_not(snapshot_save(t, path, &e));
    cr_expect_eq(e.code, EXIT_RUN);
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert(snapshot_load(t, path, &e), "%s", e.text);
    cr_expect_eq(t->step, 0);
    snprintf(command, sizeof(command), "ls %s", folder);
    left = popen(command, "r");
    cr_assert(fgets(line, sizeof(line), left));
    cr_expect_str_eq(line, "run\n");
    cr_expect_not(fgets(line, sizeof(line), left));
    pclose(left);
    unlink(path);
    rmdir(folder);
    trainer_free(t);
}
