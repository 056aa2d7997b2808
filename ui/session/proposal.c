#include "ui/session/proposal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/job.h"
#include "sweep/sweep_axes.h"
#include "sweep/sweep_plan.h"

static void propose_assignment(struct proposal *p, const struct settings *s,
                               const struct setting *row)
{
    struct sweep_request *r = &p->request;
    char value[SETTINGS_TEXT_SIZE], text[SETTINGS_TEXT_SIZE + 64];

    settings_format(s, row, value, sizeof(value));
    snprintf(text, sizeof(text), "%.60s=%s", row->name, value);
    p->assignments = xgrow(p->assignments, r->assignment_count,
                           sizeof(*p->assignments));
    p->assignments[r->assignment_count++] = (struct assignment){
        "--set", xstrdup(text)
    };
    r->assignments = p->assignments;
}

/* The settings wanted that the preset has not. The worker says for each run
 * which machine it is on: that is nobody's wish. */
static void propose_settings(struct proposal *p, const struct settings *wanted,
                             const struct machine *machine)
{
    struct preset preset;
    struct settings settled;

    settings_init(&preset.settings);
    preset_load(&preset, p->preset, NULL);
    settled = machine_settle(machine, &preset.settings);
    for (int i = 0; i < settings_count; i++)
        if (settings_differ(&preset.settings, wanted, &settings_table[i]) &&
            settings_differ(&settled, wanted, &settings_table[i]))
            propose_assignment(p, wanted, &settings_table[i]);
}

/* Adds "name=a,b": the marks of a setting from this one on; returns the place
 * after them. */
static int propose_axis(struct proposal *p, const struct marks *m, int from)
{
    const struct setting *row = m->list[from].setting;
    struct sweep_request *r = &p->request;
    struct buffer b = { NULL, 0, 0 };
    int i;

    buffer_print(&b, "%s=%s", row->name, m->list[from].value);
    for (i = from + 1; i < m->count && m->list[i].setting == row; i++)
        buffer_print(&b, ",%s", m->list[i].value);
    p->over = xgrow(p->over, r->over_count, sizeof(*p->over));
    p->over[r->over_count++] = xstrdup(b.bytes);
    buffer_done(&b);
    return i;
}

struct proposal *proposal_new(const char *preset,
                              const struct settings *wanted,
                              const struct marks *m, const char *root,
                              const struct machine *machine)
{
    struct proposal *p = xcalloc(1, sizeof(*p));

    snprintf(p->preset, sizeof(p->preset), "%s", preset);
    snprintf(p->root, sizeof(p->root), "%s", *root ? root : ARCHIVE_NONE);
    p->machine = *machine;
    p->request = (struct sweep_request){ .preset = p->preset,
                                         .runs = p->root,
                                         .machine = &p->machine,
                                         .most = SWEEP_RUNS_USUAL };
    propose_settings(p, wanted, machine);
    for (int i = 0; i < m->count;)
        i = propose_axis(p, m, i);
    p->request.over = (const char **)p->over;
    return p;
}

/* The screens open no device. */
static size_t available_bytes(const struct sweep *s)
{
    struct settings settled = machine_settle(&s->machine, &s->base);

    return backend_named(settled.backend) == &cpu_backend
               ? job_available_bytes(&settled, &s->machine) : 0;
}

/* Plans the sweep in a folder whose runs, if it has any, are those asked for.
 * The folder that is called after the axes may have other ones. Then it is the
 * first of -2, -3 and so on that has not. */
static bool find_room(struct proposal *p)
{
    enum { MOST = 100 };
    struct sweep *s = &p->sweep;
    struct error again;
    char first[ARCHIVE_NAME_MAX + 1];

    if (!sweep_axes_expand(s, &p->error))
        return false;
    if (sweep_look(s, &p->error))
        return true;
    snprintf(first, sizeof(first), "%s", s->name);
    for (int i = 2; i < MOST; i++) {
        snprintf(p->name, sizeof(p->name), "%.*s-%d", ARCHIVE_NAME_MAX - 12,
                 first, i);
        p->request.name = p->name;
        sweep_done(s);
        *s = (struct sweep){ .request = &p->request };
        if (sweep_axes_expand(s, &again) && sweep_look(s, &again))
            return true;
    }
    return false;
}

void proposal_free(struct proposal *p)
{
    if (!p)
        return;
    sweep_done(&p->sweep);
    for (int i = 0; i < p->request.assignment_count; i++)
        free(p->assignments[i].text);
    for (int i = 0; i < p->request.over_count; i++)
        free(p->over[i]);
    free(p->assignments);
    free(p->over);
    free(p);
}

static void plan_proposal(void *question, bool (*goes_on)(void *arg), void *arg)
{
    struct proposal *p = question;

    p->sweep.request = &p->request;
    p->planned = find_room(p);
    if (!p->planned)
        return;
    p->available = available_bytes(&p->sweep);
    sweep_plan(&p->sweep, goes_on, arg);
}

static void free_proposal(void *question)
{
    proposal_free(question);
}

const struct errand proposal_errand = { plan_proposal, NULL, free_proposal };
