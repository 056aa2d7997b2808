#include "ui/pages/explain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "plan/living.h"
#include "settings/facts.h"
#include "settings/idle.h"
#include "ui/pages/time_text.h"
#include "ui/term/theme.h"

enum { NAME_SIZE = 64, SHAPE_SIZE = 64, MOST_TENSORS = 8 };

static const char *const dtypes[DTYPE_COUNT] = {
    [DTYPE_F32] = "fp32", [DTYPE_F64] = "fp64", [DTYPE_I32] = "int32",
    [DTYPE_BF16] = "bf16", [DTYPE_F16] = "fp16", [DTYPE_I8] = "int8",
    [DTYPE_U8] = "uint8", [DTYPE_8BIT] = "8-bit blocks",
    [DTYPE_4BIT] = "4-bit blocks"
};

static struct operand shape_of(const struct plan *plan, int instance)
{
    const struct schedule *s = plan->schedule;

    return graph_operand(s->graph, s->instances[instance],
                         plan_most(plan, plan->instances[instance].first));
}

/* "100 x 32 x 32 x 16 x 4 B", "100 x 32 x 32 x 16 x 8bit" */
static void format_shape(const struct operand *o, char text[SHAPE_SIZE])
{
    int n = 0;

    for (int i = 0; i < o->rank; i++)
        n += snprintf(text + n, SHAPE_SIZE - (size_t)n, "%d × ", o->dim[i]);
    if (dtype_in_blocks(o->dtype))
        snprintf(text + n, SHAPE_SIZE - (size_t)n, "%s",
                 dtype_name(o->dtype));
    else
        snprintf(text + n, SHAPE_SIZE - (size_t)n, "%zu B",
                 dtype_size(o->dtype));
}

static void add_scratch(struct text_block *text, const struct plan *plan,
                        int step)
{
    char bytes[BYTES_TEXT_SIZE];

    text_block_add(text, ROLE_TEXT, "  %10s  scratch of %s",
                   bytes_format(bytes, sizeof(bytes),
                                plan->scratch_bytes[step]),
                   op_name(schedule_op(plan->schedule, step)->code));
}

static void add_tensor(struct text_block *text, const struct plan *plan,
                       const struct living *l)
{
    const struct schedule *s = plan->schedule;
    struct operand o = shape_of(plan, l->instance);
    bool dense = operand_bytes(&o) == l->bytes;
    char name[NAME_SIZE], shape[SHAPE_SIZE], bytes[BYTES_TEXT_SIZE];

    graph_value_name(s->graph, s->instances[l->instance], name, sizeof(name));
    format_shape(&o, shape);
    text_block_add(text, ROLE_TEXT, "  %10s  %-24s %s%s",
                   bytes_format(bytes, sizeof(bytes), l->bytes), name, shape,
                   dense ? "" : ", nonzeros only");
}

/* Adds a line for each type of element: its count and its bytes. */
static void add_formula(struct text_block *text, const struct plan *plan,
                        const struct living *living, int count)
{
    int64_t elements[DTYPE_COUNT] = { 0 };
    size_t bytes[DTYPE_COUNT] = { 0 };

    for (int i = 0; i < count; i++) {
        struct operand o;
        if (living[i].instance == LIVING_SCRATCH)
            continue;
        o = shape_of(plan, living[i].instance);
        bytes[o.dtype] += living[i].bytes;
        elements[o.dtype] +=
            (int64_t)(living[i].bytes / dtype_size(o.dtype));
    }
    for (int d = 0; d < DTYPE_COUNT; d++) {
        char number[TEXT_COUNT_SIZE], sum[BYTES_TEXT_SIZE];
        if (bytes[d])
            text_block_add(text, ROLE_TEXT, "  %10s  = %s %s × %zu B",
                           bytes_format(sum, sizeof(sum), bytes[d]),
                           text_count(number, elements[d]), dtypes[d],
                           dtype_size((enum dtype)d));
    }
}

static void add_tensors(struct text_block *text, const struct plan *plan,
                        int step, const struct living *living, int count,
                        int most)
{
    size_t rest = 0;
    char bytes[BYTES_TEXT_SIZE];

    for (int i = 0; i < count; i++)
        if (i < most && living[i].instance == LIVING_SCRATCH)
            add_scratch(text, plan, step);
        else if (i < most)
            add_tensor(text, plan, &living[i]);
        else
            rest += living[i].bytes;
    if (count > most)
        text_block_add(text, ROLE_DIM, "  %10s  in %d smaller ones",
                       bytes_format(bytes, sizeof(bytes), rest),
                       count - most);
}

static void format_step(const struct plan *plan, int step, char *text,
                        size_t size)
{
    const struct schedule *s = plan->schedule;
    const struct op *op = schedule_op(s, step);

    snprintf(text, size, "step %d of %d, %s of %s (%s)", step, s->step_count,
             op_name(op->code), s->graph->layers[op->layer].name,
             phase_name(s->steps[step].phase));
}

static const char *const meanings[KIND_COUNT] = {
    [KIND_WEIGHTS] = "Parameters as stored, and the running statistics of "
        "batch norms, where there are any. Always there.",
    [KIND_INDEX] = "Where the nonzeros of sparse tensors are; one index is "
        "shared by weight, gradient and what the optimizer keeps.",
    [KIND_GRADIENTS] = "One gradient for each parameter, summed up over the "
        "microbatches of a batch.",
    [KIND_OPTIMIZER] = "What the optimizer keeps from step to step: momentum "
        "or moments, and copies of weights in fp32 if they are wanted.",
    [KIND_ACTIVATIONS] = "Results of forward that backward still reads. Grow "
        "with the microbatch and the depth; checkpoint and recompute drop "
        "some and compute them again, saved keeps them in fewer bits.",
    [KIND_TRANSIENT] = "What lives only within forward or within backward: "
        "gradients of activations, values computed again, and gradients of "
        "weights that moments take at once.",
    [KIND_WORKSPACE] = "Scratch of the operation that runs.",
    [KIND_INPUT] = "The microbatch: its images or sentences, and their "
        "labels.",
};

void explain_kind(struct text_block *text, const struct job *job,
                  enum kind kind)
{
    const struct plan *plan = job->plan;
    int step = plan->peak_step, count;
    struct living *living = living_find(plan, (int)kind, step, &count);
    char bytes[BYTES_TEXT_SIZE], at[160];

    text_block_add(text, ROLE_TEXT, "%s", meanings[kind]);
    text_block_add(text, ROLE_TEXT, " ");
    format_step(plan, step, at, sizeof(at));
    text_block_add(text, ROLE_TITLE, "%s at the peak, in %s",
                   bytes_format(bytes, sizeof(bytes), plan->live[step][kind]),
                   at);
    add_formula(text, plan, living, count);
    if (count) {
        text_block_add(text, ROLE_TEXT, " ");
        text_block_add(text, ROLE_TITLE, "%d tensor%s", count,
                       count == 1 ? "" : "s, the largest first");
        add_tensors(text, plan, step, living, count, MOST_TENSORS);
    }
    free(living);
}

/* Adds why a tensor is alive: its writer, and the steps that still read it. */
static void add_life(struct text_block *text, const struct plan *plan,
                     const struct plan_instance *p)
{
    char first[160], last[160];

    if (kind_persists(p->kind)) {
        text_block_add(text, ROLE_TEXT,
                       "Always alive: kept from one training step to the "
                       "next.");
        return;
    }
    format_step(plan, p->first, first, sizeof(first));
    format_step(plan, p->last, last, sizeof(last));
    text_block_add(text, ROLE_TEXT, "Alive from %s, which writes it first,",
                   first);
    text_block_add(text, ROLE_TEXT, "to %s, which uses it last%s.", last,
                   p->taken_by < 0 ? ""
                                   : " and puts its result in its place");
}

void explain_tensor(struct text_block *text, const struct job *job,
                    int instance, int step)
{
    const struct plan *plan = job->plan;
    enum kind kind = living_kind(plan, instance);
    size_t offset = living_offset(plan, instance, step);
    char from[TEXT_COUNT_SIZE], bytes[BYTES_TEXT_SIZE];
    struct living living = { instance, plan->scratch_bytes[step] };

    if (instance != LIVING_SCRATCH)
        living.bytes = plan->instances[instance].bytes;
    add_tensors(text, plan, step, &living, 1, 1);
    add_formula(text, plan, &living, 1);
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, (unsigned)(ROLE_KIND + (int)kind), "%c %s",
                   theme_letter(kind), kind_name(kind));
    text_block_add(text, ROLE_TEXT, "%s", meanings[kind]);
    text_block_add(text, ROLE_TEXT, " ");
    if (instance != LIVING_SCRATCH)
        add_life(text, plan, &plan->instances[instance]);
    text_block_add(text, ROLE_TEXT, "It lies %s from the beginning of the "
                   "arena, at byte %s.",
                   bytes_format(bytes, sizeof(bytes), offset),
                   text_count(from, (int64_t)offset));
}

static double share_of_kinds(const struct forecast *f, unsigned kinds)
{
    size_t sum = 0;

    for (int k = 0; k < KIND_COUNT; k++)
        if (kinds & 1u << k)
            sum += f->bytes[k];
    return 100.0 * (double)sum / (double)f->peak_bytes;
}

/* The turn of a dial that takes less memory, if either does. */
static const struct forecast *better_turn(const struct session *s, int dial)
{
    const struct forecast *best = s->planned;

    for (int t = 0; t < DIAL_TURNS; t++) {
        const struct forecast *f = session_turned(s, dial, (enum dial_turn)t);
        if (f && !f->refused && f->peak_bytes < best->peak_bytes)
            best = f;
    }
    return best == s->planned ? NULL : best;
}

enum { TIMES_SIZE = 64 };

/* ", 86.0 ms, ×1.13 of baseline": the time of a step; nothing if it is not
 * known, and the factor alone of a guess. */
static const char *times_text(const struct session *s,
                              const struct forecast *f, char text[TIMES_SIZE])
{
    double times = session_times(s, f);
    char number[NUMBER_SIZE], time[TEXT_TIME_SIZE];

    *text = '\0';
    if (isfinite(times))
        snprintf(text, TIMES_SIZE, ", %s%s×%s of baseline",
                 f->guessed ? "" : text_time(time, f->seconds),
                 f->guessed ? "" : ", ",
                 number_format(number, times, 2, NUMBER_CELLS_MIN));
    return text;
}

static void add_better(struct text_block *text, const struct session *s,
                       int dial, const struct forecast *f)
{
    char bytes[BYTES_TEXT_SIZE], value[SETTINGS_TEXT_SIZE];
    char times[TIMES_SIZE];
    double less = 1 - (double)f->peak_bytes / (double)s->planned->peak_bytes;

    dial_format(&f->settings, dial, value, sizeof(value));
    text_block_add(text, ROLE_GOOD,
                   "  ▼ %-15s  %s: %s, %.1f%% less%s",
                   dial_setting(dial)->name, value,
                   bytes_format(bytes, sizeof(bytes), f->peak_bytes),
                   100 * less, times_text(s, f, times));
}

static void add_no_better(struct text_block *text, const struct session *s,
                          int dial)
{
    const struct setting *row = dial_setting(dial);
    double share = share_of_kinds(s->planned, row->shrinks);
    char why[IDLE_WHY_SIZE];

    if (idle_now(row, &s->wanted, &s->machine, why))
        text_block_add(text, ROLE_DIM, "  – %-15s  has no effect %s",
                       row->name, why);
    else if (!row->shrinks)
        text_block_add(text, ROLE_DIM,
                       "  – %-15s  changes the arithmetic, no bytes",
                       row->name);
    else if (share < 0.05)
        text_block_add(text, ROLE_DIM,
                       "  – %-15s  shrinks %s; none are alive at the peak",
                       row->name, row->shrunk);
    else
        text_block_add(text, ROLE_DIM,
                       "  – %-15s  shrinks %s, %.1f%% of this peak, but one "
                       "step further does not", row->name, row->shrunk,
                       share);
}

static void add_dials(struct text_block *text, const struct session *s)
{
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TITLE, "Dials that lower it, by one step");
    for (int d = 0; d < dial_count(); d++)
        if (better_turn(s, d))
            add_better(text, s, d, better_turn(s, d));
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TITLE, "Dials that do not");
    for (int d = 0; d < dial_count(); d++)
        if (!better_turn(s, d))
            add_no_better(text, s, d);
}

void explain_peak(struct text_block *text, const struct session *s)
{
    const struct plan *plan = s->planned->job->plan;
    int step = plan->peak_step;
    char bytes[BYTES_TEXT_SIZE], at[160];

    format_step(plan, step, at, sizeof(at));
    text_block_add(text, ROLE_TITLE, "%s, in %s",
                   bytes_format(bytes, sizeof(bytes), plan->peak_bytes), at);
    text_block_add(text, ROLE_TEXT,
                   "No step of training or evaluation has more alive.%s Then "
                   "there are:",
                   plan->schedule->steps[step].phase == PHASE_TRANSLATE
                   ? " One sentence is translated at a time, and its "
                     "hypotheses take this."
                   : plan->schedule->steps[step].phase != PHASE_EVALUATE ? ""
                   : " Evaluation keeps nothing for backward, so what saves "
                     "activations in training does not lower it.");
    for (int k = 0; k < KIND_COUNT; k++) {
        int count;
        struct living *living = living_find(plan, k, step, &count);
        if (plan->live[step][k])
            text_block_add(text, (unsigned)(ROLE_KIND + k),
                           "%c %10s  %5.1f%%  %s",
                           theme_letter((enum kind)k),
                           bytes_format(bytes, sizeof(bytes),
                                        plan->live[step][k]),
                           100.0 * (double)plan->live[step][k] /
                               (double)plan->peak_bytes,
                           kind_name((enum kind)k));
        if (count)
            add_tensors(text, plan, step, living, 1, 1);
        free(living);
    }
    add_dials(text, s);
}

static void add_figure(struct text_block *text, unsigned style,
                       uint64_t bytes, const char *meaning)
{
    char figure[BYTES_TEXT_SIZE];

    text_block_add(text, style, "%10s  %s",
                   bytes_format(figure, sizeof(figure), bytes), meaning);
}

void explain_memory(struct text_block *text, const struct session *s)
{
    const struct run *r = session_run(s);

    add_figure(text, ROLE_TEXT, r->planned,
               "planned: alive at the peak");
    add_figure(text, ROLE_TEXT, r->arena,
               "arena: the one allocation, with the gaps between tensors "
               "that a placement leaves");
    if (r->has_stepped)
        add_figure(text, ROLE_TEXT, r->touched,
                   "touched: what of the arena is on pages that were used");
    else
        text_block_add(text, ROLE_DIM, "            touched: after the next "
                       "step, for none of this plan has run yet");
    add_figure(text, ROLE_TEXT, r->os,
               "process: in memory now, as the system counts");
    if (r->os_peak)
        add_figure(text, ROLE_DIM, r->os_peak,
                   "at most so far, with any settings");
    if (!r->has_stepped)
        return;
    text_block_add(text, ROLE_TEXT, " ");
    add_figure(text, ROLE_TITLE, session_gap(s),
               "gap = process − touched");
    text_block_add(text, ROLE_TEXT,
                   "The gap is the program, its libraries and the data set. "
                   "No dial changes it.");
}

void explain_budget(struct text_block *text, const struct session *s)
{
    char budget[BYTES_TEXT_SIZE], arena[BYTES_TEXT_SIZE];
    const struct forecast *f = s->planned;

    text_block_add(text, ROLE_TEXT,
                   "checkpoint=optimal looks for the least arithmetic whose "
                   "arena fits memory_budget; without a budget, for the "
                   "smallest arena there is. Other strategies do not look at "
                   "it.");
    text_block_add(text, ROLE_TEXT, " ");
    if (f->refused)
        text_block_add(text, ROLE_BAD, "%s", f->error.text);
    else
        text_block_add(text, ROLE_TEXT, "arena %s, budget %s",
                       bytes_format(arena, sizeof(arena), f->arena_bytes),
                       s->wanted.memory_budget
                           ? bytes_format(budget, sizeof(budget),
                                          s->wanted.memory_budget)
                           : "none");
}

static const char *step_text(char text[NUMBER_SIZE], double from, double to)
{
    number_change(text, from, to);
    return text;
}

void explain_turns(struct text_block *text, const struct session *s, int dial)
{
    static const char *const names[] = { "‹ ", "› " };
    char why[IDLE_WHY_SIZE];

    if (idle_now(dial_setting(dial), &s->wanted, &s->machine, why))
        text_block_add(text, ROLE_WARNING, "no effect %s", why);
    for (int t = 0; t < DIAL_TURNS; t++) {
        const struct forecast *f = session_turned(s, dial, (enum dial_turn)t);
        char value[SETTINGS_TEXT_SIZE], peak[NUMBER_SIZE], times[TIMES_SIZE];
        struct settings next;
        if (!session_next(s, dial, (enum dial_turn)t, &next))
            continue;
        dial_format(&next, dial, value, sizeof(value));
        if (f && f->refused)
            text_block_add(text, ROLE_BAD, "%s%s: %s", names[t], value,
                           f->error.text);
        else if (f && s->planned && !s->planned->refused)
            text_block_add(text, ROLE_TEXT, "%s%s%s%s%s", names[t], value,
                           dial_setting(dial)->shrinks ? ": peak " : "",
                           dial_setting(dial)->shrinks
                               ? step_text(peak,
                                             (double)s->planned->peak_bytes,
                                             (double)f->peak_bytes) : "",
                           times_text(s, f, times));
    }
}

/* "fp32, bf16 or fp16", or a range. */
static void add_allowed(struct text_block *text, const struct session *s,
                        const struct setting *row)
{
    const char *units = facts_units(row, &s->in_force);
    char values[256] = "";
    int count = 0;

    while (row->choices && row->choices[count])
        count++;
    text_list(values, sizeof(values), row->choices, count, " or ");
    if (row->type == SETTING_BOOL)
        strcpy(values, "yes or no");
    else if (row->type == SETTING_INT || row->type == SETTING_REAL)
        snprintf(values, sizeof(values), "%g to %g", row->min, row->max);
    if (*values)
        text_block_add(text, ROLE_TEXT, "It can be %s%s%s.", values,
                       units ? " " : "", units ? units : "");
}

static void add_reach(struct text_block *text, const struct session *s,
                      const struct setting *row)
{
    if (!row->shrinks)
        return;
    if (s->planned && !s->planned->refused)
        text_block_add(text, ROLE_TEXT, "It can shrink %s, %.1f%% of the "
                       "peak.", row->shrunk,
                       share_of_kinds(s->planned, row->shrinks));
    else
        text_block_add(text, ROLE_TEXT, "It can shrink %s.", row->shrunk);
}

void explain_value(struct text_block *text, const struct session *s, int dial)
{
    const struct setting *row = dial_setting(dial);
    char wanted[SETTINGS_TEXT_SIZE], in_force[SETTINGS_TEXT_SIZE];
    char why[IDLE_WHY_SIZE];

    dial_format(&s->wanted, dial, wanted, sizeof(wanted));
    dial_format(session_settled(s), dial, in_force, sizeof(in_force));
    text_block_add(text, ROLE_TITLE, "%s%s%s.", wanted,
                   session_dial_pending(s, dial) ? ", pending; in force is "
                                                 : "",
                   session_dial_pending(s, dial) ? in_force : "");
    text_block_add(text, ROLE_DIM, "%s.", row->help);
    if (idle_now(row, &s->wanted, &s->machine, why))
        text_block_add(text, ROLE_WARNING, "no effect %s", why);
}

void explain_dial(struct text_block *text, const struct session *s, int dial)
{
    const struct setting *row = dial_setting(dial);
    char guess[TIME_GUESS_SIZE];

    text_block_add(text, ROLE_TEXT, " ");
    if (row->about)
        text_block_add(text, ROLE_TEXT, "%s", row->about);
    add_allowed(text, s, row);
    add_reach(text, s, row);
    if (*time_text_guess(s, guess))
        text_block_add(text, ROLE_DIM, "%s", guess);
}
