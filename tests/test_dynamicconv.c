/*
 * A tiny DynamicConv against an independent implementation: PyTorch in double
 * precision computed the committed numbers (make_dynamicconv.py). Then what
 * holds for every network here, with dropout on: parts, checkpoints, dead
 * bytes, and a backend beside the other.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dictionary.h"
#include "graph/squeeze.h"
#include "models/dynamicconv.h"
#include "tests/engine.h"
#include "tests/packed_pairs.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

enum { PAIRS = 3, LONGEST = 7, CUTS = 4, NAME_SIZE = 64, END = TOKEN_END };

/* Single against double precision, relative to the norm of a tensor. */
static const double tolerance = 2e-5;

/* The pairs of the reference. A source sentence ends with its end mark; labels
 * are the target sentence with it. */
static const struct packed_pair pairs[PAIRS] = {
    { { 7, 6 }, { (const int32_t[]){ 5, 9, 13, 4, 17, 6, END },
                  (const int32_t[]){ 10, 4, 23, 15, 7, END } } },
    { { 4, 3 }, { (const int32_t[]){ 8, 19, 11, END },
                  (const int32_t[]){ 21, 6, END } } },
    { { 2, 2 }, { (const int32_t[]){ 7, END }, (const int32_t[]){ 12, END } } }
};

static const struct packed_stream streams[] = {
    { PACKED_SOURCE, PACKED_TOKENS }, { PACKED_SOURCE, PACKED_ENDS },
    { PACKED_TARGET, PACKED_PREVIOUS }, { PACKED_TARGET, PACKED_TOKENS },
    { PACKED_TARGET, PACKED_ENDS }
};

enum { SOURCE_STREAMS = 2, STREAMS = 5 };

/* Pairs of the parts that the batch is cut into. */
static const int cuts[CUTS][PAIRS] = { { 3 }, { 1, 2 }, { 2, 1 }, { 1, 1, 1 } };

static struct packed_pairs batch_of(const int *cut)
{
    return (struct packed_pairs){ .pair = pairs, .pairs = PAIRS, .cut = cut,
                                  .stream = streams, .streams = STREAMS };
}

struct net {
    const struct backend *backend;
    struct route *(*route)(const struct graph *);
    const int *cut;
    float smoothing, rate;               /* of labels; of all dropout */
    struct storage storage;
    int beam;                            /* 0: nothing is translated */
};

/* Tokens of a translation, with the end mark. */
enum { TRANSLATED = 24 };

static struct graph *net_graph(const struct net *net)
{
    struct builder b = { .graph = graph_new(), .storage = net->storage };

    b.storage.update.optimizer = &optimizer_adam;
    b.storage.update.attr.update.adam =
        (struct adam){ 0.9f, 0.98f, 1e-8f, 0.1f };
    dynamicconv_build(&b, &(struct dynamicconv){
        .features = 16, .hidden = 32, .heads = 2,
        .encoder = { 2, { 3, 5 }, 2 }, .decoder = { 2, { 3, 5 }, 2 },
        .dropout = net->rate, .attention_dropout = net->rate,
        .weight_dropout = net->rate, .smoothing = net->smoothing,
        .source_vocabulary = 20, .target_vocabulary = 24, .sentence = 4,
        .beam = { net->beam, 1, TRANSLATED, .extra = TRANSLATED - 1 }
    });
    if (dtype_in_blocks(net->storage.saved))
        squeeze_offer(b.graph, net->storage.saved);
    return b.graph;
}

/* Room for the longest sentence, and as long others. */
static struct translated sentences_of(int beam)
{
    struct extents one = { { [EXTENT_SAMPLES] = 1, [EXTENT_SOURCE] = LONGEST,
                             [EXTENT_HYPOTHESES] = beam } };

    return (struct translated){ one, one };
}

static struct engine net_open(const struct net *net)
{
    struct job *job = xcalloc(1, sizeof(*job));
    struct packed_pairs batch = batch_of(net->cut);
    struct route *route;
    char why[160];

    settings_init(&job->settings);
    job->backend = net->backend;
    job->threads = net->backend == &cpu_backend ? 2 : 1;
    job->graph = net_graph(net);
    route = net->route(job->graph);
    job->schedule = schedule_build(job->graph, (struct policy){
        .cut = packed_cut(&batch),
        .translated = sentences_of(net->beam)
    }, route);
    job->plan = plan_build(job->schedule, job->backend, job->threads);
    route_free(route);
    cr_assert(plan_check(job->plan, why, sizeof(why)), "%s", why);
    return engine_of(job);
}

static void run_pairs(struct engine *engine, enum program program,
                      struct packed_pairs *pairs_of, double *metrics)
{
    struct loader loader = packed_loader(pairs_of);
    struct extents whole = packed_extents(pairs_of, 0, pairs_of->pairs);
    struct batch batch = {
        .seed = 1, .step = engine->step, .whole = whole,
        .terms = whole.of[EXTENT_TARGET], .learning_rate = 0.01f,
        .rewire = true, .loader = &loader, .report = metrics
    };

    executor_run(engine->executor, program, &batch);
    engine->step += program == PROGRAM_TRAIN;
}

static void run(struct engine *engine, enum program program, const int *cut,
                double *metrics)
{
    struct packed_pairs pairs_of = batch_of(cut);

    run_pairs(engine, program, &pairs_of, metrics);
}

static FILE *open_data(void)
{
    const char *folder = getenv("srcdir");
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/" TEST_DATA "/dynamicconv.tensors",
             folder ? folder : ".");
    file = fopen(path, "r");
    cr_assert(file, "%s cannot be read", path);
    return file;
}

/* Reads the parameters into the arena; returns their number. */
static int set_parameters(struct engine *engine)
{
    FILE *file = open_data();
    char name[NAME_SIZE];
    unsigned long n;
    int count = 0;

    fscanf(file, "%*[^\n]");
    while (fscanf(file, "%63s values %lu", name, &n) == 2) {
        int at = engine_instance(engine, name);

        cr_assert(at >= 0, "no value %s", name);
        cr_assert_eq(engine_elements(engine, at), n, "%s", name);
        for (unsigned long i = 0; i < n; i++)
            cr_assert_eq(fscanf(file, "%f", &engine_data(engine, at)[i]), 1);
        count++;
    }
    fclose(file);
    return count;
}

/* Compares a value with a digest, times `scale`. */
static void compare_digest(const struct engine *engine, const char *value,
                           const double expected[3], double scale)
{
    int at = engine_instance(engine, value);
    double norm = 0, found[3] = { 0 };

    cr_assert(at >= 0, "no value %s", value);
    for (size_t i = 0; i < engine_elements(engine, at); i++) {
        double x = engine_data(engine, at)[i];

        norm += x * x;
        found[1] += x * sin((double)(i + 1));
        found[2] += x * cos((double)(i + 1));
    }
    found[0] = sqrt(norm);
    for (int i = 0; i < 3; i++)
        cr_expect(fabs(found[i] - scale * expected[i]) <=
                      tolerance * (found[0] + 1e-2),
                  "%s, digest %d: %.9g, expected %.9g", value, i, found[i],
                  scale * expected[i]);
}

/* The biases of keys add the same to all scores of a row, which does not change
 * their softmax: gradients are 0 but for rounding, and Adam makes steps of
 * that.
 */
static bool is_noise(const char *name)
{
    return strstr(name, ".k.b") != NULL;
}

/* Compares values with all digests of a name, but those that are noise after
 * a step; returns their number. */
static int compare_digests(const struct engine *engine, const char *what,
                           const char *suffix, double scale)
{
    FILE *file = open_data();
    char name[NAME_SIZE], value[NAME_SIZE + 16], found[NAME_SIZE], line[65536];
    double digest[3];
    int count = 0;

    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "%63s %63s %lf %lf %lf", name, found, &digest[0],
                   &digest[1], &digest[2]) == 5 && strcmp(found, what) == 0) {
            snprintf(value, sizeof(value), "%s%s", name, suffix);
            if (*suffix || !is_noise(name))
                compare_digest(engine, value, digest, scale);
            count++;
        }
    fclose(file);
    return count;
}

/* Losses of the reference: plain, and smoothed in the two forms that there are.
 * The older form with 0.1 is the newer one with 0.1 (1 - 1/24). */
static const double plain_loss = 43.3472067107339;
static const double smoothed_loss = 43.0265880966216;
static const double older_loss = 43.0399472055429;
static const float smoothing = 0.1f, older_smoothing = 0.1f * 23 / 24;

static void expect_loss(double found, double expected)
{
    cr_expect(fabs(found - expected) < 1e-5 * expected, "loss %.9g, not %.9g",
              found, expected);
}

static void check_reference(const struct backend *backend)
{
    for (int i = 0; i < CUTS; i++) {
        struct engine engine = net_open(&(struct net){
            .backend = backend, .route = route_straight, .cut = cuts[i],
            .smoothing = smoothing });
        double metrics[METRIC_COUNT];

        cr_assert_eq(set_parameters(&engine), 75);
        run(&engine, PROGRAM_EVAL, cuts[i], metrics);
        expect_loss(metrics[METRIC_LOSS], plain_loss);
        run(&engine, PROGRAM_TRAIN, cuts[i], metrics);
        expect_loss(metrics[METRIC_LOSS], smoothed_loss);
        cr_expect_eq(compare_digests(&engine, "gradient", ".gradient",
                                     1.0 / 11), 75);
        engine_close(&engine);
    }
}

Test(dynamicconv, agrees_with_pytorch)
{
    check_reference(&cpu_backend);
}

static void check_step(const struct backend *backend)
{
    struct engine engine = net_open(&(struct net){
        .backend = backend, .route = route_blocks, .cut = cuts[1],
        .smoothing = older_smoothing });
    double metrics[METRIC_COUNT];

    set_parameters(&engine);
    run(&engine, PROGRAM_TRAIN, cuts[1], metrics);
    expect_loss(metrics[METRIC_LOSS], older_loss);
    cr_expect_eq(compare_digests(&engine, "stepped", "", 1), 75);
    engine_close(&engine);
}

Test(dynamicconv, takes_the_step_of_adam)
{
    check_step(&cpu_backend);
}

Test(dynamicconv, agrees_with_pytorch_on_an_emulated_device)
{
    engine_emulate();
    check_reference(&cuda_backend);
    check_step(&cuda_backend);
}

/* The largest difference between gradients, relative to the norm of each. */
static double gradients_apart(const struct engine *a, const struct engine *b)
{
    const struct schedule *s = a->job->schedule;
    double most = 0;

    for (int i = 0; i < s->instance_count; i++) {
        size_t n = engine_elements(a, i);
        float *x, *y;
        double norm = 0, worst = 0;
        char name[80];

        if (schedule_value(s, i)->kind != KIND_GRADIENTS)
            continue;
        graph_value_name(s->graph, s->instances[i], name, sizeof(name));
        if (is_noise(name))
            continue;
        x = xcalloc(n, sizeof(*x));
        y = xcalloc(n, sizeof(*y));
        executor_read_floats(a->executor, i, x);
        executor_read_floats(b->executor, engine_instance(b, name), y);
        for (size_t k = 0; k < n; k++) {
            norm += (double)x[k] * (double)x[k];
            worst = fmax(worst, fabs((double)x[k] - (double)y[k]));
        }
        cr_expect(norm > 0, "%s is zero", name);
        most = fmax(most, worst / sqrt(norm));
        free(x);
        free(y);
    }
    return most;
}

Test(dynamicconv, gradients_do_not_depend_on_the_parts)
{
    struct net net = {
        .backend = &cpu_backend, .route = route_straight, .cut = cuts[0],
        .smoothing = smoothing, .rate = 0.3f
    };
    struct engine whole = net_open(&net);
    double expected[METRIC_COUNT], metrics[METRIC_COUNT];

    run(&whole, PROGRAM_TRAIN, cuts[0], expected);
    for (int i = 1; i < CUTS; i++) {
        struct engine parts;

        net.cut = cuts[i];
        parts = net_open(&net);
        run(&parts, PROGRAM_TRAIN, cuts[i], metrics);
        cr_expect(gradients_apart(&whole, &parts) < 2e-6, "cut %d: %g apart",
                  i, gradients_apart(&whole, &parts));
        expect_loss(metrics[METRIC_LOSS], expected[METRIC_LOSS]);
        engine_close(&parts);
    }
    engine_close(&whole);
}

/* The gradients of the batch with its pairs in an order, which numbers them. */
static struct engine open_ordered(struct net net, const int *order,
                                  const int *cut, bool backwards)
{
    struct packed_pairs batch = batch_of(cut);
    double metrics[METRIC_COUNT];
    struct engine engine;

    net.cut = cut;
    engine = net_open(&net);
    batch.order = order;
    batch.backwards = backwards;
    run_pairs(&engine, PROGRAM_TRAIN, &batch, metrics);
    return engine;
}

static void expect_close(struct engine a, struct engine b, int order)
{
    double apart = gradients_apart(&a, &b);

    cr_expect(apart < 2e-6, "order %d: %g apart", order, apart);
    engine_close(&a);
    engine_close(&b);
}

/* A pair has the same gradient beside whichever others it is packed, at any
 * place of a part, as long as it keeps its number in the batch: in one part,
 * and one by one from the last on. Without dropout the number does not matter.
 */
Test(dynamicconv, gradients_do_not_depend_on_the_order_of_packing)
{
    static const int orders[][PAIRS] = { { 2, 0, 1 }, { 1, 2, 0 },
                                         { 2, 1, 0 } };
    struct net net = { .backend = &cpu_backend, .route = route_straight,
                       .smoothing = smoothing };

    for (int i = 0; i < 3; i++) {
        net.rate = 0.3f;
        expect_close(open_ordered(net, orders[i], cuts[0], false),
                     open_ordered(net, orders[i], cuts[3], true), i);
        net.rate = 0;
        expect_close(open_ordered(net, orders[i], cuts[0], false),
                     open_ordered(net, NULL, cuts[0], false), i);
    }
}

/* Dropout must change what training sees, and nothing that evaluation does. */
Test(dynamicconv, drops_in_training_alone)
{
    struct net net = { .backend = &cpu_backend, .route = route_straight,
                       .cut = cuts[0], .smoothing = smoothing };
    double loss[2], eval[2], metrics[METRIC_COUNT];

    for (int i = 0; i < 2; i++) {
        struct engine engine;

        net.rate = i == 0 ? 0 : 0.3f;
        engine = net_open(&net);
        run(&engine, PROGRAM_EVAL, cuts[0], metrics);
        eval[i] = metrics[METRIC_LOSS];
        run(&engine, PROGRAM_TRAIN, cuts[0], metrics);
        loss[i] = metrics[METRIC_LOSS];
        engine_close(&engine);
    }
    cr_expect_eq(eval[0], eval[1]);
    cr_expect(fabs(loss[0] - loss[1]) > 1e-3);
}

static const struct storage storages[] = {
    { .dtype = DTYPE_F32 },
    { .dtype = DTYPE_BF16, .sparsity = 0.5, .rewire = REWIRE_DSR },
    { .dtype = DTYPE_F16, .sparsity = 0.6, .rewire = REWIRE_SET,
      .loss_scale = true, .update.master = true },
    { .dtype = DTYPE_F32, .saved = DTYPE_8BIT },
    { .dtype = DTYPE_BF16, .saved = DTYPE_4BIT }
};

enum { STORAGES = sizeof(storages) / sizeof(*storages) };

static uint64_t hash_after(const struct net *net, bool fill_dead)
{
    struct engine engine = net_open(net);
    double metrics[METRIC_COUNT];
    uint64_t hash;

    if (fill_dead)
        engine.executor->observer = (struct observer){
            .after = engine_fill_dead, .arg = &engine
        };
    for (int i = 0; i < 3; i++)
        run(&engine, PROGRAM_TRAIN, net->cut, metrics);
    run(&engine, PROGRAM_EVAL, net->cut, metrics);
    cr_expect(isfinite(metrics[METRIC_LOSS]));
    hash = engine_state_hash(&engine);
    engine_close(&engine);
    return hash;
}

Test(dynamicconv, checkpointed_gradients_are_bit_identical)
{
    static struct route *(*const routes[])(const struct graph *) = {
        route_blocks, route_sqrt, route_recursive
    };

    for (int i = 0; i < CUTS * STORAGES; i++) {
        struct net net = {
            .backend = &cpu_backend, .route = route_straight,
            .cut = cuts[i % CUTS], .smoothing = smoothing, .rate = 0.3f,
            .storage = storages[i / CUTS]
        };
        uint64_t plain = hash_after(&net, false);

        cr_expect_eq(hash_after(&net, true), plain, "dead bytes, %d", i);
        for (int r = 0; r < 3; r++) {
            net.route = routes[r];
            cr_expect_eq(hash_after(&net, r == 0), plain, "%d, route %d", i,
                         r);
        }
    }
}

/* Pairs [begin, end) that are translated at once, each by `beam` hypotheses. */
struct chosen {
    int begin, end, beam;
};

static bool next_chosen(void *arg, struct part *part)
{
    const struct chosen *c = arg;
    struct packed_pairs all = batch_of(NULL);

    if (part->count.of[EXTENT_SAMPLES])
        return false;
    part->first = packed_extents(&all, 0, c->begin);
    part->count = packed_extents(&all, c->begin, c->end);
    part->count.of[EXTENT_TARGET] = 0;
    part->count.of[EXTENT_HYPOTHESES] = c->beam * (c->end - c->begin);
    return true;
}

static void fill_chosen(void *arg, const struct part *part, int begin, int end,
                        const struct stream stream[])
{
    struct packed_pairs all = batch_of(NULL);

    (void)arg;
    all.streams = SOURCE_STREAMS;
    packed_fill(&all, part, begin, end, stream);
}

static void translate(struct engine *engine, struct chosen chosen,
                      int32_t translations[][TRANSLATED])
{
    struct packed_pairs all = batch_of(NULL);
    struct loader loader = { .next = next_chosen, .fill = fill_chosen,
                             .arg = &chosen };
    struct batch batch = { .seed = 1, .loader = &loader,
                           .whole = packed_extents(&all, chosen.begin,
                                                   chosen.end),
                           .translations = translations[chosen.begin] };

    executor_run(engine->executor, PROGRAM_TRANSLATE, &batch);
}

/* Compares the translations with those of the reference. */
static void expect_translations(int beam, int32_t found[][TRANSLATED])
{
    FILE *file = open_data();
    char line[65536];
    int b, at, n, used, count = 0;

    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "beam%d.%d translation %d%n", &b, &at, &n,
                   &used) == 3 && b == beam) {
            char *next = line + used;

            for (int i = 0; i < n; i++)
                cr_expect_eq(found[at][i], strtol(next, &next, 10),
                             "beam %d, sentence %d, token %d is %d", beam, at,
                             i, found[at][i]);
            cr_expect_eq(found[at][n], END);
            count++;
        }
    cr_expect_eq(count, PAIRS);
    fclose(file);
}

/* All at once, and in other parts. */
static void check_translations(const struct backend *backend, int beam,
                               bool fill_dead)
{
    struct engine engine = net_open(&(struct net){
        .backend = backend, .route = route_straight, .cut = cuts[0],
        .smoothing = smoothing, .beam = beam });

    set_parameters(&engine);
    if (fill_dead)
        engine.executor->observer = (struct observer){
            .after = engine_fill_dead, .arg = &engine
        };
    cr_assert_geq(engine.job->plan->most[PROGRAM_TRANSLATE].of[EXTENT_SAMPLES],
                  PAIRS);
    for (int i = 0; i < CUTS; i++) {
        int32_t found[PAIRS][TRANSLATED];

        for (int begin = 0, k = 0; begin < PAIRS; begin += cuts[i][k++])
            translate(&engine, (struct chosen){ begin, begin + cuts[i][k],
                                                beam }, found);
        expect_translations(beam, found);
    }
    engine_close(&engine);
}

Test(dynamicconv, translates_as_fairseq)
{
    check_translations(&cpu_backend, 1, false);
    check_translations(&cpu_backend, 4, false);
    check_translations(&cpu_backend, 4, true);
}

Test(dynamicconv, translates_as_fairseq_on_an_emulated_device)
{
    engine_emulate();
    check_translations(&cuda_backend, 1, false);
    check_translations(&cuda_backend, 4, false);
}

/* As many sentences at once as fit below training, at least one: where the peak
 * is higher, one alone does not fit. */
Test(dynamicconv, translates_in_the_memory_of_training)
{
    static const int beams[] = { 0, 1, 4, 32 };
    size_t peak = 0;

    for (size_t i = 0; i < sizeof(beams) / sizeof(*beams); i++) {
        struct engine engine = net_open(&(struct net){
            .backend = &cpu_backend, .route = route_straight, .cut = cuts[0],
            .smoothing = smoothing, .beam = beams[i] });
        const struct plan *plan = engine.job->plan;
        const struct program_steps *p =
            &plan->schedule->program[PROGRAM_TRANSLATE];
        int sentences = plan->most[PROGRAM_TRANSLATE].of[EXTENT_SAMPLES];

        if (beams[i] == 0) {
            cr_expect_eq(p->begin, p->end);
            peak = plan->peak_bytes;
        } else if (plan->peak_bytes > peak) {
            cr_expect_eq(sentences, 1);
            cr_expect_geq(plan->peak_step, p->begin);
        }
        engine_close(&engine);
    }
}
