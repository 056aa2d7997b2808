#include "tests/engine.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "data/image_source.h"
#include "kernels/philox.h"
#include "models/model.h"
#include "tests/loading.h"
#include "tests/settings_of.h"
#include "train/initial.h"

/* An evaluation's samples: not a multiple of the microbatches in tests. */
enum { EVAL_SAMPLES = 13 };

/* Noise whose mean depends on the label, so that there is something to
 * learn. */
static void made_up_sample(void *arg, int index, float *x, int32_t *label)
{
    (void)arg;
    *label = (int32_t)(philox(7, (uint64_t)index, PHILOX_DRAW, 0).x[0] % 10);
    for (int i = 0; i < 32 * 32 * 3; i++) {
        uint32_t word =
            philox(7, (uint64_t)index, PHILOX_DRAW, (uint32_t)i + 1).x[0];
        x[i] = 2 * philox_unit(word) - 1 +
               0.3f * (float)((i / 96 + *label) % 10 == 0);
    }
}

struct engine engine_open(const char *const assignments[])
{
    struct settings settings = settings_of(assignments);
    struct job *job;
    struct error e;

    cr_assert(model_check(&settings, "test", &e), "%s", e.text);
    cr_assert(job_new(&job, &settings, &e), "%s", e.text);
    return engine_of(job);
}

struct engine engine_of(struct job *job)
{
    struct engine engine = { .job = job, .sample = made_up_sample };
    struct error e;

    cr_assert(job_open_device(engine.job, &engine.device, &e), "%s", e.text);
    cr_assert(executor_new(&engine.executor, engine.job->plan, engine.device,
                           &e), "%s", e.text);
    initial_state(engine.executor, 1);
    return engine;
}

void engine_close(struct engine *engine)
{
    executor_free(engine->executor);
    engine->job->backend->close(engine->device);
    job_free(engine->job);
}

void engine_emulate(void)
{
    const char *path = getenv("MEMDIAL_CUDA_EMULATED");

    if (!path || !*path)
        cr_skip_test("no C++ compiler was found to build the kernels with");
    setenv("MEMDIAL_CUDA_MODULE", path, 1);
}

struct graph *wrn_28_2(void)
{
    static const char *const assignments[] = { "depth=28", "width=2", NULL };
    struct settings settings = settings_of(assignments);

    return model_build(&settings);
}

void engine_run(struct engine *engine, enum program program, int samples,
                double *metrics)
{
    const struct settings *s = &engine->job->settings;
    const struct extents *most = &engine->job->schedule->cut.most;
    struct loading loading = { engine->sample, engine, IMAGE_ELEMENTS, samples,
                               most->of[EXTENT_SAMPLES] };
    struct loader loader = loading_loader(&loading);
    struct batch batch = { .seed = s->seed,
                           .step = engine->step,
                           .whole = { { [EXTENT_SAMPLES] = samples } },
                           .terms = samples,
                           .learning_rate = (float)s->lr,
                           .rewire = true,
                           .loader = &loader,
                           .report = metrics };

    executor_run(engine->executor, program, &batch);
    engine->step += program == PROGRAM_TRAIN;
}

int engine_instance(const struct engine *engine, const char *name)
{
    const struct schedule *s = engine->job->schedule;

    for (int i = 0; i < s->instance_count; i++) {
        char full[80];
        graph_value_name(s->graph, s->instances[i], full, sizeof(full));
        if (strcmp(full, name) == 0)
            return i;
    }
    return -1;
}

float *engine_data(const struct engine *engine, int instance)
{
    return (float *)(void *)(engine->executor->arena +
                             engine->job->plan->instances[instance].offset);
}

size_t engine_elements(const struct engine *engine, int instance)
{
    const struct plan *plan = engine->job->plan;

    return plan->instances[instance].bytes
           / dtype_size(schedule_value(plan->schedule, instance)->dtype);
}

/* A copy of the arena, which the caller frees. */
static unsigned char *copy_arena(const struct engine *engine)
{
    size_t bytes = engine->job->plan->arena_bytes;
    unsigned char *copy = xcalloc(bytes, 1);

    engine->job->backend->read(engine->device, copy, engine->executor->arena,
                               bytes);
    return copy;
}

/* Fills bytes of the arena, from an offset on. */
static void fill_bytes(const struct engine *engine, size_t offset,
                       size_t bytes, int byte)
{
    unsigned char *filling = xcalloc(bytes + 1, 1);

    memset(filling, byte, bytes);
    engine->job->backend->write(engine->device,
                                engine->executor->arena + offset, filling,
                                bytes);
    free(filling);
}

/* Goes on with the hash of bytes of the arena, without an allocation. */
static uint64_t hash_bytes(const struct engine *engine, size_t offset,
                           size_t bytes, uint64_t hash)
{
    unsigned char piece[4096];

    for (size_t done = 0; done < bytes; done += sizeof(piece)) {
        size_t n = bytes - done < sizeof(piece) ? bytes - done : sizeof(piece);
        engine->job->backend->read(engine->device, piece,
                                   engine->executor->arena + offset + done, n);
        for (size_t k = 0; k < n; k++)
            hash = (hash ^ piece[k]) * 0x100000001B3u;
    }
    return hash;
}

uint64_t engine_state_hash(const struct engine *engine)
{
    const struct plan *plan = engine->job->plan;
    uint64_t hash = 0xCBF29CE484222325u;

    for (int i = 0; i < plan->schedule->instance_count; i++) {
        const struct plan_instance *p = &plan->instances[i];
        if (kind_persists(p->kind))
            hash = hash_bytes(engine, p->offset, p->bytes, hash);
    }
    return hash;
}

void engine_fill(struct engine *engine, int byte)
{
    fill_bytes(engine, 0, engine->job->plan->arena_bytes, byte);
    initial_state(engine->executor, 1);
    engine->step = 0;
}

/* Whether an instance is carried through a body and is dead after its last
 * repetition, which no step tells from the others. */
static bool is_carried(const struct plan *plan, const struct plan_instance *p)
{
    const struct schedule *s = plan->schedule;
    const struct program_steps *of;

    if (p->last < p->first)
        return false;
    of = &s->program[schedule_program(s, p->last)];
    return p->first < of->body && p->last == of->epilogue - 1;
}

void engine_fill_dead(void *arg, int step)
{
    struct engine *engine = arg;
    const struct plan *plan = engine->job->plan;

    for (int i = 0; i < plan->schedule->instance_count; i++) {
        const struct plan_instance *p = &plan->instances[i];
        if (p->last == step && p->taken_by < 0 && !kind_persists(p->kind) &&
            !is_carried(plan, p))
            fill_bytes(engine, p->offset, p->bytes, 0xFF);
    }
    fill_bytes(engine, plan->scratch_offset[step], plan->scratch_bytes[step],
               0xFF);
}

struct outcome engine_outcome(struct engine *engine, int steps)
{
    int batch = engine->job->settings.batch;
    struct outcome o;

    engine_run(engine, PROGRAM_TRAIN, batch, o.first);
    memcpy(o.last, o.first, sizeof(o.last));
    for (int i = 1; i < steps; i++)
        engine_run(engine, PROGRAM_TRAIN, batch, o.last);
    engine_run(engine, PROGRAM_EVAL, EVAL_SAMPLES, o.eval);
    o.state = engine_state_hash(engine);
    return o;
}

bool outcome_same(const struct outcome *a, const struct outcome *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* Runs a step and an evaluation, each also with a whole microbatch, in an arena
 * that is filled with a byte. */
static void run_in(struct engine *engine, int byte)
{
    double metrics[METRIC_COUNT];

    engine_fill(engine, byte);
    engine_outcome(engine, 1);
    engine_run(engine, PROGRAM_EVAL, engine->job->settings.batch, metrics);
}

static struct untouched count_untouched(const struct plan *plan,
                                        const bool *untouched)
{
    struct untouched count = { 0 };

    for (size_t i = 0; i < plan->arena_bytes; i++)
        count.all += untouched[i];
    for (int i = 0; i < plan->schedule->instance_count; i++) {
        const struct plan_instance *p = &plan->instances[i];
        for (size_t k = 0; p->first <= p->last && k < p->bytes; k++)
            count.values += untouched[p->offset + k];
    }
    return count;
}

/* Threads may write the filling byte to their scratch by chance, at other
 * places every time. So bytes that seem untouched are looked at twice more. */
struct untouched engine_untouched(struct engine *engine)
{
    static const unsigned char fillings[] = { 0xA5, 0x5A, 0xC3, 0x3C };
    const struct plan *plan = engine->job->plan;
    bool *untouched = xcalloc(plan->arena_bytes, sizeof(*untouched));
    struct untouched count = { 0 };

    memset(untouched, true, plan->arena_bytes);
    for (size_t k = 0; k < sizeof(fillings); k++) {
        unsigned char *arena;

        run_in(engine, fillings[k]);
        arena = copy_arena(engine);
        for (size_t i = 0; i < plan->arena_bytes; i++)
            untouched[i] &= arena[i] == fillings[k];
        free(arena);
        count = count_untouched(plan, untouched);
        if (k == 1 && count.values == 0)
            break;
    }
    free(untouched);
    return count;
}
