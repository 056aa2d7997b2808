/*
 * The rates of each operation of a training step on an NVIDIA device: bytes
 * and floating-point operations per second, beside the most that a copy and a
 * product of large matrices get there in the same run. Prints a Markdown page;
 * bench/results/ keeps such pages.
 *
 *     cuda_bench [-c BYTES] [-n SIZE] [-r REPEATS] PRESET [SETTING=VALUE]...
 *
 * -c and -n: sizes of the copy and of the matrices. Each call of the plan is
 * recorded `-r` times in a row, in the run's own arena, and that record is
 * timed as a whole, when the step has been run up to that call. Calls that
 * differ in nothing but their addresses are timed once. The bytes of a call are
 * those of its operands, each read or written once. A call need not read bytes
 * that are in the device's cache, so a rate may be above the copy's where the
 * batch is small.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/cuda/module.h"
#include "kernels/philox.h"

#include "base/clock.h"
#include "bench/bench.h"
#include "bench/median.h"
#include "data/image_source.h"
#include "settings/preset.h"
#include "train/profile.h"
#include "train/trainer.h"

enum { TRIES = 5, ASSIGNMENTS_MAX = 64 };

/* A step is timed over at least so long. */
static const double STEPS_SECONDS = 0.5;

/* What takes less of a step than this share is summed up in one row. */
static const double LEAST_SHARE = 0.001;

struct device_bench {
    struct trainer *trainer;
    struct ceilings ceilings;
    size_t copy_bytes;
    int matrix, repeats;
    /* Owned, [count]; the calls of a step, but the seconds of one. */
    struct profile_row *rows;
    int count;
};

/* The host takes part in these. */
static bool is_of_host(enum op_code op)
{
    return op == OP_load || op == OP_report || op == OP_rewire;
}

/* The row of calls like this one, which is new if it has no calls yet. */
static struct profile_row *row_of(struct device_bench *b,
                                  const struct profile_row *like)
{
    for (int i = 0; i < b->count; i++)
        if (profile_alike(&b->rows[i], like))
            return &b->rows[i];
    b->rows[b->count] = *like;
    return &b->rows[b->count++];
}

/* Noise, and a label. */
static void draw_sample(int index, float *x, int32_t *label)
{
    for (size_t i = 0; i < IMAGE_ELEMENTS; i++)
        x[i] = 2 * philox_unit(philox(1, i, PHILOX_DRAW,
                                      (uint32_t)index).x[0]) - 1;
    *label = index % 10;
}

/* One part, as large as the plan has it. */
static bool next_part(void *arg, struct part *part)
{
    const struct part *only = arg;
    bool first = part->count.of[EXTENT_SAMPLES] == 0;

    *part = *only;
    return first;
}

static void draw_part(void *arg, const struct part *part, int begin, int end,
                      const struct stream stream[])
{
    (void)arg;
    (void)part;
    for (int i = begin; i < end; i++)
        draw_sample(i, (float *)stream[0].data +
                           (size_t)(i - stream[0].sample) * IMAGE_ELEMENTS,
                    (int32_t *)stream[1].data + i - stream[1].sample);
}

static void run_call(const struct executor *ex, int step,
                     const struct batch *batch)
{
    struct call call = ex->calls[step];

    call.batch = batch;
    call.part = batch->loader->arg;
    ex->plan->backend->run(ex->device,
                           schedule_op(ex->plan->schedule, step)->code,
                           &call);
}

/* Seconds that a step's call takes, in a record of many. The device records a
 * batch anew if it does not know the seed. */
static double time_record(const struct device_bench *b, int step,
                          const struct batch *batch)
{
    const struct executor *ex = b->trainer->executor;
    const struct backend *backend = ex->plan->backend;
    double start = clock_seconds();

    if (backend->begin(ex->device, PROGRAM_TRAIN, batch))
        for (int k = 0; k < b->repeats; k++)
            run_call(ex, step, batch);
    backend->end(ex->device, PROGRAM_TRAIN, batch);
    return clock_seconds() - start;
}

/* Seconds of one call: of some tries, the one in the middle. */
static double time_call(const struct device_bench *b, int step)
{
    const struct executor *ex = b->trainer->executor;
    const struct schedule *s = ex->plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    struct part part = { .count = s->cut.most };
    struct loader loader = { next_part, draw_part, &part, .repeats = true };
    double report[METRIC_COUNT], seconds[TRIES];
    struct batch batch = { .seed = (uint64_t)step, .whole = s->cut.most,
                           .terms = s->cut.most.of[EXTENT_SAMPLES],
                           .loader = &loader,
                           .report = report };

    for (int t = p->begin; t < step; t++)
        run_call(ex, t, &batch);
    time_record(b, step, &batch); /* makes the record */
    for (int i = 0; i < TRIES; i++)
        seconds[i] = time_record(b, step, &batch);
    return median(seconds, TRIES) / b->repeats;
}

static void measure_calls(struct device_bench *b)
{
    const struct schedule *s = b->trainer->job->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];

    b->rows = calloc((size_t)s->step_count, sizeof(*b->rows));
    for (int t = p->begin; t < p->end; t++) {
        int times = t >= p->body && t < p->epilogue ? s->cut.parts : 1;
        struct profile_row like = profile_describe(b->trainer->executor, t);
        struct profile_row *row;

        if (is_of_host(like.op))
            continue;
        row = row_of(b, &like);
        if (row->calls == 0)
            row->seconds = time_call(b, t);
        row->calls += times;
    }
}

static double row_seconds(const struct profile_row *r)
{
    return (double)r->calls * r->seconds;
}

static int longest_first(const void *a, const void *b)
{
    double x = row_seconds(a), y = row_seconds(b);

    return (x < y) - (x > y);
}

/* Seconds of a call at the rate of the copy, and of the product. */
static double moving(const struct device_bench *b, const struct profile_row *r)
{
    return r->bytes / b->ceilings.copy;
}

static double counting(const struct device_bench *b,
                       const struct profile_row *r)
{
    return r->flops / ceilings_product(&b->ceilings, r->dtype,
                                       b->trainer->job->settings.tf32);
}

static void print_row(const struct device_bench *b, const struct profile_row *r,
                      double all)
{
    printf("| %s | %s | %s | %d | %.3f | %.2f | %.1f%% | %.0f | %.0f%% | "
           "%.2f | %.0f%% |\n", op_name(r->op), r->shapes,
           dtype_name(r->dtype), (int)r->calls, 1e-6 * r->bytes,
           1e6 * r->seconds, 100 * row_seconds(r) / all,
           1e-9 * r->bytes / r->seconds,
           100 * moving(b, r) / r->seconds, 1e-12 * r->flops / r->seconds,
           100 * counting(b, r) / r->seconds);
}

static void print_rows(struct device_bench *b)
{
    double all = 0, floor = 0, rest = 0;

    qsort(b->rows, (size_t)b->count, sizeof(*b->rows), longest_first);
    for (int i = 0; i < b->count; i++) {
        const struct profile_row *r = &b->rows[i];
        double bytes = moving(b, r), flops = counting(b, r);

        all += row_seconds(r);
        floor += (double)r->calls * (bytes > flops ? bytes : flops);
    }
    printf("| operation | shapes | type | calls | MB | us | share | GB/s "
           "| of copy | TFLOP/s | of product |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < b->count; i++)
        if (row_seconds(&b->rows[i]) >= LEAST_SHARE * all)
            print_row(b, &b->rows[i], all);
        else
            rest += row_seconds(&b->rows[i]);
    printf("| others | | | | | | %.1f%% | | | | |\n\n"
           "All calls of a step: %.3f ms; if each took no longer than the copy "
           "of its bytes and the product of its arithmetic: %.3f ms.\n",
           100 * rest / all, 1e3 * all, 1e3 * floor);
}

/* Seconds of a whole step, when all has been recorded. */
static double time_step(struct trainer *t)
{
    int steps = 0;
    double start;

    for (int i = 0; i < TRIES; i++)
        trainer_step(t);
    start = clock_seconds();
    while (steps < TRIES || clock_seconds() - start < STEPS_SECONDS) {
        trainer_step(t);
        steps++;
    }
    return (clock_seconds() - start) / steps;
}

/* The device of the run: of a number, or the first that can be used. */
static void describe_device(const struct job *job, struct device_info *found)
{
    struct device_info devices[BACKEND_DEVICES_MAX];
    int count = cuda_backend.list(devices, BACKEND_DEVICES_MAX);
    int at = job->device == DEVICE_ANY ? 0 : job->device;

    while (job->device == DEVICE_ANY && at + 1 < count && !devices[at].usable)
        at++;
    *found = devices[at];
}

static void print_page(struct device_bench *b, const char *preset, int argc,
                       char **argv)
{
    const struct settings *s = &b->trainer->job->settings;
    const struct ceilings *most = &b->ceilings;
    struct device_info info;

    describe_device(b->trainer->job, &info);
    printf("# Operations on a device\n\n- %s\n- %s, batch %d", info.line,
           preset, s->batch);
    for (int i = 0; i < argc; i++)
        printf(", `%s`", argv[i]);
    printf("\n- copy of %zu bytes: %.0f GB/s, read and written\n"
           "- products of %d x %d matrices, TFLOP/s: fp32 %.1f, TF32 %.1f, "
           "bf16 %.1f, fp16 %.1f\n"
           "- a step with everything, samples %s: %.3f ms\n\n",
           b->copy_bytes, 1e-9 * most->copy, b->matrix, b->matrix,
           1e-12 * most->product, 1e-12 * most->tf32_product,
           1e-12 * most->bf16_product, 1e-12 * most->fp16_product,
           s->keep_images ? "picked on the device" : "made on the host",
           1e3 * time_step(b->trainer));
    measure_calls(b);
    print_rows(b);
}

/* A run of a preset; the images that are drawn need no file. */
static struct trainer *open_trainer(const char *preset, int count,
                                    char **assignments)
{
    static char backend[] = "backend=cuda", data[] = "data=shapes";
    static char keep[] = "keep_images=yes";
    struct assignment all[3 + ASSIGNMENTS_MAX] = {
        { "cuda_bench", backend }, { "cuda_bench", data },
        { "cuda_bench", keep }
    };
    struct settings settings;
    struct trainer *t;
    struct error e;

    if (count > ASSIGNMENTS_MAX)
        die("too many settings");
    for (int i = 0; i < count; i++)
        all[3 + i] = (struct assignment){ "cuda_bench", assignments[i] };
    if (!preset_open(preset, all, 3 + count, &settings, &e)
        || !trainer_new(&t, &settings, &e))
        die(e.text);
    return t;
}

int main(int argc, char **argv)
{
    struct device_bench b = { .copy_bytes = 1 << 30, .matrix = 8192,
                              .repeats = 50 };
    char why[WHY_SIZE];
    int option;

    while ((option = getopt(argc, argv, "c:n:r:")) != -1)
        switch (option) {
        case 'c':
            b.copy_bytes = (size_t)number(optarg);
            break;
        case 'n':
            b.matrix = number(optarg);
            break;
        case 'r':
            b.repeats = number(optarg);
            break;
        default:
            optind = argc;
        }
    if (optind >= argc)
        die("usage: cuda_bench [-c BYTES] [-n SIZE] [-r REPEATS] PRESET "
            "[SETTING=VALUE]...");
    b.trainer = open_trainer(argv[optind], argc - optind - 1,
                             argv + optind + 1);
    if (!cuda_module()->ceilings(b.trainer->device, b.copy_bytes, b.matrix,
                                 &b.ceilings, why))
        die(why);
    print_page(&b, argv[optind], argc - optind - 1, argv + optind + 1);
    if (!cuda_backend.healthy(b.trainer->device, why))
        die(why);
    trainer_free(b.trainer);
    free(b.rows);
    return 0;
}
