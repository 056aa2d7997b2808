/*
 * The executor: it allocates exactly the planned bytes, touches all of them,
 * allocates nothing more, and does not depend on bytes that the plan calls
 * dead.
 */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/engine.h"
#include "tests/sanitized.h"
#include "train/initial.h"
#include "train/profile.h"

/* The settings that the tests below repeat themselves over; batch 10. */
static const char *const variants[][5] = {
    { "recompute=none", "microbatch=0", "checkpoint=none" },
    { "recompute=norms", "microbatch=0", "checkpoint=none" },
    { "recompute=none", "microbatch=4", "checkpoint=none" },
    { "recompute=norms", "microbatch=4", "checkpoint=none" },
    { "recompute=none", "microbatch=0", "checkpoint=recursive" },
    { "recompute=norms", "microbatch=4", "checkpoint=optimal" },
    { "recompute=none", "microbatch=0", "precision=bf16" },
    { "recompute=none", "microbatch=0", "precision=fp16" },
    { "recompute=norms", "microbatch=4", "precision=bf16",
      "master_weights=fp32" },
    { "recompute=norms", "microbatch=4", "precision=fp16",
      "checkpoint=optimal" },
    { "recompute=none", "microbatch=0", "sparsity=0.7" },
    { "recompute=norms", "microbatch=4", "checkpoint=optimal",
      "sparsity=0.9", "precision=fp16" },
    { "recompute=none", "microbatch=4", "checkpoint=block", "sparsity=0.96",
      "precision=bf16" },
    { "microbatch=4", "nesterov=no", "gradients=accumulate" },
    { "microbatch=4", "optimizer_state=8bit", "sparsity=0.7" },
    { "microbatch=4", "checkpoint=optimal", "optimizer=adam",
      "gradients=accumulate", "precision=bf16" },
    { "optimizer=adam", "optimizer_state=8bit", "precision=fp16",
      "sparsity=0.5" },
    { "nesterov=no", "gradients=accumulate", "optimizer_state=8bit",
      "sparsity=0.7", "precision=bf16" },
    { "recompute=none", "microbatch=0", "saved=8bit" },
    { "recompute=norms", "microbatch=4", "saved=4bit", "precision=fp16" },
    { "recompute=norms", "microbatch=4", "saved=8bit", "precision=bf16",
      "checkpoint=optimal" },
    { "recompute=none", "saved=4bit", "checkpoint=recursive",
      "precision=bf16", "sparsity=0.7" },
};

enum { VARIANTS = sizeof(variants) / sizeof(*variants), BATCH = 10 };

static struct engine open_variant(int variant)
{
    return engine_open((const char *[]){
        "depth=10", "width=1", "batch=10", "threads=2", "lr=0.05",
        variants[variant][0], variants[variant][1], variants[variant][2],
        variants[variant][3], variants[variant][4], NULL });
}

/* Two steps and an evaluation. */
static struct outcome run(struct engine *engine)
{
    return engine_outcome(engine, 2);
}

static void expect_same(struct outcome a, struct outcome b, int variant)
{
    cr_expect(outcome_same(&a, &b), "variant %d: another outcome", variant);
    cr_expect(a.last[METRIC_LOSS] > 0 && a.last[METRIC_LOSS] < 1000);
}

Test(executor, does_not_depend_on_dead_bytes)
{
    for (int v = 0; v < VARIANTS; v++) {
        struct engine engine = open_variant(v);
        struct outcome plain = run(&engine), filled;

        engine_fill(&engine, 0xFF);
        engine.executor->observer =
            (struct observer){ .after = engine_fill_dead, .arg = &engine };
        filled = run(&engine);
        expect_same(plain, filled, v);
        engine_close(&engine);
    }
}

/* Calls of a program over the batch, each step as often as it repeats. */
static int64_t count_calls(const struct schedule *s, enum program program,
                           int parts)
{
    const struct program_steps *p = &s->program[program];

    return p->body - p->begin + p->end - p->epilogue +
           (int64_t)parts * (p->epilogue - p->body);
}

/* Parts of 4, 4 and 2 samples take 2.5 times the arithmetic of the first
 * part. */
Test(executor, a_profile_counts_every_call)
{
    for (int v = 0; v < VARIANTS; v++) {
        struct engine engine = open_variant(v);
        const struct schedule *s = engine.job->schedule;
        int parts = s->cut.parts;
        double metrics[METRIC_COUNT], profiled[METRIC_COUNT];
        double seconds, flops = 0, sum = 0;
        struct profile profile;
        int64_t calls = 0;

        engine_run(&engine, PROGRAM_TRAIN, BATCH, metrics);
        engine_fill(&engine, 0);
        profile_init(&profile, engine.executor);
        engine_run(&engine, PROGRAM_TRAIN, BATCH, profiled);
        cr_expect_arr_eq(metrics, profiled, sizeof(metrics));
        seconds = profile_finish(&profile);
        for (int i = 0; i < profile.count; i++) {
            const struct profile_row *r = &profile.rows[i];
            calls += r->calls;
            flops += r->all_flops;
            sum += r->seconds;
            cr_expect(i == 0 || r->seconds <= r[-1].seconds);
            cr_expect(r->calls == 0 || r->all_bytes > 0, "%s", r->shapes);
            /* A smaller last part moves fewer bytes. */
            if (parts == 1)
                cr_expect_float_eq(r->all_bytes, (double)r->calls * r->bytes,
                                   1e-9 * r->all_bytes, "%s", r->shapes);
        }
        cr_expect_eq(calls, count_calls(s, PROGRAM_TRAIN, parts));
        cr_expect_float_eq(flops, schedule_flops(s), 1e-9 * flops);
        cr_expect_float_eq(seconds, sum, 1e-9 * sum);
        cr_expect_gt(seconds, 0);
        cr_expect_null(engine.executor->observer.after);
        profile_done(&profile);
        engine_close(&engine);
    }
}

Test(executor, gives_the_same_bits_again)
{
    for (int v = 0; v < VARIANTS; v++) {
        struct engine a = open_variant(v), b = open_variant(v);

        expect_same(run(&a), run(&b), v);
        engine_close(&a);
        engine_close(&b);
    }
}

Test(executor, touches_all_that_was_planned)
{
    for (int v = 0; v < VARIANTS; v++) {
        struct engine engine = open_variant(v);
        size_t arena = engine.job->plan->arena_bytes;
        struct untouched untouched = engine_untouched(&engine);

        cr_expect_eq(untouched.values, 0,
                     "variant %d: %zu bytes of values untouched", v,
                     untouched.values);
        cr_expect_lt((double)untouched.all, 0.01 * (double)arena,
                     "variant %d: %zu of %zu bytes untouched", v,
                     untouched.all, arena);
        engine_close(&engine);
    }
}

Test(executor, reports_what_the_device_has_backed)
{
    struct engine engine = open_variant(0);
    size_t arena = engine.job->plan->arena_bytes;
    struct device_memory before, after;

    before = executor_memory(engine.executor);
    run(&engine);
    after = executor_memory(engine.executor);
    cr_expect_lt(before.touched, arena);
    cr_expect_eq(after.touched, arena);
    cr_expect_gt(after.os, arena);
    engine_close(&engine);
}

/* Evaluation sees the running statistics, not those of its own samples. */
Test(executor, evaluates_with_running_statistics)
{
    struct engine engine = open_variant(1);
    double metrics[METRIC_COUNT], again[METRIC_COUNT];
    int running = engine_instance(&engine, "g1.b1.bn1.running");

    engine_run(&engine, PROGRAM_EVAL, BATCH, metrics);
    engine_data(&engine, running)[0] += 3;
    engine_run(&engine, PROGRAM_EVAL, BATCH, again);
    cr_expect_neq(metrics[METRIC_LOSS], again[METRIC_LOSS]);
    engine_close(&engine);
}

#if !SANITIZED

Test(executor, learns)
{
    for (int v = 0; v < VARIANTS; v++) {
        struct engine engine = open_variant(v);
        double first[METRIC_COUNT], last[METRIC_COUNT];

        engine_run(&engine, PROGRAM_TRAIN, BATCH, first);
        for (int i = 0; i < 20; i++)
            engine_run(&engine, PROGRAM_TRAIN, BATCH, last);
        cr_expect_lt(last[METRIC_LOSS], 0.5 * first[METRIC_LOSS]);
        engine_close(&engine);
    }
}

/* Counts calls of the allocator while `counting`. */
static atomic_bool counting;
static atomic_int allocations;

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size)
{
    allocations += counting;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations += counting;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations += counting;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    allocations += counting;
    return __libc_memalign(alignment, size);
}

Test(executor, allocates_nothing_in_the_step_loop)
{
    for (int v = 0; v < VARIANTS; v++) {
        struct engine engine = open_variant(v);
        void *probe;

        run(&engine); /* starts the threads */
        counting = true;
        *(void *volatile *)&probe = malloc(1);
        cr_assert_eq(allocations, 1, "the hook does not count");
        run(&engine);
        counting = false;
        cr_expect_eq(allocations, 1, "variant %d: %d allocations", v,
                     allocations - 1);
        allocations = 0;
        free(probe);
        engine_close(&engine);
    }
}

#endif
