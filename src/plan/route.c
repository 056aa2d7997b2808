#include "plan/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Whether an operation is of training's forward pass. */
static bool is_forward(const struct op *op)
{
    return op->pass == PASS_FORWARD && op->programs & IN_TRAIN;
}

/* One past the last forward operation. */
static int forward_end(const struct graph *g)
{
    int end = 0;

    for (int i = 0; i < g->op_count; i++)
        if (is_forward(&g->ops[i]))
            end = i + 1;
    return end;
}

int *route_block_cuts(const struct graph *g, int *count)
{
    int end = forward_end(g);
    int *cuts = xcalloc((unsigned long)end + 1, sizeof(*cuts));

    *count = 0;
    cuts[(*count)++] = 0;
    for (int i = 1; i < end; i++)
        if (g->ops[i].pass == PASS_FORWARD && g->ops[i].begins_block)
            cuts[(*count)++] = i;
    cuts[*count] = end;
    return cuts;
}

struct route *route_new(int *cuts, int stage_count)
{
    struct route *r = xcalloc(1, sizeof(*r));

    r->cuts = cuts;
    r->stage_count = stage_count;
    return r;
}

void route_free(struct route *r)
{
    if (!r)
        return;
    free(r->cuts);
    free(r->legs);
    free(r);
}

void route_add(struct route *r, int stage, bool backward)
{
    if (r->leg_count % 64 == 0)
        r->legs = xrealloc(r->legs, (unsigned long)r->leg_count + 64,
                           sizeof(*r->legs));
    r->legs[r->leg_count++] = (struct leg){ stage, backward };
}

static void go_forward(struct route *r, int from, int to)
{
    for (int i = from; i < to; i++)
        route_add(r, i, false);
}

static void go_backward(struct route *r, int from, int to)
{
    for (int i = to - 1; i >= from; i--)
        route_add(r, i, true);
}

static struct route *over_blocks(const struct graph *g)
{
    int count;
    int *cuts = route_block_cuts(g, &count);

    return route_new(cuts, count);
}

struct route *route_straight(const struct graph *g)
{
    int *cuts = xcalloc(2, sizeof(*cuts));
    struct route *r = route_new(cuts, 1);

    cuts[1] = forward_end(g);
    go_forward(r, 0, 1);
    go_backward(r, 0, 1);
    return r;
}

/* Each segment of `length` stages runs again and then backward; the last one
 * needs no second run. */
static void in_segments(struct route *r, int length)
{
    int n = r->stage_count;
    int last = (n - 1) / length * length;

    go_forward(r, 0, n);
    go_backward(r, last, n);
    for (int from = last - length; from >= 0; from -= length) {
        go_forward(r, from, from + length);
        go_backward(r, from, from + length);
    }
}

struct route *route_blocks(const struct graph *g)
{
    struct route *r = over_blocks(g);

    in_segments(r, 1);
    return r;
}

struct route *route_sqrt(const struct graph *g)
{
    struct route *r = over_blocks(g);
    int length = 1;

    while (length * length < r->stage_count)
        length++;
    in_segments(r, length);
    return r;
}

/* The number of stages that can be reversed with `slots` checkpoints besides
 * the input if none runs more than `runs` times: (slots + runs choose slots).
 */
static long reach(int slots, int runs)
{
    long n = 1;

    for (int i = 1; i <= slots && n < 1L << 40; i++)
        n = n * (runs + i) / i;
    return n;
}

/* Goes backward through [from, to), whose input is kept. */
static void revolve(struct route *r, int from, int to, int slots)
{
    int runs = 0, checkpoint;

    if (to - from == 1) {
        route_add(r, from, false);
        route_add(r, from, true);
        return;
    }
    if (slots == 0) {
        for (int end = to; end > from; end--) {
            go_forward(r, from, end);
            route_add(r, end - 1, true);
        }
        return;
    }
    while (reach(slots, runs) < to - from)
        runs++;
    /* Stages before the checkpoint keep all slots but may run one time less;
     * stages after it have one slot less. */
    checkpoint = from + (int)reach(slots, runs - 1);
    if (checkpoint >= to)
        checkpoint = to - 1;
    go_forward(r, from, checkpoint);
    revolve(r, checkpoint, to, slots - 1);
    revolve(r, from, checkpoint, slots);
}

struct route *route_recursive(const struct graph *g)
{
    struct route *r = over_blocks(g);
    int slots = 0;

    while (reach(slots, slots) < r->stage_count)
        slots++;
    revolve(r, 0, r->stage_count, slots);
    return r;
}

static bool has_same_legs(const struct route *a, const struct route *b)
{
    for (int i = 0; i < a->leg_count; i++)
        if (a->legs[i].stage != b->legs[i].stage ||
            a->legs[i].backward != b->legs[i].backward)
            return false;
    return true;
}

static bool is_same_route(const struct route *a, const struct route *b)
{
    return a->stage_count == b->stage_count && a->leg_count == b->leg_count &&
           memcmp(a->cuts, b->cuts, ((size_t)a->stage_count + 1) *
                                        sizeof(*a->cuts)) == 0 &&
           has_same_legs(a, b);
}

void routes_add(struct routes *r, struct route *route)
{
    for (int i = 0; i < r->count; i++)
        if (is_same_route(r->list[i].route, route)) {
            route_free(route);
            return;
        }
    r->list = xgrow(r->list, r->count, sizeof(*r->list));
    r->list[r->count++] = (struct route_known){ route, NULL, 0 };
}

void routes_learn(struct routes *r, int route, const struct extents *most,
                  size_t bytes)
{
    struct route_known *known = &r->list[route];

    if (routes_know(r, route, most))
        return;
    known->bodies = xgrow(known->bodies, known->body_count,
                          sizeof(*known->bodies));
    known->bodies[known->body_count++] = (struct body){ *most, bytes };
}

bool routes_know(const struct routes *r, int route, const struct extents *most)
{
    const struct route_known *known = &r->list[route];

    for (int i = 0; i < known->body_count; i++)
        if (extents_equal(&known->bodies[i].most, most))
            return true;
    return false;
}

static bool is_within(const struct extents *a, const struct extents *b)
{
    for (int i = 0; i < EXTENT_COUNT; i++)
        if (a->of[i] > b->of[i])
            return false;
    return true;
}

size_t routes_least(const struct routes *r, int route,
                    const struct extents *most)
{
    const struct route_known *known = &r->list[route];
    size_t least = 0;

    for (int i = 0; i < known->body_count; i++)
        if (known->bodies[i].bytes > least &&
            is_within(&known->bodies[i].most, most))
            least = known->bodies[i].bytes;
    return least;
}

void routes_done(struct routes *r)
{
    for (int i = 0; i < r->count; i++) {
        route_free(r->list[i].route);
        free(r->list[i].bodies);
    }
    free(r->list);
}
