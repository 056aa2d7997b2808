#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "models/model.h"
#include "plan/fit.h"
#include "plan/timings_file.h"
#include "settings/facts.h"
#include "settings/idle.h"
#include "train/carry.h"
#include "train/course.h"
#include "train/initial.h"
#include "train/kept_images.h"
#include "train/translator.h"

/* A refusal does not wait for the best proposal. */
static const double savings_seconds = 2;

/* Adds to an error the settings that would fit into `available` bytes. */
static void suggest_savings(const struct job *job, size_t available,
                            struct error *e)
{
    size_t used = strlen(e->text);
    struct timings *timings;
    char text[128];
    bool fit;

    timings_load(&timings, job->backend, NULL);
    fit = job->plan->arena_bytes > available &&
          fit_savings(job, available, timings, savings_seconds, text,
                      sizeof(text));
    timings_free(timings);
    if (!fit)
        job_sizes(job, text, sizeof(text));
    snprintf(e->text + used, sizeof(e->text) - used,
             fit ? "; %s would fit" : "; lower %s", text);
}

static struct device_memory memory_on(const struct job *job,
                                      struct device *device)
{
    struct device_memory m = { .limit = "" };

    job->backend->memory(device, NULL, 0, &m);
    return m;
}

static bool allocate_arena(const struct job *job, struct device *device,
                           struct executor **executor, struct error *e)
{
    if (executor_new(executor, job->plan, device, e))
        return true;
    suggest_savings(job, memory_on(job, device).available, e);
    return false;
}

/* Opens the job's device and allocates its arena, or neither. */
static bool open_executor(const struct job *job, struct device **device,
                          struct executor **executor, struct error *e)
{
    if (!job_open_device(job, device, e))
        return false;
    if (allocate_arena(job, *device, executor, e))
        return true;
    job->backend->close(*device);
    *device = NULL;
    return false;
}

bool trainer_prepare(struct trainer **out, const struct settings *s,
                     struct error *e)
{
    struct trainer *t = xcalloc(1, sizeof(*t));

    t->average.fd = -1;
    if (!job_new(&t->job, s, e) || !dataset_open(&t->data, s, e) ||
        !dataset_batches(t->data, s, &t->steps_per_epoch, e) ||
        !job_open_device(t->job, &t->device, e)) {
        trainer_free(t);
        return false;
    }
    *out = t;
    return true;
}

/* Plans without images that should be kept: the host then makes the same
 * samples. */
static void leave_images(struct job **job)
{
    struct machine machine = (*job)->machine;
    struct job *without;

    machine.images_left = kept_images_bytes((*job)->graph);
    if (machine.images_left == 0 ||
        !job_new_on(&without, &(*job)->settings, &machine, NULL))
        return;
    job_free(*job);
    *job = without;
}

/* Allocates the arena of a plan with images, if it is within `available` bytes
 * (0: not known) and the device gives it in one piece. */
static bool allocate_images(struct trainer *t, size_t available)
{
    const struct job *job = t->job;

    return kept_images_bytes(job->graph) > 0 &&
           (available == 0 || job->plan->arena_bytes <= available) &&
           executor_new(&t->executor, job->plan, t->device, NULL);
}

static bool allocate_without(struct trainer *t, struct error *e)
{
    leave_images(&t->job);
    return allocate_arena(t->job, t->device, &t->executor, e);
}

bool trainer_allocate(struct trainer *t, struct error *e)
{
    if (!allocate_images(t, memory_on(t->job, t->device).available) &&
        !allocate_without(t, e))
        return false;
    initial_state(t->executor, t->job->settings.seed);
    kept_images_write(t->executor, t->data);
    return true;
}

bool trainer_fits(struct trainer *t, const struct trainer *instead,
                  struct error *e)
{
    struct device_memory m = memory_on(t->job, t->device);

    if (m.available == 0)
        return true;
    if (instead && instead->job->backend == t->job->backend)
        m.available += trainer_memory(instead).memory.touched;
    if (t->job->plan->arena_bytes > m.available)
        leave_images(&t->job);
    if (t->job->plan->arena_bytes <= m.available)
        return true;
    error_set(e, EXIT_RUN, "backend %s: cannot allocate %.1f MiB of memory: "
              "%.1f MiB are available%s", t->job->backend->name,
              mebibytes(t->job->plan->arena_bytes), mebibytes(m.available),
              m.limit);
    suggest_savings(t->job, m.available, e);
    return false;
}

bool trainer_new(struct trainer **out, const struct settings *s,
                 struct error *e)
{
    if (!trainer_prepare(out, s, e))
        return false;
    if (trainer_allocate(*out, e))
        return true;
    trainer_free(*out);
    return false;
}

void trainer_free(struct trainer *t)
{
    if (!t)
        return;
    average_forget(&t->average);
    stopwatch_free(t->watch);
    timings_free(t->seen);
    executor_free(t->executor);
    if (t->device)
        t->job->backend->close(t->device);
    dataset_close(t->data);
    job_free(t->job);
    free(t);
}

int64_t trainer_steps(const struct trainer *t)
{
    return t->job->settings.epochs * t->steps_per_epoch;
}

static struct tally tally_program(struct trainer *t, enum program program,
                                  enum split split)
{
    const struct settings *s = &t->job->settings;
    struct reading reading = dataset_read(t->data, s, split, t->step);
    struct loader loader = dataset_loader(t->data, &reading);
    double report[METRIC_COUNT] = { 0 };
    struct batch batch = {
        .seed = s->seed,
        .step = t->step,
        .whole = reading.whole,
        .terms = reading.whole.of[dataset_family(s->data)->terms],
        .learning_rate = (float)course_learning_rate(s, t->step,
                                                     trainer_steps(t)),
        .rewire = course_rewires(s, t->step, trainer_steps(t)),
        .loader = &loader,
        .report = report,
    };

    executor_run(t->executor, program, &batch);
    return (struct tally){ report[METRIC_LOSS], report[METRIC_HITS],
                           batch.terms, report[METRIC_SKIPPED] != 0,
                           report[METRIC_LOSS_SCALE] };
}

struct tally trainer_step(struct trainer *t)
{
    struct tally step = tally_program(t, PROGRAM_TRAIN, SPLIT_TRAIN);

    t->step++;
    t->epoch.loss += step.loss;
    t->epoch.hits += step.hits;
    t->epoch.terms += step.terms;
    return step;
}

static void emit_event(struct event_sink sink, struct event event)
{
    sink.emit(sink.arg, &event);
}

struct event trainer_memory(const struct trainer *t)
{
    struct device_memory memory = executor_memory(t->executor);

    return (struct event){ .type = EVENT_MEMORY,
                           .memory = { t->job->plan->peak_bytes,
                                       t->job->plan->arena_bytes,
                                       memory.touched, memory.os,
                                       memory.os_peak } };
}

/* Warns of settings without effect, unless they had none `before` either. */
static void emit_idle(const struct trainer *t, const struct settings *before,
                      struct event_sink sink)
{
    char text[IDLE_TEXT_SIZE];

    for (int i = 0; i < settings_count; i++)
        if (idle_warning(&settings_table[i], before, &t->job->settings,
                         &t->job->machine, text))
            emit_event(sink, (struct event){ .type = EVENT_WARNING,
                                             .message = text });
}

/* Whether all that differs is read anew in each step. */
static bool differ_in_steps(const struct settings *a, const struct settings *b)
{
    for (int i = 0; i < settings_count; i++)
        if (!settings_table[i].stepwise &&
            settings_differ(a, b, &settings_table[i]))
            return false;
    return true;
}

/* Sets *average_lost to whether weights are not those that the average is of.
 */
static bool change(struct trainer *t, const struct settings *s,
                   bool *average_lost, struct error *e)
{
    struct device *device;
    struct executor *executor;
    struct job *job;

    *average_lost = false;
    if (!settings_can_follow(&t->job->settings, s, e) ||
        !model_check(s, "change", e))
        return false;
    if (differ_in_steps(&t->job->settings, s)) {
        job_settle(t->job, s);
        return true;
    }
    if (!job_new_on(&job, s, &t->job->machine, e))
        return false;
    if (!open_executor(job, &device, &executor, e)) {
        job_free(job);
        return false;
    }
    initial_state(executor, s->seed);
    carry_state(t->executor, executor, s->seed);
    kept_images_write(executor, t->data);
    stopwatch_free(t->watch);
    t->watch = NULL;
    t->watched = 0;
    executor_free(t->executor);
    t->job->backend->close(t->device);
    if (!average_carries(t->job->graph, job->graph)) {
        *average_lost = t->average.epochs > 0;
        average_forget(&t->average);
    }
    job_free(t->job);
    t->job = job;
    t->device = device;
    t->executor = executor;
    return true;
}

bool trainer_change(struct trainer *t, const struct settings *s,
                    struct event_sink sink, struct error *e)
{
    struct settings before = t->job->settings;
    bool average_lost;

    if (!change(t, s, &average_lost, e))
        return false;
    emit_event(sink, (struct event){
                         .type = EVENT_APPLIED,
                         .applied = { t->step, &before, &t->job->settings,
                                      t->job->plan->peak_bytes,
                                      t->job->plan->arena_bytes } });
    emit_event(sink, trainer_memory(t));
    emit_idle(t, &before, sink);
    if (average_lost)
        emit_event(sink, (struct event){
                             .type = EVENT_WARNING,
                             .message = "the average of weights begins anew: "
                                        "they are stored otherwise" });
    return true;
}

static bool diverged(const struct trainer *t, const char *what,
                     struct error *e)
{
    return error_set(e, EXIT_RUN,
                     "step %lld: %s: " EVENT_DIVERGED "; lower lr",
                     (long long)t->step, what);
}

/* Whether the last results came from good data, on a device that works. */
static bool check_inputs(const struct trainer *t, struct error *e)
{
    return executor_check(t->executor, e) && dataset_intact(t->data, e);
}

/* Whether training has not diverged. */
static bool check_step(const struct trainer *t, const struct tally *step,
                       struct error *e)
{
    if (!check_inputs(t, e))
        return false;
    if (!isfinite(step->loss))
        return diverged(t, "the loss is not finite", e);
    if (step->skipped && step->loss_scale <= LOSS_SCALE_MIN)
        return diverged(t, "gradients are not finite even with the least "
                           "loss scale", e);
    return true;
}

/* Warns of a snapshot after which there is nothing to do. */
static void emit_end(const struct trainer *t, struct event_sink sink)
{
    char text[160];

    if (t->step < trainer_steps(t))
        return;
    snprintf(text, sizeof(text), "the snapshot is of step %lld, and this run "
             "ends at %lld: nothing is trained; raise epochs, %d, to go on",
             (long long)t->step, (long long)trainer_steps(t),
             t->job->settings.epochs);
    emit_event(sink, (struct event){ .type = EVENT_WARNING, .message = text });
}

/* Warns of images that should have been kept. */
static void emit_images(const struct trainer *t, struct event_sink sink)
{
    char text[160];

    if (!t->job->machine.images_left)
        return;
    snprintf(text, sizeof(text), "keep_images is off: there is no room for "
             "%.1f MiB of images beside the network; samples are made as they "
             "are needed, with the same bits",
             mebibytes(t->job->machine.images_left));
    emit_event(sink, (struct event){ .type = EVENT_WARNING, .message = text });
}

void trainer_begin(const struct trainer *t, const char *preset,
                   struct event_sink sink)
{
    struct facts facts = facts_of(&t->job->settings);
    const struct sequences *pairs = dataset_sequences(t->data);

    emit_event(sink, (struct event){
                         .type = EVENT_START,
                         .start = { preset, &t->job->settings, t->job->machine,
                                    t->step, trainer_steps(t), facts.unit,
                                    facts.score.name,
                                    pairs ? sequences_left_out(pairs) : 0 } });
    emit_event(sink, trainer_memory(t));
    emit_idle(t, NULL, sink);
    emit_images(t, sink);
    emit_end(t, sink);
}

bool trainer_ends_epoch(const struct trainer *t)
{
    return t->step % t->steps_per_epoch == 0;
}

static void emit_step(const struct trainer *t, struct event_sink sink,
                      const struct tally *step, double seconds)
{
    double n = (double)step->terms;

    emit_event(sink,
               (struct event){
                   .type = EVENT_STEP,
                   .step = { t->step, trainer_steps(t),
                             (int)((t->step - 1) / t->steps_per_epoch) + 1,
                             step->loss / n, step->hits / n, n / seconds,
                             t->seconds } });
}

/* The BLEU of the pairs that an evaluation uses. */
static double bleu_of(struct trainer *t, enum split split)
{
    struct reading r = dataset_read(t->data, &t->job->settings, split, t->step);

    return translator_bleu(t->executor, dataset_sequences(t->data), split,
                           r.whole.of[EXTENT_SAMPLES]);
}

/* The measures of a split. */
struct verdict {
    double loss, accuracy, score, bleu; /* NAN: not known */
};

static struct verdict judge(struct trainer *t, enum split split,
                            bool translates)
{
    struct tally sums = tally_program(t, PROGRAM_EVAL, split);
    struct score score = facts_of(&t->job->settings).score;
    double n = (double)sums.terms;
    struct verdict v = { sums.loss / n, sums.hits / n, NAN, NAN };

    v.score = score_of(&score, v.loss, v.accuracy);
    if (translates && translator_is_planned(t->job->plan))
        v.score = v.bleu = bleu_of(t, split);
    return v;
}

/* Whether the validation of the epoch just done is translated too. */
static bool translates_now(const struct trainer *t)
{
    int64_t epoch = t->step / t->steps_per_epoch;

    return epoch % facts_of(&t->job->settings).score_every == 0 ||
           t->step == trainer_steps(t);
}

static bool end_epoch(struct trainer *t, struct event_sink sink,
                      struct error *e)
{
    double began = clock_seconds();
    struct score score = facts_of(&t->job->settings).score;
    double n = (double)t->epoch.terms;
    double loss = t->epoch.loss / n, accuracy = t->epoch.hits / n;
    struct verdict valid = judge(t, SPLIT_VALID, translates_now(t));

    t->seconds += clock_seconds() - began;
    if (!check_inputs(t, e))
        return false;
    if (!isfinite(valid.loss))
        return diverged(t, "the validation loss is not finite", e);
    emit_event(sink, (struct event){
                         .type = EVENT_EPOCH,
                         .epoch = { (int)(t->step / t->steps_per_epoch),
                                    loss, accuracy,
                                    valid.loss, valid.accuracy,
                                    t->seconds - t->epoch_began,
                                    score_of(&score, loss, accuracy),
                                    valid.score, valid.bleu } });
    t->epoch = (struct tally){ 0 };
    t->epoch_began = t->seconds;
    return true;
}

/* Says how good the trained network is on the test split, if there is one. */
static bool emit_test(struct trainer *t, struct event_sink sink,
                      struct error *e)
{
    double began = clock_seconds(), seconds;
    struct verdict test;

    if (!dataset_has(t->data, &t->job->settings, SPLIT_TEST))
        return true;
    test = judge(t, SPLIT_TEST, true);
    seconds = clock_seconds() - began;
    t->seconds += seconds;
    if (!check_inputs(t, e))
        return false;
    emit_event(sink, (struct event){ .type = EVENT_TEST,
                                     .test = { test.loss, test.accuracy,
                                               test.score, test.bleu,
                                               seconds } });
    return true;
}

/* Steps of an executor before its calls are watched, and while they are. */
enum { WARM_STEPS = 2, WATCHED_STEPS = 5 };

struct timings *trainer_take_timings(struct trainer *t)
{
    struct timings *seen = t->seen;

    t->seen = NULL;
    return seen;
}

/* Ends a watch. */
static void note_calls(struct trainer *t)
{
    if (!t->seen)
        t->seen = timings_new(t->job->backend);
    stopwatch_note(t->watch, t->seen, true);
    stopwatch_free(t->watch);
    t->watch = NULL;
}

/* Takes the time of calls in a few steps of each plan. An executor that
 * somebody else observes is left alone. */
static void watch_calls(struct trainer *t)
{
    if (t->watched > WARM_STEPS + WATCHED_STEPS)
        return;
    if (t->watched == WARM_STEPS && !t->executor->observer.after &&
        job_device_is_timed(t->job))
        t->watch = stopwatch_new(t->executor);
    if (t->watched++ == WARM_STEPS + WATCHED_STEPS && t->watch)
        note_calls(t);
}

bool trainer_advance(struct trainer *t, struct event_sink sink,
                     struct error *e)
{
    double began, seconds;
    struct tally step;

    watch_calls(t);
    began = clock_seconds();
    step = trainer_step(t);
    seconds = clock_seconds() - began;
    t->seconds += seconds;
    if (!check_step(t, &step, e))
        return false;
    emit_step(t, sink, &step, seconds);
    if ((trainer_ends_epoch(t) && !end_epoch(t, sink, e)) ||
        (t->step == trainer_steps(t) && !emit_test(t, sink, e)))
        return false;
    if (!t->measured || trainer_ends_epoch(t))
        emit_event(sink, trainer_memory(t));
    t->measured = true;
    return true;
}
