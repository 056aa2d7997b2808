#include "events/news.h"

#include <string.h>

#include "base/clock.h"

/* Seconds between `step` events, at least. */
static const double step_interval = 0.05;

static bool is_step_due(struct news *n, const struct event *e)
{
    double now = clock_seconds();

    n->has_left = now < n->next_step && e->step.step < e->step.steps;
    n->left = *e;
    if (n->has_left)
        return false;
    n->next_step = now + step_interval;
    return true;
}

static bool has_memory_changed(struct news *n, const struct event *e)
{
    if (memcmp(&n->memory.memory, &e->memory, sizeof(e->memory)) == 0)
        return false;
    n->memory = *e;
    return true;
}

/* Whether an event tells of the run as its last step has left it. */
static bool needs_step(const struct event *e)
{
    return e->type == EVENT_DONE || e->type == EVENT_ERROR ||
           e->type == EVENT_SAVED || e->type == EVENT_APPLIED ||
           e->type == EVENT_PAUSED;
}

const struct event *news_before(struct news *n, const struct event *e)
{
    if (!n->has_left || !needs_step(e))
        return NULL;
    n->has_left = false;
    return &n->left;
}

bool news_are(struct news *n, const struct event *e)
{
    switch (e->type) {
    case EVENT_STEP:
        return is_step_due(n, e);
    case EVENT_MEMORY:
        return has_memory_changed(n, e);
    case EVENT_START:
    case EVENT_APPLIED: /* a plan's first step and its memory are told */
        *n = (struct news){ .memory = { .type = EVENT_MEMORY } };
        return true;
    default:
        return true;
    }
}
