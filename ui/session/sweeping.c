#include "ui/session/sweeping.h"

#include <math.h>

#include "cli/sweep_script.h"

void sweeping_init(struct sweeping *g)
{
    *g = (struct sweeping){ .now = -1 };
}

void sweeping_done(struct sweeping *g)
{
    proposal_free(g->its);
    sweep_let_go(&g->claim);
    sweeping_init(g);
}

struct sweep *sweeping_sweep(const struct sweeping *g)
{
    return g->its ? &g->its->sweep : NULL;
}

/* Only the command asks Slurm for jobs that wait. */
static bool check_jobs(struct sweep *s, struct error *e)
{
    sweep_script_read(s);
    for (int i = 0; i < s->count; i++)
        if (s->runs[i].state == SWEEP_WAITS && s->runs[i].task > 0)
            return error_set(e, EXIT_INPUT, "Slurm may have jobs of the sweep "
                             "%s: go on with it by `memdial sweep` in a "
                             "shell, or give it another name", s->name);
    return true;
}

bool sweeping_begin(struct sweeping *g, struct proposal *p, struct error *e)
{
    struct sweep_claim claim;

    if (!check_jobs(&p->sweep, e) || !sweep_claim(&claim, &p->sweep, e))
        return false;
    sweeping_done(g);
    g->its = p;
    g->claim = claim;
    return true;
}

/* Somebody may have begun a run in the meantime, or removed it. */
static bool can_begin(const struct sweep *s, struct sweep_run *run)
{
    if (run->state == SWEEP_WAITS)
        sweep_look_at(s, run);
    return run->state == SWEEP_WAITS;
}

struct sweep_run *sweeping_next(const struct sweeping *g)
{
    struct sweep *s = sweeping_sweep(g);

    for (int i = 0; s && i < s->count; i++)
        if (can_begin(s, &s->runs[i]))
            return &s->runs[i];
    return NULL;
}

void sweeping_start(struct sweeping *g, struct sweep_run *run)
{
    run->state = SWEEP_RUNS;
    g->now = (int)(run - g->its->sweep.runs);
}

static struct sweep_run *swept_now(const struct sweeping *g)
{
    return g->now < 0 ? NULL : &g->its->sweep.runs[g->now];
}

/* The last word may be said before it is in the folder. A run that came to no
 * end of its own would come to none again. */
void sweeping_settle(struct sweeping *g, enum run_end end)
{
    struct sweep_run *run = swept_now(g);

    if (!run)
        return;
    sweep_look_at(&g->its->sweep, run);
    if (run->state != SWEEP_DONE && run->state != SWEEP_FAILED)
        run->state = end == RUN_DONE                            ? SWEEP_DONE
                     : end == RUN_DIVERGED || end == RUN_FAILED ? SWEEP_FAILED
                                                               : SWEEP_STOPPED;
    g->now = -1;
}

bool sweeping_refuse(struct sweeping *g, const char *why)
{
    struct sweep_run *run = swept_now(g);

    if (run)
        sweep_note_failure(&g->its->sweep, run, why);
    g->now = -1;
    return run;
}

void sweeping_leave(struct sweeping *g)
{
    struct sweep_run *run = swept_now(g);

    if (run)
        run->state = SWEEP_WAITS;
    g->now = -1;
}

double sweeping_seconds_left(const struct sweeping *g)
{
    const struct sweep *s = sweeping_sweep(g);
    double left = 0;

    for (int i = 0; s && i < s->count; i++) {
        const struct sweep_run *run = &s->runs[i];
        double steps = (double)run->steps, done = (double)run->step;

        if (run->state == SWEEP_WAITS)
            left += steps > 0 ? run->seconds * (steps - done) / steps : NAN;
    }
    return left;
}
