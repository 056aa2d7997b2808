#include "ui/session/queue.h"

#include <string.h>

static void take_out(struct queue *q, int index)
{
    struct queued *at = &q->list[index];

    memmove(at, at + 1, (size_t)(--q->count - index) * sizeof(*at));
}

bool queue_toggle(struct queue *q, const struct queued *run)
{
    for (int i = 0; i < q->count; i++)
        if (settings_same(&q->list[i].settings, &run->settings)) {
            take_out(q, i);
            return true;
        }
    if (q->count == QUEUE_MOST)
        return false;
    q->list[q->count++] = *run;
    return true;
}

bool queue_take(struct queue *q, struct queued *first)
{
    if (q->count == 0)
        return false;
    *first = q->list[0];
    take_out(q, 0);
    return true;
}
