#include "ui/session/queue.h"

#include <string.h>

static void take_out(struct queue *q, int index)
{
    struct queued *at = &q->list[index];

    memmove(at, at + 1, (size_t)(--q->count - index) * sizeof(*at));
}

static int place_in_queue(const struct queue *q, const struct settings *s)
{
    int i = 0;

    while (i < q->count && !settings_same(&q->list[i].settings, s))
        i++;
    return i;
}

bool queue_has(const struct queue *q, const struct settings *s)
{
    return place_in_queue(q, s) < q->count;
}

bool queue_toggle(struct queue *q, const struct queued *run)
{
    int place = place_in_queue(q, &run->settings);

    if (place < q->count) {
        take_out(q, place);
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
