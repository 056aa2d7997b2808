/*
 * WRN-10-1 against an independent implementation: PyTorch in double precision
 * computed the committed numbers (make_reference.py).
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/engine.h"
#include "tests/reference.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

enum { MAX_PARAMETERS = 64, NAME_SIZE = 64 };

/* Single against double precision, relative to the norm of a tensor. */
static const double tolerance = 2e-5;

static FILE *open_data(const char *name)
{
    const char *folder = getenv("srcdir");
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/" TEST_DATA "/%s",
             folder ? folder : ".", name);
    file = fopen(path, "r");
    cr_assert(file, "%s cannot be read", path);
    return file;
}

/* Parameters in the order that numbers them: that of their `stepped` lines. */
static int read_names(FILE *file, char names[][NAME_SIZE])
{
    char line[512], name[NAME_SIZE], what[NAME_SIZE];
    int n = 0;

    rewind(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "%63s %63s", name, what) == 2 &&
            strcmp(what, "stepped") == 0)
            strcpy(names[n++], name);
    return n;
}

static void reference_sample(void *arg, int index, float *x,
                             int32_t *label)
{

    (void)arg;
    for (size_t i = 0; i < 32 * 32 * 3; i++)
        x[i] = reference_image((size_t)index * 32 * 32 * 3 + i);
    *label = reference_label(index);
}

static void set_state(const struct engine *engine, const char *name,
                      uint32_t number)
{
    int at = engine_instance(engine, name);
    const struct value *v;
    float *data;
    char momentum[80];

    cr_assert(at >= 0, "no value %s", name);
    v = schedule_value(engine->job->schedule, at);
    data = engine_data(engine, at);
    for (size_t i = 0; i < engine_elements(engine, at); i++)
        data[i] = reference_value(name, number, v->dim, i);
    snprintf(momentum, sizeof(momentum), "%s.momentum", name);
    at = engine_instance(engine, momentum);
    for (size_t i = 0; at >= 0 && i < engine_elements(engine, at); i++)
        engine_data(engine, at)[i] = reference_momentum(number, i);
}

static void compare(FILE *file, const struct engine *engine,
                    const char *value, const char *name, const char *what,
                    uint32_t number)
{
    int at = engine_instance(engine, value);
    struct digest expected, found;
    double apart;

    cr_assert(at >= 0, "no value %s", value);
    cr_assert(digest_read(file, name, what, &expected), "%s %s", name, what);
    found = digest_of(number, engine_data(engine, at),
                      engine_elements(engine, at));
    apart = digest_apart(&found, &expected);
    cr_expect(apart < tolerance, "%s %s: %g apart, norm %g, expected %g", name,
              what, apart, found.norm, expected.norm);
}

struct watch {
    struct engine *engine;
    int logits;              /* instance */
    float found[REFERENCE_BATCH * 10];
};

/* Takes the logits when the last layer has run: they live no longer. */
static void after_step(void *arg, int step)
{
    struct watch *w = arg;
    const struct schedule *s = w->engine->job->schedule;

    if (schedule_op(s, step)->code == OP_linear &&
        s->steps[step].phase == PHASE_FORWARD)
        memcpy(w->found,
               engine_data(w->engine, s->steps[step].instance[LINEAR_Y]),
               sizeof(w->found));
}

static void compare_logits(const float *found)
{
    FILE *file = open_data("wrn-10-1.logits");
    char comment[256];

    cr_assert(fgets(comment, sizeof(comment), file));
    for (int i = 0; i < REFERENCE_BATCH * 10; i++) {
        double expected;
        cr_assert_eq(fscanf(file, "%lf", &expected), 1);
        cr_expect_float_eq(found[i], expected, 2e-5, "logit %d", i);
    }
    fclose(file);
}

static void check_against_reference(const char *recompute)
{
    struct engine engine = engine_open(
        (const char *[]){ "depth=10", "width=1", "batch=4", "lr=0.1",
                          "momentum=0.9", "nesterov=yes",
                          "weight_decay=5e-4", "threads=2", recompute,
                          NULL });
    struct watch watch = { .engine = &engine };
    FILE *file = open_data("wrn-10-1.tensors");
    char names[MAX_PARAMETERS][NAME_SIZE];
    int n = read_names(file, names);
    double metrics[METRIC_COUNT];
    struct digest loss;

    cr_assert_gt(n, 30);
    engine.sample = reference_sample;
    engine.executor->observer = (struct observer){
        .after = after_step, .arg = &watch
    };
    for (int i = 0; i < n; i++)
        set_state(&engine, names[i], (uint32_t)i);
    engine_run(&engine, PROGRAM_TRAIN, REFERENCE_BATCH, metrics);

    compare_logits(watch.found);
    cr_assert(digest_read(file, "loss", "forward", &loss));
    cr_expect_float_eq(metrics[METRIC_LOSS] / REFERENCE_BATCH, loss.first[0],
                       1e-5);
    for (int i = 0; i < n; i++) {
        char gradient[80], momentum[80];
        compare(file, &engine, names[i], names[i], "stepped", (uint32_t)i);
        if (reference_ends(names[i], ".running"))
            continue;
        snprintf(gradient, sizeof(gradient), "%s.gradient", names[i]);
        snprintf(momentum, sizeof(momentum), "%s.momentum", names[i]);
        compare(file, &engine, gradient, names[i], "gradient", (uint32_t)i);
        compare(file, &engine, momentum, names[i], "stepped_momentum",
                (uint32_t)i);
    }
    fclose(file);
    engine_close(&engine);
}

Test(wrn, agrees_with_pytorch)
{
    check_against_reference("recompute=none");
}

Test(wrn, agrees_with_pytorch_when_it_recomputes_bn_relu)
{
    check_against_reference("recompute=norms");
}

Test(wrn, has_the_published_number_of_parameters)
{
    struct graph *g = wrn_28_2();
    int convs = 0, norms = 0;

    for (int i = 0; i < g->op_count; i++) {
        convs += g->ops[i].code == OP_conv;
        norms += g->ops[i].code == OP_bn_stats;
    }
    cr_expect_eq(graph_parameters(g), 1467610);
    cr_expect_eq(convs, 28);
    cr_expect_eq(norms, 25);
    graph_free(g);
}
