#include "cli/lesson.h"

#include "base/clock.h"
#include "base/print.h"
#include "data/dataset.h"
#include "events/event.h"

/* Seconds between two figures. */
static const double figure_interval = 0.1;

/* Leaves out figures that come too soon, but not the last. */
static bool is_due(int merges, int wanted)
{
    static double last;
    double now = clock_seconds();

    if (merges < wanted && now - last < figure_interval)
        return false;
    last = now;
    return true;
}

/* The cursor is left where the line begins: an error is written over it. */
static void show_merges(int merges, int wanted)
{
    if (!is_due(merges, wanted))
        return;
    if (merges == wanted)
        print_error("\r%*s\r", 60, "");
    else
        print_error("\rlearning subwords: %d of %d merges\r", merges, wanted);
}

static void print_merges(int merges, int wanted)
{
    if (is_due(merges, wanted))
        event_print(&(struct event){ .type = EVENT_LEARNING,
                                     .learning = { merges, wanted } });
}

void lesson_show(void)
{
    if (print_error_shows())
        dataset_watch(show_merges);
}

void lesson_print(void)
{
    dataset_watch(print_merges);
}
