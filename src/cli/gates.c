#include "cli/gates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "events/archive.h"
#include "settings/facts.h"

void gates_init(struct gates *g)
{
    *g = (struct gates){ .most = UINT64_MAX, .least = -INFINITY,
                         .seen_accuracy = NAN, .seen_score = NAN };
}

void gates_done(struct gates *g)
{
    if (g->compares)
        record_done(&g->base);
}

bool gates_ask(const struct gates *g)
{
    return g->peak || g->accuracy || g->baseline;
}

bool gates_option(struct gates *g, int which, const char *value)
{
    switch (which) {
    case GATE_PEAK:
        g->peak = value;
        return true;
    case GATE_ACCURACY:
        g->accuracy = value;
        return true;
    case GATE_BASELINE:
        g->baseline = value;
        return true;
    case GATE_TOLERANCE:
        g->tolerance = value;
        return true;
    default:
        return false;
    }
}

static bool parse_bytes(const char *text, uint64_t *bytes, struct error *e)
{
    return !text || bytes_parse(text, bytes) ||
           error_set(e, EXIT_INPUT, "--assert-peak: '%.32s' is not a number of "
                     "bytes, as 8388608 or 8MiB", text);
}

/* Reads "0.9" or "90%". */
static bool parse_fraction(const char *option, const char *text,
                           double *fraction, struct error *e)
{
    char *end;
    double value;

    if (!text)
        return true;
    value = strtod(text, &end);
    if (end > text && *end == '%') {
        value /= 100;
        end++;
    }
    if (end == text || *end || !(value >= 0 && value <= 1))
        return error_set(e, EXIT_INPUT, "%s: '%.32s' is not a fraction, as "
                         "0.05 or 5%%", option, text);
    *fraction = value;
    return true;
}

static bool open_baseline(struct gates *g, const char *runs, struct error *e)
{
    char root[RECORD_PATH_SIZE], folder[RECORD_PATH_SIZE];

    if (!archive_root(root, runs, e) ||
        !archive_find(root, g->baseline, folder, e))
        return false;
    g->compares = true;
    if (!record_read(&g->base, folder, RECORD_EPOCHS, e))
        return false;
    if (g->base.error.code != EXIT_OK)
        return error_set(e, EXIT_INPUT, "--baseline: %s: %s", g->base.name,
                         g->base.error.text);
    return run_trial(&g->base.run) ||
           error_set(e, EXIT_INPUT, "--baseline: %s: a run that did not begin",
                     g->base.name);
}

bool gates_open(struct gates *g, const char *runs, struct error *e)
{
    if (g->tolerance && !g->baseline)
        return error_set(e, EXIT_INPUT, "--tolerance: of what? give --baseline "
                         "RUN too");
    return parse_bytes(g->peak, &g->most, e) &&
           parse_fraction("--assert-accuracy", g->accuracy, &g->least, e) &&
           parse_fraction("--tolerance", g->tolerance, &g->slack, e) &&
           (!g->baseline || open_baseline(g, runs, e));
}

static bool check_peak(const struct gates *g, const struct plan *plan,
                       struct error *e)
{
    return plan->peak_bytes <= g->most ||
           error_set(e, EXIT_ASSERTION, "the peak is %zu bytes, %zu more than "
                     "--assert-peak allows", plan->peak_bytes,
                     plan->peak_bytes - (size_t)g->most);
}

/* Refuses a figure of bytes that is above the baseline's and its tolerance. */
static bool check_bytes(const struct gates *g, const char *what, size_t bytes,
                        size_t base, struct error *e)
{
    char now[BYTES_TEXT_SIZE], before[BYTES_TEXT_SIZE], more[32] = "";

    if ((double)bytes <= (double)base * (1 + g->slack))
        return true;
    if (base > 0)
        snprintf(more, sizeof(more), ", %.1f%% more",
                 100 * ((double)bytes / (double)base - 1));
    return error_set(e, EXIT_BUDGET, "%s: %s, but %s in the run %s%s; "
                     "--tolerance is %g%%", what,
                     bytes_format(now, sizeof(now), bytes),
                     bytes_format(before, sizeof(before), base), g->base.name,
                     more, 100 * g->slack);
}

static bool check_kinds(const struct gates *g, const struct plan *now,
                        const struct plan *before, struct error *e)
{
    for (int k = 0; k < KIND_COUNT; k++)
        if (!check_bytes(g, kind_name((enum kind)k),
                         now->live[now->peak_step][k],
                         before->live[before->peak_step][k], e))
            return false;
    return true;
}

/* A kind may have grown where another has shrunk, so kinds are compared on
 * their own, and then the total, as the baseline's run was told it. */
static bool check_baseline(const struct gates *g, const struct job *job,
                           struct error *e)
{
    const struct run *run = &g->base.run;
    struct job *before;
    bool ok;

    if (!job_new_on(&before, &run->settings, &run->machine, e))
        return false;
    ok = check_kinds(g, job->plan, before->plan, e) &&
         check_bytes(g, "peak", job->plan->peak_bytes,
                     run->planned ? (size_t)run->planned
                                  : before->plan->peak_bytes, e);
    job_free(before);
    return ok;
}

bool gates_check_plan(const struct gates *g, const struct job *job,
                      struct error *e)
{
    return check_peak(g, job->plan, e) &&
           (!g->compares || check_baseline(g, job, e));
}

void gates_take(struct gates *g, const struct settings *s,
                const struct event *event)
{
    struct score score = facts_of(s).score;
    double value;

    if (event->type == EVENT_EPOCH) {
        value = event_score(event, &score);
        g->seen_accuracy = event->epoch.valid_accuracy;
        g->seen_score = isnan(value) ? g->seen_score : value;
    } else if (event->type == EVENT_TEST) {
        g->seen_accuracy = event->test.accuracy;
        g->seen_score = event->test.score;
        g->tested = true;
    }
}

static bool check_accuracy(const struct gates *g, struct error *e)
{
    const char *split = g->tested ? "test" : "validation";

    if (!g->accuracy)
        return true;
    if (isnan(g->seen_accuracy))
        return error_set(e, EXIT_ASSERTION, "accuracy: not known, for no epoch "
                         "has ended; --assert-accuracy asks for %g", g->least);
    return g->seen_accuracy >= g->least ||
           error_set(e, EXIT_ASSERTION, "accuracy: %.4f (%s), less than the %g "
                     "of --assert-accuracy", g->seen_accuracy, split,
                     g->least);
}

/* The worst score that is as good as another within the tolerance. */
static double bound(const struct score *score, double base, double slack)
{
    return score->higher_is_better ? base * (1 - slack) : base * (1 + slack);
}

bool gates_check_score(const struct gates *g, const struct settings *s,
                       struct error *e)
{
    struct score score, other;

    if (!g->compares)
        return true;
    score = facts_of(s).score;
    other = run_score(&g->base.run);
    if (!score_same(&score, &other))
        return error_set(e, EXIT_INPUT, "--baseline: %s: judged by %s, and "
                         "this run by %s", g->base.name, other.name,
                         score.name);
    return !isnan(record_score(&g->base)) ||
           error_set(e, EXIT_INPUT, "--baseline: %s: has no %s, for no epoch "
                     "has ended in it", g->base.name, score.name);
}

void gates_go_on(struct gates *g, const struct record *r)
{
    g->seen_accuracy = r->valid_accuracy;
    g->seen_score = r->valid_score;
}

/* The baseline's score of the split that the run was judged on, if it has that.
 */
static double base_score(const struct gates *g)
{
    return g->tested || isnan(g->base.valid_score) ? record_score(&g->base)
                                                   : g->base.valid_score;
}

static bool check_score(const struct gates *g, const struct settings *s,
                        struct error *e)
{
    struct score score = facts_of(s).score;
    double base = base_score(g);

    if (isnan(g->seen_score))
        return error_set(e, EXIT_BUDGET, "%s: not known, for no epoch has "
                         "ended; %.4f in the run %s", score.name, base,
                         g->base.name);
    return !score_better(&score, bound(&score, base, g->slack),
                         g->seen_score) ||
           error_set(e, EXIT_BUDGET, "%s: %.4f, but %.4f in the run %s; "
                     "--tolerance is %g%%", score.name, g->seen_score, base,
                     g->base.name, 100 * g->slack);
}

bool gates_check_run(const struct gates *g, const struct settings *s,
                     struct error *e)
{
    return check_accuracy(g, e) && (!g->compares || check_score(g, s, e));
}
