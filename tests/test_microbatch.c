/*
 * Microbatches of a net without batch statistics give the gradients of the
 * whole batch, whatever their size. Microbatches that would leave a batch norm
 * nothing to normalise are refused.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/grad.h"
#include "graph/layer.h"
#include "kernels/half.h"
#include "tests/engine.h"

enum { BATCH = 10, CLASSES = 10 };

/* Convolutions, one with a sum, a pooling, linear layers and the loss. */
static struct graph *plain_net(enum dtype dtype)
{
    struct builder b = { .graph = graph_new(), .storage.dtype = dtype };
    int labels, x, y, logits;
    struct loss loss;

    x = layer_samples(&b, &(struct samples){
        .name = "input", .rank = 4, .dim = { DIM_SAMPLES, 32, 32, 3 }
    }, &labels);
    x = layer_conv(&b, x, &(struct conv){
        .name = "stem", .channels = 8, .kernel = 3, .stride = 2
    });
    graph_begin_block(b.graph);
    y = layer_conv(&b, x, &(struct conv){
        .name = "conv1", .channels = 8, .kernel = 3
    });
    x = layer_conv(&b, y, &(struct conv){
        .name = "conv2", .channels = 8, .kernel = 3, .add = x
    });
    graph_begin_block(b.graph);
    x = layer_conv(&b, x, &(struct conv){
        .name = "conv3", .channels = 16, .kernel = 3, .stride = 2
    });
    x = layer_avg_pool(&b, x, &(struct avg_pool){ .name = "pool" });
    x = layer_linear(&b, x, &(struct linear){
        .name = "bare", .features = 24, .bare = true
    });
    logits = layer_linear(&b, x, &(struct linear){
        .name = "linear", .features = CLASSES
    });
    loss = layer_softmax_xent(&b, logits, &(struct softmax_xent){
        .name = "loss", .labels = labels
    });
    grad_build(b.graph, &loss.seed, 1,
               (struct update){ .optimizer = &optimizer_sgd });
    builder_loss_end(&b, &loss);
    return b.graph;
}

/* Without decay the momentum of the first step is the gradient. */
static struct engine open_plain_net(enum dtype dtype, int microbatch)
{
    struct job *job = xcalloc(1, sizeof(*job));
    struct route *route;
    struct error e;

    settings_init(&job->settings);
    job->settings.batch = BATCH;
    job->settings.microbatch = microbatch;
    job->settings.recompute = RECOMPUTE_NONE;
    job->backend = &cpu_backend;
    job->threads = 2;
    job->graph = plain_net(dtype);
    cr_assert(policy_check(job->graph, &job->settings, &e), "%s", e.text);
    route = route_straight(job->graph);
    job->schedule = schedule_build(job->graph, policy_from(&job->settings),
                                   route);
    job->plan = plan_build(job->schedule, job->backend, job->threads);
    route_free(route);
    return engine_of(job);
}

/* The largest difference between two tensors, relative to the norm. */
static double apart(const void *a, const void *b, size_t n, enum dtype dtype)
{
    double most = 0, norm = 0;

    for (size_t i = 0; i < n; i++) {
        double x = (double)float_load(a, i, dtype);
        most = fmax(most, fabs(x - (double)float_load(b, i, dtype)));
        norm += x * x;
    }
    return most / sqrt(norm);
}

/* Returns the number of gradients compared. */
static int expect_same_gradients(const struct engine *whole,
                                 const struct engine *parts,
                                 double tolerance, const char *what)
{
    const struct schedule *s = whole->job->schedule;
    int compared = 0;

    for (int i = 0; i < s->instance_count; i++) {
        const struct value *v = schedule_value(s, i);
        char name[80];
        double d;
        if (v->kind != KIND_OPTIMIZER)
            continue;
        graph_value_name(s->graph, s->instances[i], name, sizeof(name));
        d = apart(engine_data(whole, i),
                  engine_data(parts, engine_instance(parts, name)),
                  engine_elements(whole, i), v->dtype);
        cr_expect(d < tolerance, "%s: %s: %g apart", what, name, d);
        compared++;
    }
    return compared;
}

/* Tries sizes that divide the batch, and sizes with a smaller last microbatch.
 * In 16 bits every microbatch rounds the sum so far, and momentum is rounded
 * once more. */
Test(microbatch, gradients_do_not_depend_on_its_size)
{
    static const struct {
        const char *name;
        enum dtype dtype;
        double tolerance;    /* of a tensor's norm */
    } storage[] = {
        { "fp32", DTYPE_F32, 1e-6 },
        { "bf16", DTYPE_BF16, 0x1p-7 },
        { "fp16", DTYPE_F16, 0x1p-10 },
    };
    static const int sizes[] = { 1, 3, 5, 7, 9 };

    for (size_t k = 0; k < sizeof(storage) / sizeof(*storage); k++) {
        struct engine whole = open_plain_net(storage[k].dtype, BATCH);
        double expected[METRIC_COUNT], metrics[METRIC_COUNT];

        engine_run(&whole, PROGRAM_TRAIN, BATCH, expected);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            struct engine parts = open_plain_net(storage[k].dtype, sizes[i]);
            char what[32];

            snprintf(what, sizeof(what), "%s, %d", storage[k].name, sizes[i]);
            engine_run(&parts, PROGRAM_TRAIN, BATCH, metrics);
            cr_expect_eq(expect_same_gradients(&whole, &parts,
                                               storage[k].tolerance, what),
                         7);
            cr_expect_float_eq(metrics[METRIC_LOSS], expected[METRIC_LOSS],
                               1e-6 * expected[METRIC_LOSS]);
            engine_close(&parts);
        }
        engine_close(&whole);
    }
}

/* A batch norm over samples of one value per channel, another of four. */
static struct graph *flat_net(void)
{
    struct builder b = { .graph = graph_new() };
    int labels, x;

    x = layer_samples(&b, &(struct samples){
        .name = "planes", .rank = 4, .dim = { DIM_SAMPLES, 2, 2, 8 }
    }, &labels);
    layer_bn_relu(&b, x, &(struct batch_norm){ .name = "wide.bn" });
    x = layer_samples(&b, &(struct samples){
        .name = "vectors", .rank = 2, .dim = { DIM_SAMPLES, 8 }
    }, &labels);
    layer_bn_relu(&b, x, &(struct batch_norm){ .name = "flat.bn" });
    return b.graph;
}

Test(microbatch, must_leave_a_batch_norm_more_than_one_value)
{
    static const struct {
        int batch, microbatch;
        const char *why;     /* NULL: it works */
    } cases[] = {
        { 100, 100, NULL },
        { 100, 10, NULL },
        { 100, 7, NULL },    /* the last has 2 */
        { 2, 2, NULL },
        { 100, 1, "microbatch: 1 of a batch of 100 leaves batch norm flat.bn "
                  "a single value per channel; the nearest that works is 2" },
        { 100, 33, "nearest that works is 32" },
        { 100, 99, "nearest that works is 98" },
        { 4, 3, "nearest that works is 2" },
        { 3, 2, "nearest that works is 3" },
        { 3, 1, "nearest that works is 3" },
        { 1, 1, "batch: 1 leaves batch norm flat.bn a single value per "
                "channel; raise it to at least 2" },
    };
    struct graph *g = flat_net();

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct settings s = { .batch = cases[i].batch,
                              .microbatch = cases[i].microbatch };
        struct error e = { 0 };

        cr_expect_eq(policy_check(g, &s, &e), !cases[i].why,
                     "%d of %d: %s", cases[i].microbatch, cases[i].batch,
                     e.text);
        if (!cases[i].why)
            continue;
        cr_expect_eq(e.code, EXIT_INPUT);
        cr_expect(strstr(e.text, cases[i].why), "%d of %d: %s",
                  cases[i].microbatch, cases[i].batch, e.text);
    }
    graph_free(g);
}

/* The smallest planes of a WideResNet are 8x8. */
Test(microbatch, of_one_image_is_enough_for_a_wideresnet)
{
    static const char *const assignments[] = { "batch=3", "microbatch=1",
                                               NULL };
    struct engine engine = engine_open(assignments);

    engine_close(&engine);
}
