/*
 * Plans: the figures that are known beforehand, the proof by plan_check, and
 * that it finds a broken plan.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "plan/job.h"
#include "tests/settings_of.h"

static struct job *open_job(const char *const assignments[])
{
    struct settings settings = settings_of(assignments);
    struct job *job;
    struct error e;

    cr_assert(job_new(&job, &settings, &e), "%s", e.text);
    return job;
}

static void check_promises(const struct job *job)
{
    const struct plan *plan = job->plan;
    char why[256];
    size_t sum = 0, most = 0;

    cr_expect(plan_check(plan, why, sizeof(why)), "%s", why);
    for (int k = 0; k < KIND_COUNT; k++)
        sum += plan->live[plan->peak_step][k];
    cr_expect_eq(sum, plan->peak_bytes);
    for (int t = 0; t < plan->schedule->step_count; t++)
        if (plan_live_bytes(plan, t) > most)
            most = plan_live_bytes(plan, t);
    cr_expect_eq(most, plan->peak_bytes);
    cr_expect_geq(plan->arena_bytes, plan->peak_bytes);
    /* Values of many sizes, as saved=8bit has them, are harder to place; and
     * coarser alignment may cost small nets a little more. */
    cr_expect_leq((double)plan->arena_bytes,
                  (job->settings.saved ? 1.12 : 1.01)
                      * (double)plan->peak_bytes
                      + 64 * (double)(plan->backend->alignment - 64),
                  "arena %zu, peak %zu", plan->arena_bytes, plan->peak_bytes);
}

Test(plan, keeps_its_promises_over_settings)
{
    static const char *const models[][2] = {
        { "depth=10", "width=1" }, { "depth=16", "width=1" },
        { "depth=28", "width=2" }, { "depth=40", "width=3" },
    };
    static const char *const sizes[][2] = {
        { "batch=100", "microbatch=0" }, { "batch=100", "microbatch=10" },
        { "batch=100", "microbatch=7" }, { "batch=100", "microbatch=1" },
        { "batch=1", "microbatch=0" },
    };
    static const char *const recomputes[] = { "recompute=none",
                                              "recompute=norms" };
    static const char *const checkpoints[] = {
        "checkpoint=none", "checkpoint=block", "checkpoint=sqrt",
        "checkpoint=recursive", "checkpoint=optimal"
    };
    static const char *const sparsities[] = { "sparsity=0", "sparsity=0.9" };
    static const char *const saved[] = { "saved=none", "saved=8bit",
                                         "saved=4bit" };
    static const char *const backend_names[] = { "backend=cpu",
                                                 "backend=cuda" };

    for (int m = 0; m < 4; m++)
        for (int s = 0; s < 5; s++)
            for (int r = 0; r < 2; r++)
                for (int c = 0; c < 5; c++) {
                    struct job *job = open_job((const char *[]){
                        models[m][0], models[m][1], sizes[s][0], sizes[s][1],
                        recomputes[r], checkpoints[c], sparsities[(s + c) % 2],
                        saved[(m + 2 * s + c) % 3],
                        backend_names[(m + s + r + c) % 2], "threads=2",
                        NULL });
                    check_promises(job);
                    job_free(job);
                }
}

/* Counts the steps of an operation, in phases of a set of bits, that have an
 * operand in a slot, and those that have none. */
struct filled {
    int given, empty;
};

static struct filled count_filled(const struct schedule *s, enum op_code code,
                                  int slot, unsigned phases)
{
    struct filled f = { 0 };

    for (int t = 0; t < s->step_count; t++)
        if (schedule_op(s, t)->code == code &&
            phases >> s->steps[t].phase & 1) {
            f.given += s->steps[t].instance[slot] >= 0;
            f.empty += s->steps[t].instance[slot] < 0;
        }
    return f;
}

/* The sums that spare a batch norm a pass over its tensors are made once, and
 * read by every step that can. The last batch norm's gradient comes from a
 * pooling; shortcuts have no batch norm. */
Test(plan, sums_are_made_where_they_are_read)
{
    static const char *const checkpoints[] = {
        "checkpoint=none", "checkpoint=block", "checkpoint=optimal"
    };
    const unsigned train = 1 << PHASE_FORWARD | 1 << PHASE_BACKWARD;

    for (int c = 0; c < 3; c++)
        for (int cuda = 0; cuda < 2; cuda++) {
            struct job *job = open_job((const char *[]){
                "depth=10", checkpoints[c], "microbatch=30",
                cuda ? "backend=cuda" : "backend=cpu", NULL });
            const struct schedule *s = job->schedule;
            struct filled f;

            f = count_filled(s, OP_bn_stats, BN_STATS_SUMS, train);
            cr_expect_eq(f.given, 7);
            cr_expect_eq(f.empty, 0);
            f = count_filled(s, OP_conv, CONV_SUMS, 1 << PHASE_FORWARD);
            cr_expect_eq(f.given, 7);
            f = count_filled(s, OP_conv, CONV_SUMS,
                             1 << PHASE_RECOMPUTE | 1 << PHASE_EVALUATE);
            cr_expect_eq(f.given, 0);
            cr_expect_geq(f.empty, 9);
            f = count_filled(s, OP_bn_relu_grad, BN_RELU_GRAD_SUMS, train);
            cr_expect_eq(f.given, 6);
            cr_expect_eq(f.given + f.empty, 7);
            f = count_filled(s, OP_conv_dgrad, CONV_DGRAD_SUMS, train);
            cr_expect_eq(f.given, 6);
            f = count_filled(s, OP_conv_dgrad, CONV_DGRAD_X, train);
            cr_expect_eq(f.given, 6);
            job_free(job);
        }
}

/* Autograd frameworks are known to save 381.4 MB of activations and 17.6 MB of
 * weights, gradients and momentum for this net. */
Test(plan, of_wrn_28_2_is_as_large_as_arithmetic_says)
{
    struct job *plain = open_job((const char *[]){
        "depth=28", "width=2", "batch=100", "recompute=none", "threads=2",
        NULL });
    struct job *fused = open_job((const char *[]){
        "depth=28", "width=2", "batch=100", "recompute=norms", "threads=2",
        NULL });

    cr_expect_geq(plain->plan->peak_bytes, 399000000);
    cr_expect_leq(plain->plan->peak_bytes, 425000000);
    cr_expect_leq(fused->plan->peak_bytes, 225000000);
    for (int t = 0; t < plain->schedule->step_count; t++)
        cr_expect_leq(plain->plan->live[t][KIND_WORKSPACE], 1000000);
    for (int t = 0; t < fused->schedule->step_count; t++)
        cr_expect_leq(fused->plan->live[t][KIND_WORKSPACE], 1000000);
    job_free(plain);
    job_free(fused);
}

Test(plan, holds_at_depth_1000)
{
    struct job *job = open_job((const char *[]){
        "depth=1000", "width=1", "batch=100", "threads=2", NULL });

    check_promises(job);
    job_free(job);
}

/* If any two instances that share an address, but not by a takeover, are moved
 * on top of each other, the check must find it. */
Test(plan, check_finds_a_clobbered_value)
{
    struct job *job = open_job((const char *[]){
        "depth=10", "width=1", "batch=8", "threads=2", NULL });
    struct plan *plan = job->plan;
    const struct schedule *s = job->schedule;
    char why[256];
    int tried = 0;

    for (int i = 0; i < s->instance_count; i++) {
        struct plan_instance *p = &plan->instances[i];
        size_t offset = p->offset;
        int moved = -1;

        if (p->kind != KIND_ACTIVATIONS)
            continue;
        /* On top of another activation that outlives its definition. */
        for (int j = 0; j < s->instance_count && moved < 0; j++) {
            struct plan_instance *q = &plan->instances[j];
            if (j != i && q->kind == KIND_ACTIVATIONS &&
                q->first < p->first && q->last > p->first &&
                plan->instances[j].taken_by != i)
                moved = j;
        }
        if (moved < 0)
            continue;
        p->offset = plan->instances[moved].offset;
        cr_expect_not(plan_check(plan, why, sizeof(why)),
                      "instance %d on top of %d went unnoticed", i, moved);
        p->offset = offset;
        tried++;
    }
    cr_expect_gt(tried, 5);
    plan->instances[0].offset = plan->arena_bytes;
    cr_expect_not(plan_check(plan, why, sizeof(why)));
    job_free(job);
}

Test(plan, counts_the_arithmetic_of_recomputation)
{
    struct job *plain = open_job((const char *[]){
        "depth=28", "width=2", "recompute=none", NULL });
    struct job *fused = open_job((const char *[]){
        "depth=28", "width=2", "recompute=norms", NULL });
    struct job *cut = open_job((const char *[]){
        "depth=28", "width=2", "recompute=none", "microbatch=7", NULL });
    double flops = schedule_flops(plain->schedule);

    /* 214.35 M multiply-adds forward per image; three products of each
     * convolution but the first, which needs no gradient of its input. */
    cr_expect_float_eq(flops, 2 * (3 * 214.35e6 - 442368) * 100, 0.02 * flops);
    cr_expect_gt(schedule_flops(fused->schedule), flops);
    cr_expect_lt(schedule_flops(fused->schedule), 1.01 * flops);
    cr_expect_float_eq(schedule_flops(cut->schedule), flops, 1e-6 * flops);
    job_free(plain);
    job_free(fused);
    job_free(cut);
}

/* Threads of the calls of an operation, if these all have the same: the first
 * call's. */
static int threads_of(const struct plan *plan, enum op_code code)
{
    const struct schedule *s = plan->schedule;
    int threads = 0;

    for (int t = 0; t < s->step_count; t++) {
        struct call call = plan_call(plan, t, &s->cut.most);

        if (schedule_op(s, t)->code != code)
            continue;
        if (threads == 0)
            threads = call.threads;
        cr_expect_eq(call.threads, threads, "step %d", t);
    }
    return threads;
}

/* The loss of a small net is no work to share; the activations of a batch are,
 * but not those of one sample. Loading a few samples is. */
Test(plan, gives_threads_to_calls_that_are_worth_them)
{
    struct job *whole = open_job((const char *[]){
        "depth=10", "width=1", "threads=4", "batch=100", NULL });
    struct job *cut = open_job((const char *[]){
        "depth=10", "width=1", "threads=4", "batch=100", "microbatch=1",
        NULL });
    struct job *few = open_job((const char *[]){
        "depth=10", "width=1", "threads=4", "batch=100", "microbatch=4",
        NULL });

    cr_expect_eq(threads_of(whole->plan, OP_softmax_xent), 1);
    cr_expect_eq(threads_of(whole->plan, OP_conv_dgrad), 4);
    cr_expect_eq(threads_of(whole->plan, OP_avg_pool), 4);
    cr_expect_eq(threads_of(cut->plan, OP_avg_pool), 1);
    cr_expect_eq(threads_of(cut->plan, OP_load), 1);
    cr_expect_eq(threads_of(few->plan, OP_load), 4);
    job_free(whole);
    job_free(cut);
    job_free(few);
}

/* Statistics and values per channel are still fp32, but few. */
Test(plan, halves_in_16_bits)
{
    static const char *const precisions[] = { "precision=bf16",
                                              "precision=fp16" };
    static const char *const recomputes[] = { "recompute=none",
                                              "recompute=norms" };

    for (int r = 0; r < 2; r++)
        for (int p = 0; p < 2; p++) {
            struct job *full = open_job((const char *[]){
                "depth=28", "width=2", "threads=2", recomputes[r], NULL });
            struct job *half = open_job((const char *[]){
                "depth=28", "width=2", "threads=2", recomputes[r],
                precisions[p], NULL });

            check_promises(half);
            for (int k = 0; k < KIND_COUNT; k++) {
                double a = (double)full->plan->live[full->plan->peak_step][k];
                double b = (double)half->plan->live[half->plan->peak_step][k];
                if (k != KIND_WORKSPACE)
                    cr_expect(b <= 0.505 * a, "%s: %s %g of %g",
                              precisions[p], kind_name((enum kind)k), b, a);
            }
            job_free(full);
            job_free(half);
        }
}

Test(plan, counts_master_copies)
{
    struct job *none = open_job((const char *[]){
        "depth=28", "width=2", "threads=2", "precision=bf16", NULL });
    struct job *kept = open_job((const char *[]){
        "depth=28", "width=2", "threads=2", "precision=bf16",
        "master_weights=fp32", NULL });
    size_t more = kept->plan->live[kept->plan->peak_step][KIND_OPTIMIZER]
                  - none->plan->live[none->plan->peak_step][KIND_OPTIMIZER];

    /* All parameters but those of batch norms and the bias. */
    cr_expect(more > 4 * 1463000 && more < 4 * 1467610, "%zu", more);
    job_free(none);
    job_free(kept);
}
