#include "train/saver.h"

#include <math.h>

#include "base/clock.h"
#include "train/average.h"
#include "train/snapshot.h"

/* Seconds. */
static const double save_interval = 1; /* between snapshots, at least */
static const double save_retry = 60;   /* after a failure */

/* Snapshots take at most 1 / SAVE_SHARE of the time. */
enum { SAVE_SHARE = 256 };

void saver_init(struct saver *s, const char *path)
{
    *s = (struct saver){ path, -1, clock_seconds() + save_interval };
}

bool saver_is_due(const struct saver *s, const struct trainer *t)
{
    return s->path &&
           (clock_seconds() >= s->next || average_is_due(t));
}

bool saver_save(struct saver *s, struct trainer *t, struct event_sink sink,
                struct error *e)
{
    double began = clock_seconds(), ended;

    if (!s->path || s->saved_step == t->step)
        return true;
    if (!snapshot_save(t, s->path, e)) {
        s->next = clock_seconds() + save_retry;
        return false;
    }
    s->saved_step = t->step;
    sink.emit(sink.arg, &(struct event){ .type = EVENT_SAVED,
                                         .saved = { t->step, s->path } });
    ended = clock_seconds();
    s->next = ended + fmax(save_interval, SAVE_SHARE * (ended - began));
    return true;
}
