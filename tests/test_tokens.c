/*
 * A net that is no image net, made from the existing layers: words of two
 * languages, and for each an embedding, linear layers and a loss over tokens.
 * Batches are cut between sentences into parts of uneven size. No file of
 * schedule, plan, executor or backend knows of it.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/layer.h"
#include "graph/layer_text.h"
#include "kernels/cpu/isa.h"
#include "tests/engine.h"
#include "tests/packed_pairs.h"

enum { SENTENCES = 7, WORDS = 11, FEATURES = 24, SIDES = PACKED_SIDES,
       CUTS = 5, LONGEST = 9 };

/* Words of each sentence in both languages. */
static const int lengths[SENTENCES][SIDES] = {
    { 1, 3 }, { 5, 2 }, { 4, 4 }, { 2, 7 }, { 9, 1 }, { 3, 3 }, { 6, 5 }
};

/* Sentences of the parts that the batch is cut into. */
static const int cuts[CUTS][SENTENCES] = {
    { 7 }, { 3, 1, 3 }, { 1, 1, 1, 1, 1, 1, 1 }, { 6, 1 }, { 1, 6 }
};

/* The streams of the data: the words of a language, and the words after them.
 */
enum { WORD, NEXT, STREAMS };

static const struct packed_stream streams[SIDES * STREAMS] = {
    { PACKED_SOURCE, PACKED_TOKENS }, { PACKED_SOURCE, PACKED_NEXT },
    { PACKED_TARGET, PACKED_TOKENS }, { PACKED_TARGET, PACKED_NEXT }
};

/* All sentences, from number `turn` on, in a cut into parts. */
struct sentences {
    struct packed_pairs packed;
    struct packed_pair pair[SENTENCES];
    int32_t word[SENTENCES][SIDES][LONGEST + 1];
};

/* A word always follows from the last, so that the net can learn. */
static void write_sentence(int32_t *word, int sentence, int side)
{
    word[0] = (sentence * 3 + side) % WORDS;
    for (int i = 1; i <= lengths[sentence][side]; i++)
        word[i] = (word[i - 1] * 2 + 1) % WORDS;
}

static struct packed_pairs *sentences_init(struct sentences *s, const int *cut,
                                           int turn)
{
    for (int i = 0; i < SENTENCES; i++)
        for (int k = 0; k < SIDES; k++) {
            int sentence = (i + turn) % SENTENCES;

            write_sentence(s->word[i][k], sentence, k);
            s->pair[i].tokens[k] = lengths[sentence][k];
            s->pair[i].token[k] = s->word[i][k];
        }
    s->packed = (struct packed_pairs){
        .pair = s->pair, .pairs = SENTENCES, .cut = cut, .stream = streams,
        .streams = SIDES * STREAMS
    };
    return &s->packed;
}

static int follow(struct builder *b, int words)
{
    int out, x = layer_embedding(b, words, &(struct embedding){
        .name = "embedding", .tokens = WORDS, .features = FEATURES
    });

    graph_begin_block(b->graph);
    for (int i = 0; i < 2; i++)
        x = layer_linear(b, x, &(struct linear){
            .name = i == 0 ? "hidden1" : "hidden2", .features = FEATURES
        });
    graph_begin_block(b->graph);
    out = layer_linear(b, x, &(struct linear){
        .name = "out", .features = WORDS
    });
    /* A loss takes floats. */
    b->graph->values[out].dtype = DTYPE_F32;
    return out;
}

/* Two losses that make up one. */
static struct graph *token_net(struct update update, enum dtype dtype)
{
    struct builder b = { .graph = graph_new(), .storage.dtype = dtype };
    int value[SIDES * STREAMS];
    struct loss loss[SIDES];

    layer_load(&b, &(struct load){
        "input", { { .name = "source", .dtype = DTYPE_I32, .rank = 1,
                     .dim = { DIM_SOURCE } },
                   { .name = "source.next", .dtype = DTYPE_I32, .rank = 1,
                     .dim = { DIM_SOURCE } },
                   { .name = "target", .dtype = DTYPE_I32, .rank = 1,
                     .dim = { DIM_TARGET } },
                   { .name = "target.next", .dtype = DTYPE_I32, .rank = 1,
                     .dim = { DIM_TARGET } } }
    }, value);
    for (int k = 0; k < SIDES; k++) {
        int logits;
        builder_begin_block(&b, "%s", k == 0 ? "source" : "target");
        logits = follow(&b, value[k * STREAMS + WORD]);
        loss[k] = layer_softmax_xent(&b, logits, &(struct softmax_xent){
            .name = "loss", .labels = value[k * STREAMS + NEXT],
            .with = k == 0 ? NULL : &loss[0]
        });
    }
    grad_build(b.graph, (struct seed[]){ loss[0].seed, loss[1].seed }, SIDES,
               update);
    builder_loss_end(&b, &loss[0]);
    return b.graph;
}

struct net {
    const struct backend *backend;
    struct route *(*route)(const struct graph *);
    const int *cut;
    struct sgd sgd;
    enum dtype dtype;
};

static struct engine net_open(const struct net *net)
{
    struct job *job = xcalloc(1, sizeof(*job));
    struct sentences all;
    struct route *route;
    char why[160];

    settings_init(&job->settings);
    job->backend = net->backend;
    job->threads = net->backend == &cpu_backend ? 2 : 1;
    job->graph = token_net((struct update){
        .optimizer = &optimizer_sgd, .attr.update.sgd = net->sgd
    }, net->dtype);
    route = net->route(job->graph);
    job->schedule = schedule_build(job->graph, (struct policy){
        .cut = packed_cut(sentences_init(&all, net->cut, 0))
    }, route);
    job->plan = plan_build(job->schedule, job->backend, job->threads);
    route_free(route);
    cr_assert(plan_check(job->plan, why, sizeof(why)), "%s", why);
    return engine_of(job);
}

static void run_from(struct engine *engine, const int *cut, int turn,
                     bool repeats, float rate, double *metrics)
{
    struct sentences all;
    struct packed_pairs *packed = sentences_init(&all, cut, turn);
    struct loader loader = packed_loader(packed);
    struct extents whole = packed_extents(packed, 0, SENTENCES);
    struct batch batch = {
        .seed = 1, .step = engine->step, .whole = whole,
        .terms = whole.of[EXTENT_SOURCE] + whole.of[EXTENT_TARGET],
        .learning_rate = rate, .loader = &loader, .report = metrics
    };

    loader.repeats = repeats;
    executor_run(engine->executor, PROGRAM_TRAIN, &batch);
    engine->step++;
}

static void run(struct engine *engine, const int *cut, float rate,
                double *metrics)
{
    run_from(engine, cut, 0, true, rate, metrics);
}

/* Finds the largest difference between momenta, relative to the norm of each:
 * without momentum and decay they are the gradients. Returns their number. */
static int compare(const struct engine *a, const struct engine *b, double *most)
{
    const struct schedule *s = a->job->schedule;
    int count = 0;

    *most = 0;
    for (int i = 0; i < s->instance_count; i++) {
        size_t n = engine_elements(a, i);
        float *x = xcalloc(n, sizeof(*x)), *y = xcalloc(n, sizeof(*y));
        double norm = 0, worst = 0;
        char name[80];
        if (schedule_value(s, i)->kind == KIND_OPTIMIZER) {
            graph_value_name(s->graph, s->instances[i], name, sizeof(name));
            executor_read_floats(a->executor, i, x);
            executor_read_floats(b->executor, engine_instance(b, name), y);
            for (size_t k = 0; k < n; k++) {
                norm += (double)x[k] * (double)x[k];
                worst = fmax(worst, fabs((double)x[k] - (double)y[k]));
            }
            cr_expect(norm > 0, "%s is zero", name);
            *most = fmax(*most, worst / sqrt(norm));
            count++;
        }
        free(x);
        free(y);
    }
    return count;
}

static double loss_of(const double *metrics)
{
    return metrics[METRIC_LOSS];
}

Test(tokens, gradients_do_not_depend_on_the_parts)
{
    struct net net = { .backend = &cpu_backend, .route = route_straight,
                       .cut = cuts[0] };
    struct engine whole = net_open(&net);
    double expected[METRIC_COUNT], metrics[METRIC_COUNT], apart;

    run(&whole, cuts[0], 1, expected);
    cr_expect(loss_of(expected) > 0);
    for (int i = 1; i < CUTS; i++) {
        struct engine parts;
        net.cut = cuts[i];
        parts = net_open(&net);
        run(&parts, cuts[i], 1, metrics);
        cr_expect_eq(compare(&whole, &parts, &apart), 14);
        cr_expect(apart < 1e-6, "cut %d: %g apart", i, apart);
        cr_expect_float_eq(loss_of(metrics), loss_of(expected),
                           1e-6 * loss_of(expected));
        cr_expect_eq(metrics[METRIC_HITS], expected[METRIC_HITS]);
        cr_expect_lt(parts.job->plan->peak_bytes,
                     whole.job->plan->peak_bytes);
        engine_close(&parts);
    }
    engine_close(&whole);
}

Test(tokens, checkpointed_gradients_are_bit_identical)
{
    static struct route *(*const routes[])(const struct graph *) = {
        route_straight, route_blocks, route_sqrt, route_recursive
    };

    for (int i = 0; i < CUTS; i++) {
        uint64_t plain = 0;
        for (int r = 0; r < 4; r++) {
            struct engine engine = net_open(&(struct net){
                &cpu_backend, routes[r], cuts[i], { 0.9f, 1e-3f, true },
                DTYPE_F32 });
            const struct schedule *s = engine.job->schedule;
            double metrics[METRIC_COUNT];
            int again = 0;
            for (int t = 0; t < s->step_count; t++)
                again += s->steps[t].phase == PHASE_RECOMPUTE;
            cr_expect_eq(again > 0, r > 0, "cut %d, route %d: %d", i, r, again);
            run(&engine, cuts[i], 0.5f, metrics);
            run(&engine, cuts[i], 0.5f, metrics);
            if (r == 0)
                plain = engine_state_hash(&engine);
            cr_expect_eq(engine_state_hash(&engine), plain,
                         "cut %d, route %d", i, r);
            engine_close(&engine);
        }
    }
}

/* Fills bytes with NaNs as soon as they are dead in the plan. */
static void check_dead(const struct net *net)
{
    struct engine plain = net_open(net), filled = net_open(net);
    double metrics[METRIC_COUNT];

    filled.executor->observer = (struct observer){
        .after = engine_fill_dead, .arg = &filled
    };
    for (int k = 0; k < 2; k++) {
        run(&plain, net->cut, 0.5f, metrics);
        run(&filled, net->cut, 0.5f, metrics);
    }
    cr_expect_eq(engine_state_hash(&plain), engine_state_hash(&filled));
    engine_close(&plain);
    engine_close(&filled);
}

Test(tokens, what_the_plan_calls_dead_is_never_read)
{
    for (int i = 0; i < CUTS; i++)
        check_dead(&(struct net){ &cpu_backend, route_blocks, cuts[i],
                                  { 0.9f, 0, false }, DTYPE_F32 });
}

/* Opens the net on an instruction set. */
static struct engine net_open_on(const char *isa, const struct net *net)
{
    setenv("MEMDIAL_CPU_ISA", isa, 1);
    return net_open(net);
}

/* Sums are of floats: the results differ where one is rounded to the other
 * neighbour. */
Test(tokens, dot_products_of_bf16_make_the_same_gradients)
{
    static const char *const names[] = { "avx512-bf16",
                                         "avx512-bf16-emulated" };

    if (!isa_named("avx512"))
        cr_skip_test("the processor has no AVX-512 to emulate them with");
    for (int i = 0; i < 2 * CUTS; i++) {
        struct net net = { &cpu_backend, route_blocks, cuts[i / 2],
                           { 0, 0, false }, DTYPE_BF16 };
        struct engine dots, floats;
        double expected[METRIC_COUNT], metrics[METRIC_COUNT], apart;

        if (!isa_named(names[i % 2]))
            continue;
        floats = net_open_on("avx512", &net);
        dots = net_open_on(names[i % 2], &net);
        cr_expect_eq(dots.job->plan->arena_bytes,
                     floats.job->plan->arena_bytes);
        run(&floats, net.cut, 1, expected);
        run(&dots, net.cut, 1, metrics);
        cr_expect_float_eq(loss_of(metrics), loss_of(expected),
                           1e-3 * loss_of(expected));
        compare(&floats, &dots, &apart);
        cr_expect(apart < 0x1p-7, "%s, cut %d: %g apart", names[i % 2], i / 2,
                  apart);
        engine_close(&floats);
        engine_close(&dots);
        check_dead(&net);
    }
}

Test(tokens, learns)
{
    struct engine engine = net_open(&(struct net){
        &cpu_backend, route_sqrt, cuts[1], { 0.9f, 0, true }, DTYPE_F32 });
    struct sentences all;
    struct extents whole =
        packed_extents(sentences_init(&all, cuts[1], 0), 0, SENTENCES);
    double first[METRIC_COUNT], last[METRIC_COUNT];

    run(&engine, cuts[1], 0.2f, first);
    for (int i = 0; i < 100; i++)
        run(&engine, cuts[1], 0.2f, last);
    cr_expect(loss_of(last) < 0.1 * loss_of(first), "from %g to %g",
              loss_of(first), loss_of(last));
    cr_expect_eq(last[METRIC_HITS],
                 whole.of[EXTENT_SOURCE] + whole.of[EXTENT_TARGET]);
    engine_close(&engine);
}

/* The plan is for the whole batch. A batch that is cut otherwise than the one
 * before must not replay its recording, whether or not parts are said to
 * repeat. */
Test(tokens, cuda_follows_the_parts)
{
    engine_emulate();
    for (int repeats = 0; repeats < 2; repeats++) {
        struct engine host = net_open(&(struct net){
            &cpu_backend, route_blocks, cuts[0], { 0.9f, 0, true },
            DTYPE_F32 });
        struct engine device = net_open(&(struct net){
            &cuda_backend, route_blocks, cuts[0], { 0.9f, 0, true },
            DTYPE_F32 });
        static const int order[][2] = {
            { 3, 0 }, { 3, 0 }, { 4, 0 }, { 1, 0 }, { 3, 0 }, { 3, 1 },
            { 3, 1 }, { 4, 5 }, { 2, 3 }
        };
        double a[METRIC_COUNT], b[METRIC_COUNT], apart;

        for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
            const int *cut = cuts[order[i][0]];

            run_from(&host, cut, order[i][1], true, 0.1f, a);
            run_from(&device, cut, order[i][1], repeats, 0.1f, b);
            cr_expect_float_eq(loss_of(a), loss_of(b), 1e-4 * loss_of(a),
                               "cut %d from %d on: %g, on the CPU %g",
                               order[i][0], order[i][1], loss_of(b),
                               loss_of(a));
        }
        compare(&host, &device, &apart);
        cr_expect(apart < 1e-3, "%g apart", apart);
        engine_close(&host);
        engine_close(&device);
    }
}
