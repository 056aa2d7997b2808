/*
 * Checkpointing: bit-identical training whatever is recomputed, budgets that
 * are kept, and arithmetic counted as it is done.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings/preset.h"
#include "tests/engine.h"
#include "tests/sanitized.h"

static const char *const strategies[] = {
    "checkpoint=none", "checkpoint=block", "checkpoint=sqrt",
    "checkpoint=recursive", "checkpoint=optimal"
};

enum { STRATEGIES = sizeof(strategies) / sizeof(*strategies) };

struct count {
    const struct engine *engine;
    double flops;
    int steps[PHASE_COUNT];
};

static void count_step(void *arg, int step)
{
    struct count *c = arg;
    const struct schedule *s = c->engine->job->schedule;
    struct extents extents = executor_extents(c->engine->executor, step);

    c->steps[s->steps[step].phase]++;
    c->flops += graph_flops(s->graph, schedule_op(s, step), &extents);
    for (int i = 0; i < CALL_MAX_OPERANDS; i++)
        if (s->steps[step].instance[STEP_THROUGH + i] >= 0) {
            const struct operand *o =
                &c->engine->executor->calls[step].operand[i];
            c->flops += 3 * (double)operand_elements(o);
        }
}

/* One step: the state it ends with, and what ran. */
static uint64_t train_once(const char *strategy, const char *recompute,
                           const char *microbatch, const char *saved,
                           struct count *count, double *reported)
{
    const char *sparsity =
        strcmp(microbatch, "microbatch=0") == 0 ? "sparsity=0.7" : "sparsity=0";
    struct engine engine = engine_open((const char *[]){
        "depth=16", "width=1", "batch=6", "threads=2", strategy, recompute,
        microbatch, sparsity, saved, NULL });
    double metrics[METRIC_COUNT];
    uint64_t hash;

    *count = (struct count){ .engine = &engine };
    engine.executor->observer = (struct observer){
        .after = count_step, .arg = count
    };
    engine_run(&engine, PROGRAM_TRAIN, 6, metrics);
    hash = engine_state_hash(&engine);
    *reported = schedule_flops(engine.job->schedule);
    engine_close(&engine);
    return hash;
}

/* Momentum after one step from zero is the gradient, so equal state means
 * equal gradients. */
static void check_strategies(const char *recompute, const char *microbatch,
                             const char *saved)
{
    uint64_t plain = 0;

    for (int s = 0; s < STRATEGIES; s++) {
        struct count count;
        double reported;
        uint64_t hash = train_once(strategies[s], recompute, microbatch, saved,
                                   &count, &reported);

        if (s == 0)
            plain = hash;
        cr_expect_eq(hash, plain, "%s %s %s %s", strategies[s], recompute,
                     microbatch, saved);
        if (strcmp(saved, "saved=none") == 0)
            cr_expect_eq(count.steps[PHASE_RECOMPUTE] > 0, s > 0,
                         "%s: %d recomputed", strategies[s],
                         count.steps[PHASE_RECOMPUTE]);
        cr_expect_float_eq(count.flops, reported, 1e-9 * reported,
                           "%s: %g done, %g reported", strategies[s],
                           count.flops, reported);
    }
}

Test(checkpoint, gradients_are_bit_identical)
{
    static const char *const recomputes[] = { "recompute=none",
                                              "recompute=norms" };
    static const char *const microbatches[] = { "microbatch=0",
                                                "microbatch=4" };
    static const char *const saved[] = { "saved=none", "saved=8bit",
                                         "saved=4bit" };

    for (int m = 0; m < 2; m++)
        for (int r = 0; r < 2; r++)
            for (int s = 0; s < 3; s++)
                check_strategies(recomputes[r], microbatches[m], saved[s]);
}

/* A norm that is applied while its input is loaded rounds as if its result had
 * been stored. */
Test(checkpoint, norms_made_again_give_the_same_bits)
{
    static const char *const precisions[] = {
        "precision=fp32", "precision=bf16", "precision=fp16"
    };

    for (int p = 0; p < 3; p++) {
        uint64_t hash[2];
        for (int r = 0; r < 2; r++) {
            struct engine engine = engine_open((const char *[]){
                "depth=16", "width=2", "batch=6", "threads=2", precisions[p],
                r ? "recompute=norms" : "recompute=none", NULL });
            double metrics[METRIC_COUNT];

            engine_run(&engine, PROGRAM_TRAIN, 6, metrics);
            hash[r] = engine_state_hash(&engine);
            engine_close(&engine);
        }
        cr_expect_eq(hash[0], hash[1], "%s", precisions[p]);
    }
}

/* Nothing recomputed is recomputed for nothing: every result is read. */
Test(checkpoint, recomputes_only_what_is_read)
{
    for (int k = 1; k < STRATEGIES; k++) {
        struct engine engine = engine_open((const char *[]){
            "depth=28", "width=1", "batch=2", "threads=1", strategies[k],
            NULL });
        const struct schedule *s = engine.job->schedule;

        for (int t = 0; t < s->step_count; t++) {
            const char *access = op_access(schedule_op(s, t)->code);
            if (s->steps[t].phase != PHASE_RECOMPUTE)
                continue;
            for (int i = 0; access[i]; i++)
                if (access[i] == 'w')
                    cr_expect_gt(engine.job->plan
                                     ->instances[s->steps[t].instance[i]].last,
                                 t);
        }
        engine_close(&engine);
    }
}

static struct job *optimal_job(uint64_t budget, const char *recompute,
                               struct error *e)
{
    struct settings s;
    struct job *job = NULL;

    settings_init(&s);
    cr_assert(settings_assign(&s, "test", "depth=28", e));
    cr_assert(settings_assign(&s, "test", "width=2", e));
    cr_assert(settings_assign(&s, "test", "threads=2", e));
    cr_assert(settings_assign(&s, "test", "checkpoint=optimal", e));
    cr_assert(settings_assign(&s, "test", recompute, e));
    s.memory_budget = budget;
    return job_new(&job, &s, e) ? job : NULL;
}

Test(checkpoint, budgets_are_kept_and_monotonic)
{
    static const char *const recomputes[] = { "recompute=none",
                                              "recompute=norms" };

    for (int r = 0; r < 2; r++) {
        struct error e;
        struct job *least = optimal_job(0, recomputes[r], &e);
        uint64_t smallest = least->plan->arena_bytes;
        char bytes[32];
        size_t before_peak = 0;
        double before_flops = 0;

        cr_expect_eq(optimal_job(smallest - 1, recomputes[r], &e), NULL);
        cr_expect_eq(e.code, EXIT_BUDGET);
        cr_expect(strstr(e.text, "not enough"), "%s", e.text);
        snprintf(bytes, sizeof(bytes), "%llu bytes",
                 (unsigned long long)smallest);
        cr_expect(strstr(e.text, bytes), "%s", e.text);
        cr_expect(strstr(e.text, "g1.b"), "no value is named: %s", e.text);
        /* So it is where not even the weights fit. */
        cr_expect_eq(optimal_job(1000, recomputes[r], &e), NULL);
        cr_expect(strstr(e.text, bytes), "%s", e.text);
        for (uint64_t budget = smallest; budget < 420000000;
             budget += SANITIZED ? 50000000 : 5000000) {
            struct job *job = optimal_job(budget, recomputes[r], &e);
            double flops;
            cr_assert(job, "%s", e.text);
            flops = schedule_flops(job->schedule);
            cr_expect_leq(job->plan->arena_bytes, budget);
            cr_expect_geq(job->plan->peak_bytes, before_peak);
            if (before_peak)
                cr_expect_leq(flops, before_flops);
            before_peak = job->plan->peak_bytes;
            before_flops = flops;
            job_free(job);
        }
        job_free(least);
    }
}

/* For batch 100 in fp32, all told; the figure. */
Test(checkpoint, optimal_at_its_smallest_takes_at_most_90_MB)
{
    struct error e;
    struct job *job = optimal_job(0, "recompute=norms", &e);

    cr_assert(job, "%s", e.text);
    cr_expect_leq(job->plan->arena_bytes, 90000000);
    job_free(job);
}

/* Presets with all that saves memory and changes little, and the bytes that
 * they must not pass. */
static const struct record {
    const char *preset, *microbatch, *sparsity;
    size_t most;
} records[] = {
    { "wrn-28-2", "microbatch=10", "sparsity=0.7", 4200000 },
    { "wrn-28-2", "microbatch=5", "sparsity=0.7", 3200000 },
    { "wrn-28-2", "microbatch=10", "sparsity=0", 7100000 },
    { "wrn-28-2", "microbatch=5", "sparsity=0", 6100000 },
    { "dynamicconv", "microbatch=250", "sparsity=0", 175000000 },
    { "dynamicconv", "microbatch=250", "sparsity=0.6", 112000000 },
};

Test(checkpoint, records_stand)
{
    for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
        const struct record *r = &records[i];
        const char *const settings[] = {
            r->microbatch, r->sparsity, "threads=2", "precision=bf16",
            "nesterov=no", "gradients=accumulate", "optimizer_state=8bit",
            "saved=8bit", "checkpoint=optimal", "recompute=norms"
        };
        struct preset p;
        struct job *job;

        cr_assert(preset_load(&p, r->preset, NULL));
        for (size_t k = 0; k < sizeof(settings) / sizeof(*settings); k++)
            cr_assert(settings_assign(&p.settings, "test", settings[k], NULL));
        cr_assert(job_new(&job, &p.settings, NULL));
        cr_expect_leq(job->plan->arena_bytes, r->most, "%s %s %s: %zu bytes",
                      r->preset, r->microbatch, r->sparsity,
                      job->plan->arena_bytes);
        job_free(job);
    }
}

/* With c slots and c runs, (2c choose c) stages: no block of 12 (and stem and
 * head) is run more than 3 times besides its backward pass, and fewer are kept
 * than blocks. */
Test(checkpoint, recursive_is_binomial)
{
    struct graph *g = wrn_28_2();
    struct route *r = route_recursive(g);
    int runs[64] = { 0 }, backward = r->stage_count;

    for (int i = 0; i < r->leg_count; i++) {
        int stage = r->legs[i].stage;
        if (r->legs[i].backward)
            cr_expect_eq(stage, --backward, "backward in order");
        else
            cr_expect_leq(++runs[stage], 4);
    }
    cr_expect_eq(backward, 0);
    route_free(r);
    graph_free(g);
}
