#include "cli/lesson.h"

#include "base/clock.h"
#include "base/print.h"
#include "data/dataset.h"

/* Seconds between two drawings of the line. */
static const double line_interval = 0.1;

static void show_merges(int merges, int wanted)
{
    static double drawn;
    double now = clock_seconds();

    if (merges == wanted)
        print_error("\r%*s\r", 60, "");
    else if (now - drawn >= line_interval)
        print_error("\rlearning subwords: %d of %d merges", merges, wanted);
    else
        return;
    drawn = now;
}

void lesson_show(void)
{
    if (print_error_shows())
        dataset_watch(show_merges);
}
