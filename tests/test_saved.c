/*
 * Activations saved in fewer bits: the rounding has no bias and stays within a
 * unit, the forward pass is exact, gradients are right in the mean, values are
 * expanded only while they are read, and memory falls.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kernels/squeeze.h"
#include "plan/living.h"
#include "tests/engine.h"
#include "tests/op_blocks.h"
#include "tests/small_run.h"

static const char *const wrn[] = {
    "data=shapes", "batch=20", "epochs=2", "epoch_samples=60",
    "valid_samples=20", "lr=0.05", "threads=2", NULL
};

static const char *const translator[] = {
    "model=dynamicconv", "data=numbers", "optimizer=adam", "lr=1e-3",
    "features=32", "hidden=64", "heads=2", "encoder_layers=2",
    "decoder_layers=2", "batch=400", "epoch_samples=1200",
    "valid_samples=400", "threads=2", NULL
};

static const char *const saved[] = { "saved=8bit", "saved=4bit" };

enum { NUMBERS = 3 * BLOCK_NUMBERS + 5, DRAWS = 4000 };

/* The codes of the numbers at a step. */
static void squeeze_at(struct device *device, const float *x, int64_t step,
                       enum dtype dtype, uint8_t *stored)
{
    struct batch batch = { .seed = 3, .step = step };
    struct part part = { .count = { { 1 } } };
    struct call c = { .batch = &batch, .part = &part, .threads = 2 };

    c.operand[SQUEEZE_X] = (struct operand){
        .data = (void *)(uintptr_t)x, .rank = 1, .dim = { NUMBERS }
    };
    c.operand[SQUEEZE_STORED] = c.operand[SQUEEZE_X];
    c.operand[SQUEEZE_STORED].data = stored;
    c.operand[SQUEEZE_STORED].dtype = dtype;
    cpu_backend.run(device, OP_squeeze, &c);
}

/* Numbers of blocks with ranges of their own; a third of them are 0, and some
 * so small beside their block's unit that nearest rounding would lose them. */
static void make_numbers(float x[NUMBERS])
{
    for (size_t i = 0; i < NUMBERS; i++) {
        double block = pow(10, (double)(i / BLOCK_NUMBERS) - 1);

        x[i] = i % 3 == 0 ? 0
               : i % 3 == 1 ? (float)(block * (sin((double)i) + 0.2))
                            : (float)(block * 1e-3);
    }
}

/* The unit of each number's block. */
static double unit_of(const uint8_t *stored, size_t i, enum dtype dtype)
{
    struct squeeze_head head;

    memcpy(&head, stored + i / BLOCK_NUMBERS * dtype_size(dtype),
           sizeof(head));
    return (double)head.unit;
}

/* Five deviations of a mean of draws, each at most half a unit. */
static void check_rounding(struct device *device, enum dtype dtype)
{
    static float x[NUMBERS];
    static double sum[NUMBERS];
    uint8_t *stored = xcalloc(1, dtype_bytes(dtype, NUMBERS));
    struct operand o = { .data = stored, .dtype = dtype, .rank = 1,
                         .dim = { NUMBERS } };

    make_numbers(x);
    memset(sum, 0, sizeof(sum));
    for (int k = 0; k < DRAWS; k++) {
        squeeze_at(device, x, k, dtype, stored);
        for (size_t i = 0; i < NUMBERS; i++) {
            double found = blocks_element(&o, i);

            cr_assert(fabs(found - (double)x[i])
                      < 1.0001 * unit_of(stored, i, dtype));
            cr_assert_eq(found == 0, x[i] == 0);
            sum[i] += found;
        }
    }
    for (size_t i = 0; i < NUMBERS; i++)
        cr_expect(fabs(sum[i] / DRAWS - (double)x[i])
                  <= unit_of(stored, i, dtype) * 5 * 0.5 / sqrt(DRAWS),
                  "%s, number %zu: %g in the mean, not %g", dtype_name(dtype),
                  i, sum[i] / DRAWS, (double)x[i]);
    free(stored);
}

Test(saved, rounding_has_no_bias)
{
    struct device *device;
    char why[WHY_SIZE];

    cr_assert(cpu_backend.open(&device, DEVICE_ANY, 2, why), "%s", why);
    check_rounding(device, DTYPE_8BIT);
    check_rounding(device, DTYPE_4BIT);
    cpu_backend.close(device);
}

/* Draws are of a step, and of the place in the batch where a part begins. */
Test(saved, rounding_is_drawn_anew)
{
    static float x[NUMBERS];
    uint8_t a[4 * BLOCK_4BIT_BYTES], b[4 * BLOCK_4BIT_BYTES];
    struct device *device;
    char why[WHY_SIZE];

    cr_assert(cpu_backend.open(&device, DEVICE_ANY, 2, why), "%s", why);
    make_numbers(x);
    squeeze_at(device, x, 1, DTYPE_4BIT, a);
    squeeze_at(device, x, 1, DTYPE_4BIT, b);
    cr_expect_arr_eq(a, b, sizeof(a));
    squeeze_at(device, x, 2, DTYPE_4BIT, b);
    cr_expect(memcmp(a, b, sizeof(a)) != 0);
    cpu_backend.close(device);
}

/* The loss of a run's first step, with one assignment more. */
static double first_loss(const char *const base[], const char *precision,
                         const char *recompute, const char *other)
{
    struct trainer *t = small_run(base, (const char *[]){
        precision, recompute, other, NULL });
    double loss = trainer_step(t).loss;

    cr_expect(isfinite(loss) && loss > 0);
    trainer_free(t);
    return loss;
}

Test(saved, forward_is_exact)
{
    static const char *const precisions[] = {
        "precision=fp32", "precision=bf16", "precision=fp16"
    };
    static const char *const recomputes[] = { "recompute=none",
                                              "recompute=norms" };

    for (int i = 0; i < 12; i++) {
        const char *const *base = i % 2 ? translator : wrn;
        const char *precision = precisions[i / 2 % 3];
        const char *recompute = recomputes[i / 6];
        double exact = first_loss(base, precision, recompute, "saved=none");

        for (int s = 0; s < 2; s++)
            cr_expect_eq(first_loss(base, precision, recompute, saved[s]),
                         exact, "%s %s %s", precision, recompute, saved[s]);
    }
}

/* Losses of two steps, of a run that may be checkpointed. */
static void two_losses(const char *const more[], double loss[2])
{
    struct trainer *t = small_run(translator, more);

    for (int i = 0; i < 2; i++)
        loss[i] = trainer_step(t).loss;
    trainer_free(t);
}

/* Of a translator too: the second step begins with what the first one's
 * gradients made. */
Test(saved, checkpoints_change_nothing)
{
    static const char *const strategies[] = {
        "checkpoint=block", "checkpoint=sqrt", "checkpoint=optimal"
    };
    double plain[2], again[2], exact[2];

    two_losses((const char *[]){ "saved=none", NULL }, exact);
    two_losses((const char *[]){ "saved=4bit", NULL }, plain);
    cr_expect_eq(plain[0], exact[0]);
    cr_expect_neq(plain[1], exact[1]);
    for (int i = 0; i < 3; i++) {
        two_losses((const char *[]){ "saved=4bit", strategies[i], NULL },
                   again);
        cr_expect_arr_eq(again, plain, sizeof(plain), "%s", strategies[i]);
    }
}

/* The pool's or a weight's momentum after one step from zero: its gradient, by
 * the draws of a step. */
static size_t gradient_at(struct engine *engine, const char *name, int64_t step,
                          float *gradient)
{
    double metrics[METRIC_COUNT];
    int instance = engine_instance(engine, name);

    engine_fill(engine, 0);
    engine->step = step;
    engine_run(engine, PROGRAM_TRAIN, 4, metrics);
    if (gradient)
        memcpy(gradient, engine_data(engine, instance),
               engine_elements(engine, instance) * sizeof(*gradient));
    return engine_elements(engine, instance);
}

static double norm(const double *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* Errors of gradients, relative to the exact one: of one draw, and of the mean
 * of all. */
struct errors {
    double one, mean;
};

enum { GRADIENTS = 64 };

static struct errors gradient_errors(const char *recompute, const char *bits,
                                     const char *name)
{
    struct engine exact = engine_open((const char *[]){
        "depth=10", "width=1", "batch=4", "threads=1", recompute, NULL });
    struct engine rounded = engine_open((const char *[]){
        "depth=10", "width=1", "batch=4", "threads=1", recompute, bits,
        NULL });
    size_t n = gradient_at(&exact, name, 0, NULL);
    float *g = xcalloc(n, sizeof(*g)), *drawn = xcalloc(n, sizeof(*drawn));
    double *mean = xcalloc(n, sizeof(*mean)), *one = xcalloc(n, sizeof(*one));
    double *size = xcalloc(n, sizeof(*size));
    struct errors e = { 0 };

    gradient_at(&exact, name, 0, g);
    for (int k = 0; k < GRADIENTS; k++) {
        gradient_at(&rounded, name, k, drawn);
        for (size_t i = 0; i < n; i++) {
            size[i] = (double)g[i];
            one[i] = (double)drawn[i] - (double)g[i];
            mean[i] += one[i] / GRADIENTS;
        }
        e.one += norm(one, n) / GRADIENTS;
    }
    e.one /= norm(size, n);
    e.mean = norm(mean, n) / norm(size, n);
    free(g);
    free(drawn);
    free(mean);
    free(one);
    free(size);
    engine_close(&exact);
    engine_close(&rounded);
    return e;
}

/* The first convolution's gradient has gone through all saved values. Where a
 * rounding changes a ReLU's side its error is no longer linear, so a small bias
 * is left: less with more bits. */
Test(saved, gradients_are_right_in_the_mean)
{
    static const struct {
        const char *recompute, *bits;
        double one, bias;
    } cases[] = {
        { "recompute=none", "saved=8bit", 0.1, 0.01 },
        { "recompute=norms", "saved=8bit", 0.1, 0.01 },
        { "recompute=norms", "saved=4bit", 0.9, 0.1 }
    };

    for (int i = 0; i < 3; i++) {
        struct errors e = gradient_errors(cases[i].recompute, cases[i].bits,
                                          "stem.w.momentum");

        cr_expect(e.one > 1e-4 && e.one < cases[i].one, "%s %s: %g",
                  cases[i].recompute, cases[i].bits, e.one);
        cr_expect(e.mean < 1.5 * e.one / sqrt(GRADIENTS) + cases[i].bias,
                  "%s %s: %g in the mean, %g of one", cases[i].recompute,
                  cases[i].bits, e.mean, e.one);
    }
}

/* Whether a step is of the backward pass, or makes a layer norm for it. */
static bool reads_expanded(const struct schedule *s, int t)
{
    return s->steps[t].phase == PHASE_BACKWARD ||
           (s->steps[t].phase == PHASE_RECOMPUTE &&
            schedule_op(s, t)->code == OP_layer_norm);
}

static bool names(const struct schedule *s, int t, int instance)
{
    for (int i = 0; i < STEP_INSTANCES; i++)
        if (s->steps[t].instance[i] == instance)
            return true;
    return false;
}

/* An expanded value is read by the steps after its expansion, and alive in no
 * other but expansions; what runs forward never reads it. */
static void check_expanded(const struct plan *plan, int expansion)
{
    const struct schedule *s = plan->schedule;
    int instance = s->steps[expansion].instance[EXPAND_X];
    const struct plan_instance *p = &plan->instances[instance];

    cr_expect_gt(p->last, expansion);
    for (int t = expansion + 1; t <= p->last; t++) {
        bool expands = schedule_op(s, t)->code == OP_expand;

        cr_expect(expands || names(s, t, instance), "step %d of %d..%d", t,
                  p->first, p->last);
        cr_expect(expands || reads_expanded(s, t), "step %d", t);
    }
}

/* Steps by code. */
static int count_steps(const struct schedule *s, enum op_code code)
{
    int n = 0;

    for (int t = 0; t < s->step_count; t++)
        n += schedule_op(s, t)->code == code;
    return n;
}

/* What can be read as it is saved is not expanded. */
static void check_saved(const struct plan *plan)
{
    const struct schedule *s = plan->schedule;

    for (int t = 0; t < s->step_count; t++) {
        const char *access = op_access(schedule_op(s, t)->code);

        if (schedule_op(s, t)->code == OP_expand)
            check_expanded(plan, t);
        for (int i = 0; access[i]; i++) {
            int instance = s->steps[t].instance[i];

            if (instance >= 0 && strchr("Lq", access[i]) &&
                schedule_value(s, instance)->kind == KIND_TRANSIENT)
                cr_expect(dtype_in_blocks(schedule_value(s, instance)->dtype),
                          "step %d", t);
        }
    }
    cr_expect_gt(count_steps(s, OP_squeeze), 0);
}

Test(saved, is_expanded_only_while_it_is_read)
{
    static const char *const strategies[] = {
        "checkpoint=none", "checkpoint=block", "checkpoint=sqrt",
        "checkpoint=recursive", "checkpoint=optimal"
    };
    static const char *const recomputes[] = { "recompute=none",
                                              "recompute=norms" };

    for (int i = 0; i < 20; i++) {
        const char *const *base = i % 2 ? translator : wrn;
        struct trainer *t = small_run(base, (const char *[]){
            "saved=8bit", strategies[i / 4], recomputes[i / 2 % 2], NULL });

        check_saved(t->job->plan);
        trainer_free(t);
    }
}

static size_t arena_of(const char *const assignments[])
{
    struct engine engine = engine_open(assignments);
    size_t bytes = engine.job->plan->arena_bytes;

    engine_close(&engine);
    return bytes;
}

/* Of a network that is mostly activations, half of them or a quarter. */
Test(saved, takes_less_memory)
{
    size_t none = arena_of((const char *[]){
        "depth=28", "width=2", "batch=10", "precision=bf16", "recompute=norms",
        "threads=1", "sparsity=0.9", NULL });
    size_t eight = arena_of((const char *[]){
        "depth=28", "width=2", "batch=10", "precision=bf16", "recompute=norms",
        "threads=1", "sparsity=0.9", "saved=8bit", NULL });
    size_t four = arena_of((const char *[]){
        "depth=28", "width=2", "batch=10", "precision=bf16", "recompute=norms",
        "threads=1", "sparsity=0.9", "saved=4bit", NULL });

    cr_expect_lt((double)eight, 0.62 * (double)none);
    cr_expect_lt((double)four, 0.42 * (double)none);
}

/* Labels, statistics, the loss's own gradient and state stay as they are. */
Test(saved, saves_activations_alone)
{
    struct trainer *t = small_run(translator, (const char *[]){
        "saved=8bit", NULL });
    const struct graph *g = t->job->graph;
    int squeezed = 0;

    for (int i = 0; i < g->op_count; i++) {
        const struct value *v = &g->values[g->ops[i].operand[SQUEEZE_X]];

        if (g->ops[i].code != OP_squeeze)
            continue;
        squeezed++;
        cr_expect_eq(v->kind, KIND_TRANSIENT);
        cr_expect_eq(v->dtype, DTYPE_F32);
        cr_expect(strcmp(v->name, "stat") && strcmp(v->name, "lse") &&
                  v->name[0] != 'd', "%s", v->name);
    }
    cr_expect_gt(squeezed, 20);
    trainer_free(t);
}
