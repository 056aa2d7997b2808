#include "ui/session/proposer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/job.h"
#include "sweep/sweep_axes.h"
#include "sweep/sweep_plan.h"
#include "ui/session/background.h"

struct proposer {
    struct background thread;
    struct proposal *asked;      /* owned; NULL: none is open */
    struct proposal *made;       /* owned; NULL: not yet, or taken */
};

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

bool proposal_plan(struct proposal *p, bool (*goes_on)(void *arg), void *arg)
{
    struct sweep *s = &p->sweep;

    s->request = &p->request;
    p->planned = find_room(p);
    if (!p->planned)
        return true;
    p->available = available_bytes(s);
    return sweep_plan(s, goes_on, arg);
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

static bool proposer_goes_on(void *arg)
{
    struct proposer *p = arg;
    bool on;

    background_lock(&p->thread);
    on = !p->asked && !p->thread.quit;
    background_unlock(&p->thread);
    return on;
}

static bool propose_next(void *arg)
{
    struct proposer *p = arg;
    struct proposal *its = p->asked;
    bool whole;

    if (!its)
        return false;
    p->asked = NULL;
    background_unlock(&p->thread);
    whole = proposal_plan(its, proposer_goes_on, p);
    background_lock(&p->thread);
    if (!whole || p->asked) {
        proposal_free(its);
        return true;
    }
    p->made = its;
    background_tell(&p->thread);
    return true;
}

struct proposer *proposer_new(void)
{
    struct proposer *p = xcalloc(1, sizeof(*p));

    background_start(&p->thread, propose_next, p);
    return p;
}

void proposer_free(struct proposer *p)
{
    if (!p || !background_stop(&p->thread))
        return;
    proposal_free(p->asked);
    proposal_free(p->made);
    free(p);
}

void proposer_ask(struct proposer *p, struct proposal *next)
{
    background_lock(&p->thread);
    proposal_free(p->asked);
    proposal_free(p->made);
    p->made = NULL;
    p->asked = next;
    background_wake(&p->thread);
    background_unlock(&p->thread);
}

int proposer_fd(const struct proposer *p)
{
    return background_fd(&p->thread);
}

struct proposal *proposer_take(struct proposer *p)
{
    struct proposal *made;

    background_hear(&p->thread);
    background_lock(&p->thread);
    background_clear(&p->thread);
    made = p->made;
    p->made = NULL;
    background_unlock(&p->thread);
    return made;
}
