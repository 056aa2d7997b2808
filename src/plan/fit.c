/*
 * A *point* is a choice of all dials but checkpointing. Checkpoints are a way
 * of running a point: results are the same, bytes and time differ. An outline
 * of the point without checkpoints gives two bounds. No way of running it is
 * faster. Its *floor* is the sum of all bytes alive throughout the body and
 * those of the operands of any one step: no way of running it takes fewer.
 *
 * Points are gone through by change, and points of the same change by the time
 * that they could have. A point is left out if its floor is above the budget:
 * its graph alone often tells. It is left out if the body of every route is
 * proved to be too large (choice_may_fit), or if it could not be faster than a
 * row that changes no more. Of the others the fastest way that fits is planned.
 * Points share graphs, routes, and all that is known of the routes' bodies.
 */
#include "plan/fit.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "models/model.h"
#include "plan/roofline.h"
#include "settings/ladder.h"

struct point {
    struct settings settings;    /* without checkpoints */
    struct change change;
    bool open;                   /* some way of running it may be a row */
    size_t floor;                /* bytes that every way of running it takes */
    bool outlined;               /* what follows is known */
    double time;                 /* that no way of running it beats */
    size_t peak;                 /* bytes without checkpoints; */
    size_t persisting;           /* of them, throughout the body of training */
    int order;                   /* in which it was found */
};

struct fit_search {
    const struct fit_query *query;
    struct pace pace;
    struct point *points;        /* [count] */
    int count;
    int plans;
    bool stopped;
    struct job_cache cache;
};

static bool is_checkpoint(const struct setting *row)
{
    return row->offset == offsetof(struct settings, checkpoint);
}

static bool is_held(const struct fit_query *q, const struct setting *row)
{
    return q->held && q->held(row, q->held_arg);
}

static bool holds_checkpoint(const struct fit_query *q)
{
    return is_held(q, settings_find("checkpoint"));
}

static bool holds_memory_budget(const struct fit_query *q)
{
    return is_held(q, settings_find("memory_budget"));
}

bool fit_turns(const struct setting *row)
{
    return row->saves && row->live && row->ladder != LADDER_NONE;
}

void fit_copy_dials(struct settings *s, const struct settings *from)
{
    for (int i = 0; i < settings_count; i++)
        if (fit_turns(&settings_table[i]))
            settings_copy(s, from, &settings_table[i]);
    s->memory_budget = from->memory_budget;
}

/* Without timings a guess, good enough to compare. */
static double fit_time(const struct fit_query *q, const struct plan *plan)
{
    double seconds = timings_step_seconds(q->timings, plan);

    return isnan(seconds) ? roofline_seconds(plan) : seconds;
}

/* The share of one step. */
static double fit_step_time(const struct plan *plan, int step, const void *arg)
{
    const struct fit_query *q = arg;

    return timings_know(q->timings, plan)
               ? timings_plan_step(q->timings, plan, step)
               : roofline_step(plan, step);
}

static bool search_goes_on(void *search)
{
    struct fit_search *f = search;
    const struct fit_query *q = f->query;

    if (!f->stopped && q->goes_on && !q->goes_on(q->goes_on_arg))
        f->stopped = true;
    return !f->stopped;
}

static bool may_plan(struct fit_search *f)
{
    f->plans += search_goes_on(f);
    return !f->stopped;
}

/* The shares of steps add up to fit_time() but for rounding. So plans that take
 * all but the same time are worth a look, and fit_time() decides. */
static struct worth faster_than(struct fit_search *f, double seconds)
{
    return (struct worth){ .pace = seconds < DBL_MAX ? &f->pace : NULL,
                           .seconds = seconds * (1 + 1e-9),
                           .goes_on = search_goes_on, .arg = f };
}

/* NULL: they are not possible, or not worth it (NULL: any are). */
static struct job *fit_outline(struct fit_search *f, const struct settings *s,
                               const struct worth *worth)
{
    struct job *job;

    return may_plan(f) && job_outline_on(&job, s, f->query->machine,
                                         &f->cache, worth, NULL)
               ? job : NULL;
}

/*
 * Bytes that are alive throughout the body, however it is routed, and with them
 * the operands of one step. An output may take over the storage of an input.
 */
static size_t floor_of_step(const struct plan *plan, int t,
                            const bool throughout[])
{
    const struct step *step = &plan->schedule->steps[t];
    const char *access = op_access(schedule_op(plan->schedule, t)->code);
    const char *shared = strchr(access, 's'), *last = strrchr(access, 'w');
    size_t sum = 0;

    for (int i = 0; i < STEP_INSTANCES; i++) {
        int x = step->instance[i], j = 0;
        if (x < 0 || throughout[x] || (shared && access + i == last))
            continue;
        while (step->instance[j] != x)
            j++;
        sum += j == i ? plan->instances[x].bytes : 0;
    }
    return sum;
}

static size_t floor_of_plan(const struct plan *plan)
{
    const struct schedule *s = plan->schedule;
    const struct program_steps *p = &s->program[PROGRAM_TRAIN];
    bool *throughout = xcalloc((unsigned long)s->instance_count, sizeof(bool));
    size_t always = 0, most = 0;

    for (int i = 0; i < s->instance_count; i++) {
        const struct plan_instance *in = &plan->instances[i];
        throughout[i] = in->first <= p->body && in->last >= p->epilogue - 1 &&
                        in->taken_by < 0;
        always += throughout[i] ? in->bytes : 0;
    }
    for (int t = p->body; t < p->epilogue; t++) {
        size_t step = floor_of_step(plan, t, throughout);
        most = step > most ? step : most;
    }
    free(throughout);
    return always + most;
}

/* Finds a floor without an outline. */
static void bound_point(struct fit_search *f, struct point *p)
{
    if (search_goes_on(f))
        p->floor = job_least_bytes(&p->settings, f->query->machine, &f->cache);
}

/* Finds the bounds of a point that could take less than `time`. */
static void outline_point(struct fit_search *f, struct point *p, double time)
{
    struct worth worth = faster_than(f, time);
    struct job *job = fit_outline(f, &p->settings, &worth);

    p->outlined = true;
    p->open = job;
    if (!job)
        return;
    p->time = fit_time(f->query, job->plan);
    p->floor = floor_of_plan(job->plan);
    p->peak = job->plan->peak_bytes;
    p->persisting = choice_persisting(job->plan);
    job_free(job);
}

static void add_point(struct fit_search *f, const struct settings *s,
                      const struct graph *g)
{
    if (f->count % 64 == 0)
        f->points = xrealloc(f->points, (unsigned long)f->count + 64,
                             sizeof(*f->points));
    f->points[f->count] = (struct point){
        .settings = *s, .change = change_of(s, g), .open = true,
        .order = f->count
    };
    f->count++;
}

/* Adds the points of all values of the dials from this row of the table on. The
 * graph is any of the model's: a dial's price is the same in all of them. */
static void add_points(struct fit_search *f, struct settings s, int row,
                       const struct graph *g)
{
    const struct setting *r;
    enum ladder_way way;

    while (row < settings_count && (!fit_turns(&settings_table[row]) ||
                                    is_checkpoint(&settings_table[row]) ||
                                    is_held(f->query, &settings_table[row])))
        row++;
    if (row == settings_count) {
        if (!model_check(&s, "fit", NULL))
            return;
        add_point(f, &s, g);
        return;
    }
    r = &settings_table[row];
    way = ladder_saving(&s, r);
    settings_set(&s, "fit", r->name, r->saves, NULL);
    do
        add_points(f, s, row + 1, g);
    while (ladder_step(&s, r, way, 0, &s));
}

static struct fit_row fit_row_of(const struct fit_query *q,
                                 const struct job *job)
{
    return (struct fit_row){
        .settings = job->settings,
        .change = change_of(&job->settings, job->graph),
        .peak_bytes = job->plan->peak_bytes,
        .arena_bytes = job->plan->arena_bytes,
        .seconds = fit_time(q, job->plan),
        .flops = schedule_flops(job->schedule),
    };
}

/* Gives an outline its addresses and keeps it as a row, if it fits and is
 * better than the row that is there. */
static void take_if_faster(const struct fit_query *q, const struct job *job,
                           size_t budget, struct fit_row *best, double *time)
{
    double its;

    if (job->plan->peak_bytes > budget)
        return;
    its = fit_time(q, job->plan);
    if (its >= *time)
        return;
    if (!job->plan->arena_bytes)
        plan_place(job->plan);
    if (job->plan->arena_bytes > budget)
        return;
    *time = its;
    *best = fit_row_of(q, job);
    if (job->settings.checkpoint == CHECKPOINT_OPTIMAL &&
        !holds_memory_budget(q))
        best->settings.memory_budget = job->plan->arena_bytes;
}

static void run_way(struct fit_search *f, const struct settings *s,
                    const struct worth *worth, size_t budget,
                    struct fit_row *best, double *time)
{
    struct job *job = fit_outline(f, s, worth);

    if (job)
        take_if_faster(f->query, job, budget, best, time);
    job_free(job);
}

/* The settings of a point with checkpoints of a kind (enum checkpoint). Optimal
 * ones may take `budget` bytes, if memory_budget is not held. */
static struct settings with_checkpoints(const struct fit_query *q,
                                        const struct point *p,
                                        int checkpoint, size_t budget)
{
    struct settings s = p->settings;

    s.checkpoint = checkpoint;
    if (holds_memory_budget(q))
        s.memory_budget = q->settings->memory_budget;
    else if (checkpoint == CHECKPOINT_OPTIMAL)
        s.memory_budget = budget;
    return s;
}

static bool may_have(const struct fit_query *q, int checkpoint)
{
    return !holds_checkpoint(q) || q->settings->checkpoint == checkpoint;
}

/* Whether a point may fit with some checkpoints that it may have. */
static bool may_fit(struct fit_search *f, const struct point *p, size_t budget)
{
    return search_goes_on(f) &&
           (!may_have(f->query, CHECKPOINT_OPTIMAL) ||
            job_may_fit(&p->settings, f->query->machine, &f->cache,
                        p->persisting, budget));
}

/*
 * The fastest way of running a point within the budget, if it is better than
 * the row that is there; `time` is that of the row. Without checkpoints a point
 * is fastest.
 */
static void run_point(struct fit_search *f, const struct point *p,
                      size_t budget, struct fit_row *best, double *time)
{
    const struct fit_query *q = f->query;
    struct settings s;
    struct worth faster;

    for (int c = CHECKPOINT_NONE; c < CHECKPOINT_OPTIMAL; c++) {
        double before = *time;
        if (!may_have(q, c) || (c == CHECKPOINT_NONE && p->peak > budget))
            continue;
        s = with_checkpoints(q, p, c, budget);
        run_way(f, &s, NULL, budget, best, time);
        if (c == CHECKPOINT_NONE && *time < before)
            return;
    }
    if (!may_have(q, CHECKPOINT_OPTIMAL))
        return;
    s = with_checkpoints(q, p, CHECKPOINT_OPTIMAL, budget);
    faster = faster_than(f, *time);
    faster.persisting = p->persisting;
    run_way(f, &s, &faster, budget, best, time);
}

/* Plans settings and keeps them as `least`, if their arena is smaller. */
static bool take_if_smaller(struct fit_search *f, const struct settings *s,
                            size_t persisting, struct fit_row *least)
{
    struct worth smaller_one = { .below = least->arena_bytes,
                                 .persisting = persisting };
    struct job *job = fit_outline(f, s, &smaller_one);
    bool smaller;

    if (!job)
        return false;
    if (!job->plan->arena_bytes)
        plan_place(job->plan);
    smaller = job->plan->arena_bytes < least->arena_bytes;
    if (smaller)
        *least = fit_row_of(f->query, job);
    job_free(job);
    return smaller;
}

/* Without a budget optimal checkpoints are those of a small peak, whose arena
 * may be larger than another's: budgets lead down to the smallest. */
static void run_smallest_optimal(struct fit_search *f, const struct point *p,
                                 struct fit_row *least)
{
    struct settings s = with_checkpoints(f->query, p, CHECKPOINT_OPTIMAL, 0);
    bool smaller;

    take_if_smaller(f, &s, p->persisting, least);
    if (holds_memory_budget(f->query))
        return;
    do {
        s.memory_budget = least->arena_bytes - 1;
        smaller = take_if_smaller(f, &s, p->persisting, least);
    } while (smaller);
}

/* Keeps the smallest way of running a point, if it is smaller than `least`.
 * Optimal checkpoints are the smallest, if nothing holds them. */
static void run_smallest(struct fit_search *f, const struct point *p,
                         struct fit_row *least)
{
    const struct fit_query *q = f->query;
    bool free = !holds_checkpoint(q) && !holds_memory_budget(q);

    for (int c = CHECKPOINT_NONE; !free && c < CHECKPOINT_OPTIMAL; c++) {
        struct settings s = with_checkpoints(q, p, c, 0);
        if (may_have(q, c))
            take_if_smaller(f, &s, p->persisting, least);
    }
    if (may_have(q, CHECKPOINT_OPTIMAL))
        run_smallest_optimal(f, p, least);
}

static int part_size(const struct point *p)
{
    const struct settings *s = &p->settings;

    return s->microbatch ? s->microbatch : s->batch;
}

/* Of points that change as much, those with small parts come first: they tell
 * which routes are too large for others. */
static int by_change(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    int order = change_compare(&x->change, &y->change);

    if (order == 0)
        order = part_size(x) - part_size(y);
    return order ? order : x->order - y->order;
}

/* Those that can be no row come last. */
static int by_time(const void *a, const void *b)
{
    const struct point *x = a, *y = b;

    if (x->open != y->open)
        return y->open - x->open;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->order - y->order;
}

static void add_fit_row(struct fit *fit, const struct fit_row *row)
{
    fit->rows = xrealloc(fit->rows, (unsigned long)fit->count + 1,
                         sizeof(*fit->rows));
    fit->rows[fit->count++] = *row;
}

/* Settings that change more must be faster by as much as can be told. */
static const double noticeable = 0.98;

/* Finds whether a point may fit and may take less than `time`. */
static void examine_point(struct fit_search *f, struct point *p, double time)
{
    size_t budget = f->query->budget;

    bound_point(f, p);
    if (p->floor <= budget)
        outline_point(f, p, time);
    p->open = p->open && p->floor <= budget && p->time < time &&
              may_fit(f, p, budget);
}

/* Goes through points that change as much. Those count that take less
 * than `time`; it becomes what settings of more change must be faster than. */
static void search_change(struct fit_search *f, struct point *points, int count,
                          struct fit *fit, double *time)
{
    struct fit_row best = { .arena_bytes = SIZE_MAX };
    double least = *time;

    for (int i = 0; i < count; i++)
        examine_point(f, &points[i], least);
    qsort(points, (size_t)count, sizeof(*points), by_time);
    for (int i = 0; i < count && points[i].open; i++)
        if (points[i].time < least)
            run_point(f, &points[i], f->query->budget, &best, &least);
    if (best.arena_bytes == SIZE_MAX)
        return;
    *time = noticeable * least;
    add_fit_row(fit, &best);
}

/* A dial that saves nothing goes with all values of the others. Points are
 * without checkpoints, held or not. */
static struct settings without_savings(const struct fit_query *q)
{
    struct settings s = *q->settings;

    for (int i = 0; i < settings_count; i++)
        if (fit_turns(&settings_table[i]) && !is_held(q, &settings_table[i]))
            settings_set(&s, "fit", settings_table[i].name,
                         settings_table[i].saves, NULL);
    s.checkpoint = CHECKPOINT_NONE;
    s.memory_budget = 0;
    return s;
}

static void begin_search(struct fit_search *f, const struct fit_query *q)
{
    struct settings s = without_savings(q);
    struct graph *g = model_build(&s);

    *f = (struct fit_search){ .query = q, .pace = { fit_step_time, q } };
    add_points(f, s, 0, g);
    graph_free(g);
    qsort(f->points, (size_t)f->count, sizeof(*f->points), by_change);
}

static void end_search(struct fit_search *f)
{
    free(f->points);
    job_cache_done(&f->cache);
}

static bool plan_baseline(const struct fit_query *q, struct fit *fit,
                          double *time, struct error *e)
{
    struct settings s = *q->settings;
    struct timings_step step;
    struct job *job;

    settings_save_nothing(&s);
    if (!job_new_on(&job, &s, q->machine, e))
        return false;
    fit->baseline = fit_row_of(q, job);
    step = timings_step(q->timings, job->plan);
    fit->guessed = isnan(step.seconds);
    fit->known = step.known;
    *time = fit_time(q, job->plan);
    job_free(job);
    return true;
}

bool fit_find(struct fit *fit, const struct fit_query *q, struct error *e)
{
    struct fit_search f;
    double time, limit = DBL_MAX;

    *fit = (struct fit){ .count = 0 };
    if (!plan_baseline(q, fit, &time, e))
        return false;
    if (q->most_time > 0)
        limit = nextafter(q->most_time * time, DBL_MAX);
    begin_search(&f, q);
    for (int from = 0, to; from < f.count && !f.stopped &&
                           (!q->most_rows || fit->count < q->most_rows);
         from = to) {
        for (to = from + 1; to < f.count &&
                            change_compare(&f.points[from].change,
                                           &f.points[to].change) == 0;)
            to++;
        search_change(&f, &f.points[from], to - from, fit, &limit);
    }
    fit->complete = !f.stopped;
    fit->plans = f.plans;
    end_search(&f);
    return true;
}

void fit_done(struct fit *fit)
{
    free(fit->rows);
}

/* The open point with the lowest floor, or NULL. */
static struct point *lowest_point(const struct fit_search *f)
{
    struct point *lowest = NULL;

    for (int i = 0; i < f->count; i++) {
        struct point *p = &f->points[i];
        if (p->open && (!lowest || p->floor < lowest->floor))
            lowest = p;
    }
    return lowest;
}

/* Brings a point further: an outline raises its floor, and then its smallest
 * arena is looked for. */
static void lower_least(struct fit_search *f, struct point *p,
                        struct fit_row *least)
{
    if (!p->outlined) {
        outline_point(f, p, DBL_MAX);
        return;
    }
    if (may_fit(f, p, least->arena_bytes - 1))
        run_smallest(f, p, least);
    p->open = false;
}

bool fit_least(struct fit_row *least, const struct fit_query *q)
{
    struct fit_search f;
    struct point *p;

    *least = (struct fit_row){ .arena_bytes = SIZE_MAX };
    begin_search(&f, q);
    for (int i = 0; i < f.count; i++)
        bound_point(&f, &f.points[i]);
    while (!f.stopped && (p = lowest_point(&f)) &&
           p->floor < least->arena_bytes)
        lower_least(&f, p, least);
    end_search(&f);
    return least->arena_bytes < SIZE_MAX;
}

/* A held memory_budget can be below the bytes of all settings. */
static bool refuse_held(const struct fit_query *q, struct error *e)
{
    return error_set(e, EXIT_BUDGET, "memory_budget: the dials reach no "
                     "settings in %llu bytes; raise it, or let go of "
                     "memory_budget or checkpoint",
                     (unsigned long long)q->settings->memory_budget);
}

bool fit_find_obstacle(struct fit_obstacle *o, const struct fit_query *q,
                       struct error *e)
{
    const struct op *op;
    struct job *job;

    if (!fit_least(&o->least, q))
        return q->goes_on && !q->goes_on(q->goes_on_arg)
                   ? error_set(e, EXIT_RUN, "fit: the search was stopped")
                   : refuse_held(q, e);
    if (!job_new_on(&job, &o->least.settings, q->machine, e))
        return false;
    op = schedule_op(job->schedule, job->plan->peak_step);
    living_name_largest(job->plan, o->largest, sizeof(o->largest));
    snprintf(o->step, sizeof(o->step), "%s %s", op_name(op->code),
             job->graph->layers[op->layer].name);
    job_sizes(job, o->sizes, sizeof(o->sizes));
    job_free(job);
    return true;
}

static bool before_moment(void *moment)
{
    return clock_seconds() < *(const double *)moment;
}

bool fit_savings(const struct job *job, size_t bytes,
                 const struct timings *timings, double seconds, char *text,
                 size_t size)
{
    double until = clock_seconds() + seconds;
    struct fit_query q = { .settings = &job->settings,
                           .machine = &job->machine, .budget = bytes,
                           .timings = timings, .most_rows = 1,
                           .goes_on = before_moment, .goes_on_arg = &until };
    struct fit fit;
    bool found = fit_find(&fit, &q, NULL) && fit.count > 0;

    if (found)
        settings_changes(&job->settings, &fit.rows[0].settings, text, size);
    fit_done(&fit);
    return found;
}
