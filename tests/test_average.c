/*
 * Averages of weights over the last epochs, against means in double precision
 * of the weights that each epoch ended with.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "kernels/pool_index.h"
#include "tests/settings_of.h"
#include "train/average.h"
#include "train/snapshot.h"
#include "train/training.h"

enum { EPOCHS = 5, AVERAGED = 3 };

static const char *const plain[] = {
    "epochs=5", "average=3", "epoch_samples=40", "valid_samples=20", "batch=20",
    "threads=1", "lr=0.05", NULL
};
static const char *const half[] = {
    "epochs=5", "average=3", "epoch_samples=40", "valid_samples=20", "batch=20",
    "threads=1", "lr=0.05", "precision=bf16", NULL
};
static const char *const sparse[] = {
    "epochs=5", "average=3", "epoch_samples=40", "valid_samples=20", "batch=20",
    "threads=1", "lr=0.05", "sparsity=0.7", "rewire_period=1", NULL
};

/* Dense sums of a trainer's weights, and the run that they are taken from. */
struct sums {
    struct trainer *trainer;
    const char *path;
    double *sum;         /* owned: of all places of all weights */
    int skipped, averaged; /* epochs, the last ones and those before them */
    int saves;
    int stop_after;      /* saves; 0: at the end */
    volatile sig_atomic_t stop;
};

/* Places that an instance may have, with those of its pool. */
static size_t places(const struct plan *plan, int instance)
{
    const struct graph *g = plan->schedule->graph;
    int value = plan->schedule->instances[instance];

    return g->pool && value == g->pool_values
               ? g->pool->words * POOL_WORD
               : plan->instances[instance].bytes /
                     dtype_size(g->values[value].dtype);
}

static bool is_weight(const struct plan *plan, int instance)
{
    return schedule_value(plan->schedule, instance)->kind == KIND_WEIGHTS;
}

/* Reads the weights of an instance, each at its place, 0 elsewhere. */
static void read_places(const struct trainer *t, int instance, float *to)
{
    const struct graph *g = t->job->graph;
    size_t n = places(t->job->plan, instance);
    float *values = calloc(n, sizeof(*values)), *next = values;
    void *index;
    struct pool_index x;

    executor_read_floats(t->executor, instance, values);
    memcpy(to, values, n * sizeof(*to));
    if (g->pool && t->job->schedule->instances[instance] == g->pool_values) {
        index = calloc(1, pool_index_bytes(g->pool));
        executor_read(t->executor,
                      schedule_instance(t->job->schedule, g->pool_index),
                      index);
        x = pool_index_of(g->pool, index);
        for (size_t i = 0; i < n; i++)
            to[i] = pool_word(&x, i / POOL_WORD) >> i % POOL_WORD & 1
                        ? *next++ : 0;
        free(index);
    }
    free(values);
}

static size_t all_places(const struct plan *plan)
{
    size_t n = 0;

    for (int i = 0; i < plan->schedule->instance_count; i++)
        n += is_weight(plan, i) ? places(plan, i) : 0;
    return n;
}

static void add_weights(struct sums *s)
{
    const struct plan *plan = s->trainer->job->plan;
    double *sum = s->sum;

    for (int i = 0; i < plan->schedule->instance_count; i++) {
        size_t n;
        float *now;
        if (!is_weight(plan, i))
            continue;
        n = places(plan, i);
        now = calloc(n, sizeof(*now));
        read_places(s->trainer, i, now);
        for (size_t k = 0; k < n; k++)
            *sum++ += now[k];
        free(now);
    }
}

static void on_event(void *arg, const struct event *e)
{
    struct sums *s = arg;

    if (e->type != EVENT_SAVED)
        return;
    if (++s->saves > s->skipped)
        add_weights(s);
    if (s->saves == s->stop_after)
        s->stop = 1;
}

static struct trainer *trainer_of(const char *const assignments[])
{
    struct settings settings = settings_of(assignments);
    struct trainer *t;
    struct error e;

    cr_assert(trainer_new(&t, &settings, &e), "%s", e.text);
    return t;
}

static void train(struct sums *s)
{
    struct error e;

    s->stop = 0;
    cr_assert(training_run(s->trainer, "test",
                           (struct event_sink){ on_event, s }, &s->stop,
                           s->path, NULL, &e), "%s", e.text);
}

/* The weights loaded are the means, at the places that have a weight. */
static void check_means(const struct sums *s, const struct trainer *loaded,
                        double tolerance)
{
    const struct plan *plan = loaded->job->plan;
    const double *sum = s->sum;

    for (int i = 0; i < plan->schedule->instance_count; i++) {
        size_t n;
        float *mean, *last;
        if (!is_weight(plan, i))
            continue;
        n = places(plan, i);
        mean = calloc(n, sizeof(*mean));
        last = calloc(n, sizeof(*last));
        read_places(loaded, i, mean);
        read_places(s->trainer, i, last);
        for (size_t k = 0; k < n; k++, sum++) {
            double expected = *sum / s->averaged;
            if (last[k] == 0 && mean[k] == 0)
                continue;
            cr_assert(fabs(mean[k] - expected) <=
                          tolerance * fabs(expected) + 1e-7,
                      "instance %d, %zu: %g, expected %g", i, k,
                      (double)mean[k], expected);
        }
        free(mean);
        free(last);
    }
}

static void make_path(char path[64], const char *name)
{
    snprintf(path, 64, "/tmp/memdial-average-%d-%s", (int)getpid(), name);
    unlink(path);
}

static void same_files(const char *a, const char *b)
{
    size_t n, m;
    struct error e;
    char *x = file_read(a, 1 << 30, &n, &e), *y = file_read(b, 1 << 30, &m, &e);

    cr_assert(x && y, "%s", e.text);
    cr_assert_eq(n, m);
    cr_expect(memcmp(x, y, n) == 0, "the run that was resumed differs");
    free(x);
    free(y);
}

/* Trains in one go, and with a stop before and among the epochs that count. */
static void check(const char *const assignments[], double tolerance)
{
    struct trainer *loaded;
    struct error e;
    char whole[64], pieces[64];

    make_path(whole, "whole");
    make_path(pieces, "pieces");
    for (int stop_after = 0; stop_after < EPOCHS; stop_after++) {
        const char *path = stop_after ? pieces : whole;
        struct sums s = { .trainer = trainer_of(assignments), .path = path,
                          .skipped = EPOCHS - AVERAGED, .averaged = AVERAGED,
                          .stop_after = stop_after };
        s.sum = calloc(all_places(s.trainer->job->plan), sizeof(*s.sum));
        train(&s);
        if (stop_after) {
            trainer_free(s.trainer);
            s.trainer = trainer_of(assignments);
            cr_assert(snapshot_load(s.trainer, path, &e), "%s", e.text);
            train(&s);
            same_files(whole, pieces);
        }
        loaded = trainer_of(assignments);
        cr_assert(snapshot_load_state(loaded, path, true, &e), "%s", e.text);
        check_means(&s, loaded, tolerance);
        trainer_free(loaded);
        trainer_free(s.trainer);
        free(s.sum);
    }
    unlink(whole);
    unlink(pieces);
}

Test(average, is_the_mean_of_the_last_epochs)
{
    check(plain, 1e-6);
}

/* A mean in fp32 is rounded to the weights' 8 bits when it is loaded. */
Test(average, is_kept_in_more_bits_than_weights)
{
    check(half, 1.0 / 256);
}

Test(average, follows_weights_that_move)
{
    check(sparse, 1e-6);
}

/* A run that is made longer has other last epochs. */
Test(average, begins_anew_in_a_longer_run)
{
    static const char *const brief[] = {
        "epochs=2", "average=2", "epoch_samples=40", "valid_samples=20",
        "batch=20", "threads=1", "lr=0.05", NULL
    };
    static const char *const longer[] = {
        "epochs=5", "average=2", "epoch_samples=40", "valid_samples=20",
        "batch=20", "threads=1", "lr=0.05", NULL
    };
    struct sums s = { .trainer = trainer_of(brief), .skipped = EPOCHS };
    struct trainer *loaded;
    struct error e;
    char path[64];

    make_path(path, "longer");
    s.path = path;
    train(&s);
    cr_expect_eq(s.trainer->average.epochs, 2);
    trainer_free(s.trainer);
    s = (struct sums){ .trainer = trainer_of(longer), .path = path,
                       .skipped = 1, .averaged = 2 };
    s.sum = calloc(all_places(s.trainer->job->plan), sizeof(*s.sum));
    cr_assert(snapshot_load(s.trainer, path, &e), "%s", e.text);
    cr_expect_eq(average_next(s.trainer).epochs, 0);
    train(&s);
    cr_expect_eq(s.trainer->average.epochs, 2);
    loaded = trainer_of(longer);
    cr_assert(snapshot_load_state(loaded, path, true, &e), "%s", e.text);
    check_means(&s, loaded, 1e-6);
    trainer_free(loaded);
    trainer_free(s.trainer);
    free(s.sum);
    unlink(path);
}

static void count_warnings(void *arg, const struct event *e)
{
    *(int *)arg += e->type == EVENT_WARNING;
}

static void train_epoch(struct trainer *t, int *warnings)
{
    struct error e;

    do
        cr_assert(trainer_advance(t, (struct event_sink){ count_warnings,
                                                          warnings }, &e),
                  "%s", e.text);
    while (!trainer_ends_epoch(t));
}

/* Averages of the same weights go on, whatever the path of the last snapshot
 * leads to by now; of others none does, and that is said. */
Test(average, goes_on_with_other_settings)
{
    static const struct {
        const char *assignment;
        int epochs;      /* averaged after one with these settings */
    } turns[] = { { "lr=0.01", 2 }, { "precision=bf16", 3 },
                  { "microbatch=10", 4 }, { "sparsity=0.5", 1 },
                  { "recompute=norms", 2 } };
    static const char *const all[] = {
        "epochs=9", "average=9", "epoch_samples=40", "valid_samples=20",
        "batch=20", "threads=1", NULL
    };
    struct trainer *t = trainer_of(all);
    struct settings s = t->job->settings;
    int warnings = 0;
    struct error e;
    char path[64];

    make_path(path, "turned");
    train_epoch(t, &warnings);
    cr_assert(snapshot_save(t, path, &e), "%s", e.text);
    for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
        cr_assert(settings_assign(&s, "test", turns[i].assignment, &e));
        cr_assert(trainer_change(t, &s, (struct event_sink){ count_warnings,
                                                             &warnings }, &e),
                  "%s", e.text);
        cr_expect_eq(warnings, i >= 3, "%s", turns[i].assignment);
        unlink(path);
        train_epoch(t, &warnings);
        cr_assert(snapshot_save(t, path, &e), "%s: %s", turns[i].assignment,
                  e.text);
        cr_expect_eq(t->average.epochs, turns[i].epochs, "%s: %d",
                     turns[i].assignment, t->average.epochs);
    }
    trainer_free(t);
    unlink(path);
}

/* Without an average, nothing of it is in a file, and it loads as it is. */
Test(average, is_left_out_if_none_is_asked_for)
{
    static const char *const none[] = {
        "epochs=2", "epoch_samples=40", "valid_samples=20", "batch=20",
        "threads=1", NULL
    };
    struct sums s = { .trainer = trainer_of(none), .skipped = EPOCHS };
    char path[64];
    struct error e;
    size_t n;
    char *text;

    make_path(path, "none");
    s.path = path;
    s.sum = calloc(all_places(s.trainer->job->plan), sizeof(*s.sum));
    train(&s);
    text = file_read(path, 1 << 30, &n, &e);
    cr_assert(text, "%s", e.text);
    cr_expect_null(strstr(text + 8, ".average"));
    cr_expect(snapshot_load_state(s.trainer, path, true, &e), "%s", e.text);
    free(text);
    free(s.sum);
    trainer_free(s.trainer);
    unlink(path);
}
