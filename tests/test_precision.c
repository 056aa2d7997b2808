/*
 * Training in 16 bits: updates that are far below half a unit in the last place
 * still count, an overflow costs one update and half of the loss scale, and a
 * run says so when the scale cannot be halved any more.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/half.h"
#include "tests/engine.h"
#include "tests/small_run.h"
#include "train/training.h"

enum { ELEMENTS = 4100 };

/* Weights of 1 and the operands of an update: momentum 0 at first, no decay. */
struct weights {
    enum dtype dtype;
    float keep;          /* of momentum */
    uint16_t w[ELEMENTS], momentum[ELEMENTS], gradient[ELEMENTS];
    float master[ELEMENTS];
    float scale[LOSS_SCALE_COUNT];
    double metrics[METRIC_COUNT];
};

static struct operand operand_of(void *data, enum dtype dtype, int n)
{
    return (struct operand){ .data = data, .dtype = dtype, .rank = 1,
                             .dim = { n } };
}

static struct weights *weights_new(enum dtype dtype, float gradient)
{
    struct weights *s = calloc(1, sizeof(*s));

    s->dtype = dtype;
    for (size_t i = 0; i < ELEMENTS; i++) {
        float_store(s->w, i, dtype, 1);
        s->master[i] = 1;
        float_store(s->gradient, i, dtype, gradient);
    }
    s->scale[LOSS_SCALE_FACTOR] = LOSS_SCALE_START;
    return s;
}

static void run_op(enum op_code op, const struct call *c)
{
    struct device *device;
    char why[WHY_SIZE];

    cr_assert(cpu_backend.open(&device, DEVICE_ANY, c->threads, why));
    cpu_backend.run(device, op, c);
    cpu_backend.close(device);
}

static void sgd(struct weights *s, int64_t step, bool master, bool scaled,
                int threads)
{
    struct batch batch = { .seed = 11, .step = step, .learning_rate = 1 };
    struct call c = { .threads = threads, .batch = &batch,
                      .attr.update = { 3, .sgd = { .momentum = s->keep } } };

    c.operand[SGD_GRADIENT] = operand_of(s->gradient, s->dtype, ELEMENTS);
    c.operand[SGD_MOMENTUM] = operand_of(s->momentum, s->dtype, ELEMENTS);
    c.operand[SGD_W] = operand_of(s->w, s->dtype, ELEMENTS);
    if (master)
        c.operand[SGD_MASTER] = operand_of(s->master, DTYPE_F32, ELEMENTS);
    if (scaled)
        c.operand[SGD_SCALE] = operand_of(s->scale, DTYPE_F32,
                                          LOSS_SCALE_COUNT);
    run_op(OP_sgd, &c);
}

static void check_finite(struct weights *s)
{
    struct call c = { .threads = 2 };

    c.operand[CHECK_FINITE_GRADIENT] = operand_of(s->gradient, s->dtype,
                                                  ELEMENTS);
    c.operand[CHECK_FINITE_SCALE] = operand_of(s->scale, DTYPE_F32,
                                               LOSS_SCALE_COUNT);
    run_op(OP_check_finite, &c);
}

static void loss_scale(struct weights *s)
{
    struct call c = { .threads = 2 };

    c.operand[LOSS_SCALE_METRICS] = operand_of(s->metrics, DTYPE_F64,
                                               METRIC_COUNT);
    c.operand[LOSS_SCALE_SCALE] = operand_of(s->scale, DTYPE_F32,
                                             LOSS_SCALE_COUNT);
    run_op(OP_loss_scale, &c);
}

static double mean_of(const struct weights *s, const uint16_t *elements)
{
    double sum = 0;

    for (size_t i = 0; i < ELEMENTS; i++)
        sum += float_load(elements, i, s->dtype);
    return sum / ELEMENTS;
}

static double mean_weight(const struct weights *s)
{
    return mean_of(s, s->w);
}

/* Each update is a 64th of a unit in the last place. */
Test(precision, small_updates_count_on_average)
{
    static const enum dtype dtypes[] = { DTYPE_BF16, DTYPE_F16 };
    static const float units[] = { 0x1p-7f, 0x1p-10f };

    for (int d = 0; d < 2; d++) {
        struct weights *s = weights_new(dtypes[d], -units[d] / 64);
        uint16_t nearest[2] = { s->w[0], 0 };

        for (int step = 0; step < 16; step++) {
            sgd(s, step, false, false, 2);
            float_store(nearest, 0, s->dtype,
                        float_load(nearest, 0, s->dtype) + units[d] / 64);
        }
        cr_expect_eq(nearest[0], s->dtype == DTYPE_BF16 ? 0x3F80 : 0x3C00);
        /* 16/64 of a unit; the mean of that many is 0.007 units off. */
        cr_expect(fabs((mean_weight(s) - 1) / units[d] - 0.25) < 0.035,
                  "%d: moved by %g units", d,
                  (mean_weight(s) - 1) / units[d]);
        free(s);
    }
}

/* 0.9 is 230.4 units in the last place of bf16. */
Test(precision, momentum_is_right_on_average)
{
    struct weights *s = weights_new(DTYPE_BF16, 0);

    s->keep = 0.9f;
    memcpy(s->momentum, s->w, sizeof(s->w));
    sgd(s, 0, false, false, 2);
    cr_expect_float_eq(mean_of(s, s->momentum) * 256, 230.4, 0.05);
    free(s);
}

Test(precision, a_master_copy_keeps_what_its_rounding_cannot_show)
{
    struct weights *s = weights_new(DTYPE_BF16, -0x1p-7f / 64);

    for (int step = 0; step < 31; step++) {
        sgd(s, step, true, false, 2);
    }
    cr_expect_eq(mean_weight(s), 1);
    for (int step = 0; step < 2; step++) {
        sgd(s, step, true, false, 2);
    }
    cr_expect_eq(mean_weight(s), 1 + 0x1p-7);
    cr_expect_eq(s->master[7], 1 + 33 * 0x1p-13f);
    free(s);
}

/* An update is rounded up with a chance of 0.3125, so two independent steps
 * agree at 0.57 of the elements. */
Test(precision, rounding_depends_on_the_step_and_not_on_threads)
{
    int agree = 0;
    struct weights *a = weights_new(DTYPE_F16, -0x1.4p-12f);
    struct weights *b = weights_new(DTYPE_F16, -0x1.4p-12f);
    struct weights *other = weights_new(DTYPE_F16, -0x1.4p-12f);

    sgd(a, 4, false, false, 1);
    sgd(b, 4, false, false, 3);
    sgd(other, 5, false, false, 1);
    cr_expect_arr_eq(a->w, b->w, sizeof(a->w));
    cr_expect_arr_eq(a->momentum, b->momentum, sizeof(a->momentum));
    for (int i = 0; i < ELEMENTS; i++)
        agree += a->w[i] == other->w[i];
    cr_expect_float_eq((double)agree / ELEMENTS, 0.57, 0.04);
    free(a);
    free(b);
    free(other);
}

Test(precision, an_overflow_costs_one_update)
{
    struct weights *s = weights_new(DTYPE_F16, 1), *before;

    s->gradient[ELEMENTS - 1] = 0x7C00;
    s->scale[LOSS_SCALE_CLEAN] = 1999;
    before = malloc(sizeof(*before));
    memcpy(before, s, sizeof(*s));
    check_finite(s);
    cr_expect_eq(s->scale[LOSS_SCALE_OVERFLOW], 1);
    sgd(s, 0, true, true, 2);
    cr_expect_arr_eq(s->w, before->w, sizeof(s->w));
    cr_expect_arr_eq(s->momentum, before->momentum, sizeof(s->w));
    cr_expect_arr_eq(s->master, before->master, sizeof(s->master));
    loss_scale(s);
    cr_expect_eq(s->metrics[METRIC_SKIPPED], 1);
    cr_expect_eq(s->metrics[METRIC_LOSS_SCALE], 65536);
    cr_expect_eq(s->scale[LOSS_SCALE_FACTOR], 32768);
    cr_expect_eq(s->scale[LOSS_SCALE_CLEAN], 0);
    cr_expect_eq(s->scale[LOSS_SCALE_OVERFLOW], 0);

    s->gradient[ELEMENTS - 1] = s->gradient[0];
    check_finite(s);
    sgd(s, 1, false, true, 2);
    loss_scale(s);
    cr_expect_eq(s->metrics[METRIC_SKIPPED], 0);
    cr_expect_float_eq(mean_weight(s), 1 - 1 / 32768.0, 1e-5);
    free(before);
    free(s);
}

Test(precision, the_loss_scale_grows_and_has_bounds)
{
    struct weights *s = weights_new(DTYPE_F16, 1);
    float *factor = &s->scale[LOSS_SCALE_FACTOR];

    for (int i = 0; i < 1999; i++)
        loss_scale(s);
    cr_expect_eq(*factor, 65536);
    loss_scale(s);
    cr_expect_eq(*factor, 131072);
    for (int i = 0; i < 1999; i++)
        loss_scale(s);
    cr_expect_eq(*factor, 131072);
    loss_scale(s);
    cr_expect_eq(*factor, 262144);
    for (int i = 0; i < 18; i++) {
        s->scale[LOSS_SCALE_OVERFLOW] = 1;
        loss_scale(s);
    }
    cr_expect_eq(*factor, 1);
    s->scale[LOSS_SCALE_OVERFLOW] = 1;
    loss_scale(s);
    cr_expect_eq(*factor, 1);
    cr_expect_eq(s->metrics[METRIC_LOSS_SCALE], 1);
    *factor = LOSS_SCALE_MAX;
    s->scale[LOSS_SCALE_CLEAN] = 1999;
    loss_scale(s);
    cr_expect_eq(*factor, LOSS_SCALE_MAX);
    free(s);
}

/* Otherwise weights of one shape would be rounded alike. */
Test(precision, every_weight_has_random_numbers_of_its_own)
{
    struct engine engine = engine_open((const char *[]){
        "batch=4", "threads=1", "precision=bf16", NULL });
    const struct graph *g = engine.job->graph;

    for (int i = 0; i < g->op_count; i++)
        for (int k = 0; k < i; k++)
            cr_expect(g->ops[i].code != OP_sgd || g->ops[k].code != OP_sgd ||
                      g->ops[i].attr.update.stream
                          != g->ops[k].attr.update.stream);
    engine_close(&engine);
}

/* A whole graph: the scale comes down until gradients fit, then training goes
 * on; weights do not move before. */
Test(precision, a_scale_that_is_too_large_comes_down)
{
    struct engine engine = engine_open((const char *[]){
        "depth=10", "width=1", "batch=10", "threads=2", "lr=0.05",
        "precision=fp16", NULL });
    float *scale = engine_data(&engine,
                               engine_instance(&engine, "head.loss.scale"));
    int w = engine_instance(&engine, "g2.b1.conv1.w");
    size_t bytes = engine.job->plan->instances[w].bytes;
    void *before = malloc(bytes);
    double metrics[METRIC_COUNT];
    int skipped = 0;

    cr_expect_eq(scale[LOSS_SCALE_FACTOR], 65536);
    scale[LOSS_SCALE_FACTOR] = 0x1p30f;
    memcpy(before, engine_data(&engine, w), bytes);
    for (; skipped < 30; skipped++) {
        engine_run(&engine, PROGRAM_TRAIN, 10, metrics);
        cr_assert(isfinite(metrics[METRIC_LOSS]));
        if (!metrics[METRIC_SKIPPED])
            break;
        cr_expect_arr_eq(before, engine_data(&engine, w), bytes);
    }
    cr_expect(skipped > 3 && skipped < 20, "%d skipped", skipped);
    cr_expect_eq(scale[LOSS_SCALE_FACTOR], ldexpf(1, 30 - skipped));
    cr_expect_arr_neq(before, engine_data(&engine, w), bytes);
    free(before);
    engine_close(&engine);
}

/* Graphs of bf16 and fp32 have neither the scale nor its operations. */
Test(precision, only_fp16_scales_the_loss)
{
    static const char *const precisions[] = { "precision=fp32",
                                              "precision=bf16" };

    for (int i = 0; i < 2; i++) {
        struct engine engine = engine_open((const char *[]){
            "batch=4", "threads=1", precisions[i], NULL });
        const struct graph *g = engine.job->graph;

        for (int k = 0; k < g->op_count; k++)
            cr_expect(g->ops[k].code != OP_loss_scale &&
                      g->ops[k].code != OP_check_finite);
        cr_expect_lt(engine_instance(&engine, "head.loss.scale"), 0);
        engine_close(&engine);
    }
}

static struct trainer *open_trainer(const char *const assignments[])
{
    static const char *const base[] = {
        "data=shapes", "batch=20", "epochs=2", "epoch_samples=60",
        "valid_samples=30", "lr=0.05", "threads=2", "precision=fp16", NULL
    };

    return small_run(base, assignments);
}

/* The state of that name, in the arena; *instance gets its instance. */
static void *state_of(const struct trainer *t, const char *name,
                      int *instance)
{
    const struct schedule *s = t->job->schedule;

    for (int i = 0; i < s->instance_count; i++) {
        char full[80];
        graph_value_name(s->graph, s->instances[i], full, sizeof(full));
        if (strcmp(full, name) == 0) {
            if (instance)
                *instance = i;
            return t->executor->arena + t->job->plan->instances[i].offset;
        }
    }
    return NULL;
}

struct recorded {
    int errors, epochs;
};

static void record_event(void *arg, const struct event *event)
{
    struct recorded *r = arg;

    r->errors += event->type == EVENT_ERROR;
    r->epochs += event->type == EVENT_EPOCH;
}

/* Gradients are too large for any scale, of a loss that is finite. There is no
 * state to save then. */
Test(precision, says_when_the_scale_cannot_come_down)
{
    static const volatile sig_atomic_t never;
    struct trainer *t = open_trainer((const char *[]){ NULL });
    float *gamma = state_of(t, "head.bn.gamma", NULL);
    uint16_t *w = state_of(t, "head.linear.w", NULL);
    float *scale = state_of(t, "head.loss.scale", NULL);
    struct recorded r = { 0 };
    struct error e;
    char path[] = "/tmp/memdial-test-XXXXXX";

    close(mkstemp(path));
    unlink(path);
    for (int i = 0; i < 64; i++)
        gamma[i] = 300;
    for (int i = 0; i < 640; i++)
        w[i] = i % 2 ? 0x7800 : 0xF800; /* 32768 */
    scale[LOSS_SCALE_FACTOR] = 2;
    cr_expect_not(training_run(t, "test",
                              (struct event_sink){ record_event, &r }, &never,
                              path, NULL, &e));
    cr_expect_neq(access(path, F_OK), 0, "a snapshot was written");
    cr_expect(strstr(e.text, "loss scale"), "%s", e.text);
    cr_expect_eq(e.code, EXIT_RUN);
    cr_expect_eq(r.errors, 1);
    cr_expect_eq(t->step, 2);
    trainer_free(t);
}

static void change(struct trainer *t, const char *precision,
                   const char *master)
{
    struct recorded r = { 0 };
    struct settings s = t->job->settings;
    struct error e;

    cr_assert(settings_assign(&s, "test", precision, &e));
    cr_assert(settings_assign(&s, "test", master, &e));
    cr_assert(trainer_change(t, &s, (struct event_sink){ record_event, &r },
                             &e), "%s", e.text);
}

/* Precision changes from step to step, between all types, with and without a
 * master copy: weights and momentum are cast and the run goes on. */
Test(precision, changes_in_a_run)
{
    static const char *const to[][2] = {
        { "precision=fp32", "master_weights=none" },
        { "precision=bf16", "master_weights=none" },
        { "precision=bf16", "master_weights=fp32" },
        { "precision=fp32", "master_weights=fp32" },
        { "precision=fp16", "master_weights=fp32" },
        { "precision=fp16", "master_weights=none" },
        { "precision=bf16", "master_weights=fp32" }
    };
    struct trainer *t = open_trainer((const char *[]){ "epochs=10", NULL });

    trainer_step(t);
    for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++) {
        int a, b;
        void *data = state_of(t, "g1.b1.conv2.w.momentum", &a);
        enum dtype dtype = schedule_value(t->job->schedule, a)->dtype;
        float before = float_load(data, 100, dtype), after;

        cr_expect_neq(before, 0);
        change(t, to[i][0], to[i][1]);
        data = state_of(t, "g1.b1.conv2.w.momentum", &b);
        dtype = schedule_value(t->job->schedule, b)->dtype;
        after = float_load(data, 100, dtype);
        cr_expect_float_eq(after, before, 0x1p-7f * fabsf(before),
                           "change %zu: %g, not %g", i, (double)after,
                           (double)before);
        cr_expect(isfinite(trainer_step(t).loss), "change %zu", i);
    }
    trainer_free(t);
}

/* The copy has the values of the seed, the weights their rounding. */
Test(precision, a_master_copy_begins_unrounded)
{
    struct trainer *full = open_trainer((const char *[]){
        "precision=fp32", NULL });
    struct trainer *half = open_trainer((const char *[]){
        "precision=bf16", "master_weights=fp32", NULL });
    const float *exact = state_of(full, "g1.b1.conv2.w", NULL);
    const float *master = state_of(half, "g1.b1.conv2.w.master", NULL);
    const uint16_t *w = state_of(half, "g1.b1.conv2.w", NULL);

    for (int i = 0; i < 3 * 3 * 16 * 16; i++) {
        cr_assert_eq(master[i], exact[i]);
        cr_assert_eq(w[i], bf16_store(exact[i]));
    }
    trainer_free(full);
    trainer_free(half);
}

/* Weights go on from the master copy, where there is one, and not from their
 * rounding; a new copy begins with the weights' values. */
Test(precision, goes_on_from_the_master_copy)
{
    struct trainer *t = open_trainer((const char *[]){
        "precision=bf16", "master_weights=fp32", NULL });
    float *master = state_of(t, "g1.b1.conv2.w.master", NULL), *w;
    float exact;

    master[5] = exact = 1.00001f;
    change(t, "precision=fp32", "master_weights=none");
    w = state_of(t, "g1.b1.conv2.w", NULL);
    cr_expect_eq(w[5], exact);
    cr_expect_null(state_of(t, "g1.b1.conv2.w.master", NULL));
    change(t, "precision=fp16", "master_weights=fp32");
    master = state_of(t, "g1.b1.conv2.w.master", NULL);
    cr_expect_eq(master[5], exact);
    cr_expect_eq(*(float *)state_of(t, "head.loss.scale", NULL), 65536);
    trainer_free(t);
}
