#include "events/news.h"

#include <string.h>

#include "base/clock.h"

/* Seconds between `step` events, at least. */
static const double step_interval = 0.05;

static bool is_step_due(struct news *n, const struct event *e)
{
    double now = clock_seconds();

    if (now < n->next_step && e->step.step < e->step.steps)
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
