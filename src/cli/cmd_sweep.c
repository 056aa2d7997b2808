/*
 * `memdial sweep`: says what runs there would be and what they take, and then
 * has them run, here or on a cluster.
 */
#include "cli/cmd_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"
#include "cli/request.h"
#include "cli/sweep_local.h"
#include "cli/sweep_slurm.h"
#include "cli/sweep_tell.h"
#include "sweep/sweep_axes.h"
#include "sweep/sweep_claim.h"
#include "sweep/sweep_plan.h"

enum { JOBS_MAX = 256, RUNS_MAX = 100000 };

struct choices {
    struct request request;
    struct sweep_request sweep;
    char **seeds;                /* owned, [seeds_count]: "seed=1,2" */
    int seeds_count;
    const char *jobs, *most;     /* as given; or NULL */
    int job_count;               /* 0: not given */
    const char *slurm;           /* its options; NULL: here */
    bool json, dry_run;
};

static const char usage[] =
    "sweep [PRESET] [--set NAME=VALUE]... {--over NAME=VALUE,VALUE...}... "
    "[--seeds SEED,SEED...] [--list FILE | --front BYTES,BYTES...] "
    "[--jobs N] [--slurm[=OPTIONS]] [--retry] [--dry-run] [--json] "
    "[--name NAME] [--runs DIR] [--most N]";

static const struct option options[] = {
    { "set", required_argument, NULL, 's' },
    { "over", required_argument, NULL, 'o' },
    { "seeds", required_argument, NULL, 'e' },
    { "list", required_argument, NULL, 'l' },
    { "front", required_argument, NULL, 'f' },
    { "jobs", required_argument, NULL, 'J' },
    { "slurm", optional_argument, NULL, 'S' },
    { "retry", no_argument, NULL, 'y' },
    { "dry-run", no_argument, NULL, 'd' },
    { "json", no_argument, NULL, 'j' },
    { "name", required_argument, NULL, 'n' },
    { "runs", required_argument, NULL, 'r' },
    { "most", required_argument, NULL, 'm' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void add_over(struct choices *c, const char *text)
{
    struct sweep_request *r = &c->sweep;

    r->over = xgrow(r->over, r->over_count, sizeof(*r->over));
    r->over[r->over_count++] = text;
}

/* --seeds is short for --over seed. */
static void add_seeds(struct choices *c, const char *seeds)
{
    size_t size = strlen(seeds) + sizeof("seed=");
    char *over = xcalloc(size, 1);

    snprintf(over, size, "seed=%s", seeds);
    c->seeds = xgrow(c->seeds, c->seeds_count, sizeof(*c->seeds));
    c->seeds[c->seeds_count++] = over;
    add_over(c, over);
}

static void cmd_sweep_choose(void *arg, int which, const char *value)
{
    struct choices *c = arg;

    switch (which) {
    case 'o':
        add_over(c, value);
        break;
    case 'e':
        add_seeds(c, value);
        break;
    case 'l':
        c->sweep.list = value;
        break;
    case 'f':
        c->sweep.front = value;
        break;
    case 'J':
        c->jobs = value;
        break;
    case 'S':
        c->slurm = value ? value : "";
        break;
    case 'y':
        c->sweep.retry = true;
        break;
    case 'd':
        c->dry_run = true;
        break;
    case 'j':
        c->json = true;
        break;
    case 'n':
        c->sweep.name = value;
        break;
    case 'r':
        c->sweep.runs = value;
        break;
    case 'm':
        c->most = value;
        break;
    }
}

/* Reads a number from 1 to `most`; no text leaves it as it is. */
static bool parse_number(const char *option, const char *text, int most,
                         int *number, struct error *e)
{
    char *end;
    long value;

    if (!text)
        return true;
    value = strtol(text, &end, 10);
    if (end == text || *end || value < 1 || value > most)
        return error_set(e, EXIT_INPUT, "%s: '%.32s' is not a number from 1 to "
                         "%d", option, text, most);
    *number = (int)value;
    return true;
}

static bool parse_choices(struct choices *c, struct error *e)
{
    c->sweep.most = SWEEP_RUNS_USUAL;
    return parse_number("--jobs", c->jobs, JOBS_MAX, &c->job_count, e) &&
           parse_number("--most", c->most, RUNS_MAX, &c->sweep.most, e) &&
           (!c->slurm || sweep_slurm_check(c->slurm, e));
}

static void report_refused(struct sweep_tell *t)
{
    for (int i = 0; i < t->sweep->count; i++)
        if (t->sweep->runs[i].state == SWEEP_REFUSED)
            sweep_tell_run(t, &t->sweep->runs[i], NULL);
}

/* Has the runs run. *whole: nobody ended the sweep before its end. */
static bool have_them_run(const struct choices *c, struct sweep *s,
                          struct sweep_tell *t, bool *whole, struct error *e)
{
    if (c->slurm)
        return sweep_slurm_run(s, t, c->slurm, c->job_count, whole, e);
    *whole = sweep_local_run(s, t, c->job_count ? c->job_count : 1);
    return true;
}

static bool run_in_folder(const struct choices *c, struct sweep *s,
                          struct sweep_tell *t, bool *whole, struct error *e)
{
    struct sweep_claim claim;
    bool ok;

    if (!sweep_slurm_look(s, c->slurm, e) || !sweep_claim(&claim, s, e))
        return false;
    ok = have_them_run(c, s, t, whole, e);
    sweep_let_go(&claim);
    return ok;
}

static bool run_sweep(const struct choices *c, struct sweep *s,
                      struct sweep_tell *t, struct error *e)
{
    bool whole = true;

    report_refused(t);
    if (sweep_count(s, SWEEP_REFUSED) < s->count &&
        !run_in_folder(c, s, t, &whole, e))
        return false;
    sweep_tell_end(t, !whole);
    return true;
}

static bool sweep_and_tell(const struct choices *c, struct sweep *s,
                           struct error *e)
{
    struct sweep_tell tell;

    if (!sweep_axes_expand(s, e) || !sweep_look(s, e))
        return false;
    sweep_plan(s, NULL, NULL);
    sweep_tell_init(&tell, s, c->json);
    sweep_tell_plan(&tell);
    if (!c->dry_run)
        return run_sweep(c, s, &tell, e);
    return !c->slurm || sweep_slurm_show(s, c->slurm, c->job_count, e);
}

/* Only a sweep whose runs are all done has succeeded. */
static int end_code(const struct choices *c, const struct sweep *s)
{
    return c->dry_run || sweep_count(s, SWEEP_DONE) == s->count ? EXIT_OK
                                                                : EXIT_RUN;
}

static void take_request(struct choices *c)
{
    c->sweep.preset = c->request.preset;
    c->sweep.assignments = c->request.assignments;
    c->sweep.assignment_count = c->request.count;
}

static int sweep(struct choices *c)
{
    struct sweep s = { .request = &c->sweep };
    struct error e;
    int code;

    take_request(c);
    if (parse_choices(c, &e) && sweep_and_tell(c, &s, &e))
        code = end_code(c, &s);
    else
        code = report_error(&e);
    sweep_done(&s);
    return code;
}

int cmd_sweep(int argc, char **argv)
{
    struct choices choices = { .json = false };
    int code;

    if (request_parse(&choices.request, argc, argv, options, usage,
                      cmd_sweep_choose, &choices, &code))
        code = sweep(&choices);
    request_done(&choices.request);
    free(choices.sweep.over);
    for (int i = 0; i < choices.seeds_count; i++)
        free(choices.seeds[i]);
    free(choices.seeds);
    return code;
}
