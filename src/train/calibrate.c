/*
 * Variants of the settings differ in a batch as it is, a tenth of it, a few
 * samples and one, in the type of elements, in sparsity and recomputation, and
 * in the bits of activations and states. All but the first recompute blocks:
 * then operations run as in a first pass and as they run again. Variants of a
 * tenth of the batch come first, for they take the least time for what they
 * tell. One that is predicted to take longer than there is time for is left
 * out.
 */
#include "train/calibrate.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "data/dataset.h"
#include "data/sequences.h"
#include "plan/job.h"
#include "settings/facts.h"
#include "train/initial.h"
#include "train/stopwatch.h"

/* Optimizer steps that are measured, at least and at most, and seconds after
 * which they are enough; beside them a first one that only warms up. */
enum { LAPS_LEAST = 3, LAPS_MOST = 9 };
static const double laps_seconds = 0.2;

/* A call of fewer seconds shows what a step takes beside its calls. */
static const double brief_call = 50e-6;

/* How late a variant comes is the sum of its dials', and more for a whole batch
 * that takes long. */
struct rung {
    double order;
    double value;
};

/* A variant of the whole batch that takes a larger share of the time than this
 * comes later, by 1 for each doubling. */
static const double cheap = 0.03;

enum { BATCHES = 4, TYPES = 3, SPARSITIES = 3, WAYS = 2,
       VARIANTS = 2 * BATCHES * TYPES * SPARSITIES * WAYS };

static const struct rung batches[BATCHES] = { { 3, 1 }, { 0, 0.1 },
                                              { 2, 0.03 }, { 3, 0 } };
static const struct rung types[TYPES] = { { 0, PRECISION_FP32 },
                                          { 2, PRECISION_BF16 },
                                          { 2, PRECISION_FP16 } };
static const struct rung sparsities[SPARSITIES] = { { 0, 0 }, { 1, 0.7 },
                                                    { 1, 0.9 } };
static const struct rung ways[WAYS] = { { 0, RECOMPUTE_NONE },
                                        { 1, RECOMPUTE_NORMS } };

struct variant {
    double order;
    struct settings settings;
};

/* A batch that is made up, in one part. */
struct made_up {
    const struct settings *settings;
    struct facts facts;
    struct extents whole;
};

static bool next_made_up(void *arg, struct part *part)
{
    const struct made_up *m = arg;

    if (part->count.of[EXTENT_SAMPLES])
        return false;
    part->count = m->whole;
    return true;
}

/* The first of a sample's rows among `rows` rows of all samples. */
static int first_row(int sample, int samples, int rows)
{
    return (int)((int64_t)sample * rows / samples);
}

/* A number below `most`, drawn for a place. */
static int draw(int stream, int place, int most)
{
    uint32_t word = (uint32_t)place * 2654435761u + (uint32_t)stream * 40503u;

    word ^= word >> 15;
    word *= 2246822519u;
    return (int)((word ^ word >> 13) % (uint32_t)most);
}

static void fill_tokens(const struct stream *stream, int which, int from,
                        int to, int first, int most)
{
    for (int i = from; i < to; i++)
        ((int32_t *)stream->data)[i - first] = draw(which, i, most);
}

/* Streams of sequences.h: sentences of about the same length. */
static void fill_sentence(const struct made_up *m, int i,
                          const struct stream stream[])
{
    const struct text_facts *text = &m->facts.text;
    int n = m->whole.of[EXTENT_SAMPLES];

    for (int k = SEQUENCES_SOURCE; k <= SEQUENCES_TARGET_ENDS; k++) {
        bool source = k <= SEQUENCES_SOURCE_ENDS;
        int rows = m->whole.of[source ? EXTENT_SOURCE : EXTENT_TARGET];
        int32_t *ends = stream[k].data;
        if (k == SEQUENCES_SOURCE_ENDS || k == SEQUENCES_TARGET_ENDS)
            ends[i - stream[k].sample] = first_row(i + 1, n, rows);
        else
            fill_tokens(&stream[k], k, first_row(i, n, rows),
                        first_row(i + 1, n, rows),
                        first_row(stream[k].sample, n, rows),
                        source ? text->source_vocabulary
                               : text->target_vocabulary);
    }
}

/* Streams of images: pixels and a label. */
static void fill_image(const struct made_up *m, int i,
                       const struct stream stream[])
{
    const struct image_facts *image = &m->facts.image;
    int elements = image->height * image->width * image->channels;
    float *pixels = (float *)stream[0].data +
                    (size_t)(i - stream[0].sample) * (size_t)elements;

    for (int k = 0; k < elements; k++)
        pixels[k] = (float)draw(i, k, 2001) / 1000 - 1;
    ((int32_t *)stream[1].data)[i - stream[1].sample] =
        draw(elements, i, image->classes);
}

static void fill_made_up(void *arg, const struct part *part, int begin,
                         int end, const struct stream stream[])
{
    const struct made_up *m = arg;

    (void)part;
    for (int i = begin; i < end; i++)
        (m->facts.packed ? fill_sentence : fill_image)(m, i, stream);
}

/* One optimizer step at a learning rate of 0; returns its seconds. */
static double run_made_up(struct executor *ex, const struct made_up *m,
                          int step)
{
    double report[METRIC_COUNT] = { 0 }, began = clock_seconds();
    struct loader loader = { next_made_up, fill_made_up, (void *)m, true,
                             false };
    struct batch batch = {
        .seed = m->settings->seed,
        .step = step,
        .whole = m->whole,
        .terms = m->whole.of[dataset_family(m->settings->data)->terms],
        .loader = &loader,
        .report = report,
    };

    executor_run(ex, PROGRAM_TRAIN, &batch);
    return clock_seconds() - began;
}

/* What a step of a device that has its own clock takes beside its calls: the
 * fastest of a few that are not observed. */
static double beside_calls(struct executor *ex, const struct made_up *m,
                           const struct stopwatch_sum *sum, int laps)
{
    double least = run_made_up(ex, m, laps);

    for (int i = 1; i < LAPS_LEAST + 2; i++)
        least = fmin(least, run_made_up(ex, m, laps + i));
    return least * laps - sum->typical;
}

static void measure_calls(struct timings *t, struct executor *ex,
                    const struct made_up *m)
{
    double began, passed = 0;
    struct stopwatch_sum sum;
    struct stopwatch *w;
    int laps;

    run_made_up(ex, m, 0);
    w = stopwatch_new(ex);
    began = clock_seconds();
    for (laps = 0; laps < LAPS_LEAST ||
                   (laps < LAPS_MOST && passed < laps_seconds); laps++) {
        run_made_up(ex, m, laps + 1);
        passed = clock_seconds() - began;
    }
    sum = stopwatch_sum(w);
    stopwatch_note(w, t, false);
    stopwatch_free(w);
    if (sum.typical > sum.calls * brief_call)
        return;
    timings_add_overhead(t, (ex->plan->backend->seconds
                                 ? beside_calls(ex, m, &sum, laps)
                                 : passed - sum.all) / sum.calls);
}

static bool run_job(struct timings *t, const struct job *job, struct error *e)
{
    struct made_up m = { &job->settings, facts_of(&job->settings),
                         job->schedule->cut.mean };
    struct device *device;
    struct executor *ex;
    bool ok;

    if (!job_open_device(job, &device, e))
        return false;
    ok = executor_new(&ex, job->plan, device, e);
    if (ok) {
        initial_state(ex, job->settings.seed);
        measure_calls(t, ex, &m);
        ok = executor_check(ex, e);
        executor_free(ex);
    }
    job->backend->close(device);
    return ok;
}

/* Runs a variant, unless it is predicted to take more than `left` seconds.
 * False if it cannot be run. */
static bool run_variant(struct timings *t, const struct variant *v,
                        const struct machine *machine, double left,
                        struct error *e)
{
    struct job *job;
    bool ok = true;

    if (!job_new_on(&job, &v->settings, machine, e))
        return false;
    if (!((LAPS_LEAST + 1) * timings_step_seconds(t, job->plan) > left))
        ok = run_job(t, job, e);
    job_free(job);
    return ok;
}

/* The batch is one part. Of text, none is smaller than a sentence may be. */
static int scaled_batch(const struct settings *s, double factor)
{
    int least = facts_of(s).text.longest;
    int batch = (int)(factor * s->batch + 0.5);

    least = least > 1 ? least : 1;
    return batch > least ? batch : least;
}

static void add_variant(struct variant *v, const struct settings *s, int b,
                        int p, int z, int w)
{
    v->order = batches[b].order + types[p].order +
                  sparsities[z].order + ways[w].order;
    v->settings = *s;
    v->settings.batch = scaled_batch(s, batches[b].value);
    v->settings.microbatch = 0;
    v->settings.keep_images = false;
    v->settings.precision = (int)types[p].value;
    v->settings.sparsity = sparsities[z].value;
    v->settings.recompute = (int)ways[w].value;
    v->settings.checkpoint = CHECKPOINT_BLOCK;
}

/* Makes a variant one in which activations that are kept and the state of the
 * optimizer have 8 bits. It comes later. */
static struct variant in_few_bits(struct variant v)
{
    v.order += 3;
    v.settings.saved = SAVED_8BIT;
    v.settings.optimizer_state = OPTIMIZER_STATE_8BIT;
    return v;
}

static int in_order(const void *a, const void *b)
{
    const struct variant *x = a, *y = b;

    return x->order != y->order ? (x->order > y->order) - (x->order < y->order)
                                : x->settings.batch - y->settings.batch;
}

/* `share`: the part of the time that training the settings themselves took. */
static struct variant *make_variants(const struct settings *s, double share)
{
    struct variant *list = xcalloc(VARIANTS, sizeof(*list));
    double late = fmax(0, log2(share / cheap));
    int n = 0;

    for (int b = 0; b < BATCHES; b++)
        for (int p = 0; p < TYPES; p++)
            for (int z = 0; z < SPARSITIES; z++)
                for (int w = 0; w < WAYS; w++) {
                    add_variant(&list[n], s, b, p, z, w);
                    list[n].order += batches[b].value == 1 ? late : 0;
                    list[n + 1] = in_few_bits(list[n]);
                    n += 2;
                }
    qsort(list, VARIANTS, sizeof(*list), in_order);
    return list;
}

static bool tell(const struct calibration *c, const struct timings *t,
                 int trainings)
{
    return !c->told || c->told(c->told_arg, trainings, timings_count(t));
}

bool calibrate(struct timings *t, const struct calibration *c,
               struct error *e)
{
    double began = clock_seconds(), end = began + c->seconds;
    struct variant own = { 0, *c->settings }, *list;

    /* Batches are made up, and there is no set to pick images from. */
    own.settings.keep_images = false;
    own.settings.microbatch = 0;
    own.settings.batch = scaled_batch(c->settings, c->settings->microbatch ?
                             (double)c->settings->microbatch /
                                 c->settings->batch : 1);
    if (!run_variant(t, &own, c->machine, 1e9, e))
        return false;
    list = make_variants(c->settings,
                         (clock_seconds() - began) / c->seconds);
    for (int i = 0, done = 1; i < VARIANTS && tell(c, t, done); i++)
        if (clock_seconds() < end)
            done += run_variant(t, &list[i], c->machine,
                                end - clock_seconds(), NULL);
    free(list);
    return true;
}
