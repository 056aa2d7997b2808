#include "progress.h"

#include <unistd.h>

#include "bytes.h"
#include "clock.h"
#include "print.h"
#include "text.h"

enum { BAR_CELLS = 20 };

/* Seconds between two drawings of the changing line. */
static const double redraw_seconds = 0.1;

void progress_init(struct progress *p)
{
    *p = (struct progress){ .live = isatty(STDOUT_FILENO),
                            .started = clock_seconds(),
                            .first_step = -1 };
}

/* Without escape codes: spaces over what was there, and over the ^C that a
 * terminal echoes after it. */
static void clear_line(struct progress *p)
{
    if (p->width)
        print("\r%*s\r", p->width + 2, "");
    p->width = 0;
}

static void draw_step(struct progress *p, const struct event *e)
{
    char bar[TEXT_BAR_SIZE], rate[TEXT_COUNT_SIZE], left[TEXT_DURATION_SIZE];
    double now = clock_seconds();
    int64_t done = e->step.step - p->first_step;
    double remaining = (double)(e->step.steps - e->step.step) *
                       (now - p->started) / (double)done;
    int width = p->width;

    if (now - p->drawn < redraw_seconds && e->step.step < e->step.steps)
        return;
    p->drawn = now;
    text_bar(bar, (double)e->step.step / (double)e->step.steps, BAR_CELLS);
    text_count(rate, (int64_t)e->step.samples_per_second);
    text_duration(left, remaining);
    p->width = print("\repoch %d [%s] step %lld/%lld  loss %.4f  %s samples/s  "
                     "%s left", e->step.epoch, bar, (long long)e->step.step,
                     (long long)e->step.steps, e->step.loss, rate, left);
    if (width > p->width)
        print("%*s", width - p->width, "");
}

static void print_memory(const struct event *e)
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
          "        the process %s%s; %s is not the arena: program, "
          "libraries, data\n",
          bytes_format(planned, sizeof(planned), e->memory.planned),
          bytes_format(arena, sizeof(arena), e->memory.arena),
          bytes_format(touched, sizeof(touched), e->memory.touched),
          bytes_format(os, sizeof(os), e->memory.os), most,
          bytes_format(gap, sizeof(gap), beyond));
}

static void print_epoch(const struct event *e)
{
    print("epoch %3d  train loss %.4f accuracy %5.2f%%  "
          "valid loss %.4f accuracy %5.2f%%  %.1f s\n",
          e->epoch.epoch, e->epoch.train_loss,
          100 * e->epoch.train_accuracy, e->epoch.valid_loss,
          100 * e->epoch.valid_accuracy, e->epoch.seconds);
}

void progress_emit(void *arg, const struct event *e)
{
    struct progress *p = arg;
    char planned[BYTES_TEXT_SIZE];

    switch (e->type) {
    case EVENT_START:
        print("training %s; Ctrl-C stops it\n", e->start.preset);
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
            draw_step(p, e);
        break;
    case EVENT_EPOCH:
        clear_line(p);
        print_epoch(e);
        if (e->epoch.valid_accuracy > p->best.epoch.valid_accuracy)
            p->best = *e;
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
    case EVENT_SAVED: /* the summary says it once */
        break;
    case EVENT_ERROR: /* the command reports it on standard error */
    case EVENT_DONE:
        clear_line(p);
        break;
    case EVENT_COUNT:
        break;
    }
    print_flush();
}

void progress_summary(const struct progress *p, bool interrupted,
                      const char *saved)
{
    char took[TEXT_DURATION_SIZE];

    text_duration(took, clock_seconds() - p->started);
    if (interrupted)
        print("interrupted at step %lld of %lld, after %s\n",
              (long long)p->step.step.step, (long long)p->step.step.steps,
              took);
    else
        print("done in %s\n", took);
    if (p->best.epoch.epoch)
        print("best validation accuracy %.2f%%, in epoch %d\n",
              100 * p->best.epoch.valid_accuracy, p->best.epoch.epoch);
    print_memory(&p->memory);
    if (saved)
        print("saved %s\n", saved);
}
