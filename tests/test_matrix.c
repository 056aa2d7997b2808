/*
 * Every way of saving memory with every other. By default the test draws a
 * sample of combinations in which each value of a setting meets each value of
 * each other. With MEMDIAL_MATRIX=all in the environment, as `make
 * check-matrix` sets it, it tries all; with MEMDIAL_MATRIX="sparsity=0.9
 * microbatch=7", those with these values.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/philox.h"
#include "models/model.h"
#include "tests/engine.h"
#include "tests/sanitized.h"

/* FEW combinations and steps are enough for the sanitizers. */
enum { MAX_VALUES = 5, STEPS = SANITIZED ? 2 : 4, FEW = 2 };

struct axis {
    const char *setting;
    const char *values[MAX_VALUES + 1];
};

/* Axes whose values must all give the same bits are last. */
static const struct axis axes[] = {
    { "precision", { "fp32", "bf16", "fp16" } },
    { "sparsity", { "0", "0.7", "0.9" } },
    { "microbatch", { "100", "10", "7", "1" } },
    { "gradients", { "buffer", "accumulate" } },
    { "optimizer_state", { "full", "8bit" } },
    { "saved", { "none", "8bit", "4bit" } },
    { "recompute", { "none", "norms" } },
    { "checkpoint", { "none", "block", "sqrt", "recursive", "optimal" } },
};

enum { AXES = sizeof(axes) / sizeof(*axes), PRECISION = 0,
       SAVED = AXES - 3, RECOMPUTE = AXES - 2, CHECKPOINT = AXES - 1,
       TEXT_SIZE = 192 };

/* The index of each axis' value. */
struct combination {
    int at[AXES];
};

static int values_of(int axis)
{
    int n = 0;

    while (axes[axis].values[n])
        n++;
    return n;
}

/* Odometer order; false after the last one. */
static bool next(struct combination *c)
{
    for (int i = AXES - 1; i >= 0; i--) {
        if (++c->at[i] < values_of(i))
            return true;
        c->at[i] = 0;
    }
    return false;
}

/* "precision=fp32 microbatch=7 ..." */
static void describe(const struct combination *c, char text[TEXT_SIZE])
{
    int n = 0;

    for (int i = 0; i < AXES; i++)
        n += snprintf(text + n, TEXT_SIZE - (size_t)n, "%s%s=%s",
                      n ? " " : "", axes[i].setting,
                      axes[i].values[c->at[i]]);
}

/* Bytes that the CPU backend was asked to allocate. */
static size_t allocated;

static void *counted_alloc(struct device *device, size_t bytes,
                           char why[WHY_SIZE])
{
    allocated += bytes;
    return cpu_backend.alloc(device, bytes, why);
}

static struct settings settings_at(const struct combination *c)
{
    static const char *const fixed[] = { "depth=10", "width=1", "batch=100",
                                         "threads=2", "lr=0.02",
                                         "nesterov=no" };
    struct settings s;
    struct error e;

    settings_init(&s);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
        cr_assert(settings_assign(&s, "test", fixed[i], &e), "%s", e.text);
    for (int i = 0; i < AXES; i++)
        cr_assert(settings_set(&s, "test", axes[i].setting,
                               axes[i].values[c->at[i]], &e), "%s", e.text);
    return s;
}

/* Whether its values go together. */
static bool is_possible(const struct combination *c)
{
    struct settings s = settings_at(c);

    return model_check(&s, "test", NULL);
}

static struct engine open_combination(const struct combination *c)
{
    static struct backend counted;
    struct settings s = settings_at(c);
    struct job *job;
    struct error e;

    cr_assert(model_check(&s, "test", &e), "%s", e.text);
    cr_assert(job_new(&job, &s, &e), "%s", e.text);
    counted = cpu_backend;
    counted.alloc = counted_alloc;
    job->backend = job->plan->backend = &counted;
    allocated = 0;
    return engine_of(job);
}

/* The outcome of the combination without recomputation. In 16 bits, where it
 * matters whether a result was rounded for storage, and where activations are
 * stored in fewer bits, only checkpoints are turned off. The last outcome is
 * remembered. */
static struct outcome plain_outcome(struct combination c)
{
    static struct combination last = { { -1 } };
    static struct outcome outcome;

    c.at[CHECKPOINT] = 0;
    if (strcmp(axes[PRECISION].values[c.at[PRECISION]], "fp32") == 0 &&
        c.at[SAVED] == 0)
        c.at[RECOMPUTE] = 0;
    if (memcmp(&c, &last, sizeof(c)) != 0) {
        struct engine engine = open_combination(&c);
        outcome = engine_outcome(&engine, STEPS);
        engine_close(&engine);
        last = c;
    }
    return outcome;
}

/* The arena has the planned bytes, which are those allocated. Every byte of
 * every value is used; of the scratch, all but lanes that kernels leave empty.
 */
static void check_bytes(struct engine *engine, const char *name)
{
    const struct plan *plan = engine->job->plan;
    size_t arena = plan->arena_bytes, peak = plan->peak_bytes, scratch = 0;
    struct untouched untouched;
    char why[256];

    cr_expect(plan_check(plan, why, sizeof(why)), "%s: %s", name, why);
    cr_expect_eq(allocated, arena, "%s: %zu bytes allocated, not %zu", name,
                 allocated, arena);
    cr_expect(peak <= arena && (double)arena <= 1.01 * (double)peak,
              "%s: arena %zu, peak %zu", name, arena, peak);
    engine_outcome(engine, 1);
    cr_expect_eq(executor_memory(engine->executor).touched, arena,
                 "%s: pages untouched", name);
    for (int t = 0; t < plan->schedule->step_count; t++)
        if (plan->scratch_bytes[t] > scratch)
            scratch = plan->scratch_bytes[t];
    untouched = engine_untouched(engine);
    cr_expect_eq(untouched.values, 0, "%s: %zu bytes of values untouched",
                 name, untouched.values);
    cr_expect_geq(arena - untouched.all + scratch / 8, peak,
                  "%s: %zu of %zu bytes untouched, peak %zu", name,
                  untouched.all, arena, peak);
}

/* The loss goes down. Its bits do not depend on the contents of dead bytes, nor
 * on the choice of recomputed results. */
static void check_training(struct engine *engine,
                           const struct combination *c, const char *name)
{
    struct outcome plain = plain_outcome(*c), filled;

    engine_fill(engine, 0xFF);
    engine->executor->observer =
        (struct observer){ .after = engine_fill_dead, .arg = engine };
    filled = engine_outcome(engine, STEPS);
    cr_expect(outcome_same(&filled, &plain), "%s: another outcome", name);
    cr_expect(isfinite(filled.eval[METRIC_LOSS]), "%s", name);
    cr_expect_lt(filled.last[METRIC_LOSS], filled.first[METRIC_LOSS],
                 "%s: loss %g, then %g", name, filled.first[METRIC_LOSS],
                 filled.last[METRIC_LOSS]);
}

static void check(const struct combination *c)
{
    struct engine engine = open_combination(c);
    char name[TEXT_SIZE];

    describe(c, name);
    check_bytes(&engine, name);
    check_training(&engine, c, name);
    engine_close(&engine);
}

/* Whether a combination has a value, "setting=value"; true for "all". */
static bool has(const struct combination *c, const char *value)
{
    char own[TEXT_SIZE];

    for (int i = 0; i < AXES; i++) {
        snprintf(own, sizeof(own), "%s=%s", axes[i].setting,
                 axes[i].values[c->at[i]]);
        if (strcmp(own, value) == 0)
            return true;
    }
    return strcmp(value, "all") == 0;
}

static bool has_all(const struct combination *c, const char *values)
{
    char text[TEXT_SIZE], *rest = NULL;
    bool all = true;

    snprintf(text, sizeof(text), "%s", values);
    for (char *v = strtok_r(text, " ", &rest); v;
         v = strtok_r(NULL, " ", &rest))
        all = all && has(c, v);
    return all;
}

static void check_all(const char *values)
{
    struct combination c = { { 0 } };
    int done = 0;

    do {
        char name[TEXT_SIZE];
        describe(&c, name);
        if (!has_all(&c, values) || !is_possible(&c))
            continue;
        fprintf(stderr, "%d: %s\n", ++done, name);
        check(&c);
    } while (next(&c));
    cr_expect_gt(done, 0, "no combination has %s", values);
}

/* The pairs of values that have met. */
struct cover {
    bool met[AXES][MAX_VALUES][AXES][MAX_VALUES];
};

/* Returns the number of pairs that meet first in a combination, and notes
 * them. */
static int meet(struct cover *cover, const struct combination *c)
{
    int count = 0;

    for (int i = 0; i < AXES; i++)
        for (int k = i + 1; k < AXES; k++) {
            bool *met = &cover->met[i][c->at[i]][k][c->at[k]];
            count += !*met;
            *met = true;
        }
    return count;
}

static struct combination draw(uint64_t number)
{
    struct combination c;

    for (int i = 0; i < AXES; i++)
        c.at[i] = (int)(philox(1, number, PHILOX_DRAW, (uint32_t)i).x[0] %
                        (uint32_t)values_of(i));
    return c;
}

/* The drawn combination in which the most pairs meet first. */
static struct combination draw_best(const struct cover *cover, int *drawn)
{
    enum { CANDIDATES = 200 };
    struct combination best = { { 0 } };
    int most = -1;

    for (int i = 0; i < CANDIDATES; i++) {
        struct cover after = *cover;
        struct combination c = draw((uint64_t)(*drawn)++);
        int count = is_possible(&c) ? meet(&after, &c) : -1;
        if (count > most) {
            most = count;
            best = c;
        }
    }
    return best;
}

/* The pairs of two axes' values that go together. */
static int pairs_of(int axis, int other)
{
    int count = 0;

    for (int a = 0; a < values_of(axis); a++)
        for (int b = 0; b < values_of(other); b++) {
            struct combination c = { { 0 } };
            c.at[axis] = a;
            c.at[other] = b;
            count += is_possible(&c);
        }
    return count;
}

/* Tries combinations until all pairs have met, at most `most`. */
static void check_pairs(int most)
{
    struct cover cover = { 0 };
    int left = 0, drawn = 0;

    for (int i = 0; i < AXES; i++)
        for (int k = i + 1; k < AXES; k++)
            left += pairs_of(i, k);
    while (left > 0 && most-- > 0) {
        struct combination c = draw_best(&cover, &drawn);
        left -= meet(&cover, &c);
        check(&c);
    }
}

Test(matrix, holds)
{
    const char *which = getenv("MEMDIAL_MATRIX");

    if (which && *which)
        check_all(which);
    else
        check_pairs(SANITIZED ? FEW : INT_MAX);
}

/* No way of saving memory was forgotten. */
Test(matrix, has_every_way)
{
    for (int i = 0; i < settings_count; i++) {
        bool found = !settings_table[i].saves;
        for (int k = 0; k < AXES; k++)
            found = found ||
                    strcmp(axes[k].setting, settings_table[i].name) == 0;
        cr_expect(found, "%s", settings_table[i].name);
    }
}
