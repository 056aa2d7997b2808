#include "ui/session/finding.h"

#include <stdlib.h>

struct finding *finding_new(const struct settings *settings,
                            const struct machine *machine,
                            struct timings *timings, size_t budget)
{
    struct finding *f = xcalloc(1, sizeof(*f));

    f->from = *settings;
    f->machine = *machine;
    f->timings = timings_hold(timings);
    f->budget = budget;
    return f;
}

void finding_free(struct finding *f)
{
    if (!f)
        return;
    fit_done(&f->fit);
    timings_free(f->timings);
    free(f);
}

int finding_rows(const struct finding *f)
{
    return f->blocked ? 1 : f->fit.count;
}

const struct fit_row *finding_row(const struct finding *f, int row)
{
    return f->blocked ? &f->obstacle.least : &f->fit.rows[row];
}

/* A setting that changes neither bytes nor time in a run may differ. */
static bool matters(const struct setting *row)
{
    return !row->live || row->shrinks;
}

bool finding_holds(const struct finding *f, const struct settings *settings,
                   const struct machine *machine)
{
    struct settings same = f->from;

    fit_copy_dials(&same, settings);
    for (int i = 0; i < settings_count; i++)
        if (matters(&settings_table[i]) &&
            settings_differ(&same, settings, &settings_table[i]))
            return false;
    return machine_same(&f->machine, machine);
}

static void search_fit(void *question, bool (*goes_on)(void *arg), void *arg)
{
    struct finding *f = question;
    struct fit_query q = { .settings = &f->from, .machine = &f->machine,
                           .timings = f->timings, .budget = f->budget,
                           .goes_on = goes_on, .goes_on_arg = arg };
    struct error e;

    f->refused = !fit_find(&f->fit, &q, &f->error);
    if (!f->refused && f->fit.complete && f->fit.count == 0)
        f->blocked = fit_find_obstacle(&f->obstacle, &q, &e);
}

static void note_stop(void *question)
{
    struct finding *f = question;

    f->fit.complete = f->blocked = false;
}

static void free_finding(void *question)
{
    finding_free(question);
}

const struct errand finding_errand = { search_fit, note_stop, free_finding };
