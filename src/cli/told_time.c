#include "cli/told_time.h"

#include <stdio.h>

#include "data/dataset.h"
#include "plan/timings_file.h"
#include "settings/facts.h"

static void tell_unknown(char why[TOLD_TIME_SIZE], const char *refusal,
                         const struct settings *s, const char *preset)
{
    struct buffer command = { NULL, 0, 0 };

    timings_command(&command, preset, s);
    snprintf(why, TOLD_TIME_SIZE, "time is not known: %s%s`%s` measures this "
             "machine", refusal, *refusal ? "; " : "", command.bytes);
    buffer_done(&command);
}

struct timings *told_timings(const struct settings *s, const char *name,
                             const char *preset, char why[TOLD_TIME_SIZE])
{
    const struct backend *backend = backend_named(name);
    struct timings *t = NULL;
    struct error e;
    bool refused = backend && !timings_load(&t, backend, &e) &&
                   e.code == EXIT_INPUT;

    if (!t)
        tell_unknown(why, refused ? e.text : "", s, preset);
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
    double rate = units_of(job) / step->seconds;

    snprintf(text, TOLD_TIME_SIZE, "%.3g s per step, %.*f %s per second%s",
             step->seconds, rate < 9.95 ? 3 : rate < 99.5 ? 1 : 0, rate,
             facts_of(&job->settings).units,
             step->known < 0.5 ? ", mostly guessed" : "");
}
