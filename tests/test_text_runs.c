/*
 * Runs on sentence pairs, of settings as a person has them. Ways of saving
 * memory change no bit, or rounding alone, over twenty steps. The arena has
 * the planned size, and is touched to the page. A device does as the CPU.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/dictionary.h"
#include "tests/engine.h"
#include "tests/sanitized.h"
#include "tests/settings_of.h"
#include "tests/small_run.h"
#include "tests/text_folder.h"
#include "train/initial.h"
#include "train/snapshot.h"
#include "train/training.h"
#include "train/translator.h"

enum { STEPS = SANITIZED ? 4 : 20, PAGE = 4096 };

static struct trainer *open_run(const char *const more[])
{
    static const char *const base[] = {
        "model=dynamicconv", "data=numbers", "features=16", "hidden=24",
        "heads=2", "encoder_layers=3", "decoder_layers=3",
        "encoder_kernels=3,7", "decoder_kernels=3", "dropout=0.3",
        "optimizer=adam", "lr=0.002", "warmup=4", "batch=120", "epochs=5",
        "epoch_samples=960", "valid_samples=60", "threads=2", NULL
    };

    return small_run(base, more);
}

static struct engine engine_behind(const struct trainer *t)
{
    return (struct engine){ .job = t->job, .device = t->device,
                            .executor = t->executor };
}

static uint64_t hash_of(const struct trainer *t)
{
    struct engine view = engine_behind(t);

    return engine_state_hash(&view);
}

/* The losses of a run's first steps, and its state after them. */
struct course {
    double loss[STEPS];
    uint64_t state;
    int parts;           /* that are expected of a batch */
    bool recomputes;
};

static bool recomputes(const struct schedule *s)
{
    for (int i = 0; i < s->step_count; i++)
        if (s->steps[i].phase == PHASE_RECOMPUTE)
            return true;
    return false;
}

static struct course course_of(struct trainer *t)
{
    struct course c = { .parts = t->job->schedule->cut.parts,
                        .recomputes = recomputes(t->job->schedule) };

    for (int i = 0; i < STEPS; i++)
        c.loss[i] = trainer_step(t).loss;
    c.state = hash_of(t);
    trainer_free(t);
    return c;
}

static void expect_same(struct course a, const struct course *b,
                        const char *way)
{
    int same = 0;

    while (same < STEPS && a.loss[same] == b->loss[same])
        same++;
    cr_expect_eq(same, STEPS, "%s: loss %.17g, not %.17g, in step %d", way,
                 a.loss[same % STEPS], b->loss[same % STEPS], same);
    cr_expect_eq(a.state, b->state, "%s: other weights", way);
}

/* Bytes of the arena with these settings. */
static size_t arena_of(const char *const more[])
{
    struct trainer *t = open_run(more);
    size_t bytes = t->job->plan->arena_bytes;

    trainer_free(t);
    return bytes;
}

/* Budgets from the smallest on towards what recomputing nothing takes. */
static void check_budgets(const char *storage, const char *recompute,
                          const struct course *plain)
{
    size_t least = arena_of((const char *[]){ "checkpoint=optimal", storage,
                                              recompute, NULL });
    size_t most = arena_of((const char *[]){ storage, recompute, NULL });
    bool ended = false;

    for (size_t i = 0; i < 4; i++) {
        char budget[64];
        struct course c;

        snprintf(budget, sizeof(budget), "memory_budget=%zu",
                 least + (most - least) * i / 4);
        c = course_of(open_run((const char *[]){
            "checkpoint=optimal", budget, storage, recompute, NULL }));
        expect_same(c, plain, budget);
        cr_expect(i > 0 || c.recomputes, "%s", budget);
        ended |= !c.recomputes;
    }
    cr_expect_gt(most, least);
    cr_expect_not(ended, "the budgets are no budgets");
}

/* Whatever is run again, and whatever is applied again while it is loaded. */
Test(text_runs, twenty_checkpointed_steps_give_the_same_bits)
{
    static const char *const recomputed[] = { "recompute=none",
                                              "recompute=norms" };
    static const char *const strategies[] = { "checkpoint=block",
                                              "checkpoint=sqrt",
                                              "checkpoint=recursive" };
    static const char *const storages[] = { "precision=fp32",
                                            "precision=bf16" };

    for (int k = 0; k < 2; k++) {
        struct course plain = course_of(open_run((const char *[]){
            storages[k], recomputed[0], NULL }));

        cr_expect_not(plain.recomputes);
        for (int r = 0; r < 2; r++) {
            expect_same(course_of(open_run((const char *[]){
                            storages[k], recomputed[r], NULL })), &plain,
                        recomputed[r]);
            for (int i = 0; i < 3; i++) {
                struct course c = course_of(open_run((const char *[]){
                    storages[k], recomputed[r], strategies[i], NULL }));

                cr_expect(c.recomputes, "%s", strategies[i]);
                expect_same(c, &plain, strategies[i]);
            }
            check_budgets(storages[k], recomputed[r], &plain);
        }
    }
}

/* The state of a value, as floats; the caller frees. */
static float *floats_of(const struct trainer *t, int instance, size_t *n)
{
    struct engine view = engine_behind(t);
    float *x;

    *n = engine_elements(&view, instance);
    x = xcalloc(*n, sizeof(*x));
    executor_read_floats(t->executor, instance, x);
    return x;
}

/* The difference of two tensors, relative to the norm of the first. */
static double tensors_apart(const float *a, const float *b, size_t n)
{
    double norm = 0, apart = 0;

    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];

        norm += (double)a[i] * (double)a[i];
        apart += d * d;
    }
    return norm > 0 ? sqrt(apart / norm) : sqrt(apart);
}

/* The biases of keys change no softmax: their gradients are rounding alone, and
 * Adam makes steps of that. */
static bool compares(const struct schedule *s, int instance, enum kind kind)
{
    char name[80];

    graph_value_name(s->graph, s->instances[instance], name, sizeof(name));
    return schedule_value(s, instance)->kind == kind && !strstr(name, ".k.b");
}

/* The most by which tensors of a kind differ between runs of one plan's values.
 */
static double runs_apart(const struct trainer *a, const struct trainer *b,
                         enum kind kind)
{
    const struct schedule *s = a->job->schedule;
    struct engine view = engine_behind(b);
    double most = 0;
    int count = 0;

    for (int i = 0; i < s->instance_count; i++) {
        char name[80];
        size_t n, m;
        float *x, *y;

        if (!compares(s, i, kind))
            continue;
        graph_value_name(s->graph, s->instances[i], name, sizeof(name));
        x = floats_of(a, i, &n);
        y = floats_of(b, engine_instance(&view, name), &m);
        cr_assert_eq(n, m, "%s", name);
        most = fmax(most, tensors_apart(x, y, n));
        count++;
        free(x);
        free(y);
    }
    cr_expect_gt(count, 100);
    return most;
}

/* Adam's moments are the gradients after the first step, times a constant. */
static void check_gradients(const char *const batch[])
{
    struct trainer *whole = open_run((const char *[]){ batch[0], NULL });

    trainer_step(whole);
    for (int i = 1; batch[i]; i++) {
        struct trainer *cut = open_run((const char *[]){ batch[0], batch[i],
                                                         NULL });
        double apart;

        cr_expect_lt(cut->job->plan->peak_bytes, whole->job->plan->peak_bytes);
        trainer_step(cut);
        apart = runs_apart(whole, cut, KIND_OPTIMIZER);
        cr_expect(apart < 2e-6, "%s, %s: %g apart", batch[0], batch[i], apart);
        trainer_free(cut);
    }
    trainer_free(whole);
}

/* With dropout, on pairs of real lengths. */
Test(text_runs, gradients_do_not_depend_on_the_microbatch)
{
    check_gradients((const char *[]){ "batch=120", "microbatch=60",
                                      "microbatch=25", "microbatch=17",
                                      NULL });
    if (!SANITIZED)
        check_gradients((const char *[]){ "batch=4000", "microbatch=1000",
                                          "microbatch=250", NULL });
}

/* Adds up as many like gradients as there are pairs. To the nearest of 16 bits
 * the sum would stop at 256 of them. */
Test(text_runs, sums_of_many_parts_in_16_bits_go_on)
{
    struct text_folder f = text_folder_make();
    static const char *const names[] = { "train.de", "train.en", "valid.de",
                                         "valid.en" };
    static const char *const precisions[] = { "precision=bf16",
                                              "precision=fp16" };
    char text[4 * 600 + 1] = "", path[128];

    for (int i = 0; i < 600; i++)
        memcpy(text + 4 * i, "a b\n", 5);
    for (int i = 0; i < 4; i++)
        text_folder_put(&f, names[i], text);
    snprintf(path, sizeof(path), "data_path=%s", f.path);
    for (int k = 0; k < 2; k++)
        for (int sparse = 0; sparse < 2; sparse++) {
            struct trainer *t[2];
            double apart;

            for (int i = 0; i < 2; i++) {
                t[i] = open_run((const char *[]){
                    "data=parallel", path, "source_vocabulary=6",
                    "target_vocabulary=6", "longest=3", "sentence=3",
                    "batch=1800", "epoch_samples=0", "dropout=0",
                    precisions[k], sparse ? "sparsity=0.5" : "sparsity=0",
                    i ? "microbatch=3" : "microbatch=0", NULL });
                trainer_step(t[i]);
            }
            cr_expect_eq(t[1]->job->schedule->cut.parts, 600);
            apart = runs_apart(t[0], t[1], KIND_OPTIMIZER);
            cr_expect(apart < 0.15, "%s: %g apart", precisions[k], apart);
            trainer_free(t[0]);
            trainer_free(t[1]);
        }
    text_folder_remove(&f);
}

Test(text_runs, twenty_steps_differ_by_rounding_between_microbatches)
{
    static const char *const cuts[] = { "microbatch=60", "microbatch=17" };
    struct trainer *whole = open_run(NULL), *cut[2];
    double apart;

    for (int k = 0; k < 2; k++)
        cut[k] = open_run((const char *[]){ cuts[k], NULL });
    for (int i = 0; i < STEPS; i++) {
        double loss = trainer_step(whole).loss;

        for (int k = 0; k < 2; k++) {
            double other = trainer_step(cut[k]).loss;

            cr_expect(fabs(other - loss) < 1e-5 * loss,
                      "%s, step %d: loss %.9g, not %.9g", cuts[k], i, other,
                      loss);
        }
    }
    for (int k = 0; k < 2; k++) {
        apart = runs_apart(whole, cut[k], KIND_WEIGHTS);
        cr_expect(apart < 1e-3, "%s: weights %g apart", cuts[k], apart);
        trainer_free(cut[k]);
    }
    trainer_free(whole);
}

/* Pages of the arena that a run leaves as they were. State is written first. */
static size_t untouched_pages(struct trainer *t,
                              void (*work)(struct trainer *))
{
    static const unsigned char filling = 0xA5;
    const unsigned char *arena = (unsigned char *)t->executor->arena;
    size_t bytes = t->job->plan->arena_bytes, count = 0;

    memset(t->executor->arena, filling, bytes);
    initial_state(t->executor, 1);
    work(t);
    for (size_t at = 0; at < bytes; at += PAGE) {
        size_t end = at + PAGE < bytes ? at + PAGE : bytes, i = at;

        while (i < end && arena[i] == filling)
            i++;
        count += i == end;
    }
    return count;
}

static void train_and_evaluate(struct trainer *t)
{
    struct reading reading = dataset_read(t->data, &t->job->settings,
                                          SPLIT_VALID, 0);
    struct loader loader = dataset_loader(t->data, &reading);
    double metrics[METRIC_COUNT];
    struct batch batch = { .whole = reading.whole,
                           .terms = reading.whole.of[EXTENT_TARGET],
                           .loader = &loader, .report = metrics };

    cr_expect(isfinite(trainer_step(t).loss));
    executor_run(t->executor, PROGRAM_EVAL, &batch);
    cr_expect(isfinite(metrics[METRIC_LOSS]));
}

/* Pairs of equal lengths, `words` words and an end mark. Words 0 to 25 are the
 * letters of the alphabet, so there are 30 tokens. */
static void put_even_text(const struct text_folder *f, const char *name,
                          int words, int pairs)
{
    size_t line = 2 * (size_t)words;
    char *text = xcalloc((size_t)pairs * line + 1, 1);

    for (int i = 0; i < pairs * words; i++) {
        text[2 * i] = (char)('a' + i % 26);
        text[2 * i + 1] = (i + 1) % words ? ' ' : '\n';
    }
    text_folder_put(f, name, text);
    free(text);
}

static struct text_folder make_even(int words, int pairs)
{
    static const char *const names[] = { "train.de", "train.en", "valid.de",
                                         "valid.en" };
    struct text_folder f = text_folder_make();

    for (int i = 0; i < 4; i++)
        put_even_text(&f, names[i], words, pairs);
    return f;
}

/* Parts of exactly as many source and target tokens as a microbatch: of long
 * sentences, and of so short ones that a part has as many as it can. The net is
 * so wide that tiles, whose size is fixed, are not the most of the arena. */
Test(text_runs, full_parts_touch_every_page)
{
    static const char *const precisions[] = { "precision=fp32",
                                              "precision=bf16" };
    static const char *const cuts[] = { "microbatch=0", "microbatch=320" };
    static const struct { int words; const char *sentence; } texts[] = {
        { 1, "sentence=2" }, { 19, "sentence=20" }
    };

    for (int i = 0; i < 8; i++) {
        int tokens = texts[i / 4].words + 1, part = i % 2 ? 320 : 640;
        struct text_folder f = make_even(texts[i / 4].words, 1280 / tokens);
        char path[128];
        struct trainer *t;

        snprintf(path, sizeof(path), "data_path=%s", f.path);
        t = open_run((const char *[]){
            "data=parallel", path, "source_vocabulary=30",
            "target_vocabulary=30", "longest=20", texts[i / 4].sentence,
            "batch=640", "epoch_samples=0", "valid_samples=0", "features=64",
            "hidden=96", precisions[i / 2 % 2], cuts[i % 2], NULL });
        cr_expect_eq(t->job->plan->most[PROGRAM_TRAIN].of[EXTENT_TARGET],
                     part);
        cr_expect_eq(untouched_pages(t, train_and_evaluate), 0,
                     "%d: %zu pages untouched", i,
                     untouched_pages(t, train_and_evaluate));
        cr_expect_eq(trainer_memory(t).memory.touched,
                     t->job->plan->arena_bytes);
        trainer_free(t);
        text_folder_remove(&f);
    }
}

static void count_translation(void *arg, int place, const int32_t *tokens,
                              int count)
{
    (void)place;
    (void)tokens;
    (void)count;
    ++*(int *)arg;
}

/* Sentences of the most tokens, as many as are translated at once. */
static void translate_longest(struct trainer *t)
{
    const struct plan *plan = t->job->plan;
    int tokens = translator_source(plan), taken = 0;
    int count = plan->most[PROGRAM_TRANSLATE].of[EXTENT_SAMPLES];
    int32_t *token = xcalloc((size_t)tokens, sizeof(*token));
    struct source *sources = xcalloc((size_t)count, sizeof(*sources));

    for (int i = 0; i < tokens; i++)
        token[i] = i + 1 < tokens ? TOKEN_SPECIALS + i % 8
                                  : TOKEN_END;
    for (int i = 0; i < count; i++)
        sources[i] = (struct source){ token, tokens };
    translator_run(t->executor, sources, count,
                   (struct translation_sink){ count_translation, &taken });
    cr_expect_eq(taken, count);
    free(token);
    free(sources);
}

static void train_and_translate(struct trainer *t)
{
    train_and_evaluate(t);
    translate_longest(t);
}

/* One sentence with more hypotheses than training has tokens. */
Test(text_runs, translating_touches_all_that_is_planned_for_it)
{
    struct trainer *t = open_run((const char *[]){
        "bleu_every=1", "beam=32", "batch=12", "epoch_samples=48",
        "encoder_layers=1", "decoder_kernels=31", NULL });
    const struct plan *plan = t->job->plan;
    size_t trained;

    cr_expect_eq(plan->schedule->steps[plan->peak_step].phase,
                 PHASE_TRANSLATE);
    cr_expect_eq(plan->most[PROGRAM_TRANSLATE].of[EXTENT_SAMPLES], 1);
    trained = untouched_pages(t, train_and_evaluate);
    cr_expect_gt(trained, 0);
    cr_expect_eq(untouched_pages(t, train_and_translate), 0,
                 "%zu pages untouched, %zu without translating",
                 untouched_pages(t, train_and_translate), trained);
    trainer_free(t);
}

/* What a run says of its memory and its scores. */
struct recorded {
    int memories, bleus, errors;
    uint64_t planned, arena, touched; /* the most */
    volatile sig_atomic_t stop;
};

static void record_event(void *arg, const struct event *e)
{
    struct recorded *r = arg;

    r->errors += e->type == EVENT_ERROR;
    r->bleus += e->type == EVENT_EPOCH && isfinite(e->epoch.bleu);
    if (e->type != EVENT_MEMORY)
        return;
    r->memories++;
    r->planned = e->memory.planned;
    r->arena = e->memory.arena;
    if (e->memory.touched > r->touched)
        r->touched = e->memory.touched;
}

static struct recorded run_all(struct trainer *t)
{
    struct recorded r = { 0 };
    struct error e;

    cr_expect(training_run(t, "test", (struct event_sink){ record_event, &r },
                           &r.stop, NULL, NULL, &e), "%s", e.text);
    cr_expect_eq(r.errors, 0);
    return r;
}

/* Where training has the peak, translating stays within it. */
Test(text_runs, translates_in_the_planned_arena)
{
    static const char *const batches[] = { "batch=12", "batch=240" };

    for (int i = 0; i < 2; i++) {
        struct trainer *t = open_run((const char *[]){
            batches[i], "bleu_every=1", i ? "beam=2" : "beam=32",
            "encoder_layers=1", "decoder_kernels=31", "epoch_samples=240",
            "epochs=2", NULL });
        const struct plan *plan = t->job->plan;
        bool translating = plan->schedule->steps[plan->peak_step].phase ==
                           PHASE_TRANSLATE;
        struct recorded r = run_all(t);

        cr_expect_eq(translating, i == 0);
        cr_expect_eq(r.bleus, 2);
        cr_expect_geq(r.memories, 3, "%d", r.memories);
        cr_expect_eq(r.planned, plan->peak_bytes);
        cr_expect_eq(r.arena, plan->arena_bytes);
        cr_expect_geq(r.arena, r.planned);
        cr_expect_leq(r.touched, r.arena);
        cr_expect_gt(r.touched, r.arena * 9 / 10);
        trainer_free(t);
    }
}

/* A run on the emulated device, which is slow. */
static struct trainer *open_device_run(const char *const more[])
{
    const char *all[20] = { "backend=cuda", "batch=60", "epoch_samples=180",
                            "encoder_layers=1", "decoder_layers=1" };
    int n = 5;

    while (*more)
        all[n++] = *more++;
    return open_run(all);
}

/* Parts of text have other sizes at every step: to record them would cost more
 * than it saves. So a device that has no room for a graph trains, evaluates and
 * translates. */
Test(text_runs, a_device_never_instantiates_a_graph)
{
    struct text_folder f;
    struct trainer *t;
    char path[128];

    engine_emulate();
    f = make_even(5, 26);
    setenv("MEMDIAL_EMULATE_GRAPHS", "0", 1);
    snprintf(path, sizeof(path), "data_path=%s", f.path);
    t = open_device_run((const char *[]){
        "data=parallel", path, "source_vocabulary=30", "target_vocabulary=30",
        "longest=10", "sentence=6", "microbatch=30", "bleu_every=1", "beam=2",
        "epochs=2", "epoch_samples=0", NULL });
    cr_expect_eq(run_all(t).bleus, 2);
    trainer_free(t);
    text_folder_remove(&f);
}

static void change_run(struct trainer *t, const char *assignment)
{
    struct settings s = t->job->settings;
    struct error e;

    cr_assert(settings_assign(&s, "test", assignment, &e), "%s", e.text);
    cr_assert(trainer_change(t, &s, (struct event_sink){ record_event,
                                                         &(struct recorded){ 0 }
                             }, &e), "%s", e.text);
}

/* Each backend makes a run of its own while dials turn. Storage in 16 bits
 * comes last: it rounds at random, which makes more of any difference. */
Test(text_runs, dials_turn_on_a_device_as_on_the_cpu)
{
    static const struct { const char *change; double near; } turns[] = {
        { "microbatch=25", 1e-4 }, { "checkpoint=block", 1e-4 },
        { "recompute=norms", 1e-4 }, { "sparsity=0.5", 1e-4 },
        { "microbatch=0", 1e-4 }, { "precision=bf16", 0.02 }
    };
    struct trainer *device, *host;

    engine_emulate();
    device = open_device_run((const char *[]){ NULL });
    host = open_device_run((const char *[]){ "backend=cpu", NULL });
    for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
        double a, b;

        change_run(device, turns[i].change);
        change_run(host, turns[i].change);
        a = trainer_step(device).loss;
        b = trainer_step(host).loss;
        cr_expect(fabs(a - b) <= turns[i].near * b,
                  "%s: loss %.9g, on the CPU %.9g", turns[i].change, a, b);
    }
    trainer_free(device);
    trainer_free(host);
}

/* Translations of the first sentences of the validation set. */
enum { SENTENCES = 6, ROOM = 64 };

/* Keeps one in a row of its own. */
static void keep_row(void *arg, int place, const int32_t *tokens, int count)
{
    memcpy((int32_t *)arg + place * ROOM, tokens,
           (size_t)count * sizeof(*tokens));
}

static void translate_first(struct trainer *t, int32_t to[SENTENCES * ROOM])
{
    const struct sequences *set = dataset_sequences(t->data);
    struct source sources[SENTENCES];
    struct error e;

    cr_assert_leq(translator_steps(t->job->plan), ROOM);
    memset(to, 0, SENTENCES * ROOM * sizeof(*to));
    for (int i = 0; i < SENTENCES; i++)
        sources[i].tokens = sequences_source(set, SPLIT_VALID, i,
                                             &sources[i].count);
    translator_run(t->executor, sources, SENTENCES,
                   (struct translation_sink){ keep_row, to });
    cr_expect(executor_check(t->executor, &e), "%s", e.text);
}

/* A run on the device is saved and goes on in two others: on the device bit for
 * bit; and on the CPU, where it translates the same. */
Test(text_runs, a_device_goes_on_from_a_snapshot)
{
    static const char *const way[] = { "microbatch=30", "bleu_every=9",
                                       "beam=3", "sparsity=0.5", NULL };
    static const char *const on_cpu[] = { "microbatch=30", "bleu_every=9",
                                          "beam=3", "sparsity=0.5",
                                          "backend=cpu", NULL };
    char path[] = "/tmp/memdial-test-XXXXXX";
    int32_t translated[2][SENTENCES * ROOM];
    struct trainer *whole, *rest, *host;
    struct error e;

    engine_emulate();
    close(mkstemp(path));
    whole = open_device_run(way);
    rest = open_device_run(way);
    host = open_device_run(on_cpu);
    for (int i = 0; i < 2; i++)
        trainer_step(whole);
    cr_assert(snapshot_save(whole, path, &e), "%s", e.text);
    cr_assert(snapshot_load(rest, path, &e), "%s", e.text);
    cr_assert(snapshot_load(host, path, &e), "%s", e.text);
    translate_first(rest, translated[0]);
    translate_first(host, translated[1]);
    cr_expect_arr_eq(translated[0], translated[1], sizeof(translated[0]));
    for (int i = 0; i < 2; i++)
        cr_expect_eq(trainer_step(whole).loss, trainer_step(rest).loss);
    cr_expect_eq(hash_of(whole), hash_of(rest));
    trainer_free(whole);
    trainer_free(rest);
    trainer_free(host);
    unlink(path);
}
