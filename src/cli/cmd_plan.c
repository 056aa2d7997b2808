/*
 * `memdial plan`: the memory of a training step, before any is allocated.
 */
#include "cli/cmd_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json_print.h"
#include "base/print.h"
#include "base/text.h"
#include "cli/gates.h"
#include "cli/request.h"
#include "cli/told_time.h"
#include "models/model.h"
#include "plan/layer_table.h"
#include "plan/plan_json.h"
#include "settings/idle.h"

struct choices {
    bool json, timeline, layers;
    const char *runs;
    struct gates gates;
};

static const char usage[] =
    "plan [PRESET] [--set NAME=VALUE]... [--json] [--timeline] [--layers] "
    "[--assert-peak BYTES] [--baseline RUN [--tolerance SHARE]] [--runs DIR]";

static const struct option options[] = {
    { "set", required_argument, NULL, 's' },
    { "json", no_argument, NULL, 'j' },
    { "timeline", no_argument, NULL, 't' },
    { "layers", no_argument, NULL, 'l' },
    { "runs", required_argument, NULL, 'r' },
    GATES_OPTIONS_OF_PLAN,
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void cmd_plan_choose(void *arg, int which, const char *value)
{
    struct choices *c = arg;

    if (gates_option(&c->gates, which, value))
        return;
    if (which == 'r')
        c->runs = value;
    c->json |= which == 'j';
    c->timeline |= which == 't';
    c->layers |= which == 'l';
}

enum { BAR_CELLS = 30, SHORT_BAR_CELLS = 24, STEP_NAME_SIZE = 64,
       TITLE_SIZE = 64 };

/* "conv_dgrad g3.b4.conv2" */
static void step_name(const struct schedule *s, int step, char *name)
{
    const struct op *op = schedule_op(s, step);

    snprintf(name, STEP_NAME_SIZE, "%s %s", op_name(op->code),
             s->graph->layers[op->layer].name);
}

/* "0.52 s per step, 192 samples per second, 1.00x the baseline's" */
static void tell_time(char text[TOLD_TIME_SIZE], const struct job *job,
                      const struct job *baseline, const struct timings *t)
{
    struct timings_step step = timings_step(t, job->plan);
    size_t used;

    told_time(text, job, &step);
    used = strlen(text);
    snprintf(text + used, TOLD_TIME_SIZE - used, ", %.2fx the baseline's",
             step.seconds / timings_step_seconds(t, baseline->plan));
}

static void print_head(const struct job *job, const struct job *baseline,
                       const char *preset, const char *time)
{
    const struct settings *s = &job->settings;
    const struct schedule *sched = job->schedule;
    double flops = schedule_flops(sched);
    char number[TEXT_COUNT_SIZE], name[STEP_NAME_SIZE];
    int64_t parameters = graph_parameters(job->graph);
    int64_t nonzeros = graph_nonzeros(job->graph);
    char peak[BYTES_TEXT_SIZE], arena[BYTES_TEXT_SIZE];
    char with[64] = "", title[TITLE_SIZE];
    int step = job->plan->peak_step;

    if (job->backend->in_threads)
        snprintf(with, sizeof(with), " with %d thread%s", job->threads,
                 job->threads == 1 ? "" : "s");
    step_name(sched, step, name);
    model_of(s)->title(s, title, sizeof(title));
    print("%s: %s, %s parameters", preset, title,
          text_count(number, parameters));
    if (nonzeros < parameters)
        print(", %s of them stored", text_count(number, nonzeros));
    print(", batch %d", s->batch);
    if (sched->cut.parts > 1)
        print(" in microbatches of %d", s->microbatch);
    print("\n%.4g GFLOP per step, %.2fx the baseline's\n%s\n\n", flops / 1e9,
          flops / schedule_flops(baseline->schedule), time);
    print("peak   %10s  in step %d of %d: %s (%s)\n",
          bytes_format(peak, sizeof(peak), job->plan->peak_bytes), step,
          sched->step_count, name, phase_name(sched->steps[step].phase));
    print("arena  %10s  what a run allocates, in one piece, on backend "
          "%s%s\n\n",
          bytes_format(arena, sizeof(arena), job->plan->arena_bytes),
          job->backend->name, with);
}

static void print_kind(const char *name, size_t bytes, size_t peak,
                       size_t baseline)
{
    char text[BYTES_TEXT_SIZE], before[BYTES_TEXT_SIZE];
    char bar[TEXT_BAR_SIZE];
    double share = (double)bytes / (double)peak;

    print("%-12s %10s %6.1f%%  %s %10s\n", name,
          bytes_format(text, sizeof(text), bytes), 100 * share,
          text_bar(bar, share, BAR_CELLS),
          bytes_format(before, sizeof(before), baseline));
}

static void print_kinds(const struct job *job, const struct job *baseline)
{
    const struct plan *p = job->plan, *b = baseline->plan;
    char changes[SETTINGS_TEXT_SIZE], ratio[TEXT_RATIO_SIZE];

    print("%-12s %10s %7s  %-*s %10s\n", "at the peak", "bytes", "share",
          BAR_CELLS, "", "baseline");
    for (int k = 0; k < KIND_COUNT; k++)
        if (p->live[p->peak_step][k] || b->live[b->peak_step][k])
            print_kind(kind_name((enum kind)k), p->live[p->peak_step][k],
                       p->peak_bytes, b->live[b->peak_step][k]);
    print_kind("all", p->peak_bytes, p->peak_bytes, b->peak_bytes);
    settings_changes(&job->settings, &baseline->settings, changes,
                     sizeof(changes));
    print("\n%s the baseline%s%s\n",
          text_ratio(ratio, (double)b->peak_bytes / (double)p->peak_bytes),
          *changes ? ", which has " : "", changes);
}

static void print_timeline(const struct plan *plan)
{
    const struct schedule *s = plan->schedule;

    print("\n%5s  %-9s %-32s %10s\n", "step", "phase", "operation", "alive");
    for (int t = 0; t < s->step_count; t++) {
        char name[STEP_NAME_SIZE], bytes[BYTES_TEXT_SIZE], bar[TEXT_BAR_SIZE];
        size_t live = plan_live_bytes(plan, t);
        step_name(s, t, name);
        text_bar(bar, (double)live / (double)plan->peak_bytes,
                 SHORT_BAR_CELLS);
        print("%5d  %-9s %-32s %10s %s%s\n", t,
              phase_name(s->steps[t].phase), name,
              bytes_format(bytes, sizeof(bytes), live), bar,
              t == plan->peak_step ? " peak" : "");
    }
}

static void print_layer_cell(const char *text, int width, bool first)
{
    print(first ? "%-*s" : "  %*s", width, text);
}

static void print_layers(const struct job *job)
{
    struct layer_table t;
    int width[LAYER_COLUMNS];

    layer_table_init(&t, job);
    print("\n");
    for (int c = 0; c < LAYER_COLUMNS; c++) {
        width[c] = layer_table_width(&t, (enum layer_column)c);
        print_layer_cell(layer_table_title((enum layer_column)c), width[c],
                         c == LAYER_NAME);
    }
    print("\n");
    for (int i = 0; i <= t.count; i++) {
        char text[LAYER_TEXT_SIZE];
        for (int c = 0; c < LAYER_COLUMNS; c++)
            print_layer_cell(layer_table_text(&t, i, (enum layer_column)c,
                                              text),
                             width[c], c == LAYER_NAME);
        print("\n");
    }
    layer_table_done(&t);
}

static void print_plan(const struct job *job, const struct job *baseline,
                       const char *preset, const struct choices *c)
{
    char time[TOLD_TIME_SIZE];
    struct timings *timings = told_timings(&job->settings,
                                           job->backend->name, preset, time);

    if (c->json) {
        json_print(plan_json(job, baseline, preset, timings, c->timeline,
                             c->layers));
        timings_free(timings);
        return;
    }
    if (timings)
        tell_time(time, job, baseline, timings);
    timings_free(timings);
    print_head(job, baseline, preset, time);
    print_kinds(job, baseline);
    if (c->layers)
        print_layers(job);
    if (c->timeline)
        print_timeline(job->plan);
}

/* Warns on standard error, so that standard output has the plan alone. */
static void print_idle(const struct job *job)
{
    char text[IDLE_TEXT_SIZE];

    for (int i = 0; i < settings_count; i++)
        if (idle_warning(&settings_table[i], NULL, &job->settings,
                         &job->machine, text))
            print_error("memdial: warning: %s\n", text);
}

static int run_plan(const struct request *request, struct choices *c)
{
    struct settings settings;
    struct job *job, *baseline;
    struct error e;
    int code;

    if (!gates_open(&c->gates, c->runs, &e) ||
        !request_settings(request, &settings, &e) ||
        !job_new(&job, &settings, &e))
        return report_error(&e);
    print_idle(job);
    baseline = job_baseline(job);
    print_plan(job, baseline, request->preset, c);
    code = gates_check_plan(&c->gates, job, &e) ? EXIT_OK : report_error(&e);
    job_free(baseline);
    job_free(job);
    return code;
}

int cmd_plan(int argc, char **argv)
{
    struct request request;
    struct choices choices = { 0 };
    int code;

    gates_init(&choices.gates);
    if (request_parse(&request, argc, argv, options, usage, cmd_plan_choose,
                      &choices, &code))
        code = run_plan(&request, &choices);
    gates_done(&choices.gates);
    request_done(&request);
    return code;
}
