#include "cli/told_time.h"

#include <stdio.h>

#include "base/quote.h"
#include "data/dataset.h"
#include "plan/timings_file.h"
#include "settings/facts.h"

static void tell_unknown(char why[TOLD_TIME_SIZE], const char *refusal,
                         const char *preset)
{
    struct buffer quoted = { NULL, 0, 0 };

    quote_shell(&quoted, preset);
    snprintf(why, TOLD_TIME_SIZE, "time is not known: %s%s`memdial calibrate "
             "%s` measures this machine", refusal, *refusal ? "; " : "",
             quoted.bytes);
    buffer_done(&quoted);
}

struct timings *told_timings(const char *name, const char *preset,
                             char why[TOLD_TIME_SIZE])
{
    const struct backend *backend = backend_named(name);
    struct timings *t = NULL;
    struct error e;
    bool refused = backend && !timings_load(&t, backend, &e) &&
                   e.code == EXIT_INPUT;

    if (!t)
        tell_unknown(why, refused ? e.text : "", preset);
    return t;
}

/* Units that a step works on, as expected. */
static double units_of(const struct job *job)
{
    enum extent terms = dataset_family(job->settings.data)->terms;
    const struct cut *cut = &job->schedule->cut;
    int units = cut->parts * cut->mean.of[terms];

    return units < cut->whole.of[terms] ? units : cut->whole.of[terms];
}

void told_time(char text[TOLD_TIME_SIZE], const struct job *job,
               const struct timings_step *step)
{
    snprintf(text, TOLD_TIME_SIZE, "%.3g s per step, %.3g %s per second%s",
             step->seconds, units_of(job) / step->seconds,
             facts_of(&job->settings).units,
             step->known < 0.5 ? ", mostly guessed" : "");
}
