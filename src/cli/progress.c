#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/print.h"
#include "base/text.h"
#include "base/window.h"
#include "events/archive.h"

enum { BAR_LEAST = 5, BAR_MOST = 20, GAP = 2, ECHOED = 2, PART_SIZE = 64 };

/* Seconds between two drawings of the changing line. */
static const double redraw_seconds = 0.1;

/* Parts of the changing line, in their order. */
enum part { PART_EPOCH, PART_STEP, PART_LOSS, PART_RATE, PART_LEFT,
            PART_COUNT };

/* The order in which parts get room; the bar gets the rest. */
static const enum part dearest[PART_COUNT] = {
    PART_STEP, PART_LOSS, PART_LEFT, PART_EPOCH, PART_RATE
};

struct line {
    char part[PART_COUNT][PART_SIZE];    /* "": no room for it */
    int bar;                             /* cells, without the brackets */
};

void progress_init(struct progress *p, const struct run *before)
{
    *p = (struct progress){ .live = isatty(STDOUT_FILENO),
                            .started = clock_seconds(),
                            .first_step = -1,
                            .best_score = NAN,
                            .before = before,
                            .facts = facts_of(&(struct settings){ 0 }) };
}

/* Columns of a row that can be used. Some terminals wrap at the last column,
 * and text that takes more than a row is never taken back. */
static int row_room(void)
{
    return window_columns() - 1;
}

static int smaller_int(int a, int b)
{
    return a < b ? a : b;
}

/* Clears without escape codes: spaces over the line, and over the ^C that a
 * terminal echoes after it. */
static void clear_line(struct progress *p)
{
    if (p->live)
        print("\r%*s\r", smaller_int(p->width + ECHOED, row_room()), "");
    p->width = 0;
}

/* The longest of "step 7/50", "7/50", "14%" and "" that there is room for. */
static void name_step(char text[PART_SIZE], const struct event *e, int columns)
{
    long long step = e->step.step, steps = e->step.steps;

    snprintf(text, PART_SIZE, "step %lld/%lld", step, steps);
    if ((int)strlen(text) > columns)
        snprintf(text, PART_SIZE, "%lld/%lld", step, steps);
    if ((int)strlen(text) > columns)
        snprintf(text, PART_SIZE, "%d%%",
                 (int)(100.0 * (double)step / (double)steps));
    if ((int)strlen(text) > columns)
        *text = '\0';
}

static double seconds_left(const struct progress *p, const struct event *e)
{
    return (double)(e->step.steps - e->step.step) * (p->drawn - p->started) /
           (double)(e->step.step - p->first_step);
}

static void name_parts(struct line *l, const struct progress *p,
                       const struct event *e, int columns)
{
    char rate[TEXT_COUNT_SIZE], left[TEXT_DURATION_SIZE];
    double loss = e->step.loss;

    name_step(l->part[PART_STEP], e, columns);
    snprintf(l->part[PART_EPOCH], PART_SIZE, "epoch %d", e->step.epoch);
    snprintf(l->part[PART_LOSS], PART_SIZE,
             fabs(loss) < 1e6 ? "loss %.4f" : "loss %.4g", loss);
    snprintf(l->part[PART_RATE], PART_SIZE, "%s %s/s",
             text_count(rate, (int64_t)e->step.samples_per_second),
             p->facts.units);
    snprintf(l->part[PART_LEFT], PART_SIZE, "%s left",
             text_duration(left, seconds_left(p, e)));
}

/* A part without room is left out, and with it all parts that are less dear. */
static void fit_parts(struct line *l, int columns)
{
    int used = 0;

    for (int i = 0; i < PART_COUNT; i++) {
        char *text = l->part[dearest[i]];
        int with = used + (used ? GAP : 0) + (int)strlen(text);

        if (with > columns)
            *text = '\0';
        used = smaller_int(with, columns);
    }
    l->bar = smaller_int(columns - used - GAP - 2, BAR_MOST);
}

/* Returns the columns printed. */
static int print_line(const struct line *l, double share)
{
    char bar[TEXT_BAR_SIZE];
    int width = 0;

    for (int i = 0; i < PART_COUNT; i++) {
        if (l->part[i][0])
            width += print("%*s%s", width ? GAP : 0, "", l->part[i]);
        if (i == PART_EPOCH && l->bar >= BAR_LEAST)
            width += print("%*s[%s]", width ? GAP : 0, "",
                           text_bar(bar, share, l->bar));
    }
    return width;
}

static void draw_progress(struct progress *p, const struct event *e)
{
    int room = row_room(), columns = room > ECHOED ? room - ECHOED : 0;
    int before = smaller_int(p->width, room);
    double now = clock_seconds();
    struct line line;

    if (now - p->drawn < redraw_seconds && e->step.step < e->step.steps)
        return;
    p->drawn = now;
    name_parts(&line, p, e, columns);
    fit_parts(&line, columns);
    print("\r");
    p->width = print_line(&line, (double)e->step.step /
                                     (double)e->step.steps);
    if (before > p->width)
        print("%*s", before - p->width, "");
}

static void print_memory_event(const struct event *e)
{
    char planned[BYTES_TEXT_SIZE], arena[BYTES_TEXT_SIZE];
    char touched[BYTES_TEXT_SIZE], os[BYTES_TEXT_SIZE], gap[BYTES_TEXT_SIZE];
    char peak[BYTES_TEXT_SIZE], most[64] = "";
    uint64_t beyond = e->memory.os > e->memory.touched
                          ? e->memory.os - e->memory.touched : 0;

    if (e->memory.os_peak)
        snprintf(most, sizeof(most), ", at most %s",
                 bytes_format(peak, sizeof(peak), e->memory.os_peak));
    print("memory: planned %s, allocated %s, touched %s\n"
          "        the process %s%s\n"
          "        %s of it is not the arena: program, libraries, data\n",
          bytes_format(planned, sizeof(planned), e->memory.planned),
          bytes_format(arena, sizeof(arena), e->memory.arena),
          bytes_format(touched, sizeof(touched), e->memory.touched),
          bytes_format(os, sizeof(os), e->memory.os), most,
          bytes_format(gap, sizeof(gap), beyond));
}

/* Prints a score, if there is one, "accuracy 77.82%, valid 76.00%" if the steps
 * tell it too. */
static void print_score(const struct score *score, double train, double value)
{
    char text[NUMBER_SIZE];

    if (isnan(value))
        return;
    print("  %s %s", score->name,
          score_format(score, isnan(train) ? value : train, 2, text));
    if (!isnan(train))
        print(", valid %s", score_format(score, value, 2, text));
}

static void print_beside(const struct facts *facts, double loss,
                         double accuracy)
{
    for (int i = 0; i < facts->beside_count; i++) {
        const struct score *score = &facts->beside[i];
        print_score(score, NAN, score_of(score, loss, accuracy));
    }
}

static void print_epoch(const struct progress *p, const struct event *e)
{
    const struct score *score = &p->facts.score;

    print("epoch %3d  loss %.4f, valid %.4f", e->epoch.epoch,
          e->epoch.train_loss, e->epoch.valid_loss);
    print_score(score, event_train_score(e, score), event_score(e, score));
    print_beside(&p->facts, e->epoch.valid_loss, e->epoch.valid_accuracy);
    print("  %.1f s\n", e->epoch.seconds);
}

static void print_test(const struct progress *p, const struct event *e)
{
    print("test       loss %.4f", e->test.loss);
    print_score(&p->facts.score, NAN, e->test.score);
    print_beside(&p->facts, e->test.loss, e->test.accuracy);
    print("  %.1f s\n", e->test.seconds);
}

/* The best epoch is the first until one has a score. */
static void note_best(struct progress *p, int epoch, double value)
{
    if (p->best_epoch == 0 ||
        score_better(&p->facts.score, value, p->best_score)) {
        p->best_epoch = epoch;
        p->best_score = value;
    }
}

/* Notes the epochs before the step that a run goes on from. */
static void recall_best(struct progress *p, const struct event *start)
{
    const struct series *s = &p->before->curve[CURVE_VALID_SCORE];
    double steps_per_epoch = (double)start->start.steps /
                             start->start.settings->epochs;

    for (int i = 0; i < s->count; i++) {
        double epoch = s->points[i].at[AXIS_EPOCHS];
        if (epoch * steps_per_epoch <= (double)start->start.step)
            note_best(p, (int)epoch, s->points[i].value);
    }
}

static void print_best_epoch(const struct progress *p)
{
    const struct score *score = &p->facts.score;
    char text[NUMBER_SIZE];

    if (p->best_epoch && !isnan(p->best_score))
        print("best validation %s %s, in epoch %d\n", score->name,
              score_format(score, p->best_score, 2, text), p->best_epoch);
}

static void print_start(const struct event *e)
{
    char left_out[EVENT_LEFT_OUT_SIZE];

    if (e->start.step > 0)
        print("training %s, on from step %lld of %lld; Ctrl-C stops it\n",
              e->start.preset, (long long)e->start.step,
              (long long)e->start.steps);
    else
        print("training %s; Ctrl-C stops it\n", e->start.preset);
    if (*event_left_out(e, left_out))
        print("%s\n", left_out);
}

void progress_emit(void *arg, const struct event *e)
{
    struct progress *p = arg;
    char planned[BYTES_TEXT_SIZE];

    switch (e->type) {
    case EVENT_START:
        p->facts = facts_of(e->start.settings);
        p->step.step.step = e->start.step;
        p->step.step.steps = e->start.steps;
        if (p->before)
            recall_best(p, e);
        print_start(e);
        break;
    case EVENT_MEMORY:
        if (p->memory.memory.planned == 0)
            print("planned %s\n", bytes_format(planned, sizeof(planned),
                                               e->memory.planned));
        p->memory = *e;
        break;
    case EVENT_STEP:
        if (p->first_step < 0)
            p->first_step = e->step.step - 1;
        p->step = *e;
        if (p->live)
            draw_progress(p, e);
        break;
    case EVENT_EPOCH:
        clear_line(p);
        print_epoch(p, e);
        note_best(p, e->epoch.epoch, event_score(e, &p->facts.score));
        break;
    case EVENT_TEST:
        clear_line(p);
        print_test(p, e);
        break;
    case EVENT_APPLIED:
        clear_line(p);
        print("step %lld: settings changed, planned %s\n",
              (long long)e->applied.step,
              bytes_format(planned, sizeof(planned), e->applied.planned));
        break;
    case EVENT_REFUSED:
        clear_line(p);
        print("refused: %s\n", e->refused.message);
        break;
    case EVENT_PAUSED:
    case EVENT_RESUMED:
        clear_line(p);
        print("%s at step %lld\n",
              e->type == EVENT_PAUSED ? "paused" : "resumed",
              (long long)e->stopped_at);
        break;
    case EVENT_WARNING:
        clear_line(p);
        print("warning: %s\n", e->message);
        break;
    case EVENT_LEARNING: /* lesson.h */
    case EVENT_SAVED: /* the summary says it once */
    case EVENT_LABEL:
        break;
    case EVENT_ERROR: /* the command reports it on standard error */
    case EVENT_DONE:
        clear_line(p);
        break;
    case EVENT_TIMINGS:
    case EVENT_COUNT:
        break;
    }
    print_flush();
}

/* Says where the run is kept, and how it goes on. */
static void print_kept_folder(const char *folder, bool interrupted)
{
    struct buffer resume = { NULL, 0, 0 };
    char usual[RECORD_PATH_SIZE];

    print("kept %s\n", folder);
    if (!interrupted)
        return;
    archive_root(usual, NULL, NULL);
    archive_add_resume(&resume, folder, usual);
    print("%s goes on\n", resume.bytes);
    buffer_done(&resume);
}

/* Whether a file or folder is there still. Says so if it is not. */
static bool is_there_still(const char *path)
{
    if (access(path, F_OK) == 0)
        return true;
    print("%s is gone\n", path);
    return false;
}

void progress_summary(const struct progress *p, bool interrupted,
                      const char *saved, const char *folder)
{
    char took[TEXT_DURATION_SIZE];

    text_duration(took, clock_seconds() - p->started);
    if (interrupted)
        print("interrupted at step %lld of %lld, after %s\n",
              (long long)p->step.step.step, (long long)p->step.step.steps,
              took);
    else
        print("done in %s\n", took);
    print_best_epoch(p);
    print_memory_event(&p->memory);
    if (saved && is_there_still(saved))
        print("saved %s\n", saved);
    if (*folder && is_there_still(folder))
        print_kept_folder(folder, interrupted);
}
