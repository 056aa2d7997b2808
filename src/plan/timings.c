#include "plan/timings.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plan/roofline.h"

/* Of one operation; and measurements that a mean remembers. */
enum { TIMINGS_MOST = 2048, MEAN_MOST = 8 };

/* Squares of doublings: a call this near adds nothing; the distance below which
 * all calls count the same. */
static const double near = 0.05, close_by = 0.01;

/* Seconds that no clock tells from none. */
static const double clock_tells = 1e-9;

struct prediction {
    double seconds;
    bool known;          /* from calls of the same kind */
};

struct remembered {
    uint64_t hash;       /* of a call; 0: the place is free */
    struct prediction it;
};

/* Open addressing; the room is a power of two. */
struct timings_memo {
    pthread_mutex_t lock;
    struct remembered *list;
    unsigned long room, count;
    double overall;      /* factor of all that is known; 0: not found yet */
};

static struct timings_memo *memo_new(void)
{
    struct timings_memo *m = xcalloc(1, sizeof(*m));

    pthread_mutex_init(&m->lock, NULL);
    m->room = 1024;
    m->list = xcalloc(m->room, sizeof(*m->list));
    return m;
}

static void memo_free(struct timings_memo *m)
{
    pthread_mutex_destroy(&m->lock);
    free(m->list);
    free(m);
}

static void memo_forget(struct timings_memo *m)
{
    m->overall = 0;
    if (m->count == 0)
        return;
    free(m->list);
    m->list = xcalloc(m->room, sizeof(*m->list));
    m->count = 0;
}

/* The place of a hash, or the free one where it belongs. */
static struct remembered *memo_place(struct timings_memo *m, uint64_t hash)
{
    unsigned long i = hash & (m->room - 1);

    while (m->list[i].hash && m->list[i].hash != hash)
        i = (i + 1) & (m->room - 1);
    return &m->list[i];
}

static void memo_grow(struct timings_memo *m)
{
    struct remembered *old = m->list;
    unsigned long room = m->room;

    m->room *= 2;
    m->list = xcalloc(m->room, sizeof(*m->list));
    for (unsigned long i = 0; i < room; i++)
        if (old[i].hash)
            *memo_place(m, old[i].hash) = old[i];
    free(old);
}

static void memo_keep(struct timings_memo *m, uint64_t hash,
                      struct prediction it)
{
    if (2 * m->count >= m->room)
        memo_grow(m);
    *memo_place(m, hash) = (struct remembered){ hash, it };
    m->count++;
}

struct timings *timings_new(const struct backend *backend)
{
    struct timings *t = xcalloc(1, sizeof(*t));

    t->holders = 1;
    t->backend = backend;
    t->memo = memo_new();
    return t;
}

struct timings *timings_hold(struct timings *t)
{
    if (t)
        t->holders++;
    return t;
}

void timings_free(struct timings *t)
{
    if (!t || --t->holders > 0)
        return;
    for (int op = 0; op < OP_COUNT; op++)
        free(t->of[op].list);
    memo_free(t->memo);
    free(t);
}

int timings_count(const struct timings *t)
{
    return t->count;
}

static struct timing *find_timing(const struct timing_list *l,
                                  const struct timed_call *call)
{
    for (int i = 0; i < l->count; i++)
        if (timed_call_same(&l->list[i].call, call))
            return &l->list[i];
    return NULL;
}

static int at_most(int count, int most)
{
    return count < most ? count : most;
}

/* Moves a mean, by logarithms, towards new measurements. */
static void refine(struct timing *known, const struct timing *new)
{
    double n = at_most(known->count, MEAN_MOST);
    double m = at_most(new->count, MEAN_MOST);

    known->seconds = exp((n * log(known->seconds) + m * log(new->seconds)) /
                         (n + m));
    known->count = at_most((int)(n + m), MEAN_MOST);
}

static bool has_near(const struct timing_list *l,
                     const struct timed_call *call)
{
    for (int i = 0; i < l->count; i++)
        if (timed_call_apart(&l->list[i].call, call) == 0 &&
            timed_call_doublings(&l->list[i].call, call) < near)
            return true;
    return false;
}

void timings_put(struct timings *t, const struct timing *timing)
{
    struct timing_list *l = &t->of[timed_call_op(&timing->call)];
    struct timing *known = find_timing(l, &timing->call), new = *timing;

    new.seconds = fmax(new.seconds, clock_tells);
    memo_forget(t->memo);
    if (known) {
        refine(known, &new);
    } else if (l->count < TIMINGS_MOST) {
        l->list = xgrow(l->list, l->count, sizeof(*l->list));
        l->list[l->count++] = new;
        t->count++;
    }
}

void timings_add(struct timings *t, enum op_code op, const struct call *c,
                 double seconds)
{
    struct timing new = { timed_call_of(op, c), roofline_call(op, c), seconds,
                          1 };

    timings_put(t, &new);
}

void timings_add_overhead(struct timings *t, double seconds)
{
    double n = at_most(t->overhead_count, MEAN_MOST - 1);

    t->overhead = (n * t->overhead + fmax(seconds, 0)) / (n + 1);
    t->overhead_count = (int)n + 1;
}

void timings_merge(struct timings *t, const struct timings *from)
{
    for (int op = 0; op < OP_COUNT; op++)
        for (int i = 0; i < from->of[op].count; i++) {
            const struct timing *new = &from->of[op].list[i];
            if (find_timing(&t->of[op], &new->call) ||
                !has_near(&t->of[op], &new->call))
                timings_put(t, new);
        }
    if (from->overhead_count)
        timings_add_overhead(t, from->overhead);
}

struct timings *timings_copy(const struct timings *from)
{
    struct timings *t = timings_new(from->backend);

    timings_fill(t, from);
    return t;
}

void timings_fill(struct timings *t, const struct timings *from)
{
    for (int op = 0; op < OP_COUNT; op++)
        for (int i = 0; i < from->of[op].count; i++)
            if (!find_timing(&t->of[op], &from->of[op].list[i].call))
                timings_put(t, &from->of[op].list[i]);
    if (!t->overhead_count && from->overhead_count)
        timings_add_overhead(t, from->overhead);
}

/* The mean logarithm of the factors of calls of the nearest kind, each with the
 * weight of its inverse distance to the fourth power (Shepard, 1968). NAN:
 * there is no call. Sets how far that kind is. */
static double mean_factor(const struct timing_list *l,
                          const struct timed_call *call, double *nearest)
{
    double sum = 0, weights = 0;

    *nearest = INFINITY;
    for (int i = 0; i < l->count; i++) {
        const struct timing *k = &l->list[i];
        double apart = timed_call_apart(&k->call, call), distance, weight;
        if (apart > *nearest)
            continue;
        if (apart < *nearest)
            sum = weights = 0;
        *nearest = apart;
        distance = apart + timed_call_doublings(&k->call, call) + close_by;
        weight = 1 / (distance * distance);
        sum += weight * log(k->seconds / k->guess);
        weights += weight;
    }
    return weights > 0 ? exp(sum / weights) : NAN;
}

static struct prediction predict(const struct timings *t, enum op_code op,
                                 const struct call *c,
                                 const struct timed_call *call)
{
    const struct timing_list *l = &t->of[op];
    const struct timing *known = find_timing(l, call);
    double factor, nearest;

    if (known)
        return (struct prediction){ known->seconds, true };
    factor = mean_factor(l, call, &nearest);
    return (struct prediction){ factor * roofline_call(op, c), nearest == 0 };
}

static struct prediction recall(const struct timings *t, enum op_code op,
                                const struct call *c)
{
    struct timed_call call = timed_call_of(op, c);
    uint64_t hash = timed_call_hash(&call) | 1;
    const struct remembered *r = memo_place(t->memo, hash);
    struct prediction new;

    if (r->hash)
        return r->it;
    new = predict(t, op, c, &call);
    memo_keep(t->memo, hash, new);
    return new;
}

double timings_call(const struct timings *t, enum op_code op,
                    const struct call *c)
{
    struct prediction p;

    if (!t)
        return NAN;
    pthread_mutex_lock(&t->memo->lock);
    p = recall(t, op, c);
    pthread_mutex_unlock(&t->memo->lock);
    return p.seconds;
}

static bool is_of_backend(const struct timings *t, const struct plan *plan)
{
    return strcmp(t->backend->name, plan->backend->name) == 0;
}

double timings_plan_call(const struct timings *t, const struct plan *plan,
                         int step)
{
    struct call call = plan_mean_call(plan, step);

    return t && is_of_backend(t, plan)
               ? timings_call(t, schedule_op(plan->schedule, step)->code,
                              &call) : NAN;
}

/* The factor by which guesses err on all that is known. */
static double find_overall(const struct timings *t)
{
    double seconds = 0, guesses = 0;

    for (int op = 0; op < OP_COUNT; op++)
        for (int i = 0; i < t->of[op].count; i++) {
            seconds += t->of[op].list[i].seconds;
            guesses += t->of[op].list[i].guess;
        }
    return seconds / guesses;
}

static double recall_overall(const struct timings *t)
{
    if (!t->memo->overall)
        t->memo->overall = find_overall(t);
    return t->memo->overall;
}

/* A step in all its repetitions. The overall factor corrects the guess for an
 * operation that was never measured. */
static struct prediction recall_plan_step(const struct timings *t,
                                          const struct plan *plan, int step)
{
    enum op_code op = schedule_op(plan->schedule, step)->code;
    struct call call = plan_mean_call(plan, step);
    struct prediction p = recall(t, op, &call);

    if (isnan(p.seconds))
        p.seconds = roofline_call(op, &call) * recall_overall(t);
    p.seconds *= plan_repetitions(plan, step);
    return p;
}

static struct timings_step add_up(const struct timings *t,
                                  const struct plan *plan)
{
    const struct schedule *s = plan->schedule;
    const struct program_steps *steps = &s->program[PROGRAM_TRAIN];
    double sum = 0, known = 0, overhead = 0;

    for (int i = steps->begin; i < steps->end; i++) {
        struct prediction p = recall_plan_step(t, plan, i);

        sum += p.seconds;
        known += p.known ? p.seconds : 0;
        overhead += plan_repetitions(plan, i) * t->overhead;
    }
    return (struct timings_step){ sum + overhead, known / sum };
}

bool timings_know(const struct timings *t, const struct plan *plan)
{
    return t && t->count > 0 && is_of_backend(t, plan);
}

struct timings_step timings_step(const struct timings *t,
                                 const struct plan *plan)
{
    struct timings_step step = { NAN, 0 };

    if (!timings_know(t, plan))
        return step;
    pthread_mutex_lock(&t->memo->lock);
    step = add_up(t, plan);
    pthread_mutex_unlock(&t->memo->lock);
    return step;
}

double timings_plan_step(const struct timings *t, const struct plan *plan,
                         int step)
{
    struct prediction p;

    pthread_mutex_lock(&t->memo->lock);
    p = recall_plan_step(t, plan, step);
    pthread_mutex_unlock(&t->memo->lock);
    return p.seconds + plan_repetitions(plan, step) * t->overhead;
}

double timings_step_seconds(const struct timings *t, const struct plan *plan)
{
    return timings_step(t, plan).seconds;
}
